//! With any response, or none, a call ends in a token or an error before its deadline, and in bounded memory.
//! `--nocapture` prints the outcome of each fault.

mod support;

use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use connect_standin::{ConnectionOrder, Order, Standin};
use support::host::{Host, Outcome};

/// The timeout of a call. These tests check that calls end, and not how fast.
const CALL_MS: &str = "3000";
/// Far above what a loaded machine needs.
const PATIENCE: Duration = Duration::from_secs(30);
/// The most memory that one call may take, in kB. The largest response that is read has 1024.
const MEMORY: u64 = 64 * 1024;

/// The token in invalid responses, which must not be returned.
const TOKEN: &str = "the-token-of-an-answer-that-is-wrong";

const NETWORK: &str = "CC_ERR_NETWORK";
const TIMEOUT: &str = "CC_ERR_TIMEOUT";
const BAD: &str = "CC_ERR_BAD_RESPONSE";

/// A fault.
enum Fault {
    Answer(Order),
    Connection(ConnectionOrder),
    /// No server listens at the server URL.
    Server(&'static str),
}

use Fault::{Answer, Connection, Server};

fn bytes(text: impl Into<Vec<u8>>) -> Fault {
    Answer(Order::Bytes(text.into()))
}

fn forever(text: &str) -> Fault {
    Answer(Order::BytesForever {
        bytes: text.as_bytes().to_vec(),
    })
}

fn json() -> String {
    format!(r#"{{"access_token":"{TOKEN}","token_type":"Bearer","expires_in":3600}}"#)
}

/// Returns a response with exactly these header lines and this body.
fn answer(headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{headers}\r\n{body}").into_bytes()
}

fn with_length(length: usize) -> Vec<u8> {
    answer(&format!("Content-Length: {length}\r\n"), &json())
}

fn chunked(chunks: &str) -> Vec<u8> {
    answer("Transfer-Encoding: chunked\r\n", chunks)
}

fn raw(headers: Vec<(String, String)>, body: Vec<u8>) -> Fault {
    Answer(Order::Raw {
        status: 200,
        headers,
        body,
    })
}

fn gzip() -> Vec<u8> {
    // {"access_token":"an-access-token-in-gzip","expires_in":3600}
    BASE64_STANDARD
        .decode("H4sIAAAAAAACA6tWSkxOTi0uji/Jz07NU7JSSszThYjogkV0M/N006syC5R0lFIrCjKLUovjM4HKjM0MDGoBEV/6fDwAAAA=")
        .expect("it is base64")
}

/// Each fault and its expected outcome.
fn faults() -> Vec<(&'static str, Fault, &'static str)> {
    let length = json().len();
    let field = |number: usize, size: usize| (format!("x-field-{number}"), "v".repeat(size));
    let large = "x".repeat(2 * 1024 * 1024);
    let encoded = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("content-encoding".to_owned(), "gzip".to_owned()),
    ];
    let early_hints = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n";
    vec![
        ("refused", Server("http://127.0.0.1:1"), NETWORK),
        ("unresolved", Server("http://connect.invalid"), NETWORK),
        ("silent", Answer(Order::Silent), TIMEOUT),
        (
            "silent handshake",
            Connection(ConnectionOrder::SilentHandshake),
            NETWORK,
        ),
        (
            "reset when accepted",
            Connection(ConnectionOrder::ResetOnAccept),
            NETWORK,
        ),
        (
            "reset during the handshake",
            Connection(ConnectionOrder::ResetDuringHandshake),
            NETWORK,
        ),
        (
            "reset after the handshake",
            Connection(ConnectionOrder::ResetAfterHandshake),
            NETWORK,
        ),
        (
            "closed before the answer",
            Answer(Order::CloseBeforeAnswer),
            NETWORK,
        ),
        (
            "reset before the answer",
            Answer(Order::ResetBeforeAnswer),
            NETWORK,
        ),
        (
            "reset in the head",
            Answer(Order::CutAfter {
                bytes: 30,
                reset: true,
            }),
            NETWORK,
        ),
        (
            "reset in the body",
            Answer(Order::CutAfter {
                bytes: 250,
                reset: true,
            }),
            NETWORK,
        ),
        ("dripping", Answer(Order::Drip { milliseconds: 250 }), TIMEOUT),
        ("garbage", bytes("\u{1}\u{2}garbage\r\n\r\n"), BAD),
        ("garbage without end", forever("garbage"), BAD),
        ("zeros without end", forever("\0"), BAD),
        ("line breaks without end", forever("\r\n"), BAD),
        ("another protocol", bytes("SSH-2.0-OpenSSH_9.2p1\r\n"), BAD),
        ("a newer protocol", bytes("HTTP/9.9 200 OK\r\n\r\n"), BAD),
        ("a status that is none", bytes("HTTP/1.1 2000 OK\r\n\r\n"), BAD),
        (
            "100 without end",
            forever("HTTP/1.1 100 Continue\r\n\r\n"),
            TIMEOUT,
        ),
        ("103 without end", forever(early_hints), TIMEOUT),
        ("head without end", forever("x-a: b\r\n"), BAD),
        ("body without end", Answer(Order::Endless), BAD),
        ("oversized body", raw(vec![], large.clone().into_bytes()), BAD),
        ("oversized body without a length", bytes(answer("", &large)), BAD),
        (
            "a length of 4 GB and more",
            bytes(answer("Content-Length: 5000000000\r\n", &json())),
            BAD,
        ),
        (
            "more header fields than are read",
            raw(
                (0..500).map(|number| field(number, 10)).collect(),
                json().into_bytes(),
            ),
            BAD,
        ),
        (
            "a header field that is too long",
            bytes(answer(
                &format!(
                    "x-long: {}\r\nContent-Length: {length}\r\n",
                    "v".repeat(1024 * 1024)
                ),
                &json(),
            )),
            BAD,
        ),
        ("gzip that was not asked for", raw(encoded, gzip()), BAD),
        (
            "a length that is too long",
            bytes(with_length(length + 1)),
            NETWORK,
        ),
        ("a length that is too short", bytes(with_length(length - 1)), BAD),
        (
            "two lengths",
            bytes(answer(
                &format!("Content-Length: {length}\r\nContent-Length: {}\r\n", length - 1),
                &json(),
            )),
            BAD,
        ),
        (
            "a length that is no number",
            bytes(answer("Content-Length: many\r\n", &json())),
            BAD,
        ),
        ("chunks that are none", bytes(chunked("what?\r\n\r\n")), BAD),
        (
            "a chunk longer than it says",
            bytes(chunked(&format!("{:x}\r\n{}\r\n0\r\n\r\n", length - 1, json()))),
            BAD,
        ),
        (
            "a chunk longer than any",
            bytes(chunked(&format!("fffffffffffffffff\r\n{}\r\n", json()))),
            BAD,
        ),
        (
            "no last chunk",
            bytes(chunked(&format!("{length:x}\r\n{}\r\n", json()))),
            NETWORK,
        ),
        (
            "switching protocols",
            bytes("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
            BAD,
        ),
        ("no content", bytes("HTTP/1.1 204 No Content\r\n\r\n"), BAD),
    ]
}

/// Starts a host that makes one attempt in each call.
fn host_on(connect: &Standin) -> Host {
    let mut host = Host::on(connect);
    host.configure(&[
        ("max_attempts", "1"),
        ("call_timeout_ms", CALL_MS),
        ("attempt_timeout_ms", "1500"),
        ("connect_timeout_ms", "1000"),
    ]);
    host.keep_secret(TOKEN);
    host
}

fn arrange(fault: &Fault, connect: &Standin, host: &mut Host) {
    match fault {
        Answer(order) => connect.order(order.clone()),
        Connection(order) => connect.order_connection(*order),
        Server(url) => {
            host.ok(&["set", "server_url", url]);
        }
    }
}

#[test]
fn every_fault_ends_in_its_error_within_its_time_and_without_much_memory() {
    let mut wrong = Vec::new();
    for connect in [Standin::start(), Standin::start_tls()] {
        let scheme = connect.url().split(':').next().unwrap_or_default().to_owned();
        println!("| {scheme}: fault | status | ms | memory, kB |\n| --- | --- | --- | --- |");
        for (name, fault, expected) in faults() {
            let mut host = host_on(&connect);
            // The memory of the first call does not count, and its connection must not meet the fault.
            connect.order_connection(ConnectionOrder::CloseAfterAnswers(1));
            host.ok(&["service_account"]);
            arrange(&fault, &connect, &mut host);
            let before = host.peak_memory();
            let began = Instant::now();
            let outcome = host.call(&["service_account"]);
            let took = began.elapsed();
            let memory = host.peak_memory() - before;
            let status = outcome["status"].to_owned();
            println!("| {name} | {status} | {} | {memory} |", took.as_millis());
            // Without TLS there is no handshake, so the server itself is silent.
            let expected = match (scheme.as_str(), &fault) {
                ("http", Connection(ConnectionOrder::SilentHandshake)) => TIMEOUT,
                _ => expected,
            };
            if status != expected || took > PATIENCE || memory > MEMORY {
                wrong.push(format!(
                    "{scheme}, {name}: {expected} expected, {took:?}, {memory} kB, {outcome:?}"
                ));
            }
            assert_can_go_on(name, &connect, &mut host);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// After a fault, the next call gets a token and nothing of the previous response.
#[track_caller]
fn assert_can_go_on(name: &str, connect: &Standin, host: &mut Host) {
    host.ok(&["set", "server_url", &connect.url()]);
    let outcome = host.ok(&["service_account"]);
    assert_ne!(outcome["access_token"], *TOKEN, "{name}");
}

/// Asserts that the response is an error when it is cut off after any byte, and a token when it is complete.
#[track_caller]
fn assert_no_half_answer_is_taken(connect: &Standin, whole: &[u8]) {
    let mut host = host_on(connect);
    for end in 0..whole.len() {
        connect.order(Order::Bytes(whole[..end].to_vec()));
        let outcome = host.call(&["service_account"]);
        assert_eq!(
            outcome["status"],
            *NETWORK,
            "{end} of {}: {outcome:?}",
            whole.len()
        );
    }
    connect.order(Order::Bytes(whole.to_vec()));
    // From here on the token is valid.
    drop(host);
    let mut host = Host::on(connect);
    assert_eq!(host.ok(&["service_account"])["access_token"], *TOKEN);
}

#[test]
fn an_answer_cut_at_any_byte_is_a_network_error() {
    for connect in [Standin::start(), Standin::start_tls()] {
        assert_no_half_answer_is_taken(&connect, &with_length(json().len()));
        let json = json();
        let (first, second) = json.split_at(20);
        let chunks = format!(
            "{:x}\r\n{first}\r\n{:X};extension\r\n{second}\r\n0\r\nTrailer: x\r\n\r\n",
            first.len(),
            second.len()
        );
        assert_no_half_answer_is_taken(&connect, &chunked(&chunks));
    }
}

#[test]
fn an_answer_reset_at_any_byte_is_a_network_error() {
    for connect in [Standin::start(), Standin::start_tls()] {
        let mut host = host_on(&connect);
        let mut end = 0;
        // A reset can overtake bytes: right after the last byte, both outcomes are possible.
        while connect_cut(&connect, &mut host, end)["status"] == *NETWORK && end < 300 {
            end += 3;
        }
        assert!(end > 200, "cut after {end} bytes an answer was taken");
    }
}

fn connect_cut(connect: &Standin, host: &mut Host, bytes: usize) -> Outcome {
    connect.order(Order::CutAfter { bytes, reset: true });
    let outcome = host.call(&["service_account"]);
    assert!(
        [NETWORK, "CC_OK"].contains(&&outcome["status"]),
        "{bytes}: {outcome:?}"
    );
    outcome
}

#[test]
fn an_answer_that_has_begun_is_not_asked_for_again_as_if_its_connection_had_been_dead() {
    let length = json().len();
    let broken = [
        (with_length(length + 1), NETWORK),
        (chunked(&format!("{length:x}\r\n{}\r\n", json())), NETWORK),
        (chunked("what?\r\n\r\n"), BAD),
    ];
    for connect in [Standin::start(), Standin::start_tls()] {
        for (answer, expected) in &broken {
            let mut host = host_on(&connect);
            host.ok(&["service_account"]);
            connect.reset_counts();
            connect.order(Order::Bytes(answer.clone()));
            let outcome = host.call(&["service_account"]);
            assert_eq!(outcome["status"], **expected, "{outcome:?}");
            assert_eq!(connect.exchanges(), 1);
        }
    }
}

#[test]
fn a_caller_can_cancel_whatever_the_server_sends() {
    let Answer(endless) = forever("HTTP/1.1 100 Continue\r\n\r\n") else {
        unreachable!("it is an answer");
    };
    for connect in [Standin::start(), Standin::start_tls()] {
        for order in [Order::Silent, Order::Drip { milliseconds: 50 }, endless.clone()] {
            let mut host = host_on(&connect);
            host.ok(&["set", "call_timeout_ms", "30000"]);
            host.ok(&["set", "attempt_timeout_ms", "30000"]);
            // The callback is called every 100 ms, so this many calls take a tenth of the timeout.
            host.ok(&["set", "cancel_at_poll", "30"]);
            connect.order(order.clone());
            let outcome = host.call(&["service_account"]);
            assert_eq!(outcome["status"], *"CC_ERR_CANCELLED", "{order:?}: {outcome:?}");
        }
    }
}

#[test]
fn a_thousand_exchanges_and_a_thousand_failures_leave_no_thread_and_no_file_behind() {
    for connect in [Standin::start(), Standin::start_tls()] {
        let mut host = host_on(&connect);
        // None of these faults involves time.
        host.ok(&["set", "call_timeout_ms", "30000"]);
        host.ok(&["set", "attempt_timeout_ms", "30000"]);
        let failures = [
            Order::ResetBeforeAnswer,
            Order::Bytes(b"garbage\r\n\r\n".to_vec()),
            Order::Bytes(with_length(json().len() + 1)),
            Order::ConnectError {
                status: 503,
                code: 1,
                error: "Busy.".to_owned(),
            },
            Order::Bytes(answer("", &"x".repeat(1024 * 1024 + 1))),
        ];
        let round = |host: &mut Host| {
            for failure in &failures {
                host.ok(&["service_account"]);
                connect.order_always(Some(failure.clone()));
                assert_ne!(host.call(&["service_account"])["status"], *"CC_OK");
                connect.order_always(None);
            }
        };
        (0..2).for_each(|_| round(&mut host));
        let (threads, files) = host.threads_and_files();
        (2..200).for_each(|_| round(&mut host));
        assert_settles(&mut host, threads, files);

        // Connections that fail, and names that do not resolve.
        for _ in 0..5 {
            for server in [
                "http://127.0.0.1:1",
                "https://127.0.0.1:1",
                "http://connect.invalid",
            ] {
                host.ok(&["set", "server_url", server]);
                host.fails(&["service_account"], NETWORK);
            }
        }
        host.ok(&["set", "server_url", &connect.url()]);
        assert_settles(&mut host, threads, files);
    }
}

/// Waits until the host has at most this many threads and open files. A thread that resolved a name ends after a second.
#[track_caller]
fn assert_settles(host: &mut Host, threads: usize, files: usize) {
    let began = Instant::now();
    loop {
        let now = host.threads_and_files();
        if now.0 <= threads && now.1 <= files {
            return;
        }
        assert!(
            began.elapsed() < PATIENCE,
            "{now:?}, after ten exchanges {:?}",
            (threads, files)
        );
        std::thread::sleep(Duration::from_millis(50));
        host.ok(&["service_account"]);
    }
}

#[test]
fn exchanges_that_their_callers_left_come_to_an_end_and_leave_nothing_behind() {
    let connect = Standin::start();
    let mut host = host_on(&connect);
    host.ok(&["service_account"]);
    let (threads, _) = host.threads_and_files();
    let leave = |host: &mut Host, exchanges| {
        connect.order_always(Some(Order::Silent));
        host.ok(&["set", "timeout_ms", "1"]);
        for _ in 0..exchanges {
            host.fails(&["service_account"], TIMEOUT);
            host.call(&["clear"]); // The exchange continues; the next call must not wait for it.
        }
        connect.order_always(None);
        host.ok(&["set", "timeout_ms", "0"]);
    };
    leave(&mut host, 10);
    assert_settles(&mut host, threads, usize::MAX);
    let (_, files) = host.threads_and_files();
    leave(&mut host, 100);
    assert_settles(&mut host, threads, files);
}
