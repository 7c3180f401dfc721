//! Faults of connections, with which a client's pool and its handling of SIGPIPE are tested.

mod support;

use connect_standin::{Certificate, ConnectionOrder, Standin, TlsVersion};
use std::io::{ErrorKind, Read, Write};
use support::*;

fn both() -> [Standin; 2] {
    [Standin::start(), Standin::start_tls()]
}

fn assert_reset(error: &std::io::Error) {
    let reset = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
    assert!(reset.contains(&error.kind()), "{error:?}");
}

#[test]
fn connections_are_kept_alive_and_counted() {
    for standin in both() {
        let mut client = Client::connect(&standin).expect("accepted");
        for _ in 0..3 {
            assert_eq!(
                client
                    .exchange(&service_account(&standin))
                    .expect("answered")
                    .status,
                200
            );
        }
        assert_eq!((standin.connections(), standin.exchanges()), (1, 3));
        exchange(&standin, &service_account(&standin));
        assert_eq!(standin.connections(), 2);
    }
}

#[test]
fn a_connection_reset_when_accepted_answers_nothing_and_the_next_one_does() {
    for standin in both() {
        standin.order_connection(ConnectionOrder::ResetOnAccept);
        let mut socket = socket(&standin).expect("the system accepts");
        // On this read or a later one, depending on when the reset arrives.
        let end = socket
            .write_all(b"POST")
            .and_then(|()| socket.read_to_end(&mut Vec::new()));
        assert_reset(&end.expect_err("reset"));
        assert_eq!(exchange(&standin, &service_account(&standin)).status, 200);
    }
}

#[test]
fn a_connection_is_reset_during_the_handshake() {
    for standin in both() {
        standin.order_connection(ConnectionOrder::ResetDuringHandshake);
        let error = Client::connect(&standin)
            .and_then(|mut client| client.exchange(&service_account(&standin)))
            .expect_err("reset");
        assert_reset(&error);
        assert_eq!(standin.exchanges(), 0);
    }
}

#[test]
fn a_connection_is_reset_right_after_the_handshake() {
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let standin = Standin::builder()
            .tls(true)
            .tls_version(version)
            .start()
            .expect("starts");
        standin.order_connection(ConnectionOrder::ResetAfterHandshake);
        let mut client = Client::connect(&standin).expect("the handshake is done");
        assert_reset(&client.exchange(&service_account(&standin)).expect_err("reset"));
        assert_eq!(standin.exchanges(), 0);
    }
}

#[test]
fn a_connection_is_reset_behind_an_answer() {
    for standin in both() {
        standin.order_connection(ConnectionOrder::ResetAfterAnswers(2));
        let mut client = Client::connect(&standin).expect("accepted");
        for _ in 0..2 {
            assert_eq!(
                client
                    .exchange(&service_account(&standin))
                    .expect("answered")
                    .status,
                200
            );
        }
        let (bytes, end) = client.rest();
        assert!(bytes.is_empty());
        assert_reset(&end.expect_err("reset"));
    }
}

#[test]
fn a_connection_is_reset_when_the_request_after_an_answer_arrives() {
    for standin in both() {
        standin.order_connection(ConnectionOrder::ResetOnRequestAfterAnswers(1));
        let mut client = Client::connect(&standin).expect("accepted");
        assert_eq!(
            client
                .exchange(&service_account(&standin))
                .expect("answered")
                .status,
            200
        );
        assert_reset(&client.exchange(&service_account(&standin)).expect_err("reset"));
        assert_eq!(standin.exchanges(), 1);
    }
}

#[test]
fn a_connection_is_closed_behind_an_answer_that_did_not_say_so() {
    for standin in both() {
        standin.order_connection(ConnectionOrder::CloseAfterAnswers(1));
        let mut client = Client::connect(&standin).expect("accepted");
        let answer = client.exchange(&service_account(&standin)).expect("answered");
        assert_eq!((answer.status, answer.header("connection")), (200, None));
        let (bytes, end) = client.rest();
        assert!(bytes.is_empty() && end.is_ok(), "{end:?}");
    }
}

#[test]
fn a_silent_handshake_keeps_the_connection_open() {
    let standin = Standin::start_tls();
    standin.order_connection(ConnectionOrder::SilentHandshake);
    let mut silent = socket(&standin).expect("the system accepts");
    silent.set_nonblocking(true).expect("a socket can");
    silent.write_all(b"hello?").expect("sent");
    assert_eq!(exchange(&standin, &service_account(&standin)).status, 200);
    assert_eq!(
        silent.read(&mut [0]).expect_err("nothing to read").kind(),
        ErrorKind::WouldBlock
    );
}

#[test]
fn a_bad_certificate_is_bad_in_the_way_asked_for() {
    for (certificate, reason) in [
        (Certificate::Expired, "Expired"),
        (Certificate::WrongName, "NotValidForName"),
    ] {
        let standin = Standin::builder()
            .tls(true)
            .certificate(certificate)
            .start()
            .expect("starts");
        let error = Client::connect(&standin).err().expect("refused by the client");
        assert!(format!("{error:?}").contains(reason), "{error:?}");
    }
}

#[test]
fn dropping_the_server_closes_connections_frees_the_port_and_removes_the_files() {
    let standin = Standin::start_tls();
    let mut client = Client::connect(&standin).expect("accepted");
    let (authority, token) = (
        standin.ca_certificate_file().to_owned(),
        standin.content_token_file().to_owned(),
    );
    assert!(authority.exists() && token.exists());
    let port: u16 = standin
        .url()
        .rsplit(':')
        .next()
        .and_then(|port| port.parse().ok())
        .expect("a port");

    drop(standin);
    assert!(client.rest().0.is_empty());
    assert!(!authority.exists() && !token.exists());
    Standin::builder().port(port).start().expect("the port is free");
}
