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
