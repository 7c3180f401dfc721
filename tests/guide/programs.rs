//! The programs of the guide, each run as content of a stand-in for Connect, and outside it.

use std::path::PathBuf;
use std::process::Command;

use connect_standin::Standin;

use crate::fragments::{compile_rust, python};
use crate::pages::{program_on, snippets};
use crate::support::{assert_expires_in_an_hour, clean, compile, run, scratch, told};

const RESOURCE: &str = "https://example.cloud.databricks.com";

/// The programs that the tests of this suite run: page and language.
const RUN: [(&str, &str); 14] = [
    ("binding.md", "go"),
    ("binding.md", "java"),
    ("binding.md", "javascript"),
    ("binding.md", "lua"),
    ("binding.md", "perl"),
    ("binding.md", "ruby"),
    ("no-token.md", "c"),
    ("start.md", "c"),
    ("start.md", "cpp"),
    ("start.md", "python"),
    ("start.md", "r"),
    ("start.md", "rust"),
    ("testing.md", "c"),
    ("web-servers.md", "c"),
];

/// Saves a page's program in a directory of this process.
pub fn save(page: &str, language: &str, extension: &str) -> PathBuf {
    let name = page.trim_end_matches(".md");
    let path = scratch().join(format!("guide-{name}-{}.{extension}", std::process::id()));
    std::fs::write(&path, program_on(page, language)).expect("written");
    path
}

/// Returns what `command` prints, run as content on `connect`.
pub fn on(connect: &Standin, command: &mut Command) -> String {
    run(command.envs(connect.environment()))
}

/// Returns the standard error of `command`, which must exit with a status other than 0.
pub fn failure(command: &mut Command) -> String {
    let output = command.output().expect("started");
    assert!(
        output.status.code().is_some_and(|code| code != 0),
        "{}",
        told(&output)
    );
    String::from_utf8(output.stderr).expect("UTF-8")
}

/// Asserts that the program of start.md gets the service account's token for the workspace, and says why it gets none
/// outside Connect.
#[track_caller]
fn assert_starts(mut command: impl FnMut() -> Command) {
    let connect = Standin::start();
    let printed = on(&connect, &mut command());
    assert!(printed.starts_with("Bearer token, expires at "), "{printed}");
    assert_expires_in_an_hour(&printed);
    let requests = connect.requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert_eq!(requests[0].param("resource").as_deref(), Some(RESOURCE));
    let said = failure(&mut command());
    assert!(
        said.contains("only available when running on Connect.") || said.contains("NotOnConnect"),
        "{said}"
    );
}

#[test]
fn every_program_is_run_by_a_test() {
    let found = snippets()
        .into_iter()
        .filter(|snippet| snippet.is_program() && snippet.language != "sh")
        .map(|snippet| (snippet.page, snippet.language));
    let mut found: Vec<_> = found.collect();
    found.sort();
    let run: Vec<_> = RUN
        .map(|(page, language)| (page.to_owned(), language.to_owned()))
        .into();
    assert_eq!(
        found, run,
        "a program without a test? Write one, then add it to RUN"
    );
}

#[test]
fn the_first_c_program_gets_a_token_or_says_why_not() {
    let program = compile(&save("start.md", "c", "c"));
    assert_starts(|| clean(&program));
}

#[test]
#[ignore = "needs a C++ compiler (g++); tests/run runs it"]
fn cpp_first_program_gets_a_token_or_says_why_not() {
    let program = compile(&save("start.md", "cpp", "cpp"));
    assert_starts(|| clean(&program));
}

#[test]
fn the_first_rust_program_gets_a_token_or_says_why_not() {
    let source = save("start.md", "rust", "rs");
    let program = source.with_extension("rust");
    compile_rust(&source, &program);
    assert_starts(|| clean(&program));
}

#[test]
#[ignore = "needs Python (python3); tests/run runs it"]
fn python_first_program_gets_a_token_or_says_why_not() {
    let program = save("start.md", "python", "py");
    assert_starts(|| python(&program));
}

#[test]
#[ignore = "needs R (r-base-core, r-base-dev); tests/run runs it"]
fn r_first_program_gets_a_token_or_says_why_not() {
    let program = save("start.md", "r", "R");
    assert_starts(|| {
        let mut script = clean("Rscript");
        script
            .arg("--vanilla")
            .arg(&program)
            .env("R_LIBS", crate::shell::installed_r_package());
        script
    });
}

#[test]
fn the_c_program_with_an_event_loop_gets_a_viewer_token_or_says_why_not() {
    let program = compile(&save("web-servers.md", "c", "c"));
    let connect = Standin::start();
    let viewer = connect.viewer_token("alice");
    let printed = on(&connect, clean(&program).arg(&viewer));
    assert_expires_in_an_hour(&printed);
    assert_eq!(connect.requests()[0].param("subject_token"), Some(viewer));
    let said = failure(clean(&program).envs(connect.environment()));
    assert!(said.contains("in a viewer's session"), "{said}");
}

#[test]
fn the_c_test_passes_where_there_is_no_connect() {
    run(&mut clean(compile(&save("testing.md", "c", "c"))));
}

#[test]
fn the_report_is_printed_without_a_secret() {
    let program = compile(&save("no-token.md", "c", "c"));
    let connect = Standin::start();
    let printed = on(&connect, &mut clean(&program));
    assert!(
        printed.contains(&format!("  address: {}\n", connect.url())),
        "{printed}"
    );
    for secret in [connect.api_key(), connect.content_token()] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
