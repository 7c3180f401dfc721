//! The n-th descriptor or thread that a call asks for fails, for every n: the call ends in a token or in an error that says
//! that a retry may succeed, and the next call gets a token.

mod support;

use std::path::PathBuf;
use std::sync::OnceLock;

use connect_standin::Standin;
use support::{clean, compile, root, told};

/// Plays each kind of call in `resources.c`, and returns how many failures there were.
fn fail(kind: &str, connect: &Standin, changes: &[(&str, &str)]) -> u32 {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| compile(&root().join("tests/programs/c/resources.c")));
    let mut failures = 0;
    for call in ["cold", "warm", "started"] {
        for which in ["one", "rest"] {
            let output = clean(program)
                .args([kind, call, which])
                .envs(connect.environment())
                .envs(changes.iter().copied())
                .output()
                .expect("the host starts");
            assert!(
                output.status.success() && output.stderr.is_empty(),
                "{call}, {which}: {}",
                told(&output)
            );
            let printed = String::from_utf8(output.stdout).expect("it prints text");
            let last = printed.lines().last().expect("it prints a line");
            println!("{kind}, {call}, {which}: {last}");
            let count = last.split(' ').next().and_then(|count| count.parse::<u32>().ok());
            failures += count.expect("a number");
        }
    }
    failures
}

#[test]
fn each_descriptor_that_a_call_needs_may_fail() {
    for connect in [Standin::start(), Standin::start_tls()] {
        let file = connect.content_token_file().to_string_lossy().into_owned();
        // Three files in place of the system's hundred, each of which is opened.
        let certificates = tempfile::tempdir().expect("a directory can be made");
        for number in 0..3 {
            let path = certificates.path().join(format!("{number}.pem"));
            std::fs::copy(root().join("Cargo.toml"), path).expect("it is copied");
        }
        let directory = certificates.path().to_string_lossy().into_owned();
        let changes = [
            ("CONNECT_CONTENT_SESSION_TOKEN", ""),
            ("CONNECT_CONTENT_SESSION_TOKEN_FILE", file.as_str()),
            ("SSL_CERT_DIR", directory.as_str()),
        ];
        assert!(fail("descriptor", &connect, &changes) > 20);
    }
}

#[test]
fn each_thread_that_a_call_needs_may_fail() {
    // A name is looked up on a thread.
    let connect = Standin::start();
    let by_name = connect.url().replace("127.0.0.1", "localhost");
    assert!(fail("thread", &connect, &[("CONNECT_SERVER", by_name.as_str())]) > 2);
}
