//! The direction of imports in `src/`: a folder imports only folders below it. `src/lib.rs` shows the same order.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Folders and files of `src/` from top to bottom. Modules in one row do not import each other. `config` is what `lib.rs`
/// calls `settings` inside the crate.
const LAYERS: [&[&str]; 12] = [
    &["ffi"],
    &["api"],
    &["mock"],
    &["backend"],
    &["driver"],
    &["cache", "http"],
    &["env"],
    &["oauth"],
    &["log", "settings", "config"],
    &["text"],
    &["error"],
    &["platform"],
];

/// Not part of the library: built for model checking and for a simulation only.
const EXEMPT: [&str; 2] = ["fleet", "interleavings"];

/// What `src/ffi` may import: the library as a Rust caller sees it.
const BELOW_FFI: [&str; 3] = ["api", "mock", "error"];

fn row(module: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&module))
}

fn source_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("src is readable") {
        let path = entry.expect("src is readable").path();
        if path.is_dir() {
            source_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The folder, or the file beside `lib.rs`, that a source file belongs to.
fn module_of(path: &Path) -> String {
    let below = path.strip_prefix(src()).expect("a file of src");
    let first = below.iter().next().expect("a path has a name");
    first.to_string_lossy().trim_end_matches(".rs").to_owned()
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn is_test(path: &Path) -> bool {
    path.iter()
        .any(|part| part == "tests" || part == "tests.rs" || part == "properties.rs")
}

/// The code alone: no comments, and no unit tests, which stand at the end of a file.
fn code(source: &str) -> String {
    let tests = source
        .find("#[cfg(test)]\nmod tests {")
        .or_else(|| source.find("#[cfg(test)]\npub(crate) mod tests {"));
    let lines = source[..tests.unwrap_or(source.len())].lines();
    let mut code = String::new();
    for line in lines.filter(|line| !line.trim_start().starts_with("//")) {
        code.push_str(line);
        code.push('\n');
    }
    code
}

/// The first names of all paths that begin at the crate's root.
fn imports(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    for (at, path) in code.match_indices("crate::") {
        let rest = &code[at + path.len()..];
        let before = code[..at].chars().next_back();
        if before.is_some_and(is_name) {
            continue;
        }
        let Some(group) = rest.strip_prefix('{') else {
            names.insert(rest.chars().take_while(|&letter| is_name(letter)).collect());
            continue;
        };
        // `use crate::{a::b, c::{d, e}};`: the names at the group's own depth.
        let mut depth = 0;
        let mut name = String::new();
        for letter in group.chars() {
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    names.insert(std::mem::take(&mut name));
                }
                _ if depth == 0 => name.push(letter),
                _ => {}
            }
        }
        names.insert(name);
    }
    let first = |name: String| name.trim().split("::").next().unwrap_or_default().to_owned();
    names
        .into_iter()
        .map(first)
        .filter(|name| !name.is_empty())
        .collect()
}

/// Each edge between two modules of `src/`, with the file it comes from.
fn edges() -> Vec<(PathBuf, String, String)> {
    let mut files = Vec::new();
    source_files(&src(), &mut files);
    assert!(
        files.len() > 40,
        "only {} files: has src another form?",
        files.len()
    );
    let mut edges = Vec::new();
    for path in files {
        let from = module_of(&path);
        if from == "lib" || EXEMPT.contains(&from.as_str()) || is_test(&path) {
            continue;
        }
        let source = fs::read_to_string(&path).expect("a source file is readable");
        for to in imports(&code(&source)) {
            if to != from && !EXEMPT.contains(&to.as_str()) {
                edges.push((path.clone(), from.clone(), to));
            }
        }
    }
    edges
}

#[test]
fn a_folder_imports_only_folders_below_it() {
    let mut wrong = Vec::new();
    let mut down = 0;
    for (path, from, to) in edges() {
        // A type that lib.rs re-exports is imported from where it is defined; the C ABI alone sits on the public names.
        let public = to.starts_with(char::is_uppercase) && from == "ffi";
        match (row(&from), row(&to)) {
            (Some(upper), Some(lower)) if upper < lower => down += 1,
            _ if public => {}
            _ => wrong.push(format!("{}: {from} imports {to}", path.display())),
        }
    }
    assert!(
        wrong.is_empty(),
        "against the order of LAYERS:\n{}",
        wrong.join("\n")
    );
    assert!(
        down > 50,
        "only {down} edges were found: do imports have another form?"
    );
}

#[test]
fn the_c_abi_imports_the_public_api_only() {
    let wrong: Vec<_> = edges()
        .into_iter()
        .filter(|(_, from, to)| {
            from == "ffi" && !BELOW_FFI.contains(&to.as_str()) && !to.starts_with(char::is_uppercase)
        })
        .map(|(path, _, to)| format!("{}: {to}", path.display()))
        .collect();
    assert!(wrong.is_empty(), "below the public API:\n{}", wrong.join("\n"));
}

#[test]
fn the_map_in_lib_rs_is_in_the_order_of_imports() {
    let lib = fs::read_to_string(src().join("lib.rs")).expect("src/lib.rs is readable");
    let shown: Vec<_> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `")?.split('`').next())
        .map(|name| name.trim_end_matches(['/', '*']).to_owned())
        .collect();
    let rows: Vec<_> = shown
        .iter()
        .map(|name| row(name.trim_end_matches(".rs")).unwrap_or_else(|| panic!("{name} is not in LAYERS")))
        .collect();
    assert!(rows.is_sorted(), "{shown:?}");
    for (name, _) in fs::read_dir(src()).expect("src is readable").map(|entry| {
        let path = entry.expect("src is readable").path();
        (module_of(&path), path)
    }) {
        let listed = shown.iter().any(|shown| shown.trim_end_matches(".rs") == name);
        assert!(
            listed || name == "lib" || EXEMPT.contains(&name.as_str()),
            "{name} is not in the map"
        );
    }
}

#[test]
fn imports_are_found_in_every_form() {
    let code = code(
        "//! crate::comment\nuse crate::a::b;\nuse crate::{c, d::{x, y}, e::z};\nlet f = crate::f::g();\n\
         mycrate::h\n$crate::i\n#[cfg(test)]\nmod tests { use crate::j; }\n",
    );
    let found: Vec<_> = imports(&code).into_iter().collect();
    assert_eq!(found, ["a", "c", "d", "e", "f", "i"]);
}

/// Files below `api` that may read the environment, and by what: the wrapper of the system's function, and what is called
/// on the host's thread where a call begins.
const READS_THE_ENVIRONMENT: [(&str, &[&str]); 5] = [
    ("platform/os/unix.rs", &["getenv"]),
    ("platform/os/windows.rs", &["std::env", "env::var"]),
    // The re-export of the wrapper.
    ("platform/os.rs", &["variable"]),
    ("env.rs", &["variable"]),
    // CONNECTCREDS_DEBUG, once, at the first call of the host.
    ("log.rs", &["variable"]),
];

#[test]
fn nothing_below_the_api_reads_the_environment() {
    // `current_exe` and the like are other functions of the module; no one needs them either.
    let readers = [
        "getenv",
        "std::env",
        "env::var",
        "env::split_paths",
        "os::variable",
        "libc::environ",
    ];
    let snapshots = ["EnvSnapshot::take"];
    let mut files = Vec::new();
    source_files(&src(), &mut files);
    let mut wrong = Vec::new();
    for path in files.iter().filter(|path| !is_test(path)) {
        let module = module_of(path);
        if ["api", "ffi", "interleavings"].contains(&module.as_str()) {
            continue;
        }
        let name = path
            .strip_prefix(src())
            .expect("a file of src")
            .to_string_lossy()
            .into_owned();
        let allowed = READS_THE_ENVIRONMENT.iter().find(|(file, _)| *file == name);
        let allowed = allowed.map_or(&[][..], |(_, words)| words);
        let code = code(&fs::read_to_string(path).expect("a source file is readable"));
        for reader in readers.iter().chain(&snapshots) {
            if code.contains(reader) && !allowed.iter().any(|word| reader.ends_with(word)) {
                wrong.push(format!("{name}: {reader}"));
            }
        }
    }
    assert!(wrong.is_empty(), "read on whatever thread comes by: {wrong:#?}");
}

/// The folders that use `unsafe`, and how many blocks and implementations each has. The numbers only go down.
const UNSAFE: [(&str, usize); 2] = [("ffi", 141), ("platform", 36)];

/// Each block states its reason, which clippy checks: `undocumented_unsafe_blocks`.
#[test]
fn unsafe_code_stands_in_two_folders_and_does_not_grow() {
    let mut files = Vec::new();
    source_files(&src(), &mut files);
    let mut found = BTreeMap::new();
    for path in files.iter().filter(|path| !is_test(path)) {
        let code = code(&fs::read_to_string(path).expect("a source file is readable"));
        let uses = code.matches("unsafe {").count() + code.matches("unsafe impl").count();
        if uses > 0 {
            *found.entry(module_of(path)).or_insert(0) += uses;
        }
    }
    let recorded = UNSAFE.map(|(folder, uses)| (folder.to_owned(), uses));
    assert_eq!(
        found,
        BTreeMap::from(recorded),
        "left: what is there, right: UNSAFE above"
    );
}
