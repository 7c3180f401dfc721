//! The links, source files and suites that the documentation names exist.

mod support;

use std::path::{Path, PathBuf};

use support::root;

/// Every page of documentation outside the bindings.
fn pages() -> Vec<PathBuf> {
    let mut pages = Vec::new();
    let directories = [
        "",
        "docs",
        "docs/adr",
        "docs/how",
        "docs/services",
        "tests",
        "benches",
        "fuzz",
        "crates/connect-standin",
    ];
    for directory in directories {
        for entry in std::fs::read_dir(root().join(directory)).expect("the directory is there") {
            let path = entry.expect("readable").path();
            if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    assert!(pages.len() > 10, "{pages:?}");
    pages
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("readable")
}

/// The targets of a page's links to files.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|target| !target.contains("://") && !target.starts_with('#'))
        .filter(|target| !target.contains(' ')) // a lambda of C++
        .map(|target| target.split('#').next().unwrap_or_default())
}

#[test]
fn every_link_to_a_file_leads_to_one() {
    for page in pages() {
        let directory = page.parent().expect("a page is in a directory");
        for target in links(&read(&page)) {
            assert!(directory.join(target).exists(), "{}: {target}", page.display());
        }
    }
}

/// The words of `text` in backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_file_that_the_architecture_names_exists() {
    let text = read(&root().join("docs/architecture.md"));
    let files: Vec<_> = quoted(&text)
        .filter(|word| !word.contains(' ') && (word.contains('/') || word.ends_with(".rs")))
        .collect();
    assert!(files.len() > 30, "{files:?}");
    for file in files {
        let somewhere = [root().to_owned(), root().join("src"), root().join("src/http")];
        assert!(
            somewhere.iter().any(|directory| directory.join(file).exists()),
            "{file}"
        );
    }
}

#[test]
fn every_suite_is_in_the_table_of_suites() {
    let table = read(&root().join("tests/README.md"));
    for entry in std::fs::read_dir(root().join("tests")).expect("readable") {
        let entry = entry.expect("readable");
        let mut name = entry.file_name().into_string().expect("UTF-8");
        if entry.file_type().expect("readable").is_dir() {
            name.push('/');
        } else if !name.ends_with(".rs") {
            continue;
        }
        assert!(table.contains(&format!("| `{name}` |")), "{name}");
    }
}

#[test]
fn every_page_names_the_minimum_rust_version_of_the_crate() {
    let manifest = read(&root().join("Cargo.toml"));
    let version = manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = \"")?.strip_suffix('"'))
        .expect("a minimum version");
    let mut named = 0;
    for page in pages() {
        let text = read(&page);
        for (before, _) in text.match_indices(" or later").map(|(at, _)| text.split_at(at)) {
            if let Some((_, found)) = before.rsplit_once("Rust ")
                && found.starts_with(|first: char| first.is_ascii_digit())
                && !found.contains(char::is_whitespace)
            {
                assert_eq!(found, version, "{}", page.display());
                named += 1;
            }
        }
    }
    assert!(named >= 4, "{named}");
}

/// Writes a number with a comma before its last three digits.
fn with_comma(number: &str) -> String {
    let (thousands, rest) = number.split_at(number.len().saturating_sub(3));
    format!("{thousands},{rest}")
}

#[test]
fn the_readme_has_the_recorded_counts_of_instructions() {
    let recorded = read(&root().join("benches/instructions.txt"));
    let readme = read(&root().join("README.md")).replace('\n', " ");
    for (name, words) in [
        (
            "viewer-prepared",
            "instructions for a viewer's token with a prepared request",
        ),
        (
            "service-account-null",
            "for a service account's with everything from the environment",
        ),
    ] {
        let count = recorded
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .expect("recorded")
            .trim();
        let claim = format!("{} {words}", with_comma(count));
        assert!(readme.contains(&claim), "the README does not say: {claim}");
    }
}

#[test]
fn every_page_has_one_spelling() {
    for page in pages() {
        let mut text = read(&page).to_lowercase();
        if page.ends_with("docs/claims.md") {
            // Names of tests.
            text = text.split('`').step_by(2).collect();
        }
        let words: Vec<_> = text
            .split(|each: char| !each.is_alphanumeric() && each != '-')
            .filter(|word| !word.is_empty())
            .collect();
        let text = format!(" {} ", words.join(" "));
        for wrong in [
            "can not",
            "time-out",
            "look-up",
            "for ever",
            "to be had",
            "in vain",
            "anew",
        ] {
            assert!(
                !text.contains(&format!(" {wrong} ")),
                "{}: {wrong}",
                page.display()
            );
        }
    }
}
