//! The instructions of a cache hit, counted by valgrind: no kind of hit costs a tenth more than `benches/instructions.txt`
//! records. `benches/hit` makes the hits, with the library that `make` builds.
//!
//! To record what the library costs now: `UPDATE_INSTRUCTIONS=1 tests/run --only valgrind`.

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use connect_standin::Standin;
use support::{clean, root, run, scratch, target_directory, tool};

/// Enough that what is not part of a hit disappears in the rounding.
const CALLS: u64 = 2000;
const RECORD: &str = "benches/instructions.txt";

/// Compiles `benches/hit` with the library that `make` builds, which an installation has.
fn hit() -> PathBuf {
    run(tool("make").current_dir(root()).arg("all"));
    let directory = scratch().join("instructions");
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).expect("created");
    let built = target_directory().join("make");
    let shared = format!("libconnectcreds.so.{}", env!("CARGO_PKG_VERSION"));
    for name in ["libconnectcreds.so", "libconnectcreds.so.0"] {
        symlink(built.join(&shared), directory.join(name)).expect("linked");
    }
    let sources = fs::read_dir(root().join("benches/hit")).expect("readable");
    let sources = sources
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"));
    let program = directory.join("hit");
    run(Command::new("cc")
        .args(["-O2", "-std=gnu11", "-pthread", "-I"])
        .arg(root().join("include"))
        .arg("-o")
        .arg(&program)
        .args(sources)
        .arg("-L")
        .arg(&directory)
        .arg(format!("-Wl,-rpath,{}", directory.display()))
        .arg("-lconnectcreds"));
    program
}

/// Counts the instructions of one hit of a kind.
fn count(program: &Path, connect: &Standin, what: &str) -> u64 {
    let output = clean("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg("--toggle-collect=counted")
        .arg(program)
        .args(["count", what, &CALLS.to_string()])
        .envs(connect.environment())
        .env("STANDIN_URL", connect.url())
        .output()
        .expect("valgrind starts");
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {report}");
    let collected = report.lines().find_map(|line| line.split("Collected : ").nth(1));
    let collected: u64 = collected
        .and_then(|number| number.trim().parse().ok())
        .unwrap_or_else(|| panic!("{what}: {report}"));
    collected / CALLS
}

/// The kinds of hits and their counts, as `text` records them.
fn recorded(text: &str) -> Vec<(&str, u64)> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (what, count) = line.split_once(' ').expect("a kind and its count");
            (what, count.trim().parse().expect("a number"))
        })
        .collect()
}

#[test]
#[ignore = "needs valgrind; tests/run runs it"]
fn valgrind_counts_no_more_instructions_for_a_hit_than_are_recorded() {
    let path = root().join(RECORD);
    let text = fs::read_to_string(&path).expect("the record is there");
    let recorded = recorded(&text);
    assert!(recorded.len() >= 5, "{text}");
    let (program, connect) = (hit(), Standin::start());
    let counted: Vec<_> = recorded
        .iter()
        .map(|(what, before)| (*what, *before, count(&program, &connect, what)))
        .collect();
    if std::env::var_os("UPDATE_INSTRUCTIONS").is_some() {
        let comments = text.lines().filter(|line| line.starts_with('#'));
        let lines = counted.iter().map(|(what, _, now)| format!("{what:<26}{now:>6}"));
        let lines: Vec<_> = comments.map(ToOwned::to_owned).chain(lines).collect();
        fs::write(&path, lines.join("\n") + "\n").expect("written");
        return;
    }
    let grown: Vec<_> = counted
        .iter()
        .filter(|(_, before, now)| now * 10 > before * 11)
        .collect();
    assert!(
        grown.is_empty(),
        "kind, count in {RECORD}, count now: {grown:?}; all: {counted:?}. \
         If it is worth its cost, record it: UPDATE_INSTRUCTIONS=1 tests/run --only valgrind"
    );
}
