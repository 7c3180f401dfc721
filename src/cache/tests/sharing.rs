//! Concurrent callers share one exchange; a caller that leaves does not disturb the others.

use super::*;

#[test]
fn one_cold_question_makes_one_exchange_for_all_who_ask() {
    let fixture = fixture();
    fixture.backend.hold();
    let ask = |at: usize| {
        let session = ["a", "b", "c", "d", "e", "f", "g", "h"][at % 8];
        std::thread::spawn(move || fixture.ask(&viewer(session)).map(drop))
    };
    let threads: Vec<_> = (0..64).map(ask).collect();
    eventually(|| fixture.broker.stats().coalesced == 56);
    fixture.backend.release();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap().unwrap());
    assert_eq!(fixture.backend.begun(), 8);
}

#[test]
fn whoever_leaves_spoils_nothing_for_the_others() {
    for cancelled in [false, true] {
        let fixture = fixture();
        fixture.backend.hold();
        let leader = Call {
            timeout: Duration::from_millis(if cancelled { 20_000 } else { 30 }),
            ..ada()
        };
        let cancels = AtomicBool::new(false);
        // Asked once before the call blocks, and then while it waits.
        let cancel = move || cancelled && cancels.swap(true, Ordering::SeqCst);
        let led = std::thread::spawn(move || fixture.ask_until(&leader, Some(&cancel)).map(drop));
        eventually(|| fixture.broker.stats().exchanges == 1);
        let follower = fixture.ask_elsewhere(&ada());
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
        assert_eq!(fixture.ask(&impatient).unwrap_err().kind(), ErrorKind::Timeout);
        fixture.backend.release();
        follower.join().unwrap().unwrap();
        fixture.ask(&ada()).unwrap();
        assert_eq!(fixture.backend.begun(), 1);
    }
}

#[test]
fn an_exchange_that_nobody_waits_for_is_kept_all_the_same() {
    let fixture = fixture();
    fixture.backend.hold();
    let impatient = Call {
        timeout: Duration::from_millis(10),
        ..ada()
    };
    assert_eq!(fixture.ask(&impatient).unwrap_err().kind(), ErrorKind::Timeout);
    fixture.backend.release();
    eventually(|| fixture.broker.stats().entries == 1);
    fixture.ask(&ada()).unwrap();
    assert_eq!(fixture.backend.begun(), 1);
}

#[test]
fn a_caller_without_time_for_a_newer_token_gets_the_old_one() {
    let fixture = fixture();
    let old = fixture.ask(&ada()).unwrap();
    fixture.backend.advance(3550);
    fixture.backend.hold();
    let impatient = Call {
        timeout: Duration::from_millis(10),
        ..ada()
    };
    assert!(Arc::ptr_eq(&old, &fixture.ask(&impatient).unwrap()));
    let forced = Call {
        timeout: Duration::from_millis(10),
        ..forced()
    };
    assert_eq!(fixture.ask(&forced).unwrap_err().kind(), ErrorKind::Timeout);
    fixture.backend.release();
}

#[test]
fn a_failure_is_shared_by_those_who_waited_and_not_remembered() {
    let fixture = fixture();
    fixture.backend.hold();
    fixture
        .backend
        .script([ScriptedResponse::Failure(failure(ErrorKind::Network))]);
    let waiting = [0, 1, 2].map(|_| fixture.ask_elsewhere(&ada()));
    fixture.backend.release();
    for thread in waiting {
        assert_eq!(thread.join().unwrap().unwrap_err().kind(), ErrorKind::Network);
    }
    fixture.ask(&ada()).unwrap();
    assert_eq!(fixture.backend.begun(), 2);
}

#[test]
fn a_refusal_is_remembered_for_two_seconds() {
    let fixture = fixture();
    fixture.backend.script([
        ScriptedResponse::Failure(refusal(400)),
        ScriptedResponse::Failure(refusal(400)),
        ScriptedResponse::Failure(refusal(400)),
    ]);
    for _ in 0..10 {
        assert_eq!(fixture.ask(&ada()).unwrap_err().http_status(), Some(400));
    }
    assert_eq!(fixture.backend.begun(), 1);
    fixture.backend.advance(2);
    fixture.ask(&ada()).unwrap_err();
    assert_eq!(fixture.backend.begun(), 2);
    fixture.ask(&forced()).unwrap_err();
    assert_eq!(fixture.backend.begun(), 3, "a forced call asks");
    fixture.broker.clear();
    fixture.ask(&ada()).unwrap();
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
        let fixture = fixture();
        fixture.backend.script([
            ScriptedResponse::Token("old", Some(3600)),
            ScriptedResponse::Failure(why.clone()),
        ]);
        fixture.ask(&ada()).unwrap();
        fixture.backend.advance(3550);
        for _ in 0..10 {
            assert_eq!(fixture.name(&ada()), "old", "{why:?}");
        }
        assert_eq!(
            fixture.backend.begun(),
            2,
            "the failure is not asked for again at once"
        );
        fixture.backend.advance(50);
        assert_eq!(fixture.name(&ada()), "token", "over is over");
    }
    let fixture = fixture();
    fixture.backend.script([
        ScriptedResponse::Token("old", Some(3600)),
        ScriptedResponse::Failure(refusal(403)),
    ]);
    fixture.ask(&ada()).unwrap();
    fixture.backend.advance(3550);
    assert_eq!(fixture.ask(&ada()).unwrap_err().http_status(), Some(403));
    assert_eq!(fixture.broker.stats().entries, 0);
}

#[test]
fn a_forced_call_asks_and_its_failure_leaves_the_cached_token() {
    let fixture = fixture();
    fixture.backend.script([
        ScriptedResponse::Token("old", Some(3600)),
        ScriptedResponse::Failure(refusal(403)),
    ]);
    fixture.ask(&ada()).unwrap();
    assert_eq!(fixture.ask(&forced()).unwrap_err().http_status(), Some(403));
    assert_eq!(fixture.name(&ada()), "old");
    fixture
        .backend
        .script([ScriptedResponse::Token("new", Some(3600))]);
    assert_eq!(fixture.name(&forced()), "new");
    assert_eq!(fixture.name(&ada()), "new");
}

#[test]
fn a_forced_call_may_join_an_exchange_and_shares_its_failure() {
    let fixture = fixture();
    fixture.ask(&ada()).unwrap();
    fixture.backend.advance(3550);
    fixture.backend.hold();
    fixture
        .backend
        .script([ScriptedResponse::Failure(failure(ErrorKind::Network))]);
    let soft = fixture.ask_elsewhere(&ada());
    let forced = fixture.ask_elsewhere(&forced());
    fixture.backend.release();
    assert_eq!(soft.join().unwrap().unwrap().access_token(), "token");
    assert_eq!(forced.join().unwrap().unwrap_err().kind(), ErrorKind::Network);
    assert_eq!(fixture.backend.begun(), 2);
}

#[test]
fn an_exchange_that_panics_is_an_error_for_all_and_spoils_nothing() {
    let fixture = fixture();
    fixture.backend.hold();
    fixture.backend.script([ScriptedResponse::Panic]);
    let panics = std::thread::spawn(move || fixture.ask(&ada()).map(drop));
    eventually(|| fixture.broker.stats().exchanges == 1);
    let waiting = fixture.ask_elsewhere(&ada());
    fixture.backend.release();
    assert_eq!(panics.join().unwrap().unwrap_err().kind(), ErrorKind::Internal);
    assert_eq!(waiting.join().unwrap().unwrap_err().kind(), ErrorKind::Internal);
    fixture.ask(&ada()).unwrap();
}
