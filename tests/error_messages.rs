//! The status, the codes and the message of each error, as a C program receives them.

mod support;

use connect_standin::{Order, Standin};
use support::host::Host;

const POINTER: &str =
    "https://docs.posit.co/connect/user/oauth-integrations/#adding-oauth-integrations-to-deployed-content";

#[test]
fn running_on_connect_is_what_connect_says() {
    for (variables, on_connect) in [
        (&[("POSIT_PRODUCT", "CONNECT")][..], "1"),
        (&[("POSIT_PRODUCT", "CONNECT_CLOUD")], "1"),
        (&[("RSTUDIO_PRODUCT", "CONNECT")], "1"),
        (
            &[("POSIT_PRODUCT", "WORKBENCH"), ("RSTUDIO_PRODUCT", "CONNECT")],
            "1",
        ),
        (&[("RSTUDIO_PRODUCT", "CONNECT_CLOUD")], "0"),
        (&[("POSIT_PRODUCT", "connect")], "0"),
        (&[("POSIT_PRODUCT", "")], "0"),
        (&[("CONNECT_SERVER", "http://localhost")], "0"),
        (&[], "0"),
    ] {
        let mut host = Host::with(variables.iter().copied());
        assert_eq!(
            host.call(&["on_connect"])["on_connect"],
            *on_connect,
            "{variables:?}"
        );
    }
}

#[test]
fn each_kind_fails_in_its_own_words() {
    let connect = Standin::start();
    let mut elsewhere = Host::changed(&connect, &[("POSIT_PRODUCT", "")]);
    let mut old = Host::changed(&connect, &[("CONNECT_CONTENT_SESSION_TOKEN", "")]);
    let mut here = Host::on(&connect);
    for (call, only_on, not_supported, cannot) in [
        (
            &["service_account"][..],
            "Service account credentials are only available when running on Connect.",
            "Service account credentials are not supported by this version of Connect.",
            "Cannot fetch service account credentials from the Connect server.",
        ),
        (
            &["workload"],
            "Workload identity tokens are only available when running on Connect.",
            "Workload identity tokens are not supported by this version of Connect.",
            "Cannot fetch workload identity token from the Connect server.",
        ),
        (
            &["viewer", ""],
            "Viewer-based credentials are only available when running on Connect.",
            "Viewer-based credentials are not supported by this version of Connect.",
            "Cannot fetch viewer-based credentials for the current session.",
        ),
    ] {
        assert_eq!(elsewhere.fails(call, "CC_ERR_NOT_ON_CONNECT"), only_on);
        let message = old.fails(call, "CC_ERR_NOT_SUPPORTED");
        assert_eq!(message.split("\\n").next(), Some(not_supported));
        let says_where_it_gets_lost = message.contains("in the header Posit-Connect-User-Session-Token");
        assert_eq!(says_where_it_gets_lost, call[0] == "viewer", "{message}");
        let call = if call[0] == "viewer" {
            &["viewer", "unknown"]
        } else {
            call
        };
        connect.order(Order::ConnectError {
            status: 403,
            code: 22,
            error: "No.".to_owned(),
        });
        let message = here.fails(call, "CC_ERR_REFUSED");
        assert_eq!(
            message,
            format!(
                "{cannot}\\nThe server rejected the request: HTTP 403, Connect error 22: No.{}",
                after(&message)
            )
        );
    }
    let message = here.fails(&["viewer", "(null)"], "CC_ERR_NO_SESSION");
    assert_eq!(
        message,
        "Viewer-based credentials are only available in a viewer's session."
    );
    connect.order(Order::OAuthError {
        status: 400,
        error: "invalid_request".to_owned(),
        description: None,
        uri: None,
    });
    let message = here.fails(&["exchange", "x", "urn:x"], "CC_ERR_REFUSED");
    assert!(
        message.starts_with("Cannot exchange the token at the Connect server.\\n"),
        "{message}"
    );
}

/// The line with the request's id, which the stand-in generates.
fn after(message: &str) -> String {
    let (_, id) = message
        .split_once("Server request ID: ")
        .expect("the message contains the id");
    format!("\\nServer request ID: {id}")
}

#[test]
fn missing_values_are_reported_in_one_order_with_the_option_to_set() {
    let mut host = Host::with([]);
    host.call(&["request"]);
    for calls in [["service_account", ""], ["workload", ""], ["viewer", "\\xff"]] {
        host.fails(&calls, "CC_ERR_NOT_ON_CONNECT");
    }
    let mut host = Host::with([("POSIT_PRODUCT", "CONNECT")]);
    host.ok(&["set", "max_attempts", "1"]);
    host.call(&["request"]);
    host.fails(&["service_account"], "CC_ERR_NOT_SUPPORTED");
    host.ok(&["set", "content_token", "token"]);
    let message = host.fails(&["service_account"], "CC_ERR_NO_SERVER");
    let (first, second) = message.split_once("\\n").expect("two lines");
    assert_eq!(first, "A Connect server URL is required to retrieve credentials.");
    assert!(
        second.contains("CONNECT_SERVER") && second.contains("cc_request_set_server_url"),
        "{second}"
    );
    host.ok(&["set", "server_url", "http://127.0.0.1:1"]);
    let message = host.fails(&["service_account"], "CC_ERR_NO_API_KEY");
    let (first, second) = message.split_once("\\n").expect("two lines");
    assert_eq!(
        first,
        "A valid Connect API key is required to retrieve credentials."
    );
    assert!(
        second.contains("CONNECT_API_KEY") && second.contains("cc_request_set_api_key"),
        "{second}"
    );
    host.ok(&["set", "api_key", "key"]);
    host.fails(&["service_account"], "CC_ERR_NETWORK");
    host.call(&["set", "scope", "\\x01"]);
    host.fails(&["service_account"], "CC_ERR_INVALID_ARGUMENT");
}

#[test]
fn a_rejected_value_is_reported_by_its_setter_and_by_every_later_call() {
    let connect = Standin::start();
    for (words, why) in [
        (
            &["set", "resource", "\\xff"][..],
            "The resource is not valid UTF-8.",
        ),
        (
            &["set", "scope", "a\\x09b"],
            "The scope contains a control character.",
        ),
        (
            &["set", "audience", "\\x7f"],
            "The audience contains a control character.",
        ),
        (
            &["set", "requested_token_type", "\\x01"],
            "The requested token type contains a control character.",
        ),
        (
            &["set", "content_token", "\\x0a"],
            "The content session token contains a control character.",
        ),
        (
            &["set", "api_key", "\\xc2\\x85"],
            "The API key contains a control character.",
        ),
        (
            &["set", "server_url", "connect.example.com"],
            "must begin with http:// or https://",
        ),
        (
            &["set", "server_url", "https://user:hunter2@h"],
            "must not contain a user name or a password",
        ),
        (&["param", "(null)", "x"], "A parameter needs a name."),
        (&["param", "", "x"], "A parameter needs a name."),
        (
            &["param", "\\xff", "x"],
            "The parameter's name is not valid UTF-8.",
        ),
        (
            &["param", "x", "\\x01"],
            "The parameter's value contains a control character.",
        ),
        (
            &["param", "scope", "x"],
            "The parameter scope is an option of the request: set that option instead.",
        ),
        (
            &["param", "resource", ""],
            "The parameter resource is an option of the request",
        ),
        (
            &["param", "audience", "x"],
            "The parameter audience is an option of the request",
        ),
        (
            &["param", "requested_token_type", "x"],
            "is an option of the request",
        ),
        (
            &["param", "grant_type", "x"],
            "The parameter grant_type is set by the library and cannot be changed.",
        ),
        (
            &["param", "subject_token", "x"],
            "is set by the library and cannot be changed.",
        ),
        (
            &["param", "subject_token_type", "x"],
            "is set by the library and cannot be changed.",
        ),
    ] {
        let mut host = Host::on(&connect);
        host.call(&["request"]);
        assert_eq!(
            host.call(words)["status"],
            *"CC_ERR_INVALID_ARGUMENT",
            "{words:?}"
        );
        // A good value for another option does not make up for it.
        host.ok(&["set", "min_validity_s", "1"]);
        for call in [
            &["service_account"][..],
            &["workload"],
            &["viewer", "x"],
            &["exchange", "x", "urn:x"],
        ] {
            let message = host.fails(call, "CC_ERR_INVALID_ARGUMENT");
            assert!(message.contains(why), "{words:?}: {message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
        assert_eq!(host.call(&["has_service_account"])["has"], *"0");
    }
    assert_eq!(connect.exchanges(), 0);
}

#[test]
fn a_bad_string_of_a_call_is_an_invalid_argument() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    host.fails(&["viewer", "a\\x0ab"], "CC_ERR_INVALID_ARGUMENT");
    host.fails(&["viewer", "\\xff"], "CC_ERR_INVALID_ARGUMENT");
    host.fails(&["exchange", "\\xff", "urn:x"], "CC_ERR_INVALID_ARGUMENT");
    host.fails(&["exchange", "x", "\\x01"], "CC_ERR_INVALID_ARGUMENT");
    host.fails(&["exchange", "(null)", "urn:x"], "CC_ERR_INVALID_ARGUMENT");
    assert_eq!(connect.exchanges(), 0);
}

#[test]
fn a_bad_environment_is_an_invalid_argument_that_names_the_variable() {
    let connect = Standin::start();
    for (name, value) in [
        ("CONNECT_SERVER", "connect.example.com"),
        ("CONNECT_SERVER", "https://user:hunter2@connect.example.com"),
        ("CONNECT_SERVER", "https://connect.example.com/?key=hunter2"),
        ("CONNECT_SERVER", "https://connect.example.com/#hunter2"),
        ("CONNECT_API_KEY", "hunter2\n"),
        ("CONNECT_CONTENT_SESSION_TOKEN", "hunter2\r"),
    ] {
        let message =
            Host::changed(&connect, &[(name, value)]).fails(&["service_account"], "CC_ERR_INVALID_ARGUMENT");
        assert!(message.contains(name), "{value}: {message}");
        assert!(!message.contains("hunter2"), "{value}: {message}");
    }
    assert_eq!(connect.exchanges(), 0);
}

#[test]
fn each_shape_of_a_refusal_comes_with_all_its_codes() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    host.ok(&["set", "max_attempts", "1"]);
    let oauth = |status, error: &str, description: &str, uri: Option<&str>| Order::OAuthError {
        status,
        error: error.to_owned(),
        description: Some(description.to_owned()),
        uri: uri.map(ToOwned::to_owned),
    };
    for (order, status, oauth_code, connect_code, retryable, words) in [
        (
            Order::ConnectError {
                status: 402,
                code: 22,
                error: "Not licensed.".to_owned(),
            },
            "402",
            None,
            "22",
            "0",
            "Not licensed.",
        ),
        (
            Order::ConnectError {
                status: 500,
                code: 1,
                error: "Try again.".to_owned(),
            },
            "500",
            None,
            "1",
            "1",
            "Try again.",
        ),
        (
            Order::OldConnectError {
                status: 400,
                error_code: 212,
                error_message: "No integrations.".to_owned(),
            },
            "400",
            None,
            "212",
            "0",
            POINTER,
        ),
        (
            oauth(400, "invalid_request", "{1+1} %s %n", Some("https://e.example/")),
            "400",
            Some("invalid_request"),
            "0",
            "0",
            "{1+1} %s %n\\nThe server refers to https://e.example/",
        ),
        (
            oauth(400, "server_error", "\u{1b}[2J", None),
            "400",
            Some("server_error"),
            "0",
            "1",
            "\\u{1b}[2J",
        ),
    ] {
        connect.order(order);
        host.call(&["clear"]); // A refusal is cached for two seconds.
        let outcome = host.call(&["service_account"]);
        assert_eq!(outcome["status"], *"CC_ERR_REFUSED", "{outcome:?}");
        assert_eq!(outcome["error_status"], *"CC_ERR_REFUSED");
        assert_eq!(outcome["http_status"], *status);
        assert_eq!(outcome.get("oauth_code"), oauth_code);
        assert_eq!(outcome["connect_code"], *connect_code);
        assert_eq!(outcome["retryable"], *retryable);
        assert_eq!(outcome["retry_after_ms"], *"-1");
        assert!(outcome["message"].contains(words), "{outcome:?}");
    }
}

#[test]
fn an_answer_that_is_none_is_a_bad_response() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    host.ok(&["set", "max_attempts", "1"]);
    let raw = |status, content_type: &str, body: &str| Order::Raw {
        status,
        headers: vec![("Content-Type".to_owned(), content_type.to_owned())],
        body: body.as_bytes().to_vec(),
    };
    for (order, status, words) in [
        (
            raw(200, "text/html", "<html>hush</html>"),
            "200",
            "HTTP 200, text/html: the body is not JSON",
        ),
        (
            raw(200, "application/json", r#"{"access_token":""}"#),
            "200",
            "access_token is empty",
        ),
        (raw(200, "application/json", "[]"), "200", "not an object"),
        (raw(204, "application/json", ""), "204", "the body is empty"),
        (
            raw(404, "text/html", "<h1>Not here</h1>"),
            "404",
            "HTTP 404, text/html: <h1>Not here</h1>",
        ),
        (
            raw(500, "application/json", r#"{"access_token":"t"}"#),
            "500",
            "HTTP 500",
        ),
        (
            Order::Redirect {
                status: 302,
                location: "https://elsewhere.example/".to_owned(),
            },
            "302",
            "https://elsewhere.example/",
        ),
        (Order::Bytes(b"garbage\r\n\r\n".to_vec()), "0", "is not HTTP"),
        (Order::Endless, "200", "larger than 1 MiB"),
        (
            raw(200, "application/json", &"x".repeat(1024 * 1024 + 1)),
            "200",
            "larger than 1 MiB",
        ),
    ] {
        connect.order(order);
        let outcome = host.call(&["service_account"]);
        assert_eq!(outcome["status"], *"CC_ERR_BAD_RESPONSE", "{outcome:?}");
        assert_eq!(outcome["http_status"], *status, "{outcome:?}");
        assert!(outcome["message"].contains(words), "{outcome:?}");
        assert!(!outcome["message"].contains("hush"), "{outcome:?}");
    }
}

#[test]
fn a_server_that_is_busy_says_when_to_come_back() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    host.ok(&["set", "max_attempts", "1"]);
    connect.order(Order::RetryAfter {
        status: 503,
        value: "7".to_owned(),
    });
    let outcome = host.call(&["service_account"]);
    assert_eq!(
        (
            &outcome["http_status"],
            &outcome["retry_after_ms"],
            &outcome["retryable"]
        ),
        ("503", "7000", "1")
    );
}

#[test]
fn an_echoing_server_gets_no_secret_into_a_message() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    host.ok(&["set", "max_attempts", "1"]);
    for status in [200, 400, 502] {
        connect.order(Order::Echo { status });
        let message = host.fails(&["service_account"], "CC_ERR_BAD_RESPONSE");
        for secret in [connect.api_key(), connect.content_token()] {
            assert!(!message.contains(secret), "{status}: {message}");
        }
    }
    for form in ["%s a+b/c=def", "a%2Bb%2Fc%3Ddef", "a%2bb%2fc%3ddef"] {
        connect.order(Order::OAuthError {
            status: 400,
            error: "invalid_request".to_owned(),
            description: Some(format!("What is {form}?")),
            uri: None,
        });
        host.call(&["clear"]);
        let message = host.fails(&["viewer", "a+b/c=def"], "CC_ERR_REFUSED");
        assert!(message.contains("<redacted>?"), "{message}");
    }
}

#[test]
fn a_connection_that_fails_says_where_to() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    host.ok(&["set", "max_attempts", "1"]);
    let address = connect.url().trim_start_matches("http://").to_owned();
    for order in [
        Order::CloseBeforeAnswer,
        Order::ResetBeforeAnswer,
        Order::CutAfter {
            bytes: 20,
            reset: false,
        },
    ] {
        let named = format!("{order:?}");
        connect.order(order);
        let outcome = host.call(&["service_account"]);
        assert_eq!(outcome["status"], *"CC_ERR_NETWORK", "{named}: {outcome:?}");
        assert!(outcome["message"].contains(&address), "{named}: {outcome:?}");
        assert_eq!(
            (&outcome["http_status"], &outcome["retryable"]),
            ("0", "1"),
            "{named}"
        );
    }
    host.call(&["request"]);
    host.ok(&["set", "server_url", "http://127.0.0.1:1"]);
    let message = host.fails(&["service_account"], "CC_ERR_NETWORK");
    assert!(
        message.contains("No connection to 127.0.0.1:1: ") && message.contains("refused"),
        "{message}"
    );
    host.ok(&["set", "server_url", "http://connect.invalid"]);
    let message = host.fails(&["service_account"], "CC_ERR_NETWORK");
    assert!(
        message.contains("No connection to connect.invalid:80: "),
        "{message}"
    );
}

#[test]
fn a_call_that_takes_longer_than_it_may_is_a_time_out() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    host.call(&["request"]);
    host.ok(&["set", "timeout_ms", "200"]);
    for order in [Order::Silent, Order::Drip { milliseconds: 150 }] {
        connect.order(order);
        let outcome = host.call(&["service_account"]);
        assert_eq!(outcome["status"], *"CC_ERR_TIMEOUT", "{outcome:?}");
        assert!(outcome["message"].contains("within 200 ms"), "{outcome:?}");
        assert_eq!(outcome["retryable"], *"1");
        host.call(&["clear"]); // The exchange continues; the next call must not wait for it.
    }
    host.ok(&["set", "timeout_ms", "0"]);
    host.ok(&["service_account"]);
}

#[test]
fn a_server_that_is_not_trusted_is_a_tls_error() {
    let connect = Standin::start_tls();
    let other = Standin::start_tls();
    let mut host = Host::changed(
        &connect,
        &[(
            "SSL_CERT_FILE",
            other.ca_certificate_file().to_str().expect("UTF-8"),
        )],
    );
    let outcome = host.call(&["service_account"]);
    assert_eq!(outcome["status"], *"CC_ERR_TLS", "{outcome:?}");
    assert_eq!(outcome["retryable"], *"0");
    let address = connect.url().trim_start_matches("https://").to_owned();
    assert!(outcome["message"].contains(&address), "{outcome:?}");
    assert_eq!(connect.exchanges(), 0);
}

// Secrets, as `Host` searches for them in the messages and the log of every test

#[test]
#[should_panic(expected = "a secret is in message")]
fn a_secret_in_a_message_is_noticed() {
    let mut host = Host::with([("POSIT_PRODUCT", "CONNECT")]);
    host.keep_secret("not supported by this version");
    host.call(&["service_account"]);
}

#[test]
#[should_panic(expected = "a secret is in standard error")]
fn a_secret_on_standard_error_is_noticed() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    host.call(&["complain", connect.api_key()]);
}

#[test]
#[should_panic(expected = "a secret is in standard error")]
fn a_proxys_password_on_standard_error_is_noticed() {
    let mut host = Host::with([("https_proxy", "http://ada:proxy-password@127.0.0.1:1")]);
    host.call(&["complain", "Basic YWRhOnByb3h5LXBhc3N3b3Jk"]);
}
