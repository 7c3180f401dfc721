//! The endpoint: the tokens that it issues, and its error responses.

mod support;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use connect_standin::{ENDPOINT, Standin};
use serde_json::{Value, json};
use std::time::Duration;
use support::*;

fn claims(token: &str) -> Value {
    let claims = token.split('.').nth(1).expect("a JWT has three parts");
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).expect("base64url")).expect("JSON")
}

#[test]
fn a_service_account_exchange_mints_a_new_token_each_time() {
    let standin = Standin::start();
    let (first, second) = (
        exchange(&standin, &service_account(&standin)),
        exchange(&standin, &service_account(&standin)),
    );

    assert!(first.token().starts_with("sa-1-"));
    assert!(second.token().starts_with("sa-2-"));
    assert_eq!(
        first.json()["issued_token_type"],
        "urn:ietf:params:oauth:token-type:access_token"
    );
    assert_eq!(first.json()["token_type"], "Bearer");
    assert_eq!(first.json()["expires_in"], 3600);
    assert_eq!(first.header("content-type"), Some("application/json"));
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
}

#[test]
fn a_viewer_gets_the_same_token_with_a_shrinking_lifetime_until_it_really_expires() {
    let standin = Standin::builder()
        .lifetime(Duration::from_secs(600))
        .start()
        .expect("starts");
    let first = exchange(&standin, &viewer(&standin, "ada"));
    assert_eq!(first.json()["expires_in"], 600);

    standin.advance(Duration::from_secs(570));
    let again = exchange(&standin, &viewer(&standin, "ada"));
    assert_eq!(again.token(), first.token());
    let remaining = again.json()["expires_in"].as_u64().expect("an integer");
    assert!((20..=30).contains(&remaining), "{remaining}");

    standin.advance(Duration::from_secs(30));
    let renewed = exchange(&standin, &viewer(&standin, "ada"));
    assert_ne!(renewed.token(), first.token());
    assert_eq!(renewed.json()["expires_in"], 600);
}

#[test]
fn a_viewers_token_is_for_that_viewer_and_what_was_asked() {
    let standin = Standin::start();
    let ask = viewer(&standin, "ada");
    let token = exchange(&standin, &ask).token();
    for other in [
        viewer(&standin, "grace"),
        with(ask.clone(), "audience", standin.integration()),
        with(ask.clone(), "resource", "https://adb.example.com"),
        with(ask.clone(), "scope", "sql"),
        with(ask.clone(), "requested_token_type", ID_TOKEN),
    ] {
        assert_ne!(exchange(&standin, &other).token(), token, "{other:?}");
        assert_eq!(
            exchange(&standin, &other).token(),
            exchange(&standin, &other).token(),
            "{other:?}"
        );
    }
}

#[test]
fn an_identity_token_is_a_jwt_for_the_audience_asked() {
    let standin = Standin::start();
    let ask = with(service_account(&standin), "requested_token_type", ID_TOKEN);
    let answer = exchange(&standin, &ask);
    assert_eq!(answer.json()["issued_token_type"], ID_TOKEN);

    let found = claims(&answer.token());
    assert_eq!(found["aud"], "connect");
    assert_eq!(found["iss"], standin.url());
    assert!(found["sub"].is_string() && found["jti"].is_string());
    let lifetime = found["exp"]
        .as_u64()
        .zip(found["iat"].as_u64())
        .map(|(exp, iat)| exp - iat);
    assert_eq!(lifetime, Some(3600));

    let ask = with(ask, "resource", "api://snowflake");
    assert_eq!(
        claims(&exchange(&standin, &ask).token())["aud"],
        "api://snowflake"
    );
    let ask = with(ask, "audience", standin.integration());
    assert_eq!(
        claims(&exchange(&standin, &ask).token())["aud"],
        standin.integration()
    );
}

#[test]
fn aws_credentials_are_base64_of_json() {
    let standin = Standin::start();
    let answer = exchange(
        &standin,
        &with(service_account(&standin), "requested_token_type", AWS),
    );
    assert_eq!(answer.json()["token_type"], "aws_credentials");
    assert_eq!(answer.json()["issued_token_type"], AWS);

    let credentials: Value =
        serde_json::from_slice(&BASE64_STANDARD.decode(answer.token()).expect("base64")).expect("JSON");
    for member in ["accessKeyId", "secretAccessKey", "sessionToken"] {
        assert!(
            credentials[member]
                .as_str()
                .is_some_and(|value| !value.is_empty()),
            "{member}"
        );
    }
    let expiration = credentials["expiration"].as_str().expect("a string");
    assert!(
        expiration.ends_with('Z') && expiration.len() == "2026-01-01T00:00:00Z".len(),
        "{expiration}"
    );
}

#[test]
fn an_identity_token_gives_an_api_key_without_one() {
    let standin = Standin::start();
    let job = exchange(
        &standin,
        &with(service_account(&standin), "requested_token_type", ID_TOKEN),
    )
    .token();
    let ask = vec![
        ("grant_type", GRANT.to_owned()),
        ("subject_token_type", ID_TOKEN.to_owned()),
        ("subject_token", job),
        ("requested_token_type", API_KEY.to_owned()),
    ];
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let send = |ask: &Form| request(&standin, "POST", ENDPOINT, form, &encoded(ask));

    let answer = send(&ask);
    assert_eq!(answer.token(), standin.api_key());
    assert_eq!(answer.json()["issued_token_type"], API_KEY);

    let wrong = send(&without(ask.clone(), "requested_token_type"));
    assert_eq!(wrong.status, 400);
    assert_eq!(
        wrong.json()["error"],
        "Invalid requested_token_type. Expected 'urn:posit:connect:api-key'"
    );
    assert!(wrong.json()["code"].is_i64());

    let garbage = send(&with(ask, "subject_token", "not.a.jwt"));
    assert_eq!(
        (garbage.status, &garbage.json()["error"]),
        (400, &json!("invalid_request"))
    );
}

#[test]
fn only_the_right_api_key_is_accepted() {
    let standin = Standin::start();
    assert!(
        standin.api_key().len() == 32 && standin.api_key().bytes().all(|byte| byte.is_ascii_alphanumeric())
    );
    let body = encoded(&service_account(&standin));
    for authorization in [
        "",
        "Authorization: Key wrong\r\n",
        &format!("Authorization: Bearer {}\r\n", standin.api_key()),
    ] {
        let headers = format!("{authorization}Content-Type: application/x-www-form-urlencoded\r\n");
        let answer = request(&standin, "POST", ENDPOINT, &headers, &body);
        assert_eq!(answer.status, 401, "{authorization}");
        assert_eq!(answer.json()["code"], 30);
        assert_eq!(answer.json().get("payload"), Some(&Value::Null));
    }
}

#[test]
fn requests_that_break_a_rule_are_refused_in_oauths_words() {
    let standin = Standin::start();
    let good = service_account(&standin);
    let twice: Form = good
        .iter()
        .cloned()
        .chain([("scope", "a".to_owned()), ("scope", "a".to_owned())])
        .collect();
    for (ask, error) in [
        (
            with(good.clone(), "grant_type", "client_credentials"),
            "unsupported_grant_type",
        ),
        (without(good.clone(), "grant_type"), "invalid_request"),
        (
            with(good.clone(), "subject_token_type", "urn:other"),
            "invalid_request",
        ),
        (without(good.clone(), "subject_token_type"), "invalid_request"),
        (with(good.clone(), "subject_token", "unknown"), "invalid_request"),
        (without(good.clone(), "subject_token"), "invalid_request"),
        (
            with(good.clone(), "subject_token_type", VIEWER),
            "invalid_request",
        ),
        (
            with(good.clone(), "requested_token_type", "urn:other"),
            "invalid_request",
        ),
        (
            with(good.clone(), "requested_token_type", API_KEY),
            "invalid_request",
        ),
        (with(good.clone(), "audience", ""), "invalid_request"),
        (twice, "invalid_request"),
    ] {
        let answer = exchange(&standin, &ask);
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (400, &json!(error)),
            "{ask:?}"
        );
        assert!(answer.json().get("code").is_none());
    }
}

#[test]
fn an_unknown_integration_is_refused_as_older_servers_do() {
    let standin = Standin::start();
    let ask = service_account(&standin);
    assert_eq!(
        exchange(&standin, &with(ask.clone(), "audience", standin.integration())).status,
        200
    );

    let answer = exchange(
        &standin,
        &with(ask, "audience", "00000000-0000-4000-8000-000000000000"),
    );
    assert_eq!((answer.status, &answer.json()["error_code"]), (400, &json!(212)));
    assert!(
        answer.json()["error_message"]
            .as_str()
            .is_some_and(|message| message.starts_with("No OAuth integrations"))
    );
}

#[test]
fn a_rotated_session_token_is_in_the_file_and_the_old_one_refused() {
    let standin = Standin::start();
    let file = || std::fs::read_to_string(standin.content_token_file()).expect("the file is there");
    assert_eq!(file(), format!("{}\n", standin.content_token()));

    standin.rotate_content_token();
    let answer = exchange(&standin, &service_account(&standin));
    assert_eq!(answer.status, 400);
    assert!(answer.json()["code"].is_i64());
    let renewed = with(service_account(&standin), "subject_token", file().trim_end());
    assert_eq!(exchange(&standin, &renewed).status, 200);
}

#[test]
fn other_paths_methods_and_content_types_are_refused() {
    let standin = Standin::builder().mount("/rsc/").start().expect("starts");
    assert!(standin.url().ends_with("/rsc"));
    let endpoint = format!("/rsc{ENDPOINT}");

    assert_eq!(exchange(&standin, &service_account(&standin)).status, 200);
    for path in [ENDPOINT, "/rsc/", "/rsc/__api__/v1/user"] {
        let answer = request(&standin, "POST", path, "", "");
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    }
    let answer = request(&standin, "GET", &endpoint, "", "");
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    let answer = request(
        &standin,
        "POST",
        &endpoint,
        "Content-Type: application/json\r\n",
        "{}",
    );
    assert_eq!(answer.status, 415);
}
