//! When a token serves, when the next one is asked for, and when it ends.

use super::*;

#[test]
fn a_fresh_token_is_given_as_it_is() {
    let scene = scene();
    let token = scene.ask(&ada()).unwrap();
    scene.backend.advance(3200);
    assert!(Arc::ptr_eq(&token, &scene.ask(&ada()).unwrap()));
    assert_eq!(scene.backend.begun(), 1);
}

#[test]
fn inside_the_hard_margin_a_caller_waits_for_a_newer_token() {
    let scene = scene();
    scene
        .backend
        .says([Says::Token("old", Some(3600)), Says::Token("new", Some(3600))]);
    assert_eq!(scene.name(&ada()), "old");
    scene.backend.advance(3540);
    assert_eq!(scene.name(&ada()), "new");
}

#[test]
fn in_the_early_window_hits_are_instant_while_one_exchange_runs() {
    let scene = scene();
    scene
        .backend
        .says([Says::Token("old", Some(3600)), Says::Token("new", Some(3600))]);
    assert_eq!(scene.name(&ada()), "old");
    scene.backend.advance(3301);
    scene.backend.hold();
    for _ in 0..10 {
        assert_eq!(scene.name(&ada()), "old");
    }
    scene.backend.release();
    eventually(|| scene.name(&ada()) == "new");
    assert_eq!(scene.backend.begun(), 2);
    assert!(scene.broker.stats().stale_hits >= 10);
}

#[test]
fn a_failed_early_refresh_leaves_the_token_alone_for_30_seconds() {
    let scene = scene();
    scene.backend.says([
        Says::Token("old", Some(3600)),
        Says::Failure(failure(ErrorKind::Network)),
        Says::Token("new", Some(3600)),
    ]);
    scene.ask(&ada()).unwrap();
    scene.backend.advance(3301);
    scene.name(&ada());
    eventually(|| scene.broker.stats().failures == 1);
    scene.backend.advance(29);
    assert_eq!(scene.name(&ada()), "old");
    assert_eq!(scene.backend.begun(), 2);
    scene.backend.advance(1);
    scene.name(&ada());
    eventually(|| scene.name(&ada()) == "new");
}

#[test]
fn without_background_refresh_the_early_window_is_quiet() {
    let scene = scene();
    scene.ask(&ada()).unwrap();
    scene.backend.advance(3301);
    let _off = config::tests::without_background_refresh();
    scene.name(&ada());
    assert_eq!(scene.backend.begun(), 1);
}

#[test]
fn a_wish_for_validity_is_met_when_the_server_can() {
    let scene = scene();
    scene
        .backend
        .says([Says::Token("old", Some(3600)), Says::Token("new", Some(3600))]);
    scene.ask(&ada()).unwrap();
    scene.backend.advance(1000);
    assert_eq!(scene.name(&valid_for(2600)), "old");
    assert_eq!(scene.name(&valid_for(2601)), "new");
}

#[test]
fn a_wish_that_the_server_can_not_meet_gets_the_best_there_is_without_a_storm() {
    let scene = scene();
    for _ in 0..100 {
        scene.ask(&valid_for(7200)).unwrap();
    }
    assert_eq!(scene.backend.begun(), 1);
    scene.backend.advance(30);
    scene.ask(&valid_for(7200)).unwrap();
    assert_eq!(scene.backend.begun(), 2);
}

#[test]
fn the_same_token_again_is_accepted_and_not_asked_for_on_every_call() {
    let scene = scene();
    scene.backend.says([Says::Token("same", Some(3600))]);
    scene.ask(&ada()).unwrap();
    scene.backend.advance(3580);
    for second in 0..20 {
        scene.backend.says([Says::Token("same", Some(20 - second))]);
        for _ in 0..25 {
            assert_eq!(scene.name(&ada()), "same");
        }
        scene.backend.advance(1);
    }
    assert!(scene.backend.begun() <= 5, "{} exchanges", scene.backend.begun());
    scene.backend.answers.lock().unwrap().clear();
    scene.backend.says([Says::Token("other", Some(3600))]);
    assert_eq!(scene.name(&ada()), "other", "the old one is over");
}

#[test]
fn a_token_that_is_not_to_be_kept_serves_who_asks_within_a_second() {
    for lifetime in [0, -5] {
        let scene = scene();
        scene.backend.says([
            Says::Token("brief", Some(lifetime)),
            Says::Token("next", Some(3600)),
        ]);
        for _ in 0..3 {
            assert_eq!(scene.name(&ada()), "brief");
        }
        scene.backend.advance(1);
        assert_eq!(scene.name(&ada()), "next");
    }
}

#[test]
fn a_token_of_unknown_lifetime_is_kept_as_long_as_configured() {
    let scene = scene();
    scene
        .backend
        .says([Says::Token("unknown", None), Says::Token("next", None)]);
    scene.ask(&ada()).unwrap();
    scene.backend.advance(480);
    assert_eq!(scene.name(&ada()), "unknown");
    scene.backend.advance(120);
    assert_eq!(scene.name(&ada()), "next");
}

#[test]
fn a_refresh_token_renews_and_stays_in_force_until_there_is_another() {
    let scene = scene();
    scene.backend.says([
        Says::Renewable("first", "refresh-1"),
        Says::Token("second", Some(3600)),
        Says::Renewable("third", "refresh-2"),
    ]);
    for _ in 0..4 {
        scene.ask(&forced()).unwrap();
    }
    let renewals = scene.backend.renewals.lock().unwrap();
    let expected = [None, Some("refresh-1"), Some("refresh-1"), Some("refresh-2")];
    assert_eq!(*renewals, expected.map(|token| token.map(ToOwned::to_owned)));
}

#[test]
fn setting_the_wall_clock_back_does_not_revive_a_token() {
    let scene = scene();
    scene.backend.says([
        Says::Token("old", Some(100)),
        Says::Failure(failure(ErrorKind::Network)),
    ]);
    scene.ask(&ada()).unwrap();
    let forward = Moment {
        wall_ms: START.wall_ms + 200_000,
        ..START
    };
    *scene.backend.now.lock().unwrap() = Some(forward);
    scene.ask(&ada()).unwrap_err();
    *scene.backend.now.lock().unwrap() = Some(START);
    assert_eq!(scene.name(&ada()), "token");
}
