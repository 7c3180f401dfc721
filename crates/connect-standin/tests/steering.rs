//! Recorded requests, counts, orders, the clock and the status page, from Rust and over HTTP.

mod support;

use connect_standin::{ENDPOINT, Standin};
use serde_json::{Value, json};
use std::thread;
use support::*;

fn manage(standin: &Standin, name: &str, body: Value) -> Response {
    request(
        standin,
        "POST",
        &format!("/__standin__/{name}"),
        "",
        &body.to_string(),
    )
}

fn status(standin: &Standin) -> Value {
    request(standin, "GET", "/__standin__/status.json", "", "").json()
}

#[test]
fn every_request_is_recorded_as_it_came() {
    let standin = Standin::start();
    exchange(&standin, &with(service_account(&standin), "scope", "a b&c"));
    request(&standin, "POST", "/wrong?q=1", "X-Mark: 7\r\n", "hello");

    let [first, second] = standin.requests().try_into().expect("two requests");
    assert_eq!((first.method.as_str(), first.path.as_str()), ("POST", ENDPOINT));
    assert_eq!(
        first.header("Authorization"),
        Some(format!("Key {}", standin.api_key()).as_str())
    );
    assert_eq!(first.param("scope").as_deref(), Some("a b&c"));
    assert_eq!(first.param("audience"), None);
    assert_eq!(first.form().len(), 4);
    assert_eq!(
        (
            second.path.as_str(),
            second.header("x-mark"),
            second.body.as_str()
        ),
        ("/wrong?q=1", Some("7"), "hello")
    );
    assert_eq!(standin.exchanges(), 1);

    standin.reset_counts();
    assert!(standin.requests().is_empty());
    assert_eq!((standin.exchanges(), standin.connections()), (0, 0));
}

#[test]
fn held_answers_wait_until_the_hold_is_dropped() {
    let standin = Standin::start();
    let hold = standin.hold();
    thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| exchange(&standin, &service_account(&standin)).status))
            .collect();
        hold.wait_for(8);
        assert_eq!(standin.exchanges(), 8);
        assert!(clients.iter().all(|client| !client.is_finished()));
        drop(hold);
        assert!(
            clients
                .into_iter()
                .all(|client| client.join().expect("no panic") == 200)
        );
    });
}

#[test]
fn the_environment_is_what_connect_gives_to_content() {
    let names = |standin: &Standin| {
        standin
            .environment()
            .into_iter()
            .map(|(name, _)| name)
            .collect::<Vec<_>>()
    };
    let plain = [
        "POSIT_PRODUCT",
        "CONNECT_SERVER",
        "CONNECT_API_KEY",
        "CONNECT_CONTENT_GUID",
        "CONNECT_CONTENT_SESSION_TOKEN",
    ];
    assert_eq!(names(&Standin::start()), plain);
    assert_eq!(
        names(&Standin::start_tls()),
        [plain.as_slice(), &["SSL_CERT_FILE"]].concat()
    );
}

#[test]
fn managing_counts_as_nothing() {
    let standin = Standin::builder().mount("rsc").start().expect("starts");
    assert_eq!(request(&standin, "GET", "/", "", "").status, 200);
    assert_eq!(
        request(&standin, "GET", "/__standin__/unknown", "", "").status,
        404
    );
    assert_eq!((standin.connections(), standin.requests().len()), (0, 0));

    // A connection that both manages and exchanges is counted once.
    let mut client = Client::connect(&standin).expect("accepted");
    client
        .send("GET", "/__standin__/status.json", "", "")
        .expect("sent");
    client.receive().expect("answered");
    client.exchange(&service_account(&standin)).expect("answered");
    client.exchange(&service_account(&standin)).expect("answered");
    assert_eq!((standin.connections(), standin.exchanges()), (1, 2));
}

#[test]
fn the_status_counts_by_kind_and_shortens_secrets() {
    let standin = Standin::start();
    exchange(&standin, &service_account(&standin));
    exchange(&standin, &viewer(&standin, "ada"));
    exchange(&standin, &with(service_account(&standin), "audience", "<script>"));

    let status = status(&standin);
    assert_eq!(status["issued"], json!({"service account": 1, "viewer": 1}));
    assert_eq!(
        (&status["exchanges"], &status["refusals"], &status["connections"]),
        (&json!(3), &json!(1), &json!(3))
    );
    assert_eq!(status["latest"][1]["answer"], "200 viewer");

    let page = request(&standin, "GET", "/", "", "").body;
    assert!(
        page.contains("audience=&lt;script&gt;") && !page.contains("<script>"),
        "{page}"
    );
    for secret in [standin.content_token(), standin.api_key()] {
        assert!(!page.contains(secret) && !status.to_string().contains(secret));
    }
    let requests = request(&standin, "GET", "/__standin__/requests", "", "").json();
    assert_eq!(requests[0]["body"], standin.requests()[0].body);
}

#[test]
fn orders_come_over_http_as_json() {
    let standin = Standin::start();
    let orders = json!([
        {"order": "oauth_error", "status": 400, "error": "invalid_grant"},
        {"order": "connect_error", "status": 403, "code": 22, "error": "No.", "times": 2},
        {"order": "success", "json": {"access_token": "t"}},
        {"order": "raw", "status": 418, "headers": [["content-type", "text/x"]], "body": {"base64": "aGk="}},
        {"order": "delay", "milliseconds": 1, "then": {"order": "retry_after", "status": 429, "value": "1"}},
        {"order": "bytes", "bytes": "HTTP/1.1 299 Odd\r\ncontent-length: 0\r\n\r\n"},
        {"order": "token"},
        {"always": {"order": "redirect", "status": 307, "location": "/"}},
    ]);
    assert_eq!(manage(&standin, "order", orders).status, 200);
    let answers: Vec<Response> = (0..9)
        .map(|_| exchange(&standin, &service_account(&standin)))
        .collect();
    assert_eq!(
        answers.iter().map(|answer| answer.status).collect::<Vec<_>>(),
        [400, 403, 403, 200, 418, 429, 299, 200, 307]
    );
    assert_eq!(
        (answers[3].token().as_str(), answers[4].body.as_str()),
        ("t", "hi")
    );
    assert_eq!(answers[7].json()["expires_in"], Value::Null);

    manage(&standin, "order", json!({"always": null}));
    assert_eq!(exchange(&standin, &service_account(&standin)).status, 200);

    manage(
        &standin,
        "order",
        json!({"connection": "close_after_answers", "answers": 1}),
    );
    let mut client = Client::connect(&standin).expect("accepted");
    client.exchange(&service_account(&standin)).expect("answered");
    assert!(client.rest().1.is_ok());
}

#[test]
fn bytes_without_end_can_be_ordered_over_http() {
    let standin = Standin::start();
    let head = "HTTP/1.1 299 Odd\r\ncontent-length: 0\r\n\r\n";
    let order = json!({"order": "bytes_forever", "bytes": head});
    assert_eq!(manage(&standin, "order", order).status, 200);
    let mut client = Client::connect(&standin).expect("accepted");
    client.send_exchange(&service_account(&standin)).expect("sent");
    for _ in 0..3 {
        assert_eq!(client.receive().expect("answered").status, 299);
    }
}

#[test]
fn a_wrong_order_is_refused_and_changes_nothing() {
    let standin = Standin::start();
    let silent = json!({"order": "silent"});
    for order in [
        json!("silent"),
        json!({"order": "quiet"}),
        json!({"order": "redirect", "status": 301}),
        json!({"order": "drip", "milliseconds": 1, "then": null}),
        json!({"connection": "reset_after_answers"}),
        json!([silent, {"order": "quiet"}]),
        json!({"always": silent, "times": 2}),
    ] {
        let answer = manage(&standin, "order", order.clone());
        assert_eq!(answer.status, 400, "{order}");
        assert!(answer.json()["error"].is_string());
    }
    assert_eq!(exchange(&standin, &service_account(&standin)).status, 200);
}

#[test]
fn clock_session_token_and_counts_can_be_steered_over_http() {
    let standin = Standin::start();
    let token = exchange(&standin, &viewer(&standin, "ada")).token();
    manage(&standin, "advance", json!({"seconds": 3600}));
    assert_ne!(exchange(&standin, &viewer(&standin, "ada")).token(), token);

    manage(&standin, "rotate", Value::Null);
    assert_eq!(exchange(&standin, &service_account(&standin)).status, 400);

    manage(&standin, "reset", Value::Null);
    assert_eq!(status(&standin)["exchanges"], 0);
}
