//! `tests/messages.txt` lists every text that a user can read: messages, log lines, lines of the report. A change of a
//! text is then a change of that file, to be reviewed for its English.

use std::fs;
use std::path::{Path, PathBuf};

const LIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/messages.txt");

fn source_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("src is readable") {
        let path = entry.expect("src is readable").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" && name != "interleavings" {
            source_files(&path, found);
        } else if name.ends_with(".rs")
            && !["tests.rs", "properties.rs", "lib.rs", "fleet.rs"].contains(&&*name)
        {
            found.push(path);
        }
    }
    found.sort();
}

/// The code before the unit tests, which stand at the end of a file.
fn before_tests(source: &str) -> &str {
    let at = source.match_indices("\n#[cfg(test)]\n").map(|(at, _)| at);
    let tests = at.filter(|&at| {
        source[at + 14..]
            .trim_start_matches("pub(crate) ")
            .starts_with("mod ")
    });
    &source[..tests.max().unwrap_or(source.len())]
}

/// The string literals in `code`, as they are when the program runs but for escapes.
fn literals(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find(['"', '/', '\'']) {
        let from = &rest[at..];
        if from.starts_with("//") {
            rest = from.split_once('\n').map_or("", |(_, after)| after);
        } else if from.starts_with("'\"'") || from.starts_with("'\\\"'") {
            rest = from[1..].split_once('\'').map_or("", |(_, after)| after);
        } else if let Some(text) = from.strip_prefix('"') {
            let hashes = rest[..at].len() - rest[..at].trim_end_matches('#').len();
            let is_raw = rest[..at - hashes].ends_with('r');
            let (literal, after) = if is_raw { raw(text, hashes) } else { escaped(text) };
            // Those of attributes are for programmers.
            if !rest[..at].ends_with("reason = ") && !rest[..at].ends_with("must_use = ") {
                found.push(literal);
            }
            rest = after;
        } else {
            rest = &from[1..];
        }
    }
    found
}

fn raw(text: &str, hashes: usize) -> (String, &str) {
    let end = format!("\"{}", "#".repeat(hashes));
    let (literal, after) = text.split_once(&end).expect("a raw string ends");
    (literal.to_owned(), after)
}

/// A line break after a backslash, and the white space behind it, is not part of the string.
fn escaped(text: &str) -> (String, &str) {
    let mut literal = String::new();
    let mut rest = text;
    loop {
        let at = rest.find(['"', '\\']).expect("a string ends");
        literal.push_str(&rest[..at]);
        if rest[at..].starts_with('"') {
            return (literal, &rest[at + 1..]);
        }
        let after = &rest[at + 1..];
        if after.starts_with('\n') {
            rest = after.trim_start();
        } else {
            literal.push('\\');
            let next = after.chars().next().expect("a string ends");
            literal.push(next);
            rest = &after[next.len_utf8()..];
        }
    }
}

/// Whether a person reads it: at least two words, one of them in letters.
fn is_text(literal: &str) -> bool {
    let words = literal.split_whitespace().filter(|word| {
        let letters = word.chars().filter(|letter| letter.is_alphabetic()).count();
        letters >= 2 && !word.contains(['=', '<', '/'])
    });
    literal.trim().contains(' ') && words.count() >= 1
}

fn list() -> String {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    source_files(&src, &mut files);
    let mut list = String::from(
        "Every text that a user can read, by source file. Generated: UPDATE_MESSAGES=1 cargo test --test messages\n",
    );
    for path in files {
        let source = fs::read_to_string(&path).expect("src is readable");
        let mut texts: Vec<_> = literals(before_tests(&source))
            .into_iter()
            .filter(|text| is_text(text))
            .collect();
        texts.dedup();
        if texts.is_empty() {
            continue;
        }
        let name = path.strip_prefix(&src).expect("a file of src").display();
        list += &format!("\n== {name}\n");
        for text in texts {
            list += &format!("{text}\n");
        }
    }
    list
}

#[test]
fn the_list_of_messages_is_up_to_date() {
    let list = list();
    assert!(list.lines().count() > 100, "{list}");
    if std::env::var_os("UPDATE_MESSAGES").is_some() {
        fs::write(LIST, &list).expect("the list can be written");
    }
    let checked_in = fs::read_to_string(LIST).unwrap_or_default();
    assert!(
        checked_in == list,
        "tests/messages.txt is out of date; regenerate it with\n  \
         UPDATE_MESSAGES=1 cargo test --test messages\nand review the difference"
    );
}

#[test]
fn no_message_uses_a_word_that_the_style_rules_out() {
    for line in list().lines() {
        for word in [
            "can not",
            "time-out",
            "look-up",
            "for ever",
            "in vain",
            "at the most",
            "anew",
        ] {
            assert!(!line.contains(word), "{word}: {line}");
        }
    }
}

#[test]
fn literals_are_found_in_every_form() {
    let code = "f(\"a \\\"b\\\" c\", '\"', r#\"raw \"x\" y\"#); // \"a comment\"\n\"one \\\n     line\"";
    assert_eq!(literals(code), ["a \\\"b\\\" c", "raw \"x\" y", "one line"]);
}
