//! The cache key separates tokens; dropped tokens leave the cache; statistics count both.

use super::*;

#[test]
fn every_part_of_a_question_tells_it_from_another() {
    let params = |change: fn(&mut ExchangeParams)| {
        let mut params = ExchangeParams::default();
        change(&mut params);
        Call { params, ..ada() }
    };
    let questions = [
        ada(),
        viewer("bob"),
        Call {
            subject_type: "type",
            ..ada()
        },
        Call {
            requested: Some("id_token"),
            ..ada()
        },
        Call {
            requested: Some("di_token"),
            ..ada()
        },
        Call {
            server: "http://other",
            ..ada()
        },
        Call {
            api_key: "other",
            ..ada()
        },
        params(|params| params.set_resource(Some("x".to_owned()))),
        params(|params| params.set_integration(Some("x".to_owned())).unwrap()),
        params(|params| params.set_audience(Some("x".to_owned())).unwrap()),
        params(|params| params.set_scope(Some("x".to_owned()))),
        params(|params| params.set_param("x", Some("y")).unwrap()),
        params(|params| params.set_param("x", Some("z")).unwrap()),
    ];
    let fixture = fixture();
    for _twice in 0..2 {
        questions
            .iter()
            .for_each(|key_ref| drop(fixture.ask(key_ref).unwrap()));
    }
    assert_eq!(fixture.backend.begun(), questions.len());
    assert_eq!(fixture.broker.stats().hits, questions.len() as u64);
}

#[test]
fn the_contents_token_is_told_by_where_it_stands() {
    let fixture = fixture();
    let ambient = |file: &'static str, variable: &'static str| {
        let ask = ada();
        let (file, variable) = (Part::new(file.as_bytes()), Part::new(variable.as_bytes()));
        let key_ref = CacheKeyRef {
            subject: Subject::Ambient { file, variable },
            ..ask.key_ref()
        };
        if fixture
            .broker
            .cached(&key_ref, ask.criteria, EnvSnapshot::take)
            .is_none()
        {
            let options = WaitOptions {
                criteria: ask.criteria,
                timeout: None,
                cancelled: None,
            };
            fixture
                .broker
                .obtain(key_ref.to_key().unwrap(), EnvSnapshot::take(), &options)
                .unwrap();
        }
    };
    for _twice in 0..2 {
        // None of the files is there: no hit reads one.
        for (file, variable) in [("/a", ""), ("/b", ""), ("", "a"), ("", "b"), ("/a", "a")] {
            ambient(file, variable);
        }
    }
    assert_eq!(fixture.backend.begun(), 5);
}

#[test]
fn a_token_dropped_during_its_exchange_reaches_the_waiters_and_is_not_cached() {
    let forgets: [fn(Fixture); 2] = [
        |fixture| fixture.broker.clear(),
        |fixture| fixture.broker.forget_session("ada"),
    ];
    for forget in forgets {
        let fixture = fixture();
        fixture.ask(&ada()).unwrap();
        fixture.backend.advance(3550);
        fixture.backend.hold();
        fixture
            .backend
            .script([ScriptedResponse::Token("waited for", Some(3600))]);
        let waiting = fixture.ask_elsewhere(&ada());
        forget(fixture);
        fixture.backend.release();
        assert_eq!(waiting.join().unwrap().unwrap().access_token(), "waited for");
        assert_eq!(fixture.broker.stats().entries, 0);
        fixture
            .backend
            .script([ScriptedResponse::Token("next", Some(3600))]);
        assert_eq!(fixture.name(&ada()), "next");
    }
}

#[test]
fn invalidating_a_token_leaves_the_exchange_in_progress_to_answer() {
    let fixture = fixture();
    let old = fixture.ask(&ada()).unwrap();
    fixture.backend.hold();
    fixture
        .backend
        .script([ScriptedResponse::Token("newer", Some(3600))]);
    let forced = fixture.ask_elsewhere(&forced());
    assert!(fixture.broker.invalidate(&old));
    let asks_after = fixture.ask_elsewhere(&ada());
    fixture.backend.release();
    for call in [forced, asks_after] {
        assert_eq!(call.join().unwrap().unwrap().access_token(), "newer");
    }
    assert_eq!(fixture.name(&ada()), "newer");
    assert_eq!(fixture.backend.begun(), 2);
}

#[test]
fn only_the_very_token_is_invalidated() {
    let fixture = fixture();
    fixture.backend.script([
        ScriptedResponse::Token("old", Some(3600)),
        ScriptedResponse::Token("new", Some(3600)),
    ]);
    let old = fixture.ask(&ada()).unwrap();
    let new = fixture.ask(&forced()).unwrap();
    assert!(!fixture.broker.invalidate(&old), "a newer one is there");
    assert_eq!(fixture.name(&ada()), "new");
    assert!(fixture.broker.invalidate(&new));
    assert!(!fixture.broker.invalidate(&new));
    assert_eq!(fixture.name(&ada()), "token");
}

#[test]
fn a_viewer_who_leaves_is_forgotten_and_no_one_else() {
    let fixture = fixture();
    let of_ada = Call {
        requested: Some("id_token"),
        ..ada()
    };
    for ask in [&ada(), &of_ada, &viewer("bob")] {
        fixture.ask(ask).unwrap();
    }
    let token = fixture.ask(&ada()).unwrap();
    fixture.broker.forget_session("ada");
    fixture.backend.finish();
    assert_eq!(Arc::strong_count(&token), 1, "the cache let go of it");
    assert_eq!(fixture.broker.stats().entries, 1);
    fixture.ask(&viewer("bob")).unwrap();
    assert_eq!(fixture.backend.begun(), 3);
}

#[test]
fn expired_tokens_are_swept_as_time_passes() {
    let fixture = fixture();
    fixture
        .backend
        .script([ScriptedResponse::Token("brief", Some(100))]);
    let brief = fixture.ask(&viewer("gone")).unwrap();
    fixture.backend.advance(3000);
    fixture.ask(&ada()).unwrap();
    fixture.backend.finish();
    assert_eq!(Arc::strong_count(&brief), 1);
    assert_eq!(
        (fixture.broker.stats().entries, fixture.broker.stats().evictions),
        (1, 0)
    );
}

#[test]
fn the_counts_say_what_happened() {
    let fixture = fixture();
    fixture.backend.script([
        ScriptedResponse::Token("t", Some(3600)),
        ScriptedResponse::Failure(failure(ErrorKind::Network)),
    ]);
    fixture.ask(&ada()).unwrap();
    fixture.ask(&ada()).unwrap();
    fixture.ask(&viewer("bob")).unwrap_err();
    let expected = Stats {
        hits: 1,
        misses: 2,
        exchanges: 2,
        failures: 1,
        entries: 1,
        ..Stats::default()
    };
    assert_eq!(fixture.broker.stats(), expected);
}

#[test]
fn the_log_is_told_why_nothing_was_found() {
    let fixture = fixture();
    let reason = |call: &Call| fixture.broker.miss_reason(&call.key_ref(), call.criteria);
    assert_eq!(reason(&ada()), "no entry");
    assert_eq!(reason(&forced()), "a new token was requested");
    fixture.backend.script([
        ScriptedResponse::Token("t", Some(100)),
        ScriptedResponse::Failure(refusal(400)),
    ]);
    fixture.ask(&ada()).unwrap();
    fixture.ask(&viewer("bob")).unwrap_err();
    assert_eq!(reason(&viewer("bob")), "the server refused recently");
    fixture.backend.advance(95);
    assert_eq!(reason(&ada()), "the token expires too soon");
    fixture.backend.advance(5);
    assert_eq!(reason(&ada()), "the token has expired");

    fixture.backend.hold();
    let eve = fixture.ask_elsewhere(&viewer("eve"));
    assert_eq!(reason(&viewer("eve")), "an exchange is in progress");
    fixture.backend.release();
    eve.join().unwrap().unwrap();
}
