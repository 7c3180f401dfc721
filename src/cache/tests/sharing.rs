//! What those who ask at the same time share, and who leaves.

use super::*;

#[test]
fn one_cold_question_makes_one_exchange_for_all_who_ask() {
    let scene = scene();
    scene.backend.hold();
    let ask = |at: usize| {
        let session = ["a", "b", "c", "d", "e", "f", "g", "h"][at % 8];
        std::thread::spawn(move || scene.ask(&viewer(session)).map(drop))
    };
    let threads: Vec<_> = (0..64).map(ask).collect();
    eventually(|| scene.broker.stats().coalesced == 56);
    scene.backend.release();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap().unwrap());
    assert_eq!(scene.backend.begun(), 8);
}

#[test]
fn whoever_leaves_spoils_nothing_for_the_others() {
    for cancelled in [false, true] {
        let scene = scene();
        scene.backend.hold();
        let leader = Call {
            timeout: Duration::from_millis(if cancelled { 20_000 } else { 30 }),
            ..ada()
        };
        let cancels = AtomicBool::new(false);
        // Asked once before the call blocks, and then while it waits.
        let cancel = move || cancelled && cancels.swap(true, Ordering::SeqCst);
        let led = std::thread::spawn(move || scene.ask_until(&leader, Some(&cancel)).map(drop));
        eventually(|| scene.broker.stats().exchanges == 1);
        let follower = scene.ask_elsewhere(&ada());
        let expected = if cancelled {
            ErrorKind::Cancelled
        } else {
            ErrorKind::Timeout
        };
        assert_eq!(led.join().unwrap().unwrap_err().kind(), expected);
        let impatient = Call {
            timeout: Duration::from_millis(10),
            ..ada()
        };
        assert_eq!(scene.ask(&impatient).unwrap_err().kind(), ErrorKind::Timeout);
        scene.backend.release();
        follower.join().unwrap().unwrap();
        scene.ask(&ada()).unwrap();
        assert_eq!(scene.backend.begun(), 1);
    }
}

#[test]
fn an_exchange_that_nobody_waits_for_is_kept_all_the_same() {
    let scene = scene();
    scene.backend.hold();
    let impatient = Call {
        timeout: Duration::from_millis(10),
        ..ada()
    };
    assert_eq!(scene.ask(&impatient).unwrap_err().kind(), ErrorKind::Timeout);
    scene.backend.release();
    eventually(|| scene.broker.stats().entries == 1);
    scene.ask(&ada()).unwrap();
    assert_eq!(scene.backend.begun(), 1);
}

#[test]
fn who_has_no_time_for_a_newer_token_gets_the_old_one() {
    let scene = scene();
    let old = scene.ask(&ada()).unwrap();
    scene.backend.advance(3550);
    scene.backend.hold();
    let impatient = Call {
        timeout: Duration::from_millis(10),
        ..ada()
    };
    assert!(Arc::ptr_eq(&old, &scene.ask(&impatient).unwrap()));
    let forced = Call {
        timeout: Duration::from_millis(10),
        ..forced()
    };
    assert_eq!(scene.ask(&forced).unwrap_err().kind(), ErrorKind::Timeout);
    scene.backend.release();
}

#[test]
fn a_failure_is_shared_by_those_who_waited_and_not_remembered() {
    let scene = scene();
    scene.backend.hold();
    scene.backend.says([Says::Failure(failure(ErrorKind::Network))]);
    let waiting = [0, 1, 2].map(|_| scene.ask_elsewhere(&ada()));
    scene.backend.release();
    for thread in waiting {
        assert_eq!(thread.join().unwrap().unwrap_err().kind(), ErrorKind::Network);
    }
    scene.ask(&ada()).unwrap();
    assert_eq!(scene.backend.begun(), 2);
}

#[test]
fn a_refusal_is_remembered_for_two_seconds() {
    let scene = scene();
    scene.backend.says([
        Says::Failure(refusal(400)),
        Says::Failure(refusal(400)),
        Says::Failure(refusal(400)),
    ]);
    for _ in 0..10 {
        assert_eq!(scene.ask(&ada()).unwrap_err().http_status(), Some(400));
    }
    assert_eq!(scene.backend.begun(), 1);
    scene.backend.advance(2);
    scene.ask(&ada()).unwrap_err();
    assert_eq!(scene.backend.begun(), 2);
    scene.ask(&forced()).unwrap_err();
    assert_eq!(scene.backend.begun(), 3, "a forced call asks");
    scene.broker.clear();
    scene.ask(&ada()).unwrap();
}

#[test]
fn a_token_that_lives_outlives_every_failure_but_a_final_refusal() {
    let survives = [
        failure(ErrorKind::Network),
        failure(ErrorKind::Tls),
        failure(ErrorKind::Timeout),
        failure(ErrorKind::BadResponse),
        refusal(500),
        refusal(408),
        refusal(429),
        failure(ErrorKind::Refused).with_response(ResponseFacts {
            http_status: Some(400),
            oauth_code: Some("temporarily_unavailable".to_owned()),
            ..ResponseFacts::default()
        }),
    ];
    for why in survives {
        let scene = scene();
        scene
            .backend
            .says([Says::Token("old", Some(3600)), Says::Failure(why.clone())]);
        scene.ask(&ada()).unwrap();
        scene.backend.advance(3550);
        for _ in 0..10 {
            assert_eq!(scene.name(&ada()), "old", "{why:?}");
        }
        assert_eq!(
            scene.backend.begun(),
            2,
            "the failure is not asked for again at once"
        );
        scene.backend.advance(50);
        assert_eq!(scene.name(&ada()), "token", "over is over");
    }
    let scene = scene();
    scene
        .backend
        .says([Says::Token("old", Some(3600)), Says::Failure(refusal(403))]);
    scene.ask(&ada()).unwrap();
    scene.backend.advance(3550);
    assert_eq!(scene.ask(&ada()).unwrap_err().http_status(), Some(403));
    assert_eq!(scene.broker.stats().entries, 0);
}

#[test]
fn a_forced_call_asks_and_its_failure_leaves_the_cached_token() {
    let scene = scene();
    scene
        .backend
        .says([Says::Token("old", Some(3600)), Says::Failure(refusal(403))]);
    scene.ask(&ada()).unwrap();
    assert_eq!(scene.ask(&forced()).unwrap_err().http_status(), Some(403));
    assert_eq!(scene.name(&ada()), "old");
    scene.backend.says([Says::Token("new", Some(3600))]);
    assert_eq!(scene.name(&forced()), "new");
    assert_eq!(scene.name(&ada()), "new");
}

#[test]
fn a_forced_call_may_join_an_exchange_and_shares_its_failure() {
    let scene = scene();
    scene.ask(&ada()).unwrap();
    scene.backend.advance(3550);
    scene.backend.hold();
    scene.backend.says([Says::Failure(failure(ErrorKind::Network))]);
    let soft = scene.ask_elsewhere(&ada());
    let forced = scene.ask_elsewhere(&forced());
    scene.backend.release();
    assert_eq!(soft.join().unwrap().unwrap().access_token(), "token");
    assert_eq!(forced.join().unwrap().unwrap_err().kind(), ErrorKind::Network);
    assert_eq!(scene.backend.begun(), 2);
}

#[test]
fn an_exchange_that_panics_is_an_error_for_all_and_spoils_nothing() {
    let scene = scene();
    scene.backend.hold();
    scene.backend.says([Says::Panic]);
    let panics = std::thread::spawn(move || scene.ask(&ada()).map(drop));
    eventually(|| scene.broker.stats().exchanges == 1);
    let waiting = scene.ask_elsewhere(&ada());
    scene.backend.release();
    assert_eq!(panics.join().unwrap().unwrap_err().kind(), ErrorKind::Internal);
    assert_eq!(waiting.join().unwrap().unwrap_err().kind(), ErrorKind::Internal);
    scene.ask(&ada()).unwrap();
}
