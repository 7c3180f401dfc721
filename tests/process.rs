//! Calls at the end of threads and of the process, and with too little of what the system gives. Nothing reaches the
//! host's standard error.

mod support;

use std::path::PathBuf;
use std::sync::OnceLock;

use connect_standin::Standin;
use support::{clean, compile, root, told};

/// Runs a scene of `process.c` and returns what it prints.
#[track_caller]
fn play(connect: &Standin, scene: &[&str], changes: &[(&str, &str)]) -> String {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| compile(&root().join("tests/programs/c/process.c")));
    let mut host = clean(program);
    host.args(scene)
        .envs(connect.environment())
        .envs(changes.iter().copied());
    let output = host.output().expect("the host starts");
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        told(&output)
    );
    String::from_utf8(output.stdout).expect("it prints text")
}

#[test]
fn calls_at_the_end_of_a_thread_and_of_the_process_get_tokens() {
    for connect in [Standin::start(), Standin::start_tls()] {
        play(&connect, &["ends"], &[]);
        assert_eq!(connect.exchanges(), 6);
    }
}

#[test]
fn without_a_thread_to_resolve_a_name_on_a_call_fails_with_a_retryable_network_error() {
    // The library must be readable by the other user.
    let connect = Standin::start();
    let by_name = connect.url().replace("127.0.0.1", "connect.example");
    let printed = play(&connect, &["no_threads"], &[("CONNECT_SERVER", by_name.as_str())]);
    assert!(printed.contains("thread"), "{printed}");
    assert_eq!(connect.connections(), 0);
}

#[test]
fn a_name_that_the_resolver_hangs_on_is_looked_up_once_at_a_time() {
    let connect = Standin::start();
    let by_name = connect.url().replace("127.0.0.1", "connect.example");
    play(
        &connect,
        &["hanging_resolver"],
        &[("CONNECT_SERVER", by_name.as_str())],
    );
}
