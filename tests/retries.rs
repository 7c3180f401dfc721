//! Which failures are retried, and the deadline of a call, from C.

mod support;

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant, SystemTime};

use connect_standin::{ConnectionOrder, Order, Standin};
use support::host::{Host, Outcome};

/// Far above what a loaded machine needs, and far below what a call that ignored its deadline would take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Starts a host whose every call makes an exchange with `connect`.
fn host_on(connect: &Standin, settings: &[(&str, &str)]) -> Host {
    let mut host = Host::on(connect);
    host.configure(settings);
    host
}

fn status(status: u16) -> Order {
    Order::Raw {
        status,
        headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
        body: b"Busy\n".to_vec(),
    }
}

fn oauth(error: &str) -> Order {
    Order::OAuthError {
        status: 400,
        error: error.to_owned(),
        description: None,
        uri: None,
    }
}

fn busy_for(value: &str) -> Order {
    Order::RetryAfter {
        status: 503,
        value: value.to_owned(),
    }
}

/// Returns the outcome of a call, which must not take longer than [`PATIENCE`].
#[track_caller]
fn promptly(host: &mut Host, words: &[&str]) -> Outcome {
    let began = Instant::now();
    let outcome = host.call(words);
    assert!(began.elapsed() < PATIENCE, "{:?}: {outcome:?}", began.elapsed());
    outcome
}

#[track_caller]
fn assert_told(outcome: &Outcome, status: &str, http_status: &str, retryable: &str) {
    assert_eq!(
        (&outcome["status"], &outcome["http_status"], &outcome["retryable"]),
        (status, http_status, retryable),
        "{outcome:?}"
    );
}

// Retried failures

#[test]
fn transient_failures_are_attempted_three_times() {
    let connect = Standin::start();
    let mut host = host_on(&connect, &[]);
    let mut orders: Vec<_> = [408, 429, 500, 502, 503, 504].map(status).into();
    orders.extend(["temporarily_unavailable", "server_error"].map(oauth));
    orders.extend([Order::CloseBeforeAnswer, Order::ResetBeforeAnswer]);
    orders.push(Order::CutAfter {
        bytes: 100,
        reset: false,
    });
    for order in orders {
        connect.reset_counts();
        connect.order_times(2, order.clone());
        host.ok(&["service_account"]);
        assert_eq!(connect.exchanges(), 3, "{order:?}");
    }
}

#[test]
fn after_three_attempts_the_last_error_is_told() {
    let connect = Standin::start();
    let mut host = host_on(&connect, &[]);
    for code in [500, 504, 502] {
        connect.order(status(code));
    }
    assert_told(
        &host.call(&["service_account"]),
        "CC_ERR_BAD_RESPONSE",
        "502",
        "1",
    );
    assert_eq!(connect.exchanges(), 3);
    host.ok(&["service_account"]);
    assert_eq!(connect.exchanges(), 4);

    for _ in 0..3 {
        connect.order(oauth("temporarily_unavailable"));
    }
    let outcome = host.call(&["service_account"]);
    assert_told(&outcome, "CC_ERR_REFUSED", "400", "1");
    assert_eq!(outcome["oauth_code"], *"temporarily_unavailable");
    assert_eq!(connect.exchanges(), 7);
}

#[test]
fn each_attempt_sends_the_same_request() {
    let connect = Standin::start();
    connect.order_times(2, status(503));
    host_on(&connect, &[]).ok(&["viewer", &connect.viewer_token("ada")]);
    let requests = connect.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|request| *request == requests[0]));
}

#[test]
fn permanent_failures_are_attempted_once() {
    let connect = Standin::start();
    let mut host = host_on(&connect, &[]);
    let refused = |status| Order::ConnectError {
        status,
        code: 22,
        error: "No.".to_owned(),
    };
    let cases = [400, 401, 402, 403, 404]
        .map(|status| (refused(status), "CC_ERR_REFUSED"))
        .into_iter()
        .chain(["invalid_request", "invalid_grant"].map(|code| (oauth(code), "CC_ERR_REFUSED")))
        .chain([501, 505].map(|code| (status(code), "CC_ERR_BAD_RESPONSE")))
        .chain([(status(200), "CC_ERR_BAD_RESPONSE")])
        .chain([(Order::Bytes(b"garbage\r\n\r\n".to_vec()), "CC_ERR_BAD_RESPONSE")]);
    for (order, expected) in cases {
        connect.reset_counts();
        host.call(&["clear"]); // A refusal is cached for two seconds.
        connect.order(order.clone());
        let outcome = host.call(&["service_account"]);
        assert_eq!(outcome["status"], *expected, "{order:?}: {outcome:?}");
        assert_eq!(outcome["retryable"], *"0", "{order:?}: {outcome:?}");
        assert_eq!(connect.exchanges(), 1, "{order:?}");
    }
}

#[test]
fn the_number_of_attempts_can_be_set() {
    let connect = Standin::start();
    let mut host = host_on(&connect, &[]);
    connect.order_always(Some(status(503)));
    for (setting, attempts) in [("1", 1), ("2", 2), ("5", 5), ("0", 3)] {
        connect.reset_counts();
        host.ok(&["set", "max_attempts", setting]);
        assert_told(
            &host.call(&["service_account"]),
            "CC_ERR_BAD_RESPONSE",
            "503",
            "1",
        );
        assert_eq!(connect.exchanges(), attempts, "{setting}");
    }
}

#[test]
fn a_connection_that_fails_is_attempted_again() {
    for connect in [Standin::start(), Standin::start_tls()] {
        for order in [
            ConnectionOrder::ResetOnAccept,
            ConnectionOrder::ResetDuringHandshake,
        ] {
            connect.order_connection(order);
            connect.order_connection(order);
            host_on(&connect, &[]).ok(&["service_account"]);
        }
        assert_eq!((connect.connections(), connect.exchanges()), (6, 2));
    }
}

#[test]
fn a_kept_connection_that_is_found_dead_costs_no_failure() {
    for connect in [Standin::start(), Standin::start_tls()] {
        for order in [
            ConnectionOrder::CloseAfterAnswers(1),
            ConnectionOrder::ResetAfterAnswers(1),
            ConnectionOrder::ResetOnRequestAfterAnswers(1),
        ] {
            connect.reset_counts();
            let mut host = host_on(&connect, &[("max_attempts", "1")]);
            connect.order_connection(order);
            for _ in 0..3 {
                host.ok(&["service_account"]);
            }
            assert_eq!(connect.connections(), 2, "{order:?}");
        }
    }
}

#[test]
fn a_server_that_resets_every_connection_is_not_retried_endlessly() {
    let connect = Standin::start();
    let mut host = host_on(&connect, &[]);
    for _ in 0..20 {
        connect.order_connection(ConnectionOrder::ResetOnRequestAfterAnswers(0));
    }
    assert_told(
        &promptly(&mut host, &["service_account"]),
        "CC_ERR_NETWORK",
        "0",
        "1",
    );
    assert_eq!(connect.connections(), 3);
}

// Retry-After

#[test]
fn a_time_that_the_server_asks_for_is_kept_when_it_fits() {
    let connect = Standin::start();
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(2));
    for value in ["1", &date] {
        connect.reset_counts();
        let mut host = host_on(&connect, &[]);
        connect.order(busy_for(value));
        let began = Instant::now();
        host.ok(&["service_account"]);
        // A date has whole seconds, and the clock has a fraction.
        assert!(
            began.elapsed() >= Duration::from_millis(900),
            "{value}: {:?}",
            began.elapsed()
        );
        assert_eq!(connect.exchanges(), 2, "{value}");
    }
}

#[test]
fn a_time_that_does_not_fit_is_told_at_once() {
    let connect = Standin::start();
    let mut host = host_on(&connect, &[]);
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(600));
    for (value, status) in [("60", 503), ("60", 429), (&date, 503)] {
        connect.reset_counts();
        connect.order(Order::RetryAfter {
            status,
            value: value.to_owned(),
        });
        let outcome = promptly(&mut host, &["service_account"]);
        assert_told(&outcome, "CC_ERR_BAD_RESPONSE", &status.to_string(), "1");
        let told: i64 = outcome["retry_after_ms"].parse().expect("a number");
        let expected = if value == "60" {
            60_000..=60_000
        } else {
            500_000..=600_000
        };
        assert!(expected.contains(&told), "{value}: {told}");
        assert_eq!(connect.exchanges(), 1, "{value}");
    }
    // The wait fits into the process's timeout but not into this call's.
    host.ok(&["set", "timeout_ms", "1500"]);
    connect.reset_counts();
    connect.order(busy_for("10"));
    let outcome = promptly(&mut host, &["service_account"]);
    assert_eq!(outcome["retry_after_ms"], *"10000");
    assert_eq!(connect.exchanges(), 1);
}

#[test]
fn a_time_that_makes_no_sense_is_as_if_the_server_had_not_said() {
    let connect = Standin::start();
    let mut host = host_on(&connect, &[]);
    for value in ["soon", "-5", "1.5", "", "Thu, 99 Foo 2026 00:00:00 GMT", "0x10"] {
        connect.reset_counts();
        connect.order(busy_for(value));
        host.ok(&["service_account"]);
        assert_eq!(connect.exchanges(), 2, "{value}");
        host.ok(&["set", "max_attempts", "1"]);
        connect.order(busy_for(value));
        assert_eq!(
            host.call(&["service_account"])["retry_after_ms"],
            *"-1",
            "{value}"
        );
        host.ok(&["set", "max_attempts", "0"]);
    }
    // Any number of seconds can be reported.
    host.ok(&["set", "max_attempts", "1"]);
    for (value, least) in [
        ("0", 0),
        ("99999999999999999999999", -1),
        ("9223372036854775807", -1),
    ] {
        connect.order(busy_for(value));
        let told: i64 = host.call(&["service_account"])["retry_after_ms"]
            .parse()
            .expect("a number");
        assert!(told >= least, "{value}: {told}");
    }
}

// Timeouts

#[test]
fn an_attempt_that_takes_too_long_is_made_again() {
    let connect = Standin::start();
    let mut host = host_on(&connect, &[("attempt_timeout_ms", "1000")]);
    for order in [Order::Silent, Order::Drip { milliseconds: 200 }] {
        connect.reset_counts();
        connect.order(order.clone());
        host.ok(&["service_account"]);
        assert_eq!(connect.exchanges(), 2, "{order:?}");
    }
    host.ok(&["set", "attempt_timeout_ms", "500"]);
    for order in [Order::Silent, Order::Drip { milliseconds: 100 }, Order::Endless] {
        connect.reset_counts();
        // An endless response exceeds the size limit first.
        let (expected, attempts) = match order {
            Order::Endless => (["CC_ERR_BAD_RESPONSE", "CC_ERR_TIMEOUT"], 1..=3),
            _ => (["CC_ERR_TIMEOUT"; 2], 3..=3),
        };
        connect.order_always(Some(order.clone()));
        let outcome = promptly(&mut host, &["service_account"]);
        assert!(expected.contains(&&outcome["status"]), "{order:?}: {outcome:?}");
        assert!(attempts.contains(&connect.exchanges()), "{order:?}");
    }
}

#[test]
fn a_handshake_that_takes_too_long_is_a_network_error() {
    let connect = Standin::start_tls();
    let mut host = host_on(&connect, &[("connect_timeout_ms", "200")]);
    for _ in 0..3 {
        connect.order_connection(ConnectionOrder::SilentHandshake);
    }
    let outcome = promptly(&mut host, &["service_account"]);
    assert_told(&outcome, "CC_ERR_NETWORK", "0", "1");
    let address = connect.url().trim_start_matches("https://").to_owned();
    assert!(outcome["message"].contains(&address), "{outcome:?}");
    assert_eq!((connect.connections(), connect.exchanges()), (3, 0));

    host.ok(&["set", "connect_timeout_ms", "0"]);
    host.ok(&["service_account"]);
}

/// A port that accepts no more connections, because its queue is full.
fn full_port() -> (tokio::net::TcpListener, Vec<TcpStream>, SocketAddr) {
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket can be made");
    socket
        .bind((Ipv4Addr::LOCALHOST, 0).into())
        .expect("a port is free");
    let listener = socket.listen(0).expect("it is bound");
    let address = listener.local_addr().expect("it is bound");
    let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(500));
    let waiting = std::iter::from_fn(|| connect().ok()).take(100).collect();
    (listener, waiting, address)
}

#[test]
fn a_connection_that_does_not_come_about_in_its_time_is_a_network_error() {
    let connect = Standin::start();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    let _in_runtime = runtime.enter();
    let (_listener, _waiting, address) = full_port();
    let mut host = host_on(&connect, &[("connect_timeout_ms", "200")]);
    host.ok(&["set", "server_url", &format!("http://{address}")]);
    let outcome = promptly(&mut host, &["service_account"]);
    assert_told(&outcome, "CC_ERR_NETWORK", "0", "1");
    assert!(outcome["message"].contains("within 200 ms"), "{outcome:?}");
}

#[test]
fn a_request_has_its_own_time_whatever_the_process_has() {
    let connect = Standin::start();
    let mut host = host_on(
        &connect,
        &[("call_timeout_ms", "600000"), ("attempt_timeout_ms", "600000")],
    );
    host.ok(&["set", "timeout_ms", "300"]);
    connect.order(Order::Silent);
    let outcome = promptly(&mut host, &["service_account"]);
    assert_told(&outcome, "CC_ERR_TIMEOUT", "0", "1");
    assert!(outcome["message"].contains("within 300 ms"), "{outcome:?}");

    // And longer than the process's timeout.
    let mut host = host_on(&connect, &[("call_timeout_ms", "300")]);
    connect.order(Order::Silent);
    let outcome = promptly(&mut host, &["service_account"]);
    assert!(outcome["message"].contains("within 300 ms"), "{outcome:?}");
    host.call(&["clear"]); // The exchange may continue; the next call must not wait for it.
    host.ok(&["set", "timeout_ms", "20000"]);
    connect.order(Order::Delay {
        milliseconds: 1000,
        then: None,
    });
    host.ok(&["service_account"]);
}

#[test]
fn a_deadline_between_attempts_gives_the_last_error_and_one_within_names_it() {
    let connect = Standin::start();
    connect.order_always(Some(status(503)));
    let mut between = 0;
    for _ in 0..3 {
        let mut host = host_on(&connect, &[("max_attempts", "1000")]);
        host.ok(&["set", "timeout_ms", "1500"]);
        let outcome = promptly(&mut host, &["service_account"]);
        // Attempts are short and pauses long, but the deadline may pass in either.
        assert!(outcome["message"].contains("503"), "{outcome:?}");
        if outcome["status"] == *"CC_ERR_BAD_RESPONSE" {
            assert_told(&outcome, "CC_ERR_BAD_RESPONSE", "503", "1");
            between += 1;
        } else {
            assert_told(&outcome, "CC_ERR_TIMEOUT", "0", "1");
        }
    }
    assert_ne!(between, 0);
}

#[test]
fn a_deadline_within_an_attempt_is_a_time_out_that_names_the_attempt_before() {
    let connect = Standin::start();
    let mut host = host_on(&connect, &[("call_timeout_ms", "2000")]);
    connect.order(Order::ConnectError {
        status: 502,
        code: 7,
        error: "The first failure.".to_owned(),
    });
    connect.order_always(Some(Order::Silent));
    let outcome = promptly(&mut host, &["service_account"]);
    assert_told(&outcome, "CC_ERR_TIMEOUT", "0", "1");
    assert!(outcome["message"].contains("within 2000 ms"), "{outcome:?}");
    assert!(outcome["message"].contains("The first failure."), "{outcome:?}");
    assert_eq!(connect.exchanges(), 2);
}

#[test]
fn a_caller_can_cancel_while_the_server_is_silent_and_between_attempts() {
    let connect = Standin::start();
    for (order, exchanges) in [
        (Order::Silent, 1),
        (busy_for("15"), 1),
        (Order::Drip { milliseconds: 500 }, 1),
    ] {
        connect.reset_counts();
        connect.order_always(Some(order.clone()));
        let mut host = host_on(&connect, &[]);
        host.ok(&["set", "cancel_at_poll", "6"]);
        let began = Instant::now();
        let outcome = host.call(&["service_account"]);
        assert_told(&outcome, "CC_ERR_CANCELLED", "0", "0");
        // Six polls take at most 600 ms; the wait would have been 8 to 15 seconds.
        assert!(
            began.elapsed() < Duration::from_secs(7),
            "{order:?}: {:?}",
            began.elapsed()
        );
        assert_eq!(connect.exchanges(), exchanges, "{order:?}");
    }
    // Attempts without end, and the pauses between them.
    connect.order_always(Some(status(503)));
    let mut host = host_on(&connect, &[("max_attempts", "1000")]);
    host.ok(&["set", "cancel_at_poll", "12"]);
    assert_told(
        &promptly(&mut host, &["service_account"]),
        "CC_ERR_CANCELLED",
        "0",
        "0",
    );
}

#[test]
fn a_setting_takes_effect_for_later_exchanges_and_zero_is_the_default_again() {
    let connect = Standin::start();
    let mut host = host_on(&connect, &[]);
    host.ok(&["service_account"]);
    host.ok(&["set", "call_timeout_ms", "300"]);
    connect.order(Order::Silent);
    let outcome = promptly(&mut host, &["service_account"]);
    assert!(outcome["message"].contains("within 300 ms"), "{outcome:?}");
    host.call(&["clear"]); // The exchange may continue; the next call must not wait for it.
    host.ok(&["set", "call_timeout_ms", "0"]);
    connect.order(Order::Delay {
        milliseconds: 1000,
        then: None,
    });
    host.ok(&["service_account"]);

    host.ok(&["set", "max_attempts", "1"]);
    host.ok(&["set", "attempt_timeout_ms", "300"]);
    connect.order(Order::Silent);
    let outcome = promptly(&mut host, &["service_account"]);
    assert_eq!(outcome["status"], *"CC_ERR_TIMEOUT");
    assert!(outcome["message"].contains("within 300 ms"), "{outcome:?}");
    host.call(&["clear"]);
    host.ok(&["set", "attempt_timeout_ms", "0"]);
    connect.order(Order::Delay {
        milliseconds: 1000,
        then: None,
    });
    host.ok(&["service_account"]);
}

#[test]
fn a_server_that_was_silent_a_moment_ago_is_given_the_time_of_one_attempt_until_it_answers() {
    const SILENT: &str = "did not respond to an earlier call a moment ago";
    let connect = Standin::start();
    let other = Standin::start();
    let mut host = Host::on(&connect);
    for (name, value) in [("call_timeout_ms", "1500"), ("attempt_timeout_ms", "400")] {
        host.ok(&["set", name, value]);
    }
    let [ada, bob, cyd] = ["ada", "bob", "cyd"].map(|who| connect.viewer_token(who));
    let timed = |host: &mut Host, words: &[&str]| {
        let began = Instant::now();
        let message = host.fails(words, "CC_ERR_TIMEOUT");
        (began.elapsed(), message)
    };
    connect.order_always(Some(Order::Silent));

    let (first, message) = timed(&mut host, &["viewer", &ada]);
    assert!(first >= Duration::from_millis(1100), "three attempts: {first:?}");
    assert!(!message.contains(SILENT), "{message}");

    connect.reset_counts();
    let (second, message) = timed(&mut host, &["viewer", &bob]);
    assert!(second < first, "{second:?}");
    assert!(
        message.contains(SILENT) && message.contains("400 ms"),
        "{message}"
    );
    assert_eq!(connect.exchanges(), 1);

    // A forced call and another server are not affected.
    host.call(&["request"]);
    host.ok(&["set", "force_refresh", "1"]);
    let (forced, message) = timed(&mut host, &["viewer", &ada]);
    assert!(forced >= Duration::from_millis(1100), "{forced:?}");
    assert!(!message.contains(SILENT), "{message}");
    host.call(&["request"]);
    host.ok(&["set", "server_url", &other.url()]);
    host.ok(&["set", "api_key", other.api_key()]);
    other.order_always(Some(Order::Silent));
    let (elsewhere, message) = timed(&mut host, &["viewer", &ada]);
    assert!(elsewhere >= Duration::from_millis(1100), "{elsewhere:?}");
    assert!(!message.contains(SILENT), "{message}");

    // An answer ends it.
    host.call(&["request"]);
    connect.order_always(None);
    host.ok(&["viewer", &cyd]);
    connect.order_always(Some(Order::Silent));
    host.call(&["forget", &ada]);
    let (last, message) = timed(&mut host, &["viewer", &bob]);
    assert!(last >= Duration::from_millis(1100), "{last:?}");
    assert!(!message.contains(SILENT), "{message}");
}

#[test]
fn a_server_that_answers_with_errors_until_the_deadline_is_not_a_silent_one() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    for (name, value) in [
        ("call_timeout_ms", "600"),
        ("attempt_timeout_ms", "200"),
        ("max_attempts", "1000"),
    ] {
        host.ok(&["set", name, value]);
    }
    connect.order_always(Some(status(503)));
    let [ada, bob] = ["ada", "bob"].map(|who| connect.viewer_token(who));
    host.call(&["viewer", &ada]);
    connect.order_always(Some(Order::Delay {
        milliseconds: 50,
        then: Some(Box::new(status(503))),
    }));
    let outcome = host.call(&["viewer", &bob]);
    assert!(!outcome["message"].contains("a moment ago"), "{outcome:?}");
}
