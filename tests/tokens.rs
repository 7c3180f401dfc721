//! The tokens that a C program gets, and the requests that the server receives for them.

mod support;

use std::time::{SystemTime, UNIX_EPOCH};

use connect_standin::{Order, Recorded, Standin};
use serde_json::json;
use support::host::{Host, Outcome};

const EXCHANGE: (&str, &str) = ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
const CONTENT: (&str, &str) = ("subject_token_type", "urn:posit:connect:content-session-token");
const USER: (&str, &str) = ("subject_token_type", "urn:posit:connect:user-session-token");
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const API_KEY: &str = "urn:posit:connect:api-key";
const AWS: &str = "urn:ietf:params:aws:token-type:credentials";

fn last_request(connect: &Standin) -> Recorded {
    connect.requests().pop().expect("a request came")
}

/// Asserts that the decoded body of the last request equals `expected`, in this order.
#[track_caller]
fn assert_form(connect: &Standin, expected: &[(&str, &str)]) {
    let form = last_request(connect).form();
    let form: Vec<_> = form
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(form, expected);
}

/// Asserts that the token expires in this many seconds, less the time that the test took.
#[track_caller]
fn assert_expires_in(outcome: &Outcome, seconds: i64) {
    let remaining = outcome["expires_at"].parse::<i64>().expect("a number") - unix_seconds();
    assert!(
        (seconds - 30..=seconds).contains(&remaining),
        "{remaining} of {seconds}"
    );
}

fn unix_seconds() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("after 1970").as_secs() as i64
}

#[test]
fn a_service_account_token_comes_for_the_content_token() {
    let connect = Standin::start();
    let token = Host::on(&connect).ok(&["service_account"]);
    assert_form(
        &connect,
        &[EXCHANGE, CONTENT, ("subject_token", connect.content_token())],
    );
    assert_eq!(token["type"], *"Bearer");
    assert_eq!(
        token["authorization"],
        format!("Bearer {}", &token["access_token"])
    );
    assert_eq!(
        token["issued_type"],
        *"urn:ietf:params:oauth:token-type:access_token"
    );
    assert_eq!(token["field.access_token"], token["access_token"]);
    assert_eq!(token["field.expires_in"], *"3600");
    assert_expires_in(&token, 3600);
}

#[test]
fn a_viewer_token_comes_for_the_viewers_session_token() {
    let connect = Standin::start();
    let ada = connect.viewer_token("ada");
    let token = Host::on(&connect).ok(&["viewer", &ada]);
    assert_form(&connect, &[EXCHANGE, USER, ("subject_token", &ada)]);
    assert_expires_in(&token, 3600);
}

#[test]
fn a_workload_token_is_an_id_token_for_its_audience() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    let token = host.ok(&["workload"]);
    let requested = ("requested_token_type", ID_TOKEN);
    assert_form(
        &connect,
        &[
            EXCHANGE,
            CONTENT,
            ("subject_token", connect.content_token()),
            requested,
        ],
    );
    assert_eq!(token["issued_type"], *ID_TOKEN);
    assert_eq!(token["access_token"].split('.').count(), 3, "a JWT");

    host.call(&["request"]);
    host.ok(&["set", "requested_token_type", ID_TOKEN]);
    host.ok(&["set", "audience", connect.integration()]);
    host.ok(&["workload"]);
    let audience = ("audience", connect.integration());
    assert_form(
        &connect,
        &[
            EXCHANGE,
            CONTENT,
            ("subject_token", connect.content_token()),
            requested,
            audience,
        ],
    );

    host.ok(&["set", "requested_token_type", AWS]);
    let message = host.fails(&["workload"], "CC_ERR_INVALID_ARGUMENT");
    assert!(message.contains("id token"), "{message}");
}

#[test]
fn everything_a_request_was_told_is_sent_and_what_was_taken_back_is_not() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    host.call(&["request"]);
    for (name, value) in [
        ("resource", "https://db.example.com/?a=1&b=é"),
        ("scope", "sql offline_access"),
        ("audience", connect.integration()),
        (
            "requested_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
    ] {
        host.ok(&["set", name, "replaced"]);
        host.ok(&["set", name, value]);
    }
    host.ok(&["param", "prompt", "none"]);
    host.ok(&["param", "login hint", "a+b"]);
    host.ok(&["param", "prompt", "login"]);
    host.ok(&["service_account"]);
    let content = ("subject_token", connect.content_token());
    assert_form(
        &connect,
        &[
            EXCHANGE,
            CONTENT,
            content,
            (
                "requested_token_type",
                "urn:ietf:params:oauth:token-type:access_token",
            ),
            ("audience", connect.integration()),
            ("resource", "https://db.example.com/?a=1&b=é"),
            ("scope", "sql offline_access"),
            ("prompt", "login"),
            ("login hint", "a+b"),
        ],
    );

    for name in ["resource", "scope", "audience", "requested_token_type"] {
        host.ok(&["set", name, if name == "scope" { "" } else { "(null)" }]);
    }
    host.ok(&["param", "prompt", ""]);
    host.ok(&["param", "login hint", "(null)"]);
    host.ok(&["service_account"]);
    assert_form(&connect, &[EXCHANGE, CONTENT, content]);
}

#[test]
fn a_request_goes_to_the_endpoint_with_the_key_and_asks_for_json() {
    let connect = Standin::start();
    Host::on(&connect).ok(&["service_account"]);
    let request = last_request(&connect);
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("POST", connect_standin::ENDPOINT)
    );
    let key = format!("Key {}", connect.api_key());
    for (name, value) in [
        ("authorization", key.as_str()),
        ("accept", "application/json"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("user-agent", concat!("connectcreds/", env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(request.header(name), Some(value), "{name}");
    }
}

#[test]
fn a_server_may_be_mounted_under_a_path_and_written_in_every_way() {
    let connect = Standin::builder().mount("/rsc").start().expect("it starts");
    let mut host = Host::on(&connect);
    host.call(&["request"]);
    for end in ["", "/", "//", "/__api__", "/__api__/"] {
        host.ok(&["set", "server_url", &format!("{}{end}", connect.url())]);
        host.ok(&["service_account"]);
        assert_eq!(
            last_request(&connect).path,
            format!("/rsc{}", connect_standin::ENDPOINT),
            "{end}"
        );
    }
}

#[test]
fn values_of_a_request_win_over_the_environment() {
    let (connect, other) = (Standin::start(), Standin::start());
    let mut host = Host::on(&other);
    host.call(&["request"]);
    host.ok(&["set", "server_url", &connect.url()]);
    host.ok(&["set", "api_key", connect.api_key()]);
    host.ok(&["set", "content_token", connect.content_token()]);
    host.ok(&["service_account"]);
    assert_eq!((connect.exchanges(), other.exchanges()), (1, 0));

    for name in ["server_url", "api_key", "content_token"] {
        host.ok(&["set", name, ""]);
    }
    host.ok(&["service_account"]);
    assert_eq!((connect.exchanges(), other.exchanges()), (1, 1));
}

#[test]
fn the_content_tokens_file_is_read_for_each_exchange_and_wins_over_the_variable() {
    let connect = Standin::start();
    let file = connect.content_token_file().to_str().expect("UTF-8").to_owned();
    let mut environment = connect.environment();
    environment.retain(|(name, _)| *name != "CONNECT_CONTENT_SESSION_TOKEN");
    environment.push(("CONNECT_CONTENT_SESSION_TOKEN", "stale".to_owned()));
    environment.push(("CONNECT_CONTENT_SESSION_TOKEN_FILE", file));
    let mut host = Host::with(environment.iter().map(|(name, value)| (*name, value.as_str())));
    host.ok(&["service_account"]);
    let first = last_request(&connect).param("subject_token");
    connect.rotate_content_token();
    host.call(&["clear"]);
    host.ok(&["service_account"]);
    assert_ne!(last_request(&connect).param("subject_token"), first);
}

#[test]
fn without_a_usable_content_token_file_the_variable_is_used() {
    let connect = Standin::start();
    let empty = tempfile("empty", b" \n");
    for path in ["/nonexistent", &empty, "/"] {
        let mut environment = connect.environment();
        environment.push(("CONNECT_CONTENT_SESSION_TOKEN_FILE", path.to_owned()));
        let mut host = Host::with(environment.iter().map(|(name, value)| (*name, value.as_str())));
        host.ok(&["service_account"]);
    }
}

fn tempfile(name: &str, contents: &[u8]) -> String {
    let path = support::scratch().join(format!("{name}-{}", std::process::id()));
    std::fs::write(&path, contents).expect("the scratch directory can be written");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn aws_credentials_come_out_of_a_token_that_was_asked_for_as_such() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    host.call(&["request"]);
    host.ok(&["set", "requested_token_type", AWS]);
    let token = host.ok(&["service_account"]);
    assert_eq!((&token["type"], &token["issued_type"]), ("aws_credentials", AWS));
    assert_eq!(token.get("authorization"), None);
    let aws = host.ok(&["aws"]);
    for name in ["access_key_id", "secret_access_key", "session_token"] {
        assert!(!aws[name].is_empty(), "{name}");
    }
    assert_expires_in(&aws, 3600);

    let packed = |json: serde_json::Value| base64(&json.to_string());
    for (token, why) in [
        ("%".to_owned(), "base64"),
        (packed(json!([])), "JSON object"),
        (packed(json!({"accessKeyId": "a"})), "secretAccessKey"),
        (
            packed(json!({"accessKeyId": "", "secretAccessKey": "b"})),
            "accessKeyId",
        ),
        (
            packed(json!({"accessKeyId": "a", "secretAccessKey": "b\n"})),
            "secretAccessKey",
        ),
    ] {
        connect.order(Order::Success(json!({ "access_token": token })));
        host.call(&["clear"]);
        host.ok(&["service_account"]);
        let message = host.fails(&["aws"], "CC_ERR_BAD_RESPONSE");
        assert!(message.contains(why), "{message}");
    }
    let few =
        packed(json!({"accessKeyId": "a", "secretAccessKey": "b", "sessionToken": null, "expiration": "?"}));
    connect.order(Order::Success(
        json!({ "access_token": few.trim_end_matches('=') }),
    ));
    host.call(&["clear"]);
    host.ok(&["service_account"]);
    let aws = host.ok(&["aws"]);
    assert_eq!(
        (
            &aws["access_key_id"],
            aws.get("session_token"),
            &aws["expires_at"]
        ),
        ("a", None, "-1")
    );
}

fn base64(text: &str) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text)
}

#[test]
fn a_stated_lifetime_counts_whatever_the_clock_of_the_tokens_issuer_says() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    let two_hours_ago = json!({ "exp": unix_seconds() - 7200 }).to_string();
    let jwt = format!(
        "eyJhbGciOiJub25lIn0.{}.AA",
        base64(&two_hours_ago).trim_end_matches('=')
    );
    let aws = |expiration: &str| {
        let json = json!({"accessKeyId": "a", "secretAccessKey": "b", "expiration": expiration});
        base64(&json.to_string())
    };
    for (token, token_type) in [
        (jwt, "Bearer"),
        (aws("0001-01-01T00:00:00Z"), "aws_credentials"),
        (aws("1970-01-01T00:00:00Z"), "aws_credentials"),
    ] {
        connect.order(Order::Success(
            json!({ "access_token": token, "token_type": token_type, "expires_in": 3600 }),
        ));
        host.call(&["clear"]);
        assert_expires_in(&host.ok(&["service_account"]), 3600);
        if token_type != "Bearer" {
            assert_eq!(host.ok(&["aws"])["expires_at"], *"-1");
        }
    }
}

#[test]
fn a_token_type_that_would_break_a_header_is_refused() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    host.ok(&["set", "max_attempts", "1"]);
    for token_type in ["Bearer\r\nX-Injected: 1", "Bearer\u{202e}", "\0"] {
        connect.order(Order::Success(
            json!({ "access_token": "t", "token_type": token_type }),
        ));
        let message = host.fails(&["service_account"], "CC_ERR_BAD_RESPONSE");
        assert!(
            message.contains("token_type contains a control or format character"),
            "{message}"
        );
    }
}

#[test]
fn an_identity_is_exchanged_without_connect_and_without_a_key() {
    let connect = Standin::start();
    let mut host = Host::with([]);
    let identity = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJjaSJ9.AA";
    host.call(&["request"]);
    host.ok(&["set", "server_url", &connect.url()]);
    host.ok(&["set", "requested_token_type", API_KEY]);
    let key = host.ok(&["exchange", identity, ID_TOKEN]);
    assert_form(
        &connect,
        &[
            EXCHANGE,
            ("subject_token_type", ID_TOKEN),
            ("subject_token", identity),
            ("requested_token_type", API_KEY),
        ],
    );
    assert_eq!(last_request(&connect).header("authorization"), None);
    assert_eq!(key["access_token"], *connect.api_key());

    host.ok(&["set", "api_key", connect.api_key()]);
    host.ok(&["exchange", identity, ID_TOKEN]);
    assert_eq!(
        last_request(&connect).header("authorization"),
        Some(format!("Key {}", connect.api_key()).as_str())
    );
}

#[test]
fn a_token_keeps_every_member_of_the_answer() {
    let connect = Standin::start();
    connect.order(Order::Success(json!({
        "access_token": "t", "scope": "a b", "refresh_token": "r", "custom": {"deep": [1, 2.5, null]}, "flag": true
    })));
    let token = Host::on(&connect).ok(&["service_account"]);
    assert_eq!(token["field.scope"], *"a b");
    assert_eq!(token["field.refresh_token"], *"r");
    assert_eq!(token["field.custom"], *r#"{"deep":[1,2.5,null]}"#);
    assert_eq!(token["field.flag"], *"true");
    assert_eq!((&token["expires_at"], &token["type"]), ("-1", "Bearer"));
}

#[test]
fn a_token_is_had_when_it_can_be_got() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    let ada = connect.viewer_token("ada");
    for call in [
        &["has_service_account"][..],
        &["has_workload"],
        &["has_viewer", &ada],
    ] {
        assert_eq!(host.call(call)["has"], *"1", "{call:?}");
        connect.order(Order::OldConnectError {
            status: 400,
            error_code: 212,
            error_message: "None.".to_owned(),
        });
        let mut other = Host::on(&connect);
        assert_eq!(other.call(call)["has"], *"0", "{call:?}");
    }
    assert_eq!(host.call(&["has_viewer", "(null)"])["has"], *"0");
    assert_eq!(Host::with([]).call(&["has_service_account"])["has"], *"0");
}

#[test]
fn whether_there_is_a_token_is_false_when_the_server_does_not_answer() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    host.configure(&[("call_timeout_ms", "200")]);
    connect.order_always(Some(Order::Silent));
    assert_eq!(host.call(&["has_service_account"])["has"], *"0");
}

#[test]
fn calls_after_one_another_share_a_connection() {
    let connect = Standin::start_tls();
    let mut host = Host::on(&connect);
    host.call(&["request"]);
    host.ok(&["set", "force_refresh", "1"]);
    for _ in 0..5 {
        host.ok(&["service_account"]);
    }
    assert_eq!((connect.exchanges(), connect.connections()), (5, 1));
}
