//! Shared parts of the suites: finding the library, and building and running programs.

#![allow(dead_code)] // Each suite uses a part.

pub mod host;
pub mod nginx;
pub mod program;
pub mod proxy;
pub mod secrets;
pub mod service;
pub mod socks;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the directory of `libconnectcreds.so`, which is that of the test's program.
pub fn library_dir() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    test.parent().expect("a program is in a directory").to_owned()
}

/// Returns the path of the shared library.
pub fn library() -> PathBuf {
    library_dir().join("libconnectcreds.so")
}

/// Returns the directory for files that a test builds.
pub fn scratch() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// Compiles a program against the header and the library, with warnings as errors, and returns its path. The extension
/// `.c` or `.cpp` chooses the compiler.
pub fn compile(source: &Path) -> PathBuf {
    compile_with(source, &[])
}

/// Compiles a host as [`compile`] does, and links it with these libraries too.
pub fn compile_with(source: &Path, libraries: &[&str]) -> PathBuf {
    let name = source.file_stem().expect("a source has a name").to_string_lossy();
    // A separate file for each test, because two tests may compile the same source at the same time.
    let program = scratch().join(format!(
        "{name}-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    let (compiler, standard) = match source.extension().and_then(|extension| extension.to_str()) {
        Some("c") => ("cc", "-std=c99"),
        _ => ("c++", "-std=c++17"),
    };
    let directory = library_dir();
    let compiled = Command::new(compiler)
        .args([
            standard,
            "-g",
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Werror",
            "-D_POSIX_C_SOURCE=200809L",
            "-pthread",
        ])
        .arg("-I")
        .arg(root().join("include"))
        .arg("-o")
        .arg(&program)
        .arg(source)
        .arg("-L")
        .arg(&directory)
        .arg(format!("-Wl,-rpath,{}", directory.display()))
        .arg("-lconnectcreds")
        .args(libraries)
        .args(words_of("CONNECTCREDS_TEST_CFLAGS"))
        .output()
        .unwrap_or_else(|why| panic!("{compiler} cannot be started: {why}"));
    assert!(
        compiled.status.success(),
        "{}",
        String::from_utf8_lossy(&compiled.stderr)
    );
    program
}

/// Returns a command with an empty environment except for `PATH`. A program that a test has compiled runs under what
/// `CONNECTCREDS_TEST_RUNNER` says, and has `CONNECTCREDS_TEST_SLOWER` times the time; `tests/sanitizers` sets both.
pub fn clean(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let program = program.as_ref();
    let mut runner = words_of("CONNECTCREDS_TEST_RUNNER").into_iter();
    let mut command = match runner.next() {
        Some(first) if Path::new(program).starts_with(scratch()) => {
            let mut command = Command::new(first);
            command.args(runner).arg(program);
            command
        }
        _ => Command::new(program),
    };
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    if let Some(times) = std::env::var_os("CONNECTCREDS_TEST_SLOWER") {
        command.env("CONNECTCREDS_TEST_SLOWER", times);
    }
    command
}

fn words_of(variable: &str) -> Vec<String> {
    let value = std::env::var(variable).unwrap_or_default();
    value.split_whitespace().map(str::to_owned).collect()
}

/// Returns a command that sees of the environment what Rust's tools need.
pub fn tool(program: &str) -> Command {
    let mut command = clean(program);
    for name in ["HOME", "CARGO_HOME", "RUSTUP_HOME", "CARGO_TARGET_DIR"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// Returns the directory of all that cargo builds.
pub fn target_directory() -> &'static Path {
    scratch().parent().expect("it is below the target directory")
}

/// Runs `command` to its end and returns its output. Panics with its errors if it fails.
pub fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|why| panic!("{command:?} cannot be started: {why}"));
    assert!(output.status.success(), "{command:?}: {}", told(&output));
    String::from_utf8(output.stdout).expect("a host prints UTF-8")
}

/// Formats the exit status and the output of a program.
pub fn told(output: &Output) -> String {
    format!(
        "{}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Asserts that the first number of ten digits in `printed` is a time in an hour.
#[track_caller]
pub fn assert_expires_in_an_hour(printed: &str) {
    let expires_at: u64 = printed
        .split(|each: char| !each.is_ascii_digit())
        .find(|digits| digits.len() == 10)
        .unwrap_or_else(|| panic!("no time in {printed:?}"))
        .parse()
        .expect("digits");
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    assert!((now + 3500..=now + 3600).contains(&expires_at), "{printed:?}");
}
