//! The installed library, as `make install` leaves it: each kind of consumer is built against the prefix and run.

mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use connect_standin::Standin;
use support::{clean, library, root, run, scratch, told, tool};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const README: &str = include_str!("../README.md");

/// A directory for one test, empty.
fn directory(name: &str) -> PathBuf {
    let directory = scratch().join(format!("install-{name}"));
    if directory.exists() {
        std::fs::remove_dir_all(&directory).expect("removed");
    }
    std::fs::create_dir_all(&directory).expect("created");
    directory
}

fn make(target: &str, variables: &[String]) {
    run(tool("make").current_dir(root()).arg(target).args(variables));
}

fn prefix_variable(prefix: &Path) -> [String; 1] {
    [format!("PREFIX={}", prefix.display())]
}

/// The prefix that the tests share. The first one builds the library, which takes minutes unless it is there.
fn prefix() -> &'static Path {
    static PREFIX: OnceLock<PathBuf> = OnceLock::new();
    PREFIX.get_or_init(|| {
        let prefix = directory("prefix");
        make("all", &[]);
        make("install", &prefix_variable(&prefix));
        prefix
    })
}

/// A command that finds the library by pkg-config and at run time, as after an installation in the system.
fn consumer(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = clean(program);
    command
        .env("PKG_CONFIG_PATH", prefix().join("lib/pkgconfig"))
        .env("LD_LIBRARY_PATH", prefix().join("lib"));
    command
}

/// A copy of the consumers' sources.
fn sources(name: &str) -> PathBuf {
    let directory = directory(name);
    run(clean("cp")
        .arg("-r")
        .arg(root().join("tests/install/."))
        .arg(&directory));
    directory
}

/// The functions that the library exports.
fn functions() -> impl Iterator<Item = &'static str> {
    include_str!("symbols.txt").lines()
}

/// All files and links below `directory`, by their path in it.
fn files(directory: &Path) -> BTreeSet<String> {
    run(clean("find")
        .current_dir(directory)
        .args([".", "!", "-type", "d", "-printf", "%P\n"]))
    .lines()
    .map(str::to_owned)
    .collect()
}

fn soname(library: &Path) -> String {
    let dynamic = run(clean("readelf").arg("-d").arg(library));
    let (_, rest) = dynamic.split_once("soname: [").expect("it has a soname");
    rest.split(']').next().expect("closed").to_owned()
}

/// Runs a program of the consumers' that prints its token, mocked and then one from a server.
#[track_caller]
fn assert_gets_tokens(program: &Path) {
    assert_eq!(run(&mut consumer(program)), "Bearer mocked\n");
    for connect in [Standin::start(), Standin::start_tls()] {
        assert_eq!(
            run(consumer(program).envs(connect.environment())),
            "Bearer real\n"
        );
        assert_eq!(connect.exchanges(), 1);
    }
}

/// The program asks the loader for nothing of ours.
#[track_caller]
fn assert_needs_no_shared_copy(program: &Path) {
    let dynamic = run(clean("readelf").arg("-d").arg(program));
    assert!(!dynamic.contains("libconnectcreds"), "{dynamic}");
}

#[test]
fn a_library_built_by_cargo_alone_has_the_soname_of_the_major_version() {
    assert_eq!(soname(&library()), "libconnectcreds.so.0");
    // Programs that were linked with it ask for this name.
    assert_eq!(
        std::fs::canonicalize(library().with_file_name("libconnectcreds.so.0")).expect("linked"),
        std::fs::canonicalize(library()).expect("built")
    );
}

/// dpkg makes of it what a package that was built with the library needs.
#[test]
fn the_symbols_of_the_debian_package_are_those_of_the_library() {
    let listed = std::fs::read_to_string(root().join("tests/symbols.txt")).expect("the list is there");
    let file = root().join("packaging/debian/libconnectcreds0.symbols");
    let symbols = std::fs::read_to_string(&file).expect("the file is there");
    let of_debian: Vec<_> = symbols
        .lines()
        .filter_map(|line| line.strip_prefix(' ')?.split_once("@Base "))
        .collect();
    let missing: Vec<_> = listed
        .lines()
        .filter(|symbol| !of_debian.iter().any(|(name, _)| name == symbol))
        .collect();
    assert!(
        missing.is_empty(),
        "add these to {}, each as \" NAME@Base {VERSION}\": {missing:?}",
        file.display()
    );
    assert_eq!(
        of_debian.len(),
        listed.lines().count(),
        "none that is not exported"
    );
}

#[test]
fn cargo_c_gives_the_same_soname() {
    // It takes as many components of the version as it is told.
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("readable");
    assert!(manifest.contains("\nversion_suffix_components = 1\n"));
}

#[test]
#[ignore = "needs make, binutils and others; tests/run runs it"]
fn install_leaves_the_libraries_headers_and_descriptions_and_uninstall_nothing() {
    let shared = format!("lib/libconnectcreds.so.{VERSION}");
    let pages = functions().map(|function| format!("share/man/man3/{function}.3"));
    let expected: BTreeSet<_> = [
        "include/connectcreds.h",
        "include/connectcreds.hpp",
        "lib/cmake/connectcreds/connectcreds-config-version.cmake",
        "lib/cmake/connectcreds/connectcreds-config.cmake",
        "lib/libconnectcreds.a",
        "lib/libconnectcreds.so",
        "lib/libconnectcreds.so.0",
        &shared,
        "lib/pkgconfig/connectcreds.pc",
        "share/doc/connectcreds/CHANGELOG.md",
        "share/doc/connectcreds/LICENSE",
        "share/doc/connectcreds/THIRD-PARTY-NOTICES",
        "share/doc/connectcreds/connectcreds.cdx.json",
        "share/man/man3/connectcreds.3",
        "share/man/man7/connectcreds.7",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain(pages)
    .collect();
    assert_eq!(files(prefix()), expected);
    assert_eq!(soname(&prefix().join(&shared)), "libconnectcreds.so.0");
    for name in ["libconnectcreds.so", "libconnectcreds.so.0"] {
        let found = std::fs::canonicalize(prefix().join("lib").join(name)).expect("no dangling link");
        assert!(found.ends_with(&shared), "{found:?}");
    }
    let version = consumer("pkg-config")
        .args(["--modversion", "connectcreds"])
        .output();
    assert_eq!(
        version.expect("started").stdout,
        format!("{VERSION}\n").as_bytes()
    );

    let other = directory("uninstalled");
    std::fs::create_dir_all(other.join("lib")).expect("created");
    std::fs::write(other.join("lib/of-another"), "").expect("written");
    make("install", &prefix_variable(&other));
    make("uninstall", &prefix_variable(&other));
    assert_eq!(files(&other), BTreeSet::from(["lib/of-another".to_owned()]));
}

#[test]
#[ignore = "needs doxygen, pandoc and others; tests/run runs it"]
fn install_has_manual_pages_that_tell_what_the_header_and_the_guide_tell() {
    let page =
        |name: &str| std::fs::read_to_string(prefix().join("share/man").join(name)).expect("installed");
    let reference = page("man3/connectcreds.3");
    for function in functions() {
        assert!(
            reference.contains(&format!("{function} (")),
            "{function} is not in connectcreds(3)"
        );
        assert_eq!(page(&format!("man3/{function}.3")), ".so man3/connectcreds.3\n");
    }
    assert!(reference.starts_with(".TH CONNECTCREDS 3 "), "with no date in it");
    let guide = page("man7/connectcreds.7");
    for told in [
        ".SH ENVIRONMENT",
        "CONNECT_CONTENT_SESSION_TOKEN_FILE",
        ".SH THE STATUSES",
        "cc_call_fd",
    ] {
        assert!(guide.contains(told), "{told} is not in connectcreds(7)");
    }
    for markdown in ["](http", "](../", "```", "import connectcreds"] {
        assert!(!guide.contains(markdown), "{markdown} is in connectcreds(7)");
    }
}

#[test]
#[ignore = "needs make, binutils and others; tests/run runs it"]
fn install_exports_the_interface_and_no_path_of_this_machine() {
    let listed = std::fs::read_to_string(root().join("tests/symbols.txt")).expect("the list is there");
    for (file, arguments) in [
        (
            format!("libconnectcreds.so.{VERSION}"),
            &["-D", "--defined-only"][..],
        ),
        (
            "libconnectcreds.a".to_owned(),
            &["--extern-only", "--defined-only"],
        ),
    ] {
        let file = prefix().join("lib").join(file);
        let symbols = run(clean("nm").args(arguments).arg("--format=posix").arg(&file));
        let symbols: BTreeSet<_> = symbols
            .lines()
            .filter_map(|line| line.split(' ').next())
            .filter(|name| !name.contains('['))
            .collect();
        assert_eq!(symbols, listed.lines().collect(), "{}", file.display());

        let bytes = std::fs::read(&file).expect("readable");
        let home = std::env::var("HOME").expect("set");
        for path in [root().to_str().expect("UTF-8"), &home, "/.cargo/", "/.rustup/"] {
            assert!(
                !bytes.windows(path.len()).any(|window| window == path.as_bytes()),
                "{path} is in {}",
                file.display()
            );
        }
    }
}

#[test]
#[ignore = "needs make, binutils and others; tests/run runs it"]
fn install_serves_a_makefile_with_pkg_config() {
    let sources = sources("makefile");
    run(consumer("make").current_dir(&sources));
    assert_gets_tokens(&sources.join("token"));
}

/// The README's first program by its command, and its lines for CMake: the ones that tests/readme.rs counts on.
#[test]
#[ignore = "needs cmake and others; tests/run runs it"]
fn install_serves_the_program_of_the_readme_built_as_it_says() {
    let block = |start: &str| {
        let (_, text) = README.split_once(start).expect("the README has it");
        text.split("```").next().expect("closed")
    };
    let directory = directory("readme");
    std::fs::write(directory.join("token.c"), block("```c\n")).expect("written");
    let command = block("```sh\nmake\n").lines().last().expect("a line");
    assert!(command.starts_with("cc token.c "), "{command}");
    run(consumer("sh").args(["-euc", command]).current_dir(&directory));
    let connect = Standin::start();
    let printed = run(consumer(directory.join("token")).envs(connect.environment()));
    assert!(printed.starts_with("Bearer token, expires at "), "{printed}");

    let lines = block("```cmake\n");
    let project = format!(
        "cmake_minimum_required(VERSION 3.13)\nproject(token C)\nadd_executable(token token.c)\n{lines}"
    );
    std::fs::write(directory.join("CMakeLists.txt"), project).expect("written");
    run(consumer("cmake")
        .args(["-S", ".", "-B", "build"])
        .arg(format!("-DCMAKE_PREFIX_PATH={}", prefix().display()))
        .current_dir(&directory));
    run(clean("cmake").args(["--build", "build"]).current_dir(&directory));
    let printed = run(clean(directory.join("build/token")).envs(connect.environment()));
    assert!(printed.starts_with("Bearer token, expires at "), "{printed}");
}

/// Its resolver of names is glibc's, which a static program has only where that glibc is; an address needs none.
#[test]
#[ignore = "needs make, binutils and others; tests/run runs it"]
fn install_serves_a_program_that_is_static_as_a_whole() {
    let sources = sources("static");
    run(consumer("make")
        .current_dir(&sources)
        .args(["STATIC=--static", "LDFLAGS=-static"]));
    let program = sources.join("token");
    let headers = run(clean("readelf").arg("-l").arg(&program));
    assert!(!headers.contains("INTERP"), "{headers}");
    assert_gets_tokens(&program);
}

#[test]
#[ignore = "needs cmake and others; tests/run runs it"]
fn install_serves_cmake_with_both_libraries_also_when_the_prefix_was_moved() {
    let sources = sources("cmake");
    let moved = directory("moved").join("else where");
    run(clean("cp").arg("-a").arg(prefix()).arg(&moved));
    run(clean("cmake")
        .args(["-S", ".", "-B", "build"])
        .arg(format!("-DCMAKE_PREFIX_PATH={}", moved.display()))
        .current_dir(&sources));
    run(clean("cmake").args(["--build", "build"]).current_dir(&sources));
    for name in ["shared", "static", "cpp"] {
        let program = sources.join("build").join(name);
        assert_eq!(run(&mut clean(&program)), "Bearer mocked\n", "{name}");
    }
    assert_needs_no_shared_copy(&sources.join("build/static"));
}

#[test]
#[ignore = "needs cmake and others; tests/run runs it"]
fn install_tells_cmake_which_versions_it_stands_for() {
    let sources = sources("versions");
    let found = |wanted: &str| {
        let text = std::fs::read_to_string(root().join("tests/install/CMakeLists.txt")).expect("readable");
        let text = text.replace("connectcreds 0.1 ", &format!("connectcreds {wanted} "));
        std::fs::write(sources.join("CMakeLists.txt"), text).expect("written");
        let output = clean("cmake")
            .args(["-S", ".", "-B", &format!("build-{wanted}")])
            .arg(format!("-DCMAKE_PREFIX_PATH={}", prefix().display()))
            .current_dir(&sources)
            .output()
            .expect("started");
        assert!(
            output.status.success() || told(&output).contains("requested version"),
            "{}",
            told(&output)
        );
        output.status.success()
    };
    assert!(found(VERSION));
    assert!(found("0.0.9"), "the ABI only grows");
    assert!(!found("0.99"));
    assert!(!found("1.0"));
}

#[test]
#[ignore = "needs meson, cmake and others; tests/run runs it"]
fn install_serves_meson() {
    let sources = sources("meson");
    run(consumer("meson").args(["setup", "build"]).current_dir(&sources));
    run(consumer("meson")
        .args(["compile", "-C", "build"])
        .current_dir(&sources));
    for name in ["token", "token-cpp", "token-static"] {
        let program = sources.join("build").join(name);
        assert_eq!(run(&mut consumer(&program)), "Bearer mocked\n", "{name}");
    }
    assert_needs_no_shared_copy(&sources.join("build/token-static"));
}

#[test]
#[ignore = "needs a C compiler and others; tests/run runs it"]
fn install_serves_a_program_that_opens_the_library_by_itself() {
    let sources = sources("dlopen");
    run(clean("cc")
        .args([
            "-std=c99", "-Wall", "-Wextra", "-Werror", "-o", "dlopen", "dlopen.c", "-ldl", "-I",
        ])
        .arg(prefix().join("include"))
        .current_dir(&sources));
    let shared = prefix().join(format!("lib/libconnectcreds.so.{VERSION}"));
    assert_eq!(run(clean(sources.join("dlopen")).arg(shared)), "mocked\n");
}

#[test]
#[ignore = "needs make, binutils and others; tests/run runs it"]
fn install_gives_a_static_library_that_links_beside_another_one_of_rust() {
    let sources = sources("two");
    run(tool("rustc")
        .args(["--edition=2024", "-O", "--crate-type=staticlib", "other.rs"])
        .current_dir(&sources));
    let link = |program: &str, ours: &Path| {
        clean("cc")
            .args(["-o", program, "two.c", "-I"])
            .arg(prefix().join("include"))
            .arg(ours)
            .args(["libother.a", "-lpthread", "-ldl", "-lm"])
            .current_dir(&sources)
            .output()
            .expect("started")
    };
    let linked = link("two", &prefix().join("lib/libconnectcreds.a"));
    assert!(linked.status.success(), "{}", told(&linked));
    assert_eq!(run(&mut clean(sources.join("two"))), "42 mocked\n");
}

/// A prefix of the system, below the root of a package: what packages are made of.
#[test]
#[ignore = "needs cmake and others; tests/run runs it"]
fn install_goes_below_destdir_and_takes_the_directories_of_a_distribution() {
    let package = directory("destdir");
    let libdir = "/usr/lib/x86_64-linux-gnu";
    prefix();
    make(
        "install",
        &[
            format!("DESTDIR={}", package.display()),
            "PREFIX=/usr".to_owned(),
            format!("LIBDIR={libdir}"),
            "DOCDIR=/usr/share/doc/libconnectcreds0".to_owned(),
        ],
    );
    let description =
        std::fs::read_to_string(package.join("usr/lib/x86_64-linux-gnu/pkgconfig/connectcreds.pc"));
    let description = description.expect("installed");
    assert!(
        description.contains("prefix=/usr\nlibdir=${prefix}/lib/x86_64-linux-gnu\n"),
        "{description}"
    );
    assert!(package.join("usr/share/doc/libconnectcreds0/LICENSE").is_file());
    let sources = sources("in-a-root");
    run(clean("cmake")
        .args([
            "-S",
            ".",
            "-B",
            "build",
            "-DCMAKE_LIBRARY_ARCHITECTURE=x86_64-linux-gnu",
        ])
        .arg(format!("-DCMAKE_PREFIX_PATH={}/usr", package.display()))
        .current_dir(&sources));
    run(clean("cmake").args(["--build", "build"]).current_dir(&sources));
    assert_eq!(run(&mut clean(sources.join("build/shared"))), "Bearer mocked\n");
}

#[test]
#[ignore = "needs Python (python3); tests/run runs it"]
fn python_package_finds_the_installed_library() {
    let printed = run(consumer("python3")
        .args([
            "-c",
            "import connectcreds; from connectcreds import _abi; print(_abi._library._name)",
        ])
        .env("PYTHONPATH", root().join("bindings/python/src"))
        .env("PYTHONDONTWRITEBYTECODE", "1"));
    assert!(
        printed.starts_with("libconnectcreds.so") || printed.contains("/lib/"),
        "{printed}"
    );
}

#[test]
#[ignore = "needs R (r-base-core, r-base-dev); tests/run runs it"]
fn r_package_finds_the_installed_library() {
    let directory = directory("r");
    run(clean("cp")
        .arg("-r")
        .arg(root().join("bindings/r"))
        .arg(&directory));
    std::fs::create_dir(directory.join("library")).expect("created");
    run(consumer("R")
        .args(["CMD", "INSTALL", "--no-docs", "--library=library", "r"])
        .env_remove("LD_LIBRARY_PATH")
        .current_dir(&directory));
    let printed = run(clean("Rscript")
        .args(["-e", "library(connectcreds)"])
        .args(["-e", "cat(with_mocked_connect_responses(connect_service_account_token()$access_token, token = 'mocked'))"])
        .env("R_LIBS", directory.join("library")));
    assert_eq!(printed, "mocked");
}
