//! One cache, one exchange under way for each question, whoever comes, goes, forgets or forks.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use shuttle::thread;

use super::explorer::{Bounds, explore, fork, join_background, leave, now};
use super::fixture::{Fixture, Number};
use crate::error::ErrorKind;

/// Longer than between two looks at whether a call is cancelled, shorter than a call's patience.
const A_TICK: Duration = Duration::from_secs(1);

/// A token, or what a mishap brings: it has waited in vain, or there was no thread for the exchange to go on in.
fn assert_fair(answer: Result<Number, ErrorKind>) {
    let fair = matches!(answer, Ok(_) | Err(ErrorKind::Timeout | ErrorKind::Internal));
    assert!(fair, "{answer:?}");
}

/// Three threads ask one question that nobody has asked before: one exchange, and all have its token.
#[test]
fn one_question_is_one_exchange() {
    let bounds = Bounds {
        preemptions: 2,
        mishaps: 0,
    };
    explore(bounds, || {
        let fixture = Fixture::new();
        let others = [(); 2].map(|()| thread::spawn(move || fixture.ask()));
        assert_eq!(fixture.ask(), Ok(1));
        for other in others {
            assert_eq!(other.join().unwrap(), Ok(1));
        }
        assert_eq!((fixture.server.begun(), fixture.cached()), (1, Some(1)));
    });
}

/// A failure goes to all who waited for it, and to nobody who asks later.
#[test]
fn a_failure_is_shared_by_those_who_waited() {
    let bounds = Bounds {
        preemptions: 2,
        mishaps: 0,
    };
    explore(bounds, || {
        let fixture = Fixture::without_tokens();
        let other = thread::spawn(move || (fixture.fail(), fixture.fail()));
        let (first, second) = (fixture.fail(), fixture.fail());
        assert!(first < second);
        let (first, second) = other.join().unwrap();
        assert!(first < second);
        assert_eq!((fixture.server.most_under_way(), fixture.cached()), (1, None));
    });
}

/// Who has waited in vain leaves, also when it makes the exchange. The others go on waiting, the exchange goes on, and
/// when it can not, for want of a thread, they hear of it.
#[test]
fn whoever_leaves_spoils_nothing_for_the_others() {
    for (preemptions, mishaps) in [(0, 2), (1, 1)] {
        explore(Bounds { preemptions, mishaps }, || {
            let fixture = Fixture::new();
            let others = [(); 2].map(|()| thread::spawn(move || fixture.ask()));
            let first = fixture.ask();
            let answers = others.map(|other| other.join().unwrap());
            answers.into_iter().chain([first]).for_each(assert_fair);
            assert!(fixture.server.most_under_way() <= 1);
        });
    }
}

/// A call that is cancelled ends; the exchange that it made goes on in the background, for who waits and to be stored.
#[test]
fn a_cancelled_leader_leaves_its_exchange_to_the_others() {
    for (preemptions, mishaps) in [(2, 1), (1, 2)] {
        let bounds = Bounds { preemptions, mishaps };
        explore(bounds, move || {
            let fixture = Fixture::new();
            let other = thread::spawn(move || fixture.ask());
            let asked = AtomicBool::new(false);
            // Asked once before the call blocks, and then while it waits.
            let answer = fixture.ask_until(Some(&|| asked.swap(true, Ordering::Relaxed)));
            let others = other.join().unwrap();
            join_background();
            if answer != Err(ErrorKind::Cancelled) {
                assert_fair(answer);
            } else if mishaps == 1 && now() < A_TICK {
                // Its own wait was the only one that was in vain.
                assert_eq!((others, fixture.cached()), (Ok(1), Some(1)));
            }
            assert_fair(others);
            assert!(fixture.server.most_under_way() <= 1);
        });
    }
}

/// Whoever asks after a question was forgotten gets what was begun after that; whoever asked before gets an answer.
#[test]
fn what_was_forgotten_under_way_is_not_stored() {
    for forget in [Fixture::clear, Fixture::forget_session] {
        let bounds = Bounds {
            preemptions: 2,
            mishaps: 0,
        };
        explore(bounds, move || {
            let fixture = Fixture::new();
            let other = thread::spawn(move || fixture.ask().expect("a token"));
            let forgets = thread::spawn(move || {
                let begun = fixture.server.begun();
                forget(fixture);
                let number = fixture.ask().expect("a token");
                assert!(number > begun, "begun before it was forgotten");
                assert_eq!(fixture.cached(), Some(number));
            });
            other.join().unwrap();
            forgets.join().unwrap();
            assert!(
                fixture.server.begun() <= 2,
                "one that is forgotten and one that is not"
            );
        });
    }
}

/// A token that is invalidated is gone, with the exchange for the next one: no call that begins later sees either.
#[test]
fn an_invalidated_token_stays_away() {
    let bounds = Bounds {
        preemptions: 3,
        mishaps: 0,
    };
    explore(bounds, || {
        let fixture = Fixture::new();
        assert_eq!(fixture.ask(), Ok(1));
        let other = thread::spawn(move || fixture.ask().expect("a token"));
        fixture.invalidate();
        assert!(fixture.ask().expect("a token") > 1);
        other.join().unwrap();
        assert_eq!((fixture.server.begun(), fixture.cached()), (2, Some(2)));
    });
}

/// In the early window all go on with the old token at once, while one exchange for the next one is made.
#[test]
fn an_aging_token_is_renewed_once_in_the_background() {
    let bounds = Bounds {
        preemptions: 3,
        mishaps: 0,
    };
    explore(bounds, || {
        let fixture = Fixture::new();
        assert_eq!(fixture.ask(), Ok(1));
        fixture.grow_old();
        let other = thread::spawn(move || fixture.ask());
        assert!(matches!(fixture.ask(), Ok(1 | 2)));
        assert!(matches!(other.join().unwrap(), Ok(1 | 2)));
        join_background();
        assert_eq!((fixture.server.begun(), fixture.cached()), (2, Some(2)));
    });
}

/// A child made while others ask and forget has what its parent had stored, or makes an exchange of its own; so has
/// the child's child.
#[test]
fn a_child_made_at_any_moment_works_at_once() {
    let bounds = Bounds {
        preemptions: 3,
        mishaps: 0,
    };
    explore(bounds, || {
        let fixture = Fixture::new();
        thread::spawn(move || fixture.ask());
        thread::spawn(move || fixture.clear());
        fork();
        let (stored, begun) = (fixture.cached(), fixture.server.begun());
        let own = fixture.ask().expect("a token");
        assert_eq!(own, stored.unwrap_or(begun + 1));
        fork();
        assert_eq!(fixture.ask(), Ok(own));
        fixture.clear();
        assert!(fixture.ask().expect("a token") > own);
        leave();
    });
}

/// A call whose cancel callback forks is answered in the child, whether it made the exchange or waited for it.
#[test]
fn a_child_made_by_a_cancel_callback_gets_its_answer() {
    let bounds = Bounds {
        preemptions: 2,
        mishaps: 1,
    };
    explore(bounds, || {
        let fixture = Fixture::new();
        let other = thread::spawn(move || fixture.ask());
        let forked = AtomicBool::new(false);
        let forks = || {
            if !forked.swap(true, Ordering::Relaxed) {
                fork();
            }
            false
        };
        let begun = fixture.server.begun();
        let answer = fixture.ask_until(Some(&forks));
        if forked.load(Ordering::Relaxed) {
            match answer {
                Ok(number) => assert!(number > begun),
                // It had no time left.
                Err(why) => assert!(why == ErrorKind::Timeout && now() > A_TICK),
            }
            leave();
        }
        assert_fair(other.join().unwrap());
    });
}

/// A child made within an exchange, as a mock's function may make one, has the answer at once: those who waited for it
/// are not there, wherever they were.
#[test]
fn a_child_made_within_an_exchange_has_its_answer() {
    let bounds = Bounds {
        preemptions: 2,
        mishaps: 0,
    };
    explore(bounds, || {
        let fixture = Fixture::that_forks();
        let ask = move || {
            // Whoever makes the exchange comes to the end of the call, and nobody else.
            let answer = fixture.ask();
            assert_eq!((answer, fixture.cached()), (Ok(1), Some(1)));
            leave();
        };
        thread::spawn(ask);
        ask();
    });
}
