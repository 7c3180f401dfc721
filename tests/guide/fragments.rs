//! The snippets that define functions: one program for each language.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::pages::{Snippet, snippets};
use crate::support::{clean, compile, library, library_dir, root, run, scratch};

/// What the code of each page about a service asks Connect for. `-` is a parameter that is not sent.
const SERVICES: [(&str, &str); 10] = [
    (
        "databricks",
        "resource=https://example.cloud.databricks.com scope=- type=-",
    ),
    (
        "snowflake",
        "resource=https://example.snowflakecomputing.com scope=- type=-",
    ),
    (
        "aws",
        "resource=- scope=- type=urn:ietf:params:aws:token-type:credentials",
    ),
    (
        "azure",
        "resource=- scope=https://storage.azure.com/.default type=-",
    ),
    (
        "azure_openai",
        "resource=- scope=https://cognitiveservices.azure.com/.default type=-",
    ),
    (
        "google",
        "resource=- scope=https://www.googleapis.com/auth/bigquery type=-",
    ),
    ("github", "resource=https://github.com scope=- type=-"),
    (
        "salesforce",
        "resource=https://example.my.salesforce.com scope=- type=-",
    ),
    (
        "microsoft_graph",
        "resource=- scope=https://graph.microsoft.com/.default type=-",
    ),
    ("connect_api", "resource=- scope=- type=urn:posit:connect:api-key"),
];

fn fragments(language: &str) -> Vec<Snippet> {
    snippets()
        .into_iter()
        .filter(|snippet| snippet.language == language && !snippet.is_program())
        .collect()
}

/// Joins the fragments of a language and its checks into one file. `mark` is put before each fragment, with its line and
/// its page, so that a compiler's message names the page.
fn assemble(language: &str, extension: &str, mark: impl Fn(usize, &str) -> String) -> PathBuf {
    let checks = root().join(format!("tests/programs/guide/checks.{extension}"));
    let mut text = String::new();
    let prelude = checks.with_file_name(format!("prelude.{extension}"));
    text += &std::fs::read_to_string(prelude).expect("readable");
    for snippet in fragments(language) {
        text += &mark(snippet.line, &format!("docs/{}", snippet.page));
        text += &snippet.text;
    }
    text += &mark(1, checks.to_str().expect("UTF-8"));
    text += &std::fs::read_to_string(&checks).expect("readable");
    let path = scratch().join(format!("guide-{language}-{}.{extension}", std::process::id()));
    std::fs::write(&path, text).expect("written");
    path
}

/// Runs the program of a language, whose lines are `page PAGE` and `service NAME PARAMETERS`, and asserts that there is
/// one for each page with a snippet in that language.
#[track_caller]
fn assert_every_page_is_checked(language: &str, command: &mut Command) {
    let printed = run(command);
    let pages: BTreeSet<_> = fragments(language)
        .into_iter()
        .map(|snippet| snippet.page)
        .collect();
    let (services, pages): (Vec<_>, Vec<_>) = pages.iter().partition(|page| page.starts_with("services/"));
    assert!(pages.len() > 5, "{pages:?}");
    for page in pages {
        assert!(
            printed.lines().any(|line| line == format!("page {page}")),
            "no check of {page} in tests/programs/guide:\n{printed}"
        );
    }
    assert!(services.len() > 6, "{services:?}");
    for page in services {
        let name = page
            .trim_start_matches("services/")
            .trim_end_matches(".md")
            .replace('-', "_");
        let asked = printed.lines().filter_map(|line| line.strip_prefix("service "));
        assert!(
            asked
                .filter_map(|line| line.split_once(' '))
                .any(|(asked, _)| asked == name),
            "no check of {page}:\n{printed}"
        );
    }
    for line in printed.lines().filter_map(|line| line.strip_prefix("service ")) {
        let (name, parameters) = line.split_once(' ').expect("a name and parameters");
        let (_, expected) = SERVICES
            .iter()
            .find(|(known, _)| *known == name)
            .expect("a service");
        assert_eq!(parameters, *expected, "{name} in {language}");
    }
}

fn line_directive(line: usize, page: &str) -> String {
    format!("#line {line} \"{page}\"\n")
}

#[test]
fn the_c_snippets_do_what_their_pages_say() {
    let program = compile(&assemble("c", "c", line_directive));
    assert_every_page_is_checked("c", &mut clean(program));
}

#[test]
#[ignore = "needs a C++ compiler (g++); tests/run runs it"]
fn cpp_snippets_do_what_their_pages_say() {
    let program = compile(&assemble("cpp", "cpp", line_directive));
    assert_every_page_is_checked("cpp", &mut clean(program));
}

#[test]
fn the_rust_snippets_do_what_their_pages_say() {
    let source = assemble("rust", "rs", |line, page| format!("// {page}:{line}\n"));
    let program = source.with_extension("");
    compile_rust(&source, &program);
    assert_every_page_is_checked("rust", &mut clean(program));
}

/// Compiles a Rust program with the crate as it was built for the tests.
pub fn compile_rust(source: &Path, program: &Path) {
    let rlib = library_dir().join("libconnectcreds.rlib");
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    run(Command::new("rustc")
        .args(flags.split_whitespace())
        .args(["--edition=2024", "-Dwarnings", "--extern"])
        .arg(format!("connectcreds={}", rlib.display()))
        .arg("-L")
        .arg(format!("dependency={}", library_dir().display()))
        .arg("-o")
        .args([program, source]));
}

/// Returns a command that finds the Python package of the checkout.
pub fn python(program: &Path) -> Command {
    let peers = std::env::var_os("CONNECTCREDS_PEERS_PYTHON").filter(|path| Path::new(path).exists());
    let mut command = clean(peers.unwrap_or_else(|| "python3".into()));
    command
        .arg(program)
        .env("PYTHONPATH", root().join("bindings/python/src"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("CONNECTCREDS_LIB", library());
    command
}

#[test]
#[ignore = "needs FastAPI in a Python environment; tests/run runs it"]
fn bindings_python_snippets_do_what_their_pages_say() {
    let program = assemble("python", "py", |line, page| format!("# {page}:{line}\n"));
    assert_every_page_is_checked("python", &mut python(&program));
}

#[test]
#[ignore = "needs R (r-base-core, r-base-dev); tests/run runs it"]
fn r_snippets_do_what_their_pages_say() {
    let program = assemble("r", "R", |line, page| format!("# {page}:{line}\n"));
    let library = crate::shell::installed_r_package();
    let mut script = clean("Rscript");
    script.arg("--vanilla").arg(program).env("R_LIBS", library);
    assert_every_page_is_checked("r", &mut script);
}

#[test]
fn every_service_has_its_setup_its_errors_and_its_code_in_every_language() {
    for (service, _) in SERVICES {
        // Azure OpenAI is a section of the page about Azure.
        let page = match service {
            "azure_openai" => "services/azure.md".to_owned(),
            _ => format!("services/{}.md", service.replace('_', "-")),
        };
        let text = std::fs::read_to_string(root().join("docs").join(&page)).expect("a page");
        for heading in [
            "What to set up",
            "The code",
            "What its errors mean",
            "What was tried",
        ] {
            assert!(text.contains(&format!("\n## {heading}\n")), "{page}: {heading}");
        }
        for language in ["c", "cpp", "r", "python", "rust"] {
            // The R package does not ask for API keys; the page says so.
            let left_out = service == "connect_api" && language == "r";
            let found = fragments(language)
                .iter()
                .any(|snippet| snippet.page == page && snippet.text.contains(&format!("{service}_token")));
            assert_eq!(found, !left_out, "{service} in {language}");
        }
    }
}

#[test]
fn every_snippet_is_of_a_kind_that_the_tests_run() {
    for snippet in snippets() {
        let language = snippet.language.as_str();
        let kinds = ["c", "cpp", "python", "r", "rust"];
        let others = ["ruby", "lua", "perl", "javascript", "java", "go"];
        let known = kinds.contains(&language)
            || (snippet.page == "binding.md" && others.contains(&language))
            || (language == "sh" && crate::shell::IS_CHECKED.contains(&snippet.page.as_str()))
            // Not code: a line of a file.
            || (language == "text" && snippet.page == "deploying.md");
        assert!(known, "{}:{}: {language:?}", snippet.page, snippet.line);
    }
}
