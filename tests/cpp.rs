//! `include/connectcreds.hpp`: it compiles wherever it says so, it has all that C has, and nothing a callback throws is
//! lost on its way through C.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use connect_standin::{Order, Standin};
use support::{clean, compile, library_dir, root, run};

const HEADER: &str = include_str!("../include/connectcreds.hpp");
const STRICT: [&str; 7] = [
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wconversion",
    "-Wshadow",
    "-Wold-style-cast",
    "-Werror",
];
const PLAIN: [&str; 2] = ["-fno-exceptions", "-fno-rtti"];

fn host(name: &str) -> PathBuf {
    root().join("tests/programs/cpp").join(name)
}

/// A strict compiler about to compile `source`.
fn compiler(name: &str, standard: &str, source: &Path) -> Command {
    let mut command = Command::new(name);
    command
        .arg(format!("-std={standard}"))
        .args(STRICT)
        .args(["-g", "-pthread", "-I"])
        .arg(root().join("include"))
        .arg(source);
    command
}

/// Compiles `tests/programs/cpp/without_exceptions.cpp`, which uses most of the header, with and without exceptions.
fn compiles(name: &str, standards: &[&str]) {
    let source = host("without_exceptions.cpp");
    let check = |standard: &str, flags: &[&str]| {
        run(compiler(name, standard, &source).arg("-fsyntax-only").args(flags));
    };
    // Two at a time.
    let (some, others) = standards.split_at(standards.len() / 2);
    std::thread::scope(|scope| {
        for part in [some, others] {
            scope.spawn(move || part.iter().for_each(|standard| check(standard, &[])));
        }
    });
    let (first, last) = (standards[0], standards[standards.len() - 1]);
    std::thread::scope(|scope| {
        for standard in [first, last] {
            scope.spawn(move || check(standard, &PLAIN));
        }
    });
}

#[test]
#[ignore = "needs a C++ compiler (g++); tests/run runs it"]
fn cpp_header_compiles_in_every_standard_with_and_without_exceptions() {
    compiles("g++", &["c++11", "c++14", "c++17", "c++20", "c++23"]);
}

#[test]
#[ignore = "needs clang; tests/run runs it"]
fn clang_compiles_the_cpp_header_in_every_standard_with_and_without_exceptions() {
    compiles("clang++", &["c++11", "c++14", "c++17", "c++20", "c++2b"]);
}

#[test]
#[ignore = "needs clang-tidy; tests/run runs it"]
fn clang_tidy_finds_nothing_in_the_cpp_header() {
    run(Command::new("clang-tidy")
        .arg("--quiet")
        .arg(host("without_exceptions.cpp"))
        .args(["--", "-std=c++17", "-I"])
        .arg(root().join("include")));
}

/// A function of C that C++ has under no name would be missed by its users.
#[test]
fn every_exported_function_is_used_by_the_cpp_header() {
    let listed = std::fs::read_to_string(root().join("tests/symbols.txt")).expect("the list is there");
    let words: Vec<_> = HEADER
        .split(|each: char| !each.is_ascii_alphanumeric() && each != '_')
        .collect();
    for symbol in listed.lines() {
        assert!(
            words.contains(&symbol),
            "include/connectcreds.hpp does not use {symbol}"
        );
    }
}

/// The host, of two sources: one with exceptions and one without, in different standards.
fn scene(name: &str) -> Command {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| {
        let at = |name: &str| support::scratch().join(format!("cpp-{}-{name}", std::process::id()));
        let (object, program) = (at("without_exceptions.o"), at("scenes"));
        run(compiler("c++", "c++20", &host("without_exceptions.cpp"))
            .args(PLAIN)
            .arg("-c")
            .arg("-o")
            .arg(&object));
        run(compiler("c++", "c++17", &host("scenes.cpp"))
            .arg(&object)
            .arg("-o")
            .arg(&program)
            .arg("-L")
            .arg(library_dir())
            .arg(format!("-Wl,-rpath,{}", library_dir().display()))
            .arg("-lconnectcreds"));
        program
    });
    let mut command = clean(program);
    // Freed memory is overwritten, so that its use shows.
    command.arg(name).env("MALLOC_PERTURB_", "165");
    command
}

macro_rules! scenes {
    ($($test:ident => $scene:literal)+) => {$(
        #[test]
        #[ignore = "needs a C++ compiler (g++); tests/run runs it"]
        fn $test() {
            run(&mut scene($scene));
        }
    )+};
}

scenes! {
    cpp_tokens_have_all_that_c_tokens_have => "tokens"
    cpp_errors_carry_the_fields_of_c_errors => "errors"
    cpp_requests_chain_and_refuse_what_c_cannot_take => "requests"
    cpp_requests_name_integrations_and_list_them => "several_integrations"
    cpp_requests_are_copied_and_checked => "copies"
    cpp_mocks_have_an_environment_and_set_headers => "mock_environments"
    cpp_durations_that_are_used_up_are_not_the_default => "durations"
    cpp_aws_credentials_are_those_of_the_token => "aws"
    cpp_cache_is_counted_and_cleared => "a_cache"
    cpp_settings_reach_the_library => "settings"
    cpp_exception_of_a_mock_function_leaves_the_call_on_its_thread => "a_mock_function_throws"
    cpp_exception_of_an_inner_call_leaves_the_outer_one_unless_it_is_caught => "a_mock_function_calls_the_library"
    cpp_mock_function_may_end_its_mock => "a_mock_function_ends_its_mock"
    cpp_log_callback_may_throw_and_remove_itself => "a_log"
    cpp_units_with_and_without_exceptions_link_together => "no_exceptions"
}

#[test]
#[ignore = "needs a C++ compiler (g++); tests/run runs it"]
fn cpp_cancel_callback_may_cancel_throw_and_replace_itself() {
    let connect = Standin::start();
    let hold = connect.hold();
    run(scene("a_cancel_callback").envs(connect.environment()));
    drop(hold);
}

#[test]
#[ignore = "needs a C++ compiler (g++); tests/run runs it"]
fn cpp_example_gets_tokens_and_tries_again_what_may_pass() {
    let program = compile(&root().join("examples-c/with_cpp.cpp"));
    let connect = Standin::start();
    // One call of the library makes three attempts.
    let unavailable = Order::Raw {
        status: 503,
        headers: Vec::new(),
        body: Vec::new(),
    };
    connect.order_times(3, unavailable);
    let printed = run(clean(&program)
        .envs(connect.environment())
        .arg(connect.viewer_token("alice")));
    let lines: Vec<_> = printed.lines().collect();
    assert!(
        lines[0].starts_with("service account: Bearer token, expires in "),
        "{printed}"
    );
    assert!(
        lines[1].starts_with("viewer: Bearer token, expires in "),
        "{printed}"
    );
    let output = clean(program).output().expect("the program starts");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        output.stderr.starts_with(b"CC_ERR_NOT_ON_CONNECT: "),
        "{}",
        support::told(&output)
    );
}

/// Compiles `tests/programs/cpp/calls.cpp` and runs a scene of it against `connect`.
fn calls(connect: &Standin, standard: &str, scene: &str) {
    let program = support::scratch().join(format!("cpp-{}-calls-{standard}-{scene}", std::process::id()));
    run(compiler("c++", standard, &host("calls.cpp"))
        .arg("-o")
        .arg(&program)
        .arg("-L")
        .arg(library_dir())
        .arg(format!("-Wl,-rpath,{}", library_dir().display()))
        .arg("-lconnectcreds"));
    run(clean(program).arg(scene).envs(connect.environment()));
}

#[test]
#[ignore = "needs a C++ compiler (g++); tests/run runs it"]
fn cpp_calls_that_do_not_block_are_polled_and_become_futures() {
    let connect = Standin::start();
    calls(&connect, "c++11", "answered");
    assert!(connect.exchanges() > 0, "the server was asked");
}

#[test]
#[ignore = "needs a C++ compiler (g++) with coroutines; tests/run runs it"]
fn cpp_calls_that_do_not_block_are_awaited() {
    let connect = Standin::start();
    calls(&connect, "c++20", "awaited");
    assert!(connect.exchanges() > 0, "the server was asked");
}

#[test]
#[ignore = "needs a C++ compiler (g++); tests/run runs it"]
fn cpp_call_that_is_destroyed_is_cancelled_and_others_are_not_affected() {
    let connect = Standin::start();
    let hold = connect.hold();
    calls(&connect, "c++17", "held");
    drop(hold);
}
