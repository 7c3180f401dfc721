//! The pages of the guide and their snippets.

use std::path::{Path, PathBuf};

use crate::support::root;

/// A code block of a page.
pub struct Snippet {
    /// Below docs/, such as `services/aws.md`.
    pub page: String,
    /// The line of its first line, from 1.
    pub line: usize,
    pub language: String,
    pub text: String,
}

impl Snippet {
    /// Whether the snippet is run by itself.
    pub fn is_program(&self) -> bool {
        ["start.md", "binding.md"].contains(&self.page.as_str())
            || self.text.contains("int main(")
            || self.text.contains("fn main(")
    }
}

/// Every page of docs/ but the decisions, sorted.
pub fn pages() -> Vec<PathBuf> {
    let docs = root().join("docs");
    let mut pages = Vec::new();
    for directory in ["", "how", "services"] {
        for entry in std::fs::read_dir(docs.join(directory)).expect("the directory is there") {
            let path = entry.expect("readable").path();
            if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    assert!(pages.len() > 25, "{pages:?}");
    pages
}

/// Every code block of the guide.
pub fn snippets() -> Vec<Snippet> {
    pages().iter().flat_map(|path| snippets_of(path)).collect()
}

fn snippets_of(path: &Path) -> Vec<Snippet> {
    let page = path.strip_prefix(root().join("docs")).expect("a page of docs/");
    let text = std::fs::read_to_string(path).expect("readable");
    let mut snippets = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(language) = line.strip_prefix("```") else {
            assert!(
                !line.trim_start().starts_with("```"),
                "{page:?}: an indented fence"
            );
            continue;
        };
        let body = lines
            .by_ref()
            .map(|(_, line)| line)
            .take_while(|line| *line != "```");
        snippets.push(Snippet {
            page: page.to_str().expect("UTF-8").to_owned(),
            line: number + 2,
            language: language.to_owned(),
            text: body.flat_map(|line| [line, "\n"]).collect(),
        });
    }
    snippets
}

/// Returns the snippets of a language on a page.
pub fn snippets_on(page: &str, language: &str) -> Vec<String> {
    let found: Vec<_> = snippets()
        .into_iter()
        .filter(|snippet| snippet.page == page && snippet.language == language)
        .map(|snippet| snippet.text)
        .collect();
    assert!(!found.is_empty(), "{page} has no {language}");
    found
}

/// Returns the one program in a language on a page.
pub fn program_on(page: &str, language: &str) -> String {
    let found: Vec<_> = snippets()
        .into_iter()
        .filter(|snippet| snippet.page == page && snippet.language == language && snippet.is_program())
        .collect();
    assert_eq!(found.len(), 1, "{page}: {language}");
    found.into_iter().next().expect("one").text
}
