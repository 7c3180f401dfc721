//! The exported symbols of the shared library, each of which a C program of the tests calls.

mod support;

use std::process::Command;

use support::{clean, compile, library, root, run};

/// `tests/symbols.txt` lists them. Removing a symbol, or exporting one by accident, breaks hosts.
#[test]
fn exactly_the_listed_symbols_are_exported() {
    let listed = std::fs::read_to_string(root().join("tests/symbols.txt")).expect("the list is there");
    let exported = run(Command::new("nm")
        .args(["-D", "--defined-only", "--format=posix"])
        .arg(library()));
    let mut exported: Vec<_> = exported
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    exported.sort_unstable();
    assert_eq!(exported, listed.lines().collect::<Vec<_>>());
}

#[test]
fn every_exported_function_is_called_by_a_c_host() {
    let hosts = [
        "host.c",
        "nulls.c",
        "mock.h",
        "mock.c",
        "mock_environment.c",
        "mock_integrations.c",
        "calls.c",
        "request.c",
        "calls.c",
    ]
    .map(|name| {
        std::fs::read_to_string(root().join("tests/programs/c").join(name)).expect("the host is there")
    });
    let listed = std::fs::read_to_string(root().join("tests/symbols.txt")).expect("the list is there");
    for symbol in listed.lines() {
        let called =
            |host: &String| host.contains(&format!("{symbol}(")) || host.contains(&format!(", {symbol}}}"));
        assert!(hosts.iter().any(called), "no C host calls {symbol}");
    }
}

#[test]
fn a_c_host_can_pass_null_everywhere() {
    run(&mut clean(compile(&root().join("tests/programs/c/nulls.c"))));
}

/// After unloading, its fork hooks and its threads would run code that is gone.
#[test]
fn the_library_stays_in_a_process_that_closes_it() {
    let dynamic = run(Command::new("readelf").arg("-d").arg(library()));
    assert!(dynamic.contains("NODELETE"), "{dynamic}");
}
