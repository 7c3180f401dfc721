//! What the guide says of the header and the environment is complete.

use std::collections::HashSet;
use std::process::Command;

use crate::pages::pages;
use crate::support::{root, scratch, told};

const HEADER: &str = include_str!("../../include/connectcreds.h");

fn page(name: &str) -> String {
    std::fs::read_to_string(root().join("docs").join(name)).expect("readable")
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|each: char| !each.is_ascii_alphanumeric() && each != '_')
}

#[test]
fn the_table_of_statuses_has_every_status_with_its_value() {
    let in_header: Vec<_> = HEADER
        .lines()
        .filter_map(|line| line.strip_prefix("#define ")?.split_once(' '))
        .filter(|(name, _)| *name == "CC_OK" || name.starts_with("CC_ERR_"))
        .collect();
    let text = page("no-token.md");
    let in_page: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .filter(|(name, _)| name.starts_with("CC_"))
        .map(|(name, rest)| (name, rest.split(" |").next().unwrap_or_default()))
        .collect();
    assert!(in_header.len() > 10, "{in_header:?}");
    assert_eq!(in_page, in_header);
}

#[test]
fn the_decision_tree_has_every_status_that_means_no_token() {
    let text = page("no-token.md");
    let (tree, _) = text.split_once("\n## The doctor").expect("the tree comes first");
    let (_, tree) = tree.split_once("## The decision tree").expect("there is a tree");
    for line in HEADER.lines() {
        let Some((name, _)) = line
            .strip_prefix("#define CC_ERR_")
            .and_then(|rest| rest.split_once(' '))
        else {
            continue;
        };
        // The program's own doing, and a bug.
        if !["INVALID_ARGUMENT", "CANCELLED", "INTERNAL"].contains(&name) {
            assert!(tree.contains(&format!("`CC_ERR_{name}`")), "{name}");
        }
    }
}

#[test]
fn every_function_the_guide_names_exists() {
    let known: HashSet<_> = words(HEADER).collect();
    for path in pages() {
        let text = std::fs::read_to_string(&path).expect("readable");
        for name in words(&text).filter(|word| word.starts_with("cc_") || word.starts_with("CC_")) {
            assert!(
                known.contains(name),
                "{}: {name} is not in the header",
                path.display()
            );
        }
    }
}

#[test]
fn every_variable_that_is_read_is_in_the_table() {
    let source: String = ["src/env.rs", "src/env/snapshot.rs"]
        .iter()
        .map(|file| std::fs::read_to_string(root().join(file)).expect("readable"))
        .collect();
    let variables: Vec<_> = source
        .split('"')
        .filter(|text| text.ends_with("_PRODUCT") || text.starts_with("CONNECT_"))
        .filter(|text| text.bytes().all(|each| each.is_ascii_uppercase() || each == b'_'))
        .filter(|text| *text != "CONNECT_CLOUD") // A value.
        .collect();
    assert!(variables.len() >= 7, "{variables:?}");
    let text = page("reference.md");
    let first_cells: String = text
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next())
        .collect();
    for name in variables {
        assert!(first_cells.contains(&format!("`{name}`")), "{name}");
    }
}

/// The limits of docs/how/limits.md and where the source says the same.
#[test]
fn the_limits_are_those_of_the_source() {
    let limits = page("how/limits.md");
    for (row, file, constant) in [
        (
            "| cached tokens | 10,000 |",
            "settings.rs",
            "DEFAULT_CACHE_CAPACITY: usize = 10_000",
        ),
        (
            "| memory of cached tokens | 64 MiB |",
            "settings.rs",
            "DEFAULT_CACHE_BYTES: usize = 64 * 1024 * 1024",
        ),
        (
            "| remembered refusals | 1,000, for 2 seconds each |",
            "cache/eviction.rs",
            "REFUSALS: usize = 1000",
        ),
        (
            "| remembered refusals | 1,000, for 2 seconds each |",
            "cache/entry.rs",
            "REFUSAL_MS: i64 = 2000",
        ),
        (
            "| exchanges in progress that callers wait for | 64 |",
            "driver/places.rs",
            "AWAITED: usize = 64",
        ),
        (
            "| exchanges in the background | 16 |",
            "driver/places.rs",
            "BACKGROUND: usize = 16",
        ),
        (
            "| kept connections | 8 for each of 4 ",
            "http/client_pool.rs",
            "IDLE_CONNECTIONS: usize = 8",
        ),
        (
            "| kept connections | 8 for each of 4 ",
            "http/client_pool.rs",
            "CLIENTS: usize = 4",
        ),
        (
            "for 60 seconds |",
            "http/client_pool.rs",
            "IDLE: Duration = Duration::from_secs(60)",
        ),
        (
            "| a response's body | 1 MiB |",
            "http/mod.rs",
            "BODY_LIMIT: usize = 1024 * 1024",
        ),
        (
            "| members of a response | 1,000 |",
            "oauth/json.rs",
            "MOST: usize = 1000",
        ),
        ("| redirects | 5 |", "http/redirect.rs", "MOST: usize = 5"),
        (
            "| a CA bundle | 16 MiB |",
            "http/roots.rs",
            "LIMIT: u64 = 16 * files::MIB",
        ),
        (
            "| the content session token's file | 1 MiB |",
            "env/content_token.rs",
            "LIMIT: u64 = files::MIB",
        ),
        (
            "| lists of integrations | 16, for 5 minutes each |",
            "backend/integration_lists.rs",
            "LISTS: usize = 16",
        ),
        (
            "| lists of integrations | 16, for 5 minutes each |",
            "backend/integration_lists.rs",
            "KEPT_MS: i64 = 5 * 60 * 1000",
        ),
        (
            "| log lines that wait for a call | 1,000 |",
            "log.rs",
            "QUEUE: usize = 1000",
        ),
    ] {
        assert!(limits.contains(row), "{row}");
        let source = std::fs::read_to_string(root().join("src").join(file)).expect("readable");
        assert!(
            source.contains(&format!("const {constant};")),
            "{file}: {constant}"
        );
    }
}

#[test]
#[ignore = "needs doxygen; tests/run runs it"]
fn doxygen_reads_both_headers_without_a_warning() {
    let directory = scratch().join(format!("guide-doxygen-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("created");
    let configuration = std::fs::read_to_string(root().join("packaging/site/Doxyfile")).expect("readable")
        + &format!("OUTPUT_DIRECTORY = {}\n", directory.display());
    let file = directory.join("Doxyfile");
    std::fs::write(&file, configuration).expect("written");
    let output = Command::new("doxygen")
        .arg(&file)
        .current_dir(root())
        .output()
        .expect("doxygen starts");
    assert!(output.status.success(), "{}", told(&output));
    assert!(directory.join("connectcreds_8h.html").exists());
    std::fs::remove_dir_all(directory).expect("removed");
}
