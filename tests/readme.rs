//! Builds and runs every snippet of README.md and checks its output.

mod support;

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use connect_standin::{Order, Recorded, Standin};
use support::service::Service;
use support::{assert_expires_in_an_hour, clean, compile, library, library_dir, root, run, told};

const README: &str = include_str!("../README.md");
const HEADER: &str = include_str!("../include/connectcreds.h");
const RESOURCE: &str = "https://example.cloud.databricks.com";
const CONTENT_SESSION: &str = "urn:posit:connect:content-session-token";
const USER_SESSION: &str = "urn:posit:connect:user-session-token";

/// The number of snippets in each language that the tests below run, by `snippet(language, index)`.
const RUN: [(&str, usize); 7] = [
    ("c", 2),
    ("cmake", 1),
    ("cpp", 1),
    ("python", 1),
    ("r", 1),
    ("rust", 1),
    ("sh", 5),
];

/// Returns the language and the text of each fenced block.
fn blocks() -> Vec<(&'static str, String)> {
    let mut blocks = Vec::new();
    let mut lines = README.lines();
    while let Some(line) = lines.next() {
        let line = line.trim_start();
        assert!(!line.starts_with("~~~"), "fences are ```");
        let Some(language) = line.strip_prefix("```") else {
            continue;
        };
        let text = lines
            .by_ref()
            .take_while(|line| line.trim() != "```")
            .flat_map(|line| [line, "\n"])
            .collect();
        blocks.push((language, text));
    }
    blocks
}

fn snippet(language: &str, index: usize) -> String {
    blocks()
        .into_iter()
        .filter(|(found, _)| *found == language)
        .nth(index)
        .unwrap_or_else(|| panic!("the README has no {language} snippet {index}"))
        .1
}

/// A directory for one test in which snippets are saved and run. It looks like a checkout with a built library.
struct Checkout(PathBuf);

impl Checkout {
    fn new(test: &str) -> Self {
        let directory = support::scratch().join(format!("readme-{test}-{}", std::process::id()));
        std::fs::create_dir_all(directory.join("target")).expect("created");
        symlink(root().join("include"), directory.join("include")).expect("linked");
        symlink(library_dir(), directory.join("target/release")).expect("linked");
        Self(directory)
    }

    fn save(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("written");
        path
    }

    /// Runs the lines of a `sh` snippet and returns their output.
    fn shell(&self, lines: &str) -> String {
        let output = clean("sh")
            .args(["-euc", lines])
            .current_dir(&self.0)
            .output()
            .expect("sh starts");
        assert!(output.status.success(), "{lines}\n{}", told(&output));
        told(&output)
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        // Kept after a failure, to be inspected.
        if !std::thread::panicking() {
            std::fs::remove_dir_all(&self.0).expect("removed");
        }
    }
}

/// Runs `command` as content on `connect`.
fn on<'a>(connect: &Standin, command: &'a mut Command) -> &'a mut Command {
    command.envs(connect.environment())
}

/// Returns the standard error of `command`, which must exit with a status other than 0.
fn failure(command: &mut Command) -> String {
    let output = command.output().expect("started");
    assert!(
        output.status.code().is_some_and(|code| code != 0),
        "{}",
        told(&output)
    );
    String::from_utf8(output.stderr).expect("UTF-8")
}

fn the_request(connect: &Standin) -> Recorded {
    let mut requests = connect.requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    requests.remove(0)
}

#[track_caller]
fn assert_param(request: &Recorded, name: &str, value: &str) {
    assert_eq!(request.param(name).as_deref(), Some(value), "{name}");
}

#[test]
fn every_snippet_is_run_by_a_test() {
    let mut found = BTreeMap::new();
    for (language, _) in blocks() {
        *found.entry(language).or_insert(0) += 1;
    }
    assert_eq!(
        found,
        BTreeMap::from(RUN),
        "a snippet without a test? Write one, then count the snippet in RUN"
    );
}

#[test]
fn the_commands_that_build_and_test_are_those_of_the_ci() {
    let ci = std::fs::read_to_string(root().join(".ci/run")).expect("readable");
    let commands = snippet("sh", 0) + snippet("sh", 1).lines().next().expect("a line");
    for command in commands.lines() {
        let run = |line: &str| line.trim() == command || line.starts_with(&format!("{command} --"));
        assert!(ci.lines().any(run), "{command} is not in .ci/run");
    }
}

#[test]
fn the_c_program_gets_a_token_over_http_and_https() {
    let program = compile(&Checkout::new("c").save("first.c", &snippet("c", 0)));
    for connect in [Standin::start(), Standin::start_tls()] {
        let printed = run(on(&connect, &mut clean(&program)));
        assert!(printed.starts_with("Bearer token, expires at "), "{printed}");
        assert_expires_in_an_hour(&printed);
        assert_param(&the_request(&connect), "subject_token_type", CONTENT_SESSION);
    }
}

#[test]
fn the_c_program_says_why_it_gets_no_token() {
    let program = compile(&Checkout::new("c-failure").save("first.c", &snippet("c", 0)));
    assert_eq!(
        failure(&mut clean(program)),
        "Service account credentials are only available when running on Connect.\n"
    );
}

fn the_curl_program(test: &str) -> PathBuf {
    support::compile_with(&Checkout::new(test).save("curl.c", &snippet("c", 1)), &["-lcurl"])
}

#[test]
#[ignore = "needs libcurl (libcurl4-openssl-dev); tests/run runs it"]
fn curl_program_in_c_sends_the_token_to_the_service() {
    let program = the_curl_program("curl");
    for connect in [Standin::start(), Standin::start_tls()] {
        let service = Service::start(&[200]);
        let printed = run(on(&connect, &mut clean(&program)).arg(service.url()));
        assert_eq!(printed, "response 1\n");
        let request = the_request(&connect);
        assert_param(&request, "subject_token_type", CONTENT_SESSION);
        let sent = service.requests().remove(0);
        assert!(sent.starts_with("GET /data HTTP/1.1\r\n"), "{sent}");
        assert!(sent.contains("\r\nAuthorization: Bearer "), "{sent}");
    }
}

#[test]
#[ignore = "needs libcurl (libcurl4-openssl-dev); tests/run runs it"]
fn curl_program_in_c_says_why_it_sends_nothing() {
    let program = the_curl_program("curl-failure");
    let service = Service::start(&[]);
    assert_eq!(
        failure(clean(&program).arg(service.url())),
        "Service account credentials are only available when running on Connect.\n"
    );
    let connect = Standin::start();
    connect.order(Order::Raw {
        status: 200,
        headers: vec![("content-type".into(), "application/json".into())],
        body: r#"{"access_token": "secret", "token_type": "aws_credentials"}"#.into(),
    });
    assert_eq!(
        failure(on(&connect, &mut clean(&program)).arg(service.url())),
        "A token of type aws_credentials cannot be sent as a Bearer token.\n"
    );
    assert_eq!(service.requests(), [""; 0]);
}

#[test]
#[ignore = "needs a C++ compiler (g++); tests/run runs it"]
fn cpp_program_gets_a_workload_identity_token_or_says_why_not() {
    let program = compile(&Checkout::new("cpp").save("workload.cpp", &snippet("cpp", 0)));
    let connect = Standin::start();
    let printed = run(on(&connect, &mut clean(&program)).arg(connect.integration()));
    assert!(
        printed.starts_with("urn:ietf:params:oauth:token-type:id_token, expires at "),
        "{printed}"
    );
    assert_expires_in_an_hour(&printed);
    assert_param(&the_request(&connect), "audience", connect.integration());

    let said = failure(on(&connect, &mut clean(&program)).arg("another"));
    assert!(
        said.starts_with("Cannot fetch workload identity token from the Connect server.\n"),
        "{said}"
    );
    let said = failure(on(&connect, &mut clean(&program)).arg("a\nb"));
    assert!(said.contains("control character"), "{said}");
    assert_eq!(connect.exchanges(), 2, "a rejected value is not sent");
}

#[test]
#[ignore = "needs Python (python3); tests/run runs it"]
fn python_program_gets_a_viewer_token_or_says_why_not() {
    let checkout = Checkout::new("python");
    let program = checkout.save("viewer.py", &snippet("python", 0));
    // tests/python.rs tests the installed package.
    let python = || {
        let mut command = clean("python3");
        command
            .arg(&program)
            .env("PYTHONPATH", root().join("bindings/python/src"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("CONNECTCREDS_LIB", library());
        command
    };
    let connect = Standin::start();
    let viewer = connect.viewer_token("alice");
    let printed = run(on(&connect, &mut python()).arg(&viewer));
    assert!(printed.contains(" characters, expires at "), "{printed}");
    assert_expires_in_an_hour(&printed);
    let request = the_request(&connect);
    assert_param(&request, "subject_token_type", USER_SESSION);
    assert_param(&request, "subject_token", &viewer);
    assert_param(&request, "resource", RESOURCE);

    // A session without the header, and no session at all.
    let said = failure(on(&connect, &mut python()).arg(""));
    assert!(
        said.contains("Viewer-based credentials are not supported"),
        "{said}"
    );
    let none = snippet("python", 0).replace("session_token = sys.argv[1]", "session_token = None");
    checkout.save("viewer.py", &none);
    let said = failure(on(&connect, &mut python()));
    assert!(said.contains("in a viewer's session"), "{said}");
    assert_eq!(connect.exchanges(), 1);
}

#[test]
#[ignore = "needs R (r-base-core, r-base-dev); tests/run runs it"]
fn r_program_gets_a_token_or_says_why_not() {
    let checkout = Checkout::new("r");
    // A copy, because R builds a package in its source directory.
    let sources = root().join("bindings/r");
    checkout.shell(&format!(
        "mkdir bindings library && cp -r '{}' bindings",
        sources.display()
    ));
    checkout.shell(&format!("export R_LIBS=\"$PWD/library\"\n{}", snippet("sh", 4)));
    let program = checkout.save("token.R", &snippet("r", 0));
    let script = || {
        let mut command = clean("Rscript");
        command
            .arg("--vanilla")
            .arg(&program)
            .env("R_LIBS", checkout.0.join("library"));
        command
    };

    let connect = Standin::start();
    let printed = run(on(&connect, &mut script()));
    assert!(printed.contains(" characters, expires at "), "{printed}");
    assert_expires_in_an_hour(&printed);
    let request = the_request(&connect);
    assert_param(&request, "subject_token_type", CONTENT_SESSION);
    assert_param(&request, "resource", RESOURCE);
    let said = failure(&mut script());
    assert!(said.contains("only available when running on Connect."), "{said}");
}

#[test]
fn the_rust_program_gets_a_token_or_says_why_not() {
    let checkout = Checkout::new("rust");
    let source = checkout.save("token.rs", &snippet("rust", 0));
    let program = checkout.0.join("token");
    let rlib = library_dir().join("libconnectcreds.rlib");
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    run(Command::new("rustc")
        .args(flags.split_whitespace())
        .args(["--edition=2024", "-Dwarnings", "--extern"])
        .arg(format!("connectcreds={}", rlib.display()))
        .arg("-L")
        .arg(format!("dependency={}", library_dir().display()))
        .arg("-o")
        .args([&program, &source]));

    let connect = Standin::start();
    let printed = run(on(&connect, &mut clean(&program)));
    assert!(printed.starts_with("Bearer token, expires at Some("), "{printed}");
    assert_expires_in_an_hour(&printed);
    assert_param(&the_request(&connect), "resource", RESOURCE);
    let said = failure(&mut clean(&program));
    assert!(said.contains("NotOnConnect"), "{said}");
}

#[test]
fn every_function_the_readme_names_exists() {
    let words = |text: &'static str| text.split(|each: char| !each.is_ascii_alphanumeric() && each != '_');
    for name in words(README).filter(|word| word.starts_with("cc_") || word.starts_with("CC_")) {
        assert!(
            words(HEADER).any(|word| word == name),
            "{name} is not in the header"
        );
    }
}
