//! docs/claims.md is true of the pages and of the tests that it names.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::support::root;

/// Pages without claims about the library: the list itself, and pages about its source that have tests of their own.
const OTHERS: [&str; 3] = ["docs/architecture.md", "docs/assurance.md", "docs/claims.md"];

/// A row of the list.
struct Claim {
    words: String,
    held_by: String,
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// The rows below each heading, which names a page or a directory.
fn list() -> HashMap<String, Vec<Claim>> {
    let text = read(&root().join("docs/claims.md"));
    let sections = text.split("\n## ").skip(1).map(|section| {
        let (page, rows) = section.split_once('\n').expect("rows below the heading");
        let rows = rows
            .lines()
            .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
            .skip(2)
            .map(|row| {
                let (words, held_by) = row.split_once(" | ").expect("two cells");
                Claim {
                    words: words.to_owned(),
                    held_by: held_by.to_owned(),
                }
            });
        (page.to_owned(), rows.collect())
    });
    sections.collect()
}

/// The files below a heading.
fn files(heading: &str) -> Vec<PathBuf> {
    let path = root().join(heading);
    if !path.is_dir() {
        return vec![path];
    }
    let entries = std::fs::read_dir(path).expect("a directory");
    entries.map(|entry| entry.expect("readable").path()).collect()
}

/// Returns a text with each run of white space as one blank.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_claim_stands_on_its_page() {
    let list = list();
    assert!(list.len() > 20, "{:?}", list.keys());
    for (heading, claims) in list {
        let text = flat(&files(&heading).iter().map(|path| read(path)).collect::<String>());
        assert!(!claims.is_empty(), "{heading}");
        for claim in claims {
            assert!(
                text.contains(&claim.words),
                "{heading} does not say: {}",
                claim.words
            );
        }
    }
}

/// The file that the list means, and what stands before a test's name there.
fn definition(test: &str) -> (PathBuf, String) {
    let (file, name) = test.split_once("::").unwrap_or_else(|| panic!("no file: {test}"));
    if let Some(file) = file.strip_prefix("r/") {
        let path = root().join("bindings/r/tests/testthat").join(file);
        return (path, format!("test_that(\"{name}\""));
    }
    if let Some(file) = file.strip_prefix("python/") {
        let path = root().join("bindings/python/tests").join(file);
        return (path, format!("def {name}("));
    }
    let directory = if file.starts_with("src/") { "" } else { "tests" };
    (root().join(directory).join(file), name.to_owned())
}

/// Whether a file of Rust defines a test: by itself, or by a macro whose lines begin with names or with kinds of outcomes.
fn defines(source: &str, name: &str) -> bool {
    source.lines().any(|line| {
        let line = line.trim_start();
        line.starts_with(&format!("fn {name}("))
            || line.starts_with(&format!("{name} =>"))
            || line.ends_with(&format!(": {name},"))
    })
}

#[test]
fn every_test_that_holds_a_claim_exists() {
    let mut tests = 0;
    for claim in list().into_values().flatten() {
        let held_by = claim.held_by.as_str();
        let named: Vec<_> = held_by.split('`').skip(1).step_by(2).collect();
        if held_by.starts_with("not tested") {
            for path in named
                .iter()
                .filter(|word| word.contains('/') && !word.contains("::"))
            {
                assert!(root().join(path).exists(), "{path}");
            }
            continue;
        }
        assert!(!named.is_empty(), "{held_by}");
        for test in named {
            let (path, start) = definition(test);
            let source = read(&path);
            let rust = path.extension().is_some_and(|extension| extension == "rs");
            let found = if rust {
                defines(&source, &start)
            } else {
                source.contains(&start)
            };
            assert!(found, "{test} does not exist");
            tests += 1;
        }
    }
    assert!(tests > 200, "{tests}");
}

#[test]
fn every_page_has_its_claims_in_the_list() {
    let list = list();
    let pages = crate::pages::pages();
    let pages = pages.iter().map(|path| path.strip_prefix(root()).expect("below"));
    for page in pages
        .map(|page| page.to_str().expect("UTF-8"))
        .chain(["README.md"])
    {
        let listed = list.keys().any(|heading| page.starts_with(heading.as_str()));
        assert!(listed || OTHERS.contains(&page), "{page}");
    }
}

/// The items of a page's lists, each on one line.
fn items(text: &str) -> Vec<String> {
    let mut items: Vec<String> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if let Some(item) = line.strip_prefix("* ") {
            items.push(item.to_owned());
            inside = true;
        } else if inside && line.starts_with("  ") {
            let item = items.last_mut().expect("an item");
            *item = flat(&format!("{item} {line}"));
        } else {
            inside = false;
        }
    }
    items
}

#[test]
fn every_rule_of_how_the_library_behaves_has_a_claim() {
    let mut rules = 0;
    for (heading, claims) in list() {
        if !heading.starts_with("docs/how/") {
            continue;
        }
        for item in items(&read(&root().join(&heading))) {
            rules += 1;
            let claimed = claims.iter().any(|claim| item.contains(&claim.words));
            assert!(
                claimed,
                "{heading}: no row of docs/claims.md has words of: {item}"
            );
        }
    }
    assert!(rules > 40, "{rules}");
}
