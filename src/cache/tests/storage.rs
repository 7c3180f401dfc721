//! What is kept for which question, what is dropped, what is counted.

use super::*;

#[test]
fn every_part_of_a_question_tells_it_from_another() {
    let wanted = |change: fn(&mut ExchangeParams)| {
        let mut wanted = ExchangeParams::default();
        change(&mut wanted);
        Call { wanted, ..ada() }
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
        wanted(|wanted| wanted.set_resource(Some("x".to_owned()))),
        wanted(|wanted| wanted.set_audience(Some("x".to_owned()))),
        wanted(|wanted| wanted.set_scope(Some("x".to_owned()))),
        wanted(|wanted| wanted.set_param("x", Some("y")).unwrap()),
        wanted(|wanted| wanted.set_param("x", Some("z")).unwrap()),
    ];
    let scene = scene();
    for _twice in 0..2 {
        questions
            .iter()
            .for_each(|key_ref| drop(scene.ask(key_ref).unwrap()));
    }
    assert_eq!(scene.backend.begun(), questions.len());
    assert_eq!(scene.broker.stats().hits, questions.len() as u64);
}

#[test]
fn the_contents_token_is_told_by_where_it_stands() {
    let scene = scene();
    let ambient = |file: &'static str, variable: &'static str| {
        let ask = ada();
        let (file, variable) = (Part::new(file.as_bytes()), Part::new(variable.as_bytes()));
        let key_ref = CacheKeyRef {
            subject: Subject::Ambient { file, variable },
            ..ask.key_ref()
        };
        if scene
            .broker
            .cached(&key_ref, ask.criteria, EnvSnapshot::take)
            .is_none()
        {
            let options = WaitOptions {
                criteria: ask.criteria,
                timeout: None,
                cancelled: None,
            };
            scene
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
    assert_eq!(scene.backend.begun(), 5);
}

#[test]
fn what_is_forgotten_while_it_is_fetched_goes_to_those_who_wait_and_is_not_kept() {
    let forgets: [fn(Scene); 2] = [
        |scene| scene.broker.clear(),
        |scene| scene.broker.forget_session("ada"),
    ];
    for forget in forgets {
        let scene = scene();
        scene.ask(&ada()).unwrap();
        scene.backend.advance(3550);
        scene.backend.hold();
        scene.backend.says([Says::Token("waited for", Some(3600))]);
        let waiting = scene.ask_elsewhere(&ada());
        forget(scene);
        scene.backend.release();
        assert_eq!(waiting.join().unwrap().unwrap().access_token(), "waited for");
        assert_eq!(scene.broker.stats().entries, 0);
        scene.backend.says([Says::Token("next", Some(3600))]);
        assert_eq!(scene.name(&ada()), "next");
    }
}

#[test]
fn invalidating_a_token_leaves_the_exchange_in_progress_to_answer() {
    let scene = scene();
    let old = scene.ask(&ada()).unwrap();
    scene.backend.hold();
    scene.backend.says([Says::Token("newer", Some(3600))]);
    let forced = scene.ask_elsewhere(&forced());
    assert!(scene.broker.invalidate(&old));
    let asks_after = scene.ask_elsewhere(&ada());
    scene.backend.release();
    for call in [forced, asks_after] {
        assert_eq!(call.join().unwrap().unwrap().access_token(), "newer");
    }
    assert_eq!(scene.name(&ada()), "newer");
    assert_eq!(scene.backend.begun(), 2);
}

#[test]
fn only_the_very_token_is_invalidated() {
    let scene = scene();
    scene
        .backend
        .says([Says::Token("old", Some(3600)), Says::Token("new", Some(3600))]);
    let old = scene.ask(&ada()).unwrap();
    let new = scene.ask(&forced()).unwrap();
    assert!(!scene.broker.invalidate(&old), "a newer one is there");
    assert_eq!(scene.name(&ada()), "new");
    assert!(scene.broker.invalidate(&new));
    assert!(!scene.broker.invalidate(&new));
    assert_eq!(scene.name(&ada()), "token");
}

#[test]
fn a_viewer_who_leaves_is_forgotten_and_no_one_else() {
    let scene = scene();
    let of_ada = Call {
        requested: Some("id_token"),
        ..ada()
    };
    for ask in [&ada(), &of_ada, &viewer("bob")] {
        scene.ask(ask).unwrap();
    }
    let token = scene.ask(&ada()).unwrap();
    scene.broker.forget_session("ada");
    assert_eq!(Arc::strong_count(&token), 1, "the cache let go of it");
    assert_eq!(scene.broker.stats().entries, 1);
    scene.ask(&viewer("bob")).unwrap();
    assert_eq!(scene.backend.begun(), 3);
}

#[test]
fn what_has_expired_is_swept_as_time_passes() {
    let scene = scene();
    scene.backend.says([Says::Token("brief", Some(100))]);
    let brief = scene.ask(&viewer("gone")).unwrap();
    scene.backend.advance(3000);
    scene.ask(&ada()).unwrap();
    assert_eq!(Arc::strong_count(&brief), 1);
    assert_eq!(
        (scene.broker.stats().entries, scene.broker.stats().evictions),
        (1, 0)
    );
}

#[test]
fn the_counts_say_what_happened() {
    let scene = scene();
    scene.backend.says([
        Says::Token("t", Some(3600)),
        Says::Failure(failure(ErrorKind::Network)),
    ]);
    scene.ask(&ada()).unwrap();
    scene.ask(&ada()).unwrap();
    scene.ask(&viewer("bob")).unwrap_err();
    let expected = Stats {
        hits: 1,
        misses: 2,
        exchanges: 2,
        failures: 1,
        entries: 1,
        ..Stats::default()
    };
    assert_eq!(scene.broker.stats(), expected);
}
