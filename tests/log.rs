//! The log lines that a host receives. `support/host.rs` asserts for every host that they contain no secret.

mod support;

use connect_standin::{ConnectionOrder, Order, Standin};
use support::host::Host;
use support::{clean, compile, root, run};

/// Returns the log lines of a call, without numbers that differ from run to run.
#[track_caller]
fn lines(host: &mut Host, call: &[&str]) -> Vec<String> {
    let outcome = host.call(call);
    outcome.log().into_iter().map(without_numbers).collect()
}

/// Replaces times by `N`, the server's address by `SERVER`, and its id of a request by `ID`.
fn without_numbers(line: &str) -> String {
    let line = match line.split_once("Server request ID: ") {
        Some((before, _id)) => format!("{before}Server request ID: ID."),
        None => line.to_owned(),
    };
    let mut words: Vec<_> = line.split(' ').map(ToOwned::to_owned).collect();
    for at in 1..words.len() {
        let timed = words.get(at + 1).is_some_and(|unit| {
            let unit = unit.trim_end_matches([',', ':', '.']);
            ["ms", "s"].contains(&unit)
        });
        if timed {
            words[at] = "N".to_owned();
        }
        if let Some((_, path)) = words[at].split_once("127.0.0.1:") {
            let path = path.trim_start_matches(|digit: char| digit.is_ascii_digit());
            words[at] = format!("SERVER{path}");
        }
    }
    words.join(" ")
}

const ENDPOINT: &str = "SERVER/__api__/v1/oauth/integrations/credentials";

#[test]
fn a_call_tells_what_it_saw_and_did_line_by_line() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    host.call(&["log", "4"]);
    assert_eq!(
        lines(&mut host, &["service_account"]),
        [
            "4 Service account token: cache miss, no entry",
            "4 Set in the environment: POSIT_PRODUCT, CONNECT_SERVER, CONNECT_API_KEY, CONNECT_CONTENT_SESSION_TOKEN",
            &format!("4 POST {ENDPOINT}"),
            &format!("3 POST {ENDPOINT}: HTTP 200 after N ms, on a new connection"),
            "3 Service account token: obtained, expires in N s",
        ]
    );
    host.call(&["log", "4"]);
    assert_eq!(
        lines(&mut host, &["service_account"]),
        ["4 Service account token: cache hit, expires in N s"]
    );
    host.call(&["log", "3"]);
    assert_eq!(
        lines(&mut host, &["workload"]),
        [
            &format!("3 POST {ENDPOINT}: HTTP 200 after N ms, on a reused connection"),
            "3 Workload token: obtained, expires in N s",
        ]
    );
}

#[test]
fn attempts_redirects_and_a_dead_connection_are_told() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    host.configure(&[]);
    connect.order_connection(ConnectionOrder::ResetOnRequestAfterAnswers(1));
    host.ok(&["service_account"]);
    connect.order(Order::Redirect {
        status: 308,
        location: "/__api__/v1/oauth/integrations/credentials".to_owned(),
    });
    connect.order(Order::RetryAfter {
        status: 503,
        value: "0".to_owned(),
    });
    host.call(&["log", "4"]);
    assert_eq!(
        lines(&mut host, &["service_account"]),
        [
            "4 Service account token: cache miss, a new token was requested",
            "4 Set in the environment: POSIT_PRODUCT, CONNECT_SERVER, CONNECT_API_KEY, CONNECT_CONTENT_SESSION_TOKEN",
            &format!("4 POST {ENDPOINT}"),
            "4 The kept connection to SERVER was closed meanwhile: a new one is made",
            &format!("4 POST {ENDPOINT}"),
            &format!("3 POST {ENDPOINT}: HTTP 308 after N ms, on a new connection"),
            &format!("3 Following HTTP 308 redirect to {ENDPOINT}"),
            &format!("4 POST {ENDPOINT}"),
            &format!("3 POST {ENDPOINT}: HTTP 503 after N ms, on a reused connection"),
            "3 Attempt 1 of 3 failed, the next in N ms: The server's response was not understood: HTTP 503, text/plain; charset=utf-8: Come back later | Server request ID: ID.",
            &format!("4 POST {ENDPOINT}"),
            &format!("3 POST {ENDPOINT}: HTTP 200 after N ms, on a reused connection"),
            "3 Service account token: obtained, expires in N s",
        ]
    );
}

#[test]
fn a_failure_is_told_once_as_an_error_in_one_line() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    connect.order(Order::OldConnectError {
        status: 400,
        error_code: 212,
        error_message: "%s\n{1+1}".to_owned(),
    });
    host.call(&["log", "1"]);
    let told = lines(&mut host, &["service_account"]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("1 Cannot fetch service account credentials from the Connect server. | The server rejected the request: HTTP 400, Connect error 212: %s\\n{1+1} | "),
        "{told:?}"
    );
    host.call(&["log", "0"]);
    assert!(lines(&mut host, &["service_account"]).is_empty());
}

#[test]
fn that_there_are_no_credentials_here_is_no_error() {
    let mut host = Host::with([]);
    host.call(&["log", "2"]);
    assert!(lines(&mut host, &["has_service_account"]).is_empty());
    host.call(&["log", "3"]);
    assert_eq!(
        lines(&mut host, &["has_service_account"]),
        ["3 Service account credentials are only available when running on Connect."]
    );
}

#[test]
fn certificate_authorities_are_told_and_where_they_come_from() {
    let connect = Standin::start_tls();
    let mut host = Host::on(&connect);
    host.call(&["log", "4"]);
    let told = lines(&mut host, &["service_account"]);
    let line = told.iter().find(|line| line.contains("authorities"));
    assert!(
        line.is_some_and(|line| line.contains("1 from SSL_CERT_FILE")),
        "{told:?}"
    );
}

#[test]
fn lines_of_a_background_refresh_wait_for_the_next_call() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    host.ok(&["service_account"]);
    host.call(&["advance", "3400"]);
    host.call(&["log", "4"]);
    let told = lines(&mut host, &["service_account"]);
    assert!(
        told.contains(&"4 Token expires soon; refreshing in the background".to_owned()),
        "{told:?}"
    );
    let renewed = |line: &String| line.contains("HTTP 200");
    // The host asserts that each line arrived on the calling thread.
    for _ in 0..1000 {
        let told = lines(&mut host, &["has_service_account"]);
        if told.iter().any(renewed) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("the background's lines were not told");
}

#[test]
fn a_callback_may_call_fork_and_remove_itself() {
    let connect = Standin::start();
    for doing in ["call", "fork", "remove"] {
        let mut host = Host::on(&connect);
        host.call(&["log", "3", doing]);
        let told = lines(&mut host, &["service_account"]);
        let expected = if doing == "remove" { 1 } else { 2 };
        assert_eq!(told.len(), expected, "{doing}: {told:?}");
        let told = lines(&mut host, &["workload"]);
        assert_eq!(
            told.len(),
            if doing == "remove" { 0 } else { 2 },
            "{doing}: {told:?}"
        );
    }
}

#[test]
fn while_a_call_waits_it_tells_what_happens() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    host.configure(&[("attempt_timeout_ms", "300"), ("max_attempts", "2")]);
    connect.order_always(Some(Order::Silent));
    host.call(&["log", "4"]);
    let told = lines(&mut host, &["service_account"]);
    assert!(
        told.iter()
            .any(|line| line.starts_with("3 Attempt 1 of 2 failed")),
        "{told:?}"
    );
}

#[test]
fn a_forked_child_tells_its_own_lines_and_not_its_parents() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    host.call(&["log", "3"]);
    let told = lines(&mut host, &["in_child", "service_account"]);
    assert_eq!(told.len(), 2, "{told:?}");
}

#[test]
fn the_log_goes_to_standard_error_when_the_environment_says_so() {
    let connect = Standin::start();
    for (value, written) in [("1", true), ("yes", true), ("0", false), ("", false)] {
        let environment = connect.environment();
        let environment = environment.iter().map(|(name, value)| (*name, value.as_str()));
        let mut host = Host::with(environment.chain([("CONNECTCREDS_DEBUG", value)]));
        host.ok(&["service_account"]);
        let errors = host.errors();
        let line = "connectcreds info: Service account token: obtained, ";
        assert_eq!(errors.contains(line), written, "{value:?}: {errors}");
        assert_eq!(errors.is_empty(), !written, "{value:?}: {errors}");
    }
}

#[test]
fn a_callback_that_was_removed_is_never_called_again() {
    let program = compile(&root().join("tests/programs/c/log.c"));
    assert_eq!(run(&mut clean(&program)), "late 0, heard some\n");
}

#[test]
fn the_report_says_what_the_library_sees_and_what_went_wrong_last() {
    let connect = Standin::start();
    let mut host = Host::changed(&connect, &[("HTTPS_PROXY", "http://user:hunter2-hunter2@p:1")]);
    connect.order(Order::OldConnectError {
        status: 400,
        error_code: 212,
        error_message: "None.".to_owned(),
    });
    host.fails(&["service_account"], "CC_ERR_REFUSED");
    let report = host.ok(&["report"])["report"].replace("\\n", "\n");
    for line in [
        &format!("connectcreds: {}", env!("CARGO_PKG_VERSION")),
        "On Connect: yes, according to POSIT_PRODUCT",
        "  CONNECT_API_KEY: set",
        "  CONNECT_CONTENT_SESSION_TOKEN_FILE: not set",
        "  HTTPS_PROXY: set",
        &format!("  address: {}", connect.url()),
        "  API key: set",
        "  content session token: set",
        "  way: straight",
        "  timeout of a call: 20000 ms",
        "  exchanges: 1",
        "  failures: 1",
        "    The server rejected the request: HTTP 400, Connect error 212: None.",
    ] {
        assert!(report.lines().any(|its| its == line), "{line}: {report}");
    }
    assert!(report.contains("\n  Refused, 20"), "{report}");
    assert!(!report.contains("hunter2"), "{report}");
    let report = Host::with([]).ok(&["report"])["report"].to_owned();
    assert!(
        report.contains("On Connect: no, according to POSIT_PRODUCT and RSTUDIO_PRODUCT\\n"),
        "{report}"
    );
}
