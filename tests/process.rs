//! Calls at the end of threads and of the process, and with too little of what the system gives. Nothing reaches the
//! host's standard error.

mod support;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
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

/// Plays `secrets.c` in `directory`. Its environment holds no secret.
fn look_for_secrets(connect: &Standin, directory: &Path, arguments: &[&str]) -> Output {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| compile(&root().join("tests/programs/c/secrets.c")));
    let not_secret = connect
        .environment()
        .into_iter()
        .filter(|(name, _)| ["POSIT_PRODUCT", "SSL_CERT_FILE"].contains(name));
    let mut host = clean(program)
        .args(arguments)
        .current_dir(directory)
        .envs(not_secret)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the host starts");
    let mut input = host.stdin.take().expect("piped");
    let lines = [
        connect.url(),
        masked(connect.api_key()),
        masked(&connect.viewer_token(VIEWER)),
    ];
    writeln!(input, "{}", lines.join("\n")).expect("it reads");
    drop(input);
    host.wait_with_output().expect("it ran")
}

const VIEWER: &str = "a-viewer-with-a-long-name";
const MASK: u8 = 0x5a;

fn masked(secret: &str) -> String {
    secret
        .bytes()
        .map(|byte| format!("{:02x}", byte ^ MASK))
        .collect()
}

fn unmasked(digits: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("digits");
    (0..digits.len()).step_by(2).map(|at| byte(at) ^ MASK).collect()
}

#[test]
fn no_secret_is_in_memory_once_all_is_freed_and_the_cache_is_cleared() {
    for connect in [Standin::start(), Standin::start_tls()] {
        let output = look_for_secrets(&connect, root(), &[]);
        assert!(output.status.success(), "{}", told(&output));
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "0 copies\n",
            "{}",
            connect.url()
        );
        assert_eq!(connect.exchanges(), 3);
    }
}

/// Where the kernel gives core files to a program or to another directory, there is none to look at.
#[test]
fn no_secret_is_in_a_core_file_either() {
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    if pattern.trim().is_empty() || pattern.contains(['|', '/']) {
        println!("not tried: core files go to {pattern}");
        return;
    }
    for connect in [Standin::start(), Standin::start_tls()] {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let output = look_for_secrets(&connect, directory.path(), &["dump"]);
        let printed = String::from_utf8_lossy(&output.stdout);
        let token = printed
            .lines()
            .nth(1)
            .unwrap_or_else(|| panic!("{}", told(&output)));
        let mut files = std::fs::read_dir(directory.path()).expect("it is ours");
        let core = files.next().expect("it left a core file").expect("it is listed");
        let core = std::fs::read(core.path()).expect("it is readable");
        let holds = |bytes: &[u8]| core.windows(bytes.len()).any(|window| window == bytes);
        assert!(holds(connect.url().as_bytes()), "the memory is in the file");
        assert!(token.len() > 20, "{printed}");
        for secret in [
            connect.api_key().as_bytes(),
            connect.viewer_token(VIEWER).as_bytes(),
            &unmasked(token),
        ] {
            assert!(!holds(secret), "a secret is in the file, at {}", connect.url());
        }
    }
}
