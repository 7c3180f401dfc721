use super::*;
use crate::oauth::token::LAST_SECOND;

const ASKED_AT: i64 = 1_000_000;

fn response(status: u16, body: &str) -> ServerResponse {
    ServerResponse {
        status,
        content_type: Some("application/json".to_owned()),
        body: Zeroizing::new(body.as_bytes().to_vec()),
        ..ServerResponse::default()
    }
}

fn read(status: u16, body: &str) -> Result<Token, Error> {
    response(status, body).read(ASKED_AT, &Redactor::new(["the-api-key"]))
}

fn expires_at(expires_in: &str) -> Option<i64> {
    read(
        200,
        &format!(r#"{{"access_token":"t","expires_in":{expires_in}}}"#),
    )
    .unwrap()
    .expires_at()
}

#[test]
fn a_token_comes_with_every_member_of_its_response() {
    let body = r#"{ "access_token":"eyJ\u002e", "n": 1.50, "scope":"a b","o":{"x": [1]},"z":null,"b":true,"nul":"a\u0000b"}"#;
    let token = read(200, body).unwrap();
    assert_eq!(token.access_token(), "eyJ.");
    assert_eq!(token.authorization(), Some("Bearer eyJ."));
    assert_eq!(token.token_type(), "Bearer");
    assert_eq!(token.issued_type(), None);
    assert_eq!(token.expires_at(), None);
    assert_eq!(
        token.fields().collect::<Vec<_>>(),
        [
            ("access_token", "eyJ."),
            ("n", "1.50"),
            ("scope", "a b"),
            ("o", r#"{"x": [1]}"#),
            ("z", "null"),
            ("b", "true"),
            ("nul", r#""a\u0000b""#),
        ]
    );
    assert_eq!(token.field("scope"), Some("a b"));
    assert_eq!(token.field("nothing"), None);
}

#[test]
fn only_a_bearer_token_has_an_authorization_header() {
    let aws = read(
        200,
        r#"{"access_token":"t","token_type":"aws_credentials","issued_token_type":"urn:x"}"#,
    )
    .unwrap();
    assert_eq!(
        (aws.token_type(), aws.authorization(), aws.access_token()),
        ("aws_credentials", None, "t")
    );
    assert_eq!(aws.issued_type(), Some("urn:x"));
    let bearer = read(201, r#"{"access_token":"t","token_type":"bearer"}"#).unwrap();
    assert_eq!(
        (bearer.token_type(), bearer.authorization()),
        ("bearer", Some("Bearer t"))
    );
    for absent in ["null", "\"\"", "7"] {
        let token = read(200, &format!(r#"{{"access_token":"t","token_type":{absent}}}"#)).unwrap();
        assert_eq!(token.token_type(), "Bearer", "{absent}");
    }
}

#[test]
fn a_lifetime_is_read_however_it_is_written() {
    for (expires_in, seconds) in [
        ("3600", 3600),
        ("3599.9", 3599),
        ("\"3600\"", 3600),
        ("\" 60.5 \"", 60),
        ("1e3", 1000),
        ("0", 0),
    ] {
        assert_eq!(expires_at(expires_in), Some(ASKED_AT + seconds), "{expires_in}");
    }
    assert_eq!(expires_at("-5"), Some(ASKED_AT - 5));
}

#[test]
fn a_lifetime_that_is_not_a_number_is_unknown() {
    for expires_in in [
        "null", "true", "\"soon\"", "\"\"", "\"inf\"", "\"nan\"", "\"0x10\"", "\"1h\"", "{}", "[60]", "\"-\"",
    ] {
        assert_eq!(expires_at(expires_in), None, "{expires_in}");
    }
}

#[test]
fn a_lifetime_beyond_the_year_9999_ends_with_it() {
    for expires_in in [
        "9223372036854775807",
        "18446744073709551616",
        "1e300",
        "1e999",
        "\"1e30\"",
    ] {
        assert_eq!(expires_at(expires_in), Some(LAST_SECOND), "{expires_in}");
    }
    assert_eq!(expires_at("-1e300"), Some(0));
}

#[test]
fn a_success_without_a_usable_token_says_why_and_quotes_nothing() {
    for (body, why) in [
        ("", "the body is empty"),
        ("hush", "the body is not JSON"),
        (r#"{"access_token":"hush""#, "the body is not JSON"),
        (r#"["hush"]"#, "the body is JSON, but not an object"),
        (r#""hush""#, "not an object"),
        (r#"{"token":"hush"}"#, "the body has no access_token"),
        (
            r#"{"error":"hush"}"#,
            "the body holds an error instead of an access_token",
        ),
        (r#"{"access_token":null,"x":"hush"}"#, "not a string"),
        (r#"{"access_token":["hush"]}"#, "not a string"),
        (r#"{"access_token":"","x":"hush"}"#, "empty"),
        (r#"{"access_token":"hush\n"}"#, "control or format character"),
        (
            r#"{"access_token":"hush\u202e"}"#,
            "access_token contains a control or format character",
        ),
        (
            r#"{"access_token":"hush","token_type":"Bearer\r\nX: y"}"#,
            "token_type contains a control or format character",
        ),
        (
            r#"{"access_token":"hush","token_type":"Bearer\u0000"}"#,
            "token_type contains a control or format character",
        ),
        (
            r#"{"access_token":"hush","issued_token_type":"urn:\u2028"}"#,
            "issued_token_type contains a control or format character",
        ),
        (r#"{"access_token":"hush\u0000"}"#, "control or format character"),
        (
            r#"{"access_token":"hush","access_token":"hush2"}"#,
            "appears more than once",
        ),
        ("{\"access_token\":\"hush\"}\u{feff}", "the body is not JSON"),
    ] {
        let error = read(200, body).unwrap_err();
        assert_eq!(
            (error.kind(), error.http_status()),
            (ErrorKind::BadResponse, Some(200)),
            "{body}"
        );
        assert!(error.message().contains(why), "{body}: {error}");
        assert!(error.message().contains("application/json"), "{body}: {error}");
        assert!(
            !error.message().contains("Check that"),
            "a server that sends JSON is the right one: {error}"
        );
        assert!(!error.message().contains("hush"), "{body}: {error}");
    }
}

#[test]
fn a_response_has_at_most_a_thousand_members() {
    let body = |count| {
        let members: String = (1..count)
            .map(|number| format!(r#","{number}":"hush""#))
            .collect();
        format!(r#"{{"access_token":"t"{members}}}"#)
    };
    assert_eq!(read(200, &body(1000)).unwrap().fields().len(), 1000);
    for (status, count) in [(200, 1001), (200, 10_000), (400, 1001)] {
        let error = read(status, &body(count)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadResponse);
        assert_eq!(
            error.message().contains("more than 1,000 members"),
            status == 200,
            "{error}"
        );
    }
}

#[test]
fn a_response_that_is_too_large_is_not_read() {
    let huge = format!(r#"{{"access_token":"{}"}}"#, "t".repeat(LARGEST_RESPONSE));
    let error = read(200, &huge).unwrap_err();
    assert!(
        error.message().contains("the body is larger than 8 MiB"),
        "{error}"
    );
}

#[test]
fn the_stated_lifetime_beats_the_tokens_own_expiry_by_another_clock() {
    // {"alg":"none"}, {"exp":992800}: two hours before the request.
    let body = r#"{"access_token":"eyJhbGciOiJub25lIn0.eyJleHAiOjk5MjgwMH0.c2ln","expires_in":3600}"#;
    assert_eq!(read(200, body).unwrap().lifetime_s(), Some(3600));
    let body = r#"{"access_token":"eyJhbGciOiJub25lIn0.eyJleHAiOjk5MjgwMH0.c2ln"}"#;
    assert_eq!(read(200, body).unwrap().lifetime_s(), None);
}

#[test]
fn a_token_in_a_failure_is_not_a_token() {
    let error = read(500, r#"{"access_token":"t","expires_in":60}"#).unwrap_err();
    assert_eq!(
        (error.kind(), error.http_status()),
        (ErrorKind::BadResponse, Some(500))
    );
}

#[test]
fn each_shape_of_a_refusal_gives_its_code_and_its_sentence() {
    let connect = read(
        400,
        r#"{"code": 22, "error": "You don't have permission", "payload": null}"#,
    )
    .unwrap_err();
    assert_eq!(
        connect.message(),
        "The server rejected the request: HTTP 400, Connect error 22: You don't have permission"
    );
    assert_eq!((connect.connect_code(), connect.oauth_code()), (Some(22), None));

    let old = read(403, r#"{"error_code":7,"error_message":"No."}"#).unwrap_err();
    assert_eq!(
        old.message(),
        "The server rejected the request: HTTP 403, Connect error 7: No."
    );
    assert_eq!((old.connect_code(), old.http_status()), (Some(7), Some(403)));

    let oauth = read(
        400,
        r#"{"error":"invalid_request","error_description":"{1+1} %s","error_uri":"https://e"}"#,
    )
    .unwrap_err();
    assert_eq!(
        oauth.message(),
        "The server rejected the request: HTTP 400, invalid_request: {1+1} %s\nThe server refers to https://e"
    );
    assert_eq!(
        (oauth.connect_code(), oauth.oauth_code()),
        (None, Some("invalid_request"))
    );
    for error in [connect, old, oauth] {
        assert_eq!(error.kind(), ErrorKind::Refused);
    }
}

#[test]
fn a_refusal_with_members_missing_is_a_refusal() {
    for (body, message) in [
        (
            r#"{"code":22}"#,
            "The server rejected the request: HTTP 401, Connect error 22",
        ),
        (
            r#"{"code":null,"error":"Sentence."}"#,
            "The server rejected the request: HTTP 401: Sentence.",
        ),
        (
            r#"{"error_code":9999999999999}"#,
            "The server rejected the request: HTTP 401",
        ),
        (
            r#"{"error":"access_denied","error_description":null}"#,
            "The server rejected the request: HTTP 401, access_denied",
        ),
    ] {
        let error = read(401, body).unwrap_err();
        assert_eq!(
            (error.kind(), error.message().as_str()),
            (ErrorKind::Refused, message)
        );
    }
}

#[test]
fn code_212_comes_with_the_page_that_helps() {
    for body in [
        r#"{"error_code":212,"error_message":"No OAuth integrations"}"#,
        r#"{"code":212,"error":"No OAuth integrations"}"#,
    ] {
        let error = read(400, body).unwrap_err();
        assert_eq!(error.connect_code(), Some(212));
        assert!(error.message().ends_with("deployed-content"), "{error}");
    }
}

#[test]
fn a_response_that_is_not_understood_is_quoted_in_short_and_without_the_requests_secrets() {
    let mut page = response(
        502,
        &format!("<h1>Bad\x07 gateway</h1> Key the-api-key {}", "x".repeat(300)),
    );
    page.content_type = Some("text/html\x07".to_owned());
    let error = page.read(ASKED_AT, &Redactor::new(["the-api-key"])).unwrap_err();
    let message = error.message();
    assert_eq!(error.kind(), ErrorKind::BadResponse);
    assert!(
        message.contains(r"HTTP 502, text/html\u{7}: <h1>Bad\u{7} gateway</h1> Key <redacted> xxx"),
        "{message}"
    );
    assert!(message.chars().count() < 300, "{message}");
    assert!(error.is_retryable());
    assert!(
        !message.contains("Check that"),
        "another attempt may help: {message}"
    );

    let mut binary = response(404, "");
    binary.body = Zeroizing::new(vec![0xff; 10]);
    binary.content_type = None;
    let message = binary.read(ASKED_AT, &Redactor::new([])).unwrap_err().message();
    assert_eq!(
        message,
        "The server's response was not understood: HTTP 404, no content type\n\
         Check that the server URL is the address of the Connect server."
    );
}

#[test]
fn a_refusal_does_not_repeat_the_requests_secrets() {
    let error = read(
        400,
        r#"{"error":"bad the-api-key","error_description":"the%2Dapi-key\n","error_uri":"the-api-key"}"#,
    )
    .unwrap_err();
    assert!(!error.message().contains("api"), "{error}");
    assert_eq!(error.oauth_code(), Some("bad <redacted>"));
}

#[test]
fn the_time_to_wait_is_read_in_seconds_and_as_a_date() {
    let wait = |value: &str| {
        let mut busy = response(503, "");
        busy.retry_after = Some(value.to_owned());
        busy.read(ASKED_AT, &Redactor::new([]))
            .unwrap_err()
            .retry_after()
            .map(|wait| wait.as_secs())
    };
    assert_eq!(wait("120"), Some(120));
    assert_eq!(wait("Mon, 12 Jan 1970 13:47:00 GMT"), Some(20));
    assert_eq!(wait("Mon, 12 Jan 1970 13:46:00 GMT"), Some(0));
    assert_eq!(wait("soon"), None);
    assert_eq!(wait("-1"), None);
}

#[test]
fn the_servers_id_of_the_request_is_in_the_message() {
    let mut refused = response(400, r#"{"error":"invalid_request"}"#);
    refused.request_id = Some("id-1".to_owned());
    let message = refused.read(ASKED_AT, &Redactor::new([])).unwrap_err().message();
    assert!(message.ends_with("\nServer request ID: id-1."), "{message}");
}
