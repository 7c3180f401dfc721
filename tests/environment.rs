//! Variables and the files they name, as a C host sees it: what cannot be read, what changes between calls.

mod support;

use std::process::Command;
use std::time::{Duration, Instant};

use connect_standin::Standin;
use support::host::Host;
use support::run;
use tempfile::TempDir;

/// Waits until so many exchanges have arrived; bounded far above what a loaded machine needs.
fn await_exchanges(connect: &Standin, count: usize) {
    let began = Instant::now();
    while connect.exchanges() < count {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{}",
            connect.exchanges()
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A host to which Connect gave its content session token in the file at `path` alone.
fn host_with_file(connect: &Standin, path: &str) -> Host {
    Host::changed(
        connect,
        &[
            ("CONNECT_CONTENT_SESSION_TOKEN", ""),
            ("CONNECT_CONTENT_SESSION_TOKEN_FILE", path),
        ],
    )
}

#[test]
fn a_fifo_or_a_device_in_place_of_the_content_token_is_an_error_and_blocks_no_call() {
    let connect = Standin::start();
    let directory = TempDir::new().expect("a directory can be made");
    let fifo = directory.path().join("token");
    run(Command::new("mkfifo").arg(&fifo));
    for (path, kind) in [
        (fifo.to_str().expect("UTF-8"), "a FIFO"),
        ("/dev/zero", "a device"),
        (directory.path().to_str().expect("UTF-8"), "a directory"),
    ] {
        let mut host = host_with_file(&connect, path);
        // The child gives up after ten seconds.
        let outcome = host.call(&["in_child", "service_account"]);
        assert_eq!(outcome["child_signal"], *"0", "{path}");
        assert_eq!(outcome["status"], *"CC_ERR_NOT_SUPPORTED", "{outcome:?}");
        for words in [path, "CONNECT_CONTENT_SESSION_TOKEN_FILE", kind] {
            assert!(outcome["message"].contains(words), "{words}: {outcome:?}");
        }
    }
    assert_eq!(connect.exchanges(), 0);
}

#[test]
fn without_descriptors_the_content_token_is_a_retryable_error_and_read_later() {
    let connect = Standin::start();
    let file = connect.content_token_file().to_str().expect("UTF-8").to_owned();
    for variable in ["", "another-session-token"] {
        let mut host = Host::changed(
            &connect,
            &[
                ("CONNECT_CONTENT_SESSION_TOKEN", variable),
                ("CONNECT_CONTENT_SESSION_TOKEN_FILE", &file),
            ],
        );
        host.call(&["limit_files", "0"]);
        let outcome = host.call(&["service_account"]);
        assert_eq!(
            (&outcome["status"], &outcome["retryable"]),
            ("CC_ERR_NETWORK", "1"),
            "{outcome:?}"
        );
        host.call(&["limit_files", "(null)"]);
        host.ok(&["service_account"]);
    }
}

#[test]
fn without_descriptors_the_message_names_the_content_tokens_file() {
    let connect = Standin::start();
    let file = connect.content_token_file().to_str().expect("UTF-8").to_owned();
    let mut host = host_with_file(&connect, &file);
    host.call(&["request"]);
    // No server is known: the session token comes first, and its file has to be read to know that it is there.
    host.call(&["setenv", "CONNECT_SERVER", "(null)"]);
    host.call(&["limit_files", "0"]);
    let message = host.fails(&["service_account"], "CC_ERR_NETWORK");
    for words in [
        file.as_str(),
        "CONNECT_CONTENT_SESSION_TOKEN_FILE",
        "Too many open files",
    ] {
        assert!(message.contains(words), "{words}: {message}");
    }
    host.call(&["limit_files", "(null)"]);
    host.fails(&["service_account"], "CC_ERR_NO_SERVER");
}

#[test]
fn no_thread_of_the_library_reads_the_environment() {
    let connect = Standin::start();
    let server = connect.url().replace("127.0.0.1", "localhost");
    let mut host = Host::changed(&connect, &[("CONNECT_SERVER", &server)]);
    host.ok(&["service_account"]);
    // Exchanges of the background, of a caller that leaves, and of callers that come at the same time.
    host.call(&["advance", "3400"]);
    host.ok(&["service_account"]);
    await_exchanges(&connect, 2);
    let (ada, bob) = (connect.viewer_token("ada"), connect.viewer_token("bob"));
    host.call(&["request"]);
    host.call(&["start_viewers", "8", &ada, &bob]);
    host.call(&["finish_viewers"]);
    assert_eq!(connect.exchanges(), 4);
    let reads = host.call(&["environment_reads"]);
    assert_ne!(reads["here"], *"0", "the host sees the library's reads");
    assert_eq!(reads["elsewhere"], *"0");
}

#[test]
fn a_variable_that_changes_counts_from_the_next_exchange_on() {
    let connect = Standin::start();
    let server = connect.url().replace("127.0.0.1", "connect.example.test");
    let mut host = Host::changed(&connect, &[("CONNECT_SERVER", &server)]);
    host.configure(&[("max_attempts", "1")]);
    for proxy in ["http://127.0.0.1:1", "http://127.0.0.1:2"] {
        host.call(&["setenv", "ALL_PROXY", proxy]);
        let message = host.fails(&["service_account"], "CC_ERR_NETWORK");
        let words = proxy.replace("http://", " through the proxy ");
        assert!(message.contains(&words), "{words}: {message}");
    }
    host.call(&["setenv", "ALL_PROXY", "(null)"]);
    let message = host.fails(&["service_account"], "CC_ERR_NETWORK");
    assert!(!message.contains("proxy"), "{message}");
}
