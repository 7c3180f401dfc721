//! A broken connection never raises SIGPIPE in the host. Only a C program shows this, because Rust and Python ignore
//! SIGPIPE.

mod support;

use connect_standin::{ConnectionOrder, Order, Standin};
use support::host::Host;

#[test]
fn a_c_host_survives_every_way_in_which_a_tls_server_resets_a_connection() {
    let orders = [
        ConnectionOrder::ResetOnAccept,
        ConnectionOrder::ResetDuringHandshake,
        ConnectionOrder::ResetAfterHandshake,
        ConnectionOrder::ResetAfterAnswers(1),
        ConnectionOrder::ResetOnRequestAfterAnswers(1),
        ConnectionOrder::CloseAfterAnswers(1),
    ];
    for order in orders {
        let named = format!("{order:?}");
        let connect = Standin::start_tls();
        let mut host = Host::on(&connect);
        // One attempt, because a retry would hide the failure.
        host.configure(&[("max_attempts", "1")]);
        connect.order_connection(order);
        for _ in 0..3 {
            let outcome = host.call(&["service_account"]);
            let status = &outcome["status"];
            assert!(
                ["CC_OK", "CC_ERR_NETWORK"].contains(&status),
                "{named}: {outcome:?}"
            );
        }
        assert_eq!(host.call(&["sigpipe"])["sigpipe"], *"untouched", "{named}");
        host.ok(&["service_account"]);
    }
}

#[test]
fn a_c_host_survives_a_reset_in_the_middle_of_an_exchange() {
    for reset in [true, false] {
        let connect = Standin::start_tls();
        let mut host = Host::on(&connect);
        // One attempt, because a retry would hide the failure.
        host.configure(&[("max_attempts", "1")]);
        for bytes in [0, 1, 17, 100, 200] {
            connect.order(Order::CutAfter { bytes, reset });
            let outcome = host.call(&["service_account"]);
            assert_eq!(outcome["status"], *"CC_ERR_NETWORK", "{bytes}: {outcome:?}");
        }
        connect.order(Order::ResetBeforeAnswer);
        host.fails(&["service_account"], "CC_ERR_NETWORK");
        host.ok(&["service_account"]);
        assert_eq!(host.call(&["sigpipe"])["sigpipe"], *"untouched");
    }
}

/// The signals of a fault of a thread's own, by their numbers on Linux: SEGV, BUS, ILL, FPE, ABRT, TRAP, SYS.
const SYNCHRONOUS: [u32; 7] = [11, 7, 4, 8, 6, 5, 31];
const SIGINT: u32 = 2;

#[test]
fn a_thread_of_the_library_blocks_the_hosts_signals_but_not_those_of_its_own_faults() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    host.ok(&["service_account"]);
    let held = connect.hold();
    host.call(&["advance", "3400"]);
    // The old token is returned; a thread of the library waits for the new one.
    host.ok(&["service_account"]);
    held.wait_for(1);
    let masks = host.blocked_signals_of_other_threads();
    drop(held);
    assert!(!masks.is_empty());
    for mask in masks {
        let blocked = |signal: u32| mask & (1 << (signal - 1)) != 0;
        assert!(blocked(SIGINT), "{mask:x}");
        assert!(SYNCHRONOUS.into_iter().all(|signal| !blocked(signal)), "{mask:x}");
    }
}
