//! The programs of binding.md, in languages for which there is no package.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use connect_standin::Standin;

use crate::programs::{failure, on, save};
use crate::support::{assert_expires_in_an_hour, clean, library, root, run, scratch};

/// A directory with the library under its soname, and under the name that linkers look for.
fn library_directory() -> PathBuf {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    let make = || {
        let directory = scratch().join(format!("guide-library-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("created");
        for name in ["libconnectcreds.so.0", "libconnectcreds.so"] {
            symlink(library(), directory.join(name)).expect("linked");
        }
        directory
    };
    DIRECTORY.get_or_init(make).clone()
}

/// Asserts that a program gets a token, and says why it gets none outside Connect.
#[track_caller]
fn assert_binds(command: impl Fn() -> Command) {
    let directory = library_directory();
    let with_library = || {
        let mut command = command();
        command.env("LD_LIBRARY_PATH", &directory);
        command
    };
    let connect = Standin::start();
    let printed = on(&connect, &mut with_library());
    assert!(printed.contains(" characters, expires at "), "{printed}");
    assert!(!printed.starts_with("0 "), "{printed}");
    assert_expires_in_an_hour(&printed);
    assert_eq!(connect.exchanges(), 1);
    let said = failure(&mut with_library());
    assert!(
        said.contains("Service account credentials are only available when running on Connect."),
        "{said}"
    );
}

fn interpreted(interpreter: &str, language: &str) {
    let program = save("binding.md", language, language);
    assert_binds(|| {
        let mut command = clean(interpreter);
        command.arg(&program);
        command
    });
}

#[test]
#[ignore = "needs Ruby; tests/run runs it"]
fn bindings_other_ruby_gets_a_token() {
    interpreted("ruby", "ruby");
}

#[test]
#[ignore = "needs LuaJIT; tests/run runs it"]
fn bindings_other_luajit_gets_a_token() {
    interpreted("luajit", "lua");
}

#[test]
#[ignore = "needs Perl with FFI::Platypus; tests/run runs it"]
fn bindings_other_perl_gets_a_token() {
    interpreted("perl", "perl");
}

#[test]
#[ignore = "needs Node and koffi; docs/binding.md has the command"]
fn node_gets_a_token() {
    let program = save("binding.md", "javascript", "js");
    let modules = root().join("target/node/node_modules");
    assert!(modules.join("koffi").is_dir(), "koffi is not in {modules:?}");
    assert_binds(|| {
        let mut command = clean("node");
        command.arg(&program).env("NODE_PATH", &modules);
        command
    });
}

#[test]
#[ignore = "needs Java and JNA; docs/binding.md has the command"]
fn java_gets_a_token() {
    let program = save("binding.md", "java", "java");
    assert_binds(|| {
        let mut command = clean("java");
        command.args(["-cp", "/usr/share/java/jna.jar"]).arg(&program);
        command
    });
}

#[test]
#[ignore = "needs Go; docs/binding.md has the command"]
fn go_gets_a_token() {
    let source = save("binding.md", "go", "go");
    let directory = library_directory();
    let description = format!(
        "Name: connectcreds\nDescription: .\nVersion: 0\nCflags: -I{}\nLibs: -L{} -lconnectcreds\n",
        root().join("include").display(),
        directory.display()
    );
    std::fs::write(directory.join("connectcreds.pc"), description).expect("written");
    let program: &Path = &directory.join("token");
    run(clean("go")
        .args(["build", "-o"])
        .arg(program)
        .arg(&source)
        .env("HOME", &directory)
        .env("GOFLAGS", "-mod=mod -modcacherw")
        .env("GO111MODULE", "off")
        .env("PKG_CONFIG_PATH", &directory));
    assert_binds(|| clean(program));
}
