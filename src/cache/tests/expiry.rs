//! When a token serves, when the next one is asked for, and when it ends.

use super::*;

#[test]
fn a_fresh_token_is_given_as_it_is() {
    let fixture = fixture();
    let token = fixture.ask(&ada()).unwrap();
    fixture.backend.advance(3200);
    assert!(Arc::ptr_eq(&token, &fixture.ask(&ada()).unwrap()));
    assert_eq!(fixture.backend.begun(), 1);
}

#[test]
fn inside_the_hard_margin_a_caller_waits_for_a_newer_token() {
    let fixture = fixture();
    fixture.backend.script([
        ScriptedResponse::Token("old", Some(3600)),
        ScriptedResponse::Token("new", Some(3600)),
    ]);
    assert_eq!(fixture.name(&ada()), "old");
    fixture.backend.advance(3540);
    assert_eq!(fixture.name(&ada()), "new");
}

#[test]
fn in_the_early_window_hits_are_instant_while_one_exchange_runs() {
    let fixture = fixture();
    fixture.backend.script([
        ScriptedResponse::Token("old", Some(3600)),
        ScriptedResponse::Token("new", Some(3600)),
    ]);
    assert_eq!(fixture.name(&ada()), "old");
    fixture.backend.advance(3301);
    fixture.backend.hold();
    for _ in 0..10 {
        assert_eq!(fixture.name(&ada()), "old");
    }
    fixture.backend.release();
    eventually(|| fixture.name(&ada()) == "new");
    assert_eq!(fixture.backend.begun(), 2);
    assert!(fixture.broker.stats().stale_hits >= 10);
}

#[test]
fn a_failed_early_refresh_leaves_the_token_alone_for_30_seconds() {
    let fixture = fixture();
    fixture.backend.script([
        ScriptedResponse::Token("old", Some(3600)),
        ScriptedResponse::Failure(failure(ErrorKind::Network)),
        ScriptedResponse::Token("new", Some(3600)),
    ]);
    fixture.ask(&ada()).unwrap();
    fixture.backend.advance(3301);
    fixture.name(&ada());
    eventually(|| fixture.broker.stats().failures == 1);
    fixture.backend.advance(29);
    assert_eq!(fixture.name(&ada()), "old");
    assert_eq!(fixture.backend.begun(), 2);
    fixture.backend.advance(1);
    fixture.name(&ada());
    eventually(|| fixture.name(&ada()) == "new");
}

#[test]
fn without_background_refresh_the_early_window_is_quiet() {
    let fixture = fixture();
    fixture.ask(&ada()).unwrap();
    fixture.backend.advance(3301);
    let _off = config::tests::without_background_refresh();
    fixture.name(&ada());
    assert_eq!(fixture.backend.begun(), 1);
}

#[test]
fn a_wish_for_validity_is_met_when_the_server_can() {
    let fixture = fixture();
    fixture.backend.script([
        ScriptedResponse::Token("old", Some(3600)),
        ScriptedResponse::Token("new", Some(3600)),
    ]);
    fixture.ask(&ada()).unwrap();
    fixture.backend.advance(1000);
    assert_eq!(fixture.name(&valid_for(2600)), "old");
    assert_eq!(fixture.name(&valid_for(2601)), "new");
}

#[test]
fn a_wish_that_the_server_can_not_meet_gets_the_best_there_is_without_a_storm() {
    let fixture = fixture();
    for _ in 0..100 {
        fixture.ask(&valid_for(7200)).unwrap();
    }
    assert_eq!(fixture.backend.begun(), 1);
    fixture.backend.advance(30);
    fixture.ask(&valid_for(7200)).unwrap();
    assert_eq!(fixture.backend.begun(), 2);
}

#[test]
fn the_same_token_again_is_accepted_and_not_asked_for_on_every_call() {
    let fixture = fixture();
    fixture
        .backend
        .script([ScriptedResponse::Token("same", Some(3600))]);
    fixture.ask(&ada()).unwrap();
    fixture.backend.advance(3580);
    for second in 0..20 {
        fixture
            .backend
            .script([ScriptedResponse::Token("same", Some(20 - second))]);
        for _ in 0..25 {
            assert_eq!(fixture.name(&ada()), "same");
        }
        fixture.backend.advance(1);
    }
    assert!(
        fixture.backend.begun() <= 5,
        "{} exchanges",
        fixture.backend.begun()
    );
    fixture.backend.answers.lock().unwrap().clear();
    fixture
        .backend
        .script([ScriptedResponse::Token("other", Some(3600))]);
    assert_eq!(fixture.name(&ada()), "other", "the old one is over");
}

#[test]
fn a_token_that_is_not_to_be_kept_serves_who_asks_within_a_second() {
    for lifetime in [0, -5] {
        let fixture = fixture();
        fixture.backend.script([
            ScriptedResponse::Token("brief", Some(lifetime)),
            ScriptedResponse::Token("next", Some(3600)),
        ]);
        for _ in 0..3 {
            assert_eq!(fixture.name(&ada()), "brief");
        }
        fixture.backend.advance(1);
        assert_eq!(fixture.name(&ada()), "next");
    }
}

#[test]
fn a_token_of_unknown_lifetime_is_kept_as_long_as_configured() {
    let fixture = fixture();
    fixture.backend.script([
        ScriptedResponse::Token("unknown", None),
        ScriptedResponse::Token("next", None),
    ]);
    fixture.ask(&ada()).unwrap();
    fixture.backend.advance(480);
    assert_eq!(fixture.name(&ada()), "unknown");
    fixture.backend.advance(120);
    assert_eq!(fixture.name(&ada()), "next");
}

#[test]
fn a_refresh_token_renews_and_stays_in_force_until_there_is_another() {
    let fixture = fixture();
    fixture.backend.script([
        ScriptedResponse::Renewable("first", "refresh-1"),
        ScriptedResponse::Token("second", Some(3600)),
        ScriptedResponse::Renewable("third", "refresh-2"),
    ]);
    for _ in 0..4 {
        fixture.ask(&forced()).unwrap();
    }
    let renewals = fixture.backend.renewals.lock().unwrap();
    let expected = [None, Some("refresh-1"), Some("refresh-1"), Some("refresh-2")];
    assert_eq!(*renewals, expected.map(|token| token.map(ToOwned::to_owned)));
}

#[test]
fn setting_the_wall_clock_back_does_not_revive_a_token() {
    let fixture = fixture();
    fixture.backend.script([
        ScriptedResponse::Token("old", Some(100)),
        ScriptedResponse::Failure(failure(ErrorKind::Network)),
    ]);
    fixture.ask(&ada()).unwrap();
    let forward = Moment {
        wall_ms: START.wall_ms + 200_000,
        ..START
    };
    *fixture.backend.now.lock().unwrap() = Some(forward);
    fixture.ask(&ada()).unwrap_err();
    *fixture.backend.now.lock().unwrap() = Some(START);
    assert_eq!(fixture.name(&ada()), "token");
}
