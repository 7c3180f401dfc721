//! Ordered responses, down to the bytes on the wire.

mod support;

use connect_standin::{Order, Standin};
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::time::{Duration, Instant};
use support::*;

fn ordered(standin: &Standin, order: Order) -> Response {
    standin.order(order);
    exchange(standin, &service_account(standin))
}

/// Returns the bytes received for one exchange, and how the connection ended.
fn wire(standin: &Standin, order: Order) -> (Vec<u8>, std::io::Result<()>) {
    standin.order(order);
    let mut client = Client::connect(standin).expect("accepted");
    client.send_exchange(&service_account(standin)).expect("sent");
    client.rest()
}

#[test]
fn orders_are_carried_out_first_in_first_out_then_the_standing_one() {
    let standin = Standin::start();
    let redirect = |status| Order::Redirect {
        status,
        location: "/elsewhere".to_owned(),
    };
    standin.order_always(Some(redirect(308)));
    standin.order(redirect(301));
    standin.order_times(2, redirect(302));
    let statuses: Vec<u16> = (0..5)
        .map(|_| exchange(&standin, &service_account(&standin)).status)
        .collect();
    assert_eq!(statuses, [301, 302, 302, 308, 308]);

    standin.order_always(None);
    assert_eq!(exchange(&standin, &service_account(&standin)).status, 200);
}

#[test]
fn every_shape_of_failure_can_be_ordered() {
    let standin = Standin::start();
    let text = str::to_owned;

    let answer = ordered(
        &standin,
        Order::ConnectError {
            status: 403,
            code: 22,
            error: text("No."),
        },
    );
    assert_eq!(
        (answer.status, answer.json()),
        (403, json!({"code": 22, "error": "No.", "payload": null}))
    );

    let answer = ordered(
        &standin,
        Order::OldConnectError {
            status: 400,
            error_code: 212,
            error_message: text("None."),
        },
    );
    assert_eq!(
        (answer.status, answer.json()),
        (400, json!({"error_code": 212, "error_message": "None."}))
    );

    let error = Order::OAuthError {
        status: 400,
        error: text("invalid_grant"),
        description: None,
        uri: Some(text("urn:x")),
    };
    let answer = ordered(&standin, error);
    assert_eq!(
        (answer.status, answer.json()),
        (400, json!({"error": "invalid_grant", "error_uri": "urn:x"}))
    );

    let answer = ordered(
        &standin,
        Order::RetryAfter {
            status: 503,
            value: text("7"),
        },
    );
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("7")));

    let headers = vec![(text("Content-Type"), text("text/html"))];
    let answer = ordered(
        &standin,
        Order::Raw {
            status: 502,
            headers,
            body: b"<h1>Bad gateway</h1>".to_vec(),
        },
    );
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (502, Some("text/html"))
    );
    assert_eq!(answer.body, "<h1>Bad gateway</h1>");
    assert!(answer.header("x-request-id").is_some());

    let answer = ordered(&standin, Order::Success(json!([1])));
    assert_eq!((answer.status, answer.json()), (200, json!([1])));
}

#[test]
fn a_token_can_have_any_expires_in() {
    let standin = Standin::start();
    for expires_in in [Value::Null, json!("300"), json!(1.5), json!(0)] {
        let answer = ordered(
            &standin,
            Order::Token {
                expires_in: expires_in.clone(),
            },
        );
        assert!(answer.token().starts_with("sa-"));
        assert_eq!(answer.json().get("expires_in"), Some(&expires_in));
    }
}

#[test]
fn an_echo_repeats_the_key_and_the_subject_token() {
    let standin = Standin::start();
    let answer = ordered(&standin, Order::Echo { status: 500 });
    assert_eq!(answer.status, 500);
    assert!(answer.body.contains(standin.api_key()) && answer.body.contains(standin.content_token()));
}

#[test]
fn a_delayed_answer_is_the_ordered_one_or_the_ordinary() {
    let standin = Standin::start();
    let start = Instant::now();
    let then = Some(Box::new(Order::Redirect {
        status: 301,
        location: String::new(),
    }));
    assert_eq!(
        ordered(
            &standin,
            Order::Delay {
                milliseconds: 30,
                then
            }
        )
        .status,
        301
    );
    assert_eq!(
        ordered(
            &standin,
            Order::Delay {
                milliseconds: 30,
                then: None
            }
        )
        .status,
        200
    );
    assert!(start.elapsed() >= Duration::from_millis(60));
}

#[test]
fn a_dripped_answer_is_whole_and_slow() {
    let standin = Standin::start();
    let start = Instant::now();
    let answer = ordered(&standin, Order::Drip { milliseconds: 1 });
    assert!(answer.token().starts_with("sa-"));
    let bytes = u32::try_from(answer.head.len() + answer.body.len()).expect("small");
    assert!(start.elapsed() >= Duration::from_millis(1) * (bytes - 1));
}

#[test]
fn a_silent_server_keeps_the_connection_open() {
    let standin = Standin::start();
    standin.order(Order::Silent);
    let mut silent = Client::connect(&standin).expect("accepted");
    silent.send_exchange(&service_account(&standin)).expect("sent");
    // When the next exchange has its response, the silent one would have had one too.
    while standin.exchanges() == 0 {
        std::thread::yield_now();
    }
    assert_eq!(exchange(&standin, &service_account(&standin)).status, 200);
    drop(standin);
    let (bytes, _) = silent.rest();
    assert!(bytes.is_empty());
}

#[test]
fn a_connection_closed_or_reset_before_the_answer_carries_nothing() {
    for standin in [Standin::start(), Standin::start_tls()] {
        let (bytes, end) = wire(&standin, Order::CloseBeforeAnswer);
        assert_eq!((bytes.len(), end.is_ok()), (0, true), "{end:?}");

        let (bytes, end) = wire(&standin, Order::ResetBeforeAnswer);
        assert_eq!(bytes.len(), 0);
        assert_eq!(end.expect_err("reset").kind(), ErrorKind::ConnectionReset);
        assert_eq!(standin.exchanges(), 2);
    }
}

#[test]
fn an_answer_can_be_cut_at_every_byte() {
    for standin in [Standin::start(), Standin::start_tls()] {
        let answer = exchange(&standin, &service_account(&standin));
        let whole = answer.head.len() + answer.body.len();
        for bytes in (1..whole).step_by(whole / 9).chain([whole]) {
            let (received, end) = wire(&standin, Order::CutAfter { bytes, reset: false });
            assert_eq!((received.len(), end.is_ok()), (bytes, true), "{end:?}");

            let (received, end) = wire(&standin, Order::CutAfter { bytes, reset: true });
            assert_eq!(received.len(), bytes);
            assert_eq!(end.expect_err("reset").kind(), ErrorKind::ConnectionReset);
        }
    }
}

#[test]
fn any_bytes_can_come_in_place_of_an_answer() {
    for standin in [Standin::start(), Standin::start_tls()] {
        let bytes = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(10_000);
        let (received, end) = wire(&standin, Order::Bytes(bytes.clone()));
        assert!(
            received == bytes && end.is_ok(),
            "{} bytes, {end:?}",
            received.len()
        );
    }
}

#[test]
fn an_endless_answer_goes_on_while_others_are_served() {
    let standin = Standin::start();
    standin.order(Order::Endless);
    let mut endless = Client::connect(&standin).expect("accepted");
    endless.send_exchange(&service_account(&standin)).expect("sent");
    let head = endless.receive().expect("a head").head;
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    assert_eq!(exchange(&standin, &service_account(&standin)).status, 200);
}

#[test]
fn bytes_can_come_without_end_while_others_are_served() {
    const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
    for standin in [Standin::start(), Standin::start_tls()] {
        standin.order(Order::BytesForever {
            bytes: CONTINUE.to_vec(),
        });
        let mut endless = Client::connect(&standin).expect("accepted");
        endless.send_exchange(&service_account(&standin)).expect("sent");
        for _ in 0..20_000 {
            assert_eq!(endless.receive().expect("a head").head.as_bytes(), CONTINUE);
        }
        assert_eq!(exchange(&standin, &service_account(&standin)).status, 200);
    }
}
