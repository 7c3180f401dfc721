//! One result for all who wait, and who is still waiting.

use std::sync::Arc;
use std::time::Duration;

use shuttle::thread;

use super::explorer::{Bounds, explore};
use crate::cache::single_flight::InFlight;
use crate::platform::sync::Instant;

const ALONE: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(20);

/// One thread completes the exchange, one waits, and one may time out: the thread that waits gets the result.
#[test]
fn a_waiter_that_stays_gets_the_result() {
    let bounds = Bounds {
        preemptions: 2,
        mishaps: 2,
    };
    explore(bounds, || {
        let orphan_deadline = Instant::now() + ALONE;
        let in_flight = Arc::new(InFlight::new(0, orphan_deadline));
        let waits = [(); 2].map(|()| {
            let in_flight = in_flight.clone();
            thread::spawn(move || {
                let deadline = Instant::now() + PATIENCE;
                in_flight.join(deadline);
                assert!(in_flight.until() >= deadline, "it goes on for who waits");
                let result = in_flight.wait(PATIENCE);
                in_flight.leave();
                match result {
                    Some(result) => assert_eq!(result, "landed"),
                    None => assert!(Instant::now() >= deadline, "it left before its time"),
                }
            })
        });
        in_flight.complete("landed");
        for wait in waits {
            wait.join().unwrap();
        }
        assert!(in_flight.until() == orphan_deadline, "nobody waits");
        assert_eq!(in_flight.wait(PATIENCE), Some("landed"));
    });
}

/// Two results: the first one is everyone's.
#[test]
fn the_first_result_is_the_only_one() {
    let bounds = Bounds {
        preemptions: 3,
        mishaps: 0,
    };
    explore(bounds, || {
        let in_flight = Arc::new(InFlight::new(0, Instant::now() + ALONE));
        let lands = [1, 2].map(|result| {
            let in_flight = in_flight.clone();
            thread::spawn(move || in_flight.complete(result))
        });
        let other = {
            let in_flight = in_flight.clone();
            thread::spawn(move || in_flight.wait(PATIENCE))
        };
        let first = in_flight.wait(PATIENCE);
        assert!(first.is_some());
        assert_eq!(other.join().unwrap(), first);
        for complete in lands {
            complete.join().unwrap();
        }
        assert_eq!(in_flight.wait(PATIENCE), first);
    });
}
