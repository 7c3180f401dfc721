//! One result for all who wait, and who is still waiting.

use std::sync::Arc;
use std::time::Duration;

use shuttle::thread;

use crate::explorer::{Bounds, explore};
use crate::flight::Flight;
use crate::sync::Instant;

const ALONE: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(20);

/// One lands, one waits without leaving, one may leave in vain: who stays has the result.
pub fn who_stays_gets_the_result() {
    let bounds = Bounds {
        preemptions: 2,
        mishaps: 2,
    };
    explore(bounds, || {
        let alone_until = Instant::now() + ALONE;
        let flight = Arc::new(Flight::new(0, alone_until));
        let waits = [(); 2].map(|()| {
            let flight = flight.clone();
            thread::spawn(move || {
                let deadline = Instant::now() + PATIENCE;
                flight.join(deadline);
                assert!(flight.until() >= deadline, "it goes on for who waits");
                let result = flight.wait(PATIENCE);
                flight.leave();
                match result {
                    Some(result) => assert_eq!(result, "landed"),
                    None => assert!(Instant::now() >= deadline, "it left before its time"),
                }
            })
        });
        flight.land("landed");
        for wait in waits {
            wait.join().unwrap();
        }
        assert!(flight.until() == alone_until, "nobody waits");
        assert_eq!(flight.wait(PATIENCE), Some("landed"));
    });
}

/// Two results: the first one is everyone's.
pub fn the_first_result_is_the_only_one() {
    let bounds = Bounds {
        preemptions: 3,
        mishaps: 0,
    };
    explore(bounds, || {
        let flight = Arc::new(Flight::new(0, Instant::now() + ALONE));
        let lands = [1, 2].map(|result| {
            let flight = flight.clone();
            thread::spawn(move || flight.land(result))
        });
        let other = {
            let flight = flight.clone();
            thread::spawn(move || flight.wait(PATIENCE))
        };
        let first = flight.wait(PATIENCE);
        assert!(first.is_some());
        assert_eq!(other.join().unwrap(), first);
        for land in lands {
            land.join().unwrap();
        }
        assert_eq!(flight.wait(PATIENCE), first);
    });
}
