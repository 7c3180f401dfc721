//! `examples-c/with_libcurl.c`: a token that the service rejects is dropped, and another one is tried, once.

mod support;

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::OnceLock;

use connect_standin::{Order, Standin};
use support::service::Service;
use support::{clean, compile_with, root, told};

const RESOURCE: &str = "https://service.example.com";

/// The program on `connect`, to its end.
fn ask(connect: &Standin, service: &Service) -> Output {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program =
        PROGRAM.get_or_init(|| compile_with(&root().join("examples-c/with_libcurl.c"), &["-lcurl"]));
    let mut command: Command = clean(program);
    command
        .envs(connect.environment())
        .arg(service.url())
        .arg(RESOURCE)
        .output()
        .expect("the program starts")
}

#[track_caller]
fn assert_fails(output: &Output, why: &str) {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{}", told(output));
    assert!(errors.contains(why), "{errors}");
    assert!(output.stdout.is_empty(), "{}", told(output));
}

/// The tokens that the service was sent.
fn tokens(service: &Service) -> Vec<String> {
    let requests = service.requests();
    let header = |request: &String| {
        let line = request
            .lines()
            .find_map(|line| line.strip_prefix("Authorization: Bearer "));
        line.expect("a token was sent").to_owned()
    };
    requests.iter().map(header).collect()
}

#[test]
#[ignore = "needs libcurl (libcurl4-openssl-dev); tests/run runs it"]
fn curl_example_sends_a_good_token_once() {
    let (connect, service) = (Standin::start(), Service::start(&[200]));
    let output = ask(&connect, &service);
    assert!(output.status.success(), "{}", told(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "response 1\n");
    assert_eq!(tokens(&service).len(), 1);
    let request = connect.requests().remove(0);
    assert_eq!(request.param("resource").as_deref(), Some(RESOURCE));
}

#[test]
#[ignore = "needs libcurl (libcurl4-openssl-dev); tests/run runs it"]
fn curl_example_tries_another_token_when_one_is_rejected() {
    let (connect, service) = (Standin::start(), Service::start(&[401, 200]));
    let output = ask(&connect, &service);
    assert!(output.status.success(), "{}", told(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "response 2\n");
    let tokens = tokens(&service);
    assert_eq!(tokens.len(), 2);
    assert_ne!(tokens[0], tokens[1]);
    assert_eq!(connect.exchanges(), 2);
}

#[test]
#[ignore = "needs libcurl (libcurl4-openssl-dev); tests/run runs it"]
fn curl_example_gives_up_after_two_rejected_tokens() {
    let (connect, service) = (Standin::start(), Service::start(&[401, 401, 200]));
    assert_fails(&ask(&connect, &service), "the service rejected two tokens (401)");
    assert_eq!(service.requests().len(), 2);
}

#[test]
#[ignore = "needs libcurl (libcurl4-openssl-dev); tests/run runs it"]
fn curl_example_tries_nothing_again_that_another_token_does_not_change() {
    let (connect, service) = (Standin::start(), Service::start(&[500, 200]));
    assert_fails(&ask(&connect, &service), "500");
    assert_eq!((service.requests().len(), connect.exchanges()), (1, 1));
}

#[test]
#[ignore = "needs libcurl (libcurl4-openssl-dev); tests/run runs it"]
fn curl_example_sends_no_token_that_is_not_a_bearer_token() {
    let (connect, service) = (Standin::start(), Service::start(&[]));
    connect.order(Order::Raw {
        status: 200,
        headers: vec![("content-type".into(), "application/json".into())],
        body: r#"{"access_token": "secret", "token_type": "aws_credentials"}"#.into(),
    });
    assert_fails(&ask(&connect, &service), "type aws_credentials cannot be sent");
}

#[test]
#[ignore = "needs libcurl (libcurl4-openssl-dev); tests/run runs it"]
fn curl_example_says_why_there_is_no_token_and_no_service() {
    let (connect, service) = (Standin::start(), Service::start(&[]));
    connect.order(Order::OAuthError {
        status: 400,
        error: "invalid_request".into(),
        description: None,
        uri: None,
    });
    assert_fails(&ask(&connect, &service), "CC_ERR_REFUSED: ");
    drop(connect);
    // Its thread has ended, and it listens no more.
    let connect = Standin::start();
    assert_fails(&ask(&connect, &service), &service.url());
}
