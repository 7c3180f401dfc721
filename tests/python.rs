//! The Python package in bindings/python: its tests, with the library of this build, and its wheel.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use connect_standin::Standin;
use support::{clean, library, library_dir, root, run, told};

/// Returns the Python in which tests/run installed tests/programs/python/requirements.txt.
fn python() -> Command {
    let python = std::env::var_os("CONNECTCREDS_PEERS_PYTHON")
        .expect("CONNECTCREDS_PEERS_PYTHON names a Python that has pytest; tests/run sets it");
    clean(python)
}

fn package() -> PathBuf {
    root().join("bindings/python")
}

/// Returns the program of the stand-in; `cargo test` builds it with the tests.
fn standin() -> PathBuf {
    let program = library_dir().join("../examples/connect-standin");
    assert!(
        program.exists(),
        "cargo build --example connect-standin was not run"
    );
    program
}

#[test]
#[ignore = "needs Python with pytest and others; tests/run runs it"]
fn bindings_python_pass_their_own_tests() {
    let output = python()
        .args(["-m", "pytest", "-p", "no:cacheprovider", "--durations=5"])
        .current_dir(package())
        .env("PYTHONPATH", package().join("src"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("CONNECTCREDS_LIB", library())
        .env("CONNECTCREDS_STANDIN", standin())
        .output()
        .expect("Python starts");
    assert!(output.status.success(), "{}", told(&output));
}

/// Style and types: ruff, mypy and pyright, also over the code on the package's pages.
#[test]
#[ignore = "needs Python with ruff and mypy; tests/run runs it"]
fn bindings_python_are_typed_and_styled() {
    let python = std::env::var_os("CONNECTCREDS_PEERS_PYTHON").expect("tests/run sets it");
    let output = clean(package().join("lint"))
        .env("PYTHON", python)
        .output()
        .expect("bash is there");
    assert!(output.status.success(), "{}", told(&output));
}

/// A directory for one test, removed if the test passes.
struct Scratch(PathBuf);

impl Scratch {
    fn new(test: &str) -> Self {
        let directory = support::scratch().join(format!("python-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("created");
        Self(directory)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            std::fs::remove_dir_all(&self.0).expect("removed");
        }
    }
}

/// Builds the wheel around the existing library, without a compiler or a registry.
fn wheel(directory: &Path) -> PathBuf {
    run(python()
        .args([
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
        ])
        .arg("--wheel-dir")
        .arg(directory)
        .arg(package())
        .env("CONNECTCREDS_LIB", library()));
    let mut wheels = std::fs::read_dir(directory).expect("readable");
    let wheel = wheels.next().expect("there is a wheel").expect("readable").path();
    assert!(wheels.next().is_none(), "one wheel");
    wheel
}

const PROGRAM: &str = r#"
import sys
from pathlib import Path
import connectcreds
from connectcreds import _abi, _library

assert Path(_abi._library._name) == _library.BUNDLED, _abi._library._name
assert sys.prefix in str(_library.BUNDLED)
assert _library.BUNDLED.with_name("py.typed").is_file()
token = connectcreds.viewer_token(sys.argv[1])
print(token.token_type, token.access_token)
"#;

#[test]
#[ignore = "needs Python with pip and hatchling; tests/run runs it"]
fn bindings_python_are_a_wheel_that_works_in_a_fresh_environment_without_rust() {
    let scratch = Scratch::new("wheel");
    let wheel = wheel(&scratch.0.join("wheels"));
    let name = wheel.file_name().and_then(|name| name.to_str()).expect("UTF-8");
    let version = env!("CARGO_PKG_VERSION");
    assert!(
        name.starts_with(&format!("connectcreds-{version}-py3-none-linux_")),
        "any Python 3, one platform: {name}"
    );

    let environment = scratch.0.join("environment");
    run(python().args(["-m", "venv"]).arg(&environment));
    let python = || {
        let mut command = clean(environment.join("bin/python"));
        command.env("PATH", environment.join("bin"));
        command
    };
    run(python()
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-index",
            "--disable-pip-version-check",
        ])
        .arg(&wheel));

    let connect = Standin::start();
    let printed = run(python()
        .args(["-W", "error", "-c", PROGRAM])
        .arg(connect.viewer_token("alice"))
        .envs(connect.environment()));
    assert!(printed.starts_with("Bearer "), "{printed}");
    assert_eq!(connect.exchanges(), 1);
    let report = run(python().args(["-m", "connectcreds", "doctor"]));
    assert!(report.contains(version), "{report}");
}
