//! The commands of the guide.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::sync::OnceLock;

use connect_standin::Standin;

use crate::pages::{program_on, snippets_on};
use crate::support::{clean, library_dir, root, run, scratch, told};

/// The pages whose commands a test here runs, or compares with those of CI.
pub const IS_CHECKED: [&str; 3] = ["start.md", "binding.md", "installing.md"];

/// A directory that looks like a checkout with a built library, and a `cargo` that runs the command after `-- --`. The
/// stand-in, which the real one would build first, runs in this process.
struct Checkout(PathBuf);

impl Checkout {
    fn new(test: &str) -> Self {
        let directory = scratch().join(format!("guide-{test}-{}", std::process::id()));
        for directory in [
            directory.join("target"),
            directory.join("bin"),
            directory.join("bindings"),
        ] {
            std::fs::create_dir_all(directory).expect("created");
        }
        symlink(root().join("include"), directory.join("include")).expect("linked");
        symlink(root().join("bindings/python"), directory.join("bindings/python")).expect("linked");
        symlink(library_dir(), directory.join("target/release")).expect("linked");
        let cargo = directory.join("bin/cargo");
        let script = "#!/bin/sh\nset -eu\n[ \"$1 $2 $3 $4 $5 $6\" = 'run -q --example connect-standin -- --' ]\nshift 6\nexec \"$@\"\n";
        std::fs::write(&cargo, script).expect("written");
        std::fs::set_permissions(&cargo, PermissionsExt::from_mode(0o755)).expect("executable");
        Self(directory)
    }

    fn save(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).expect("written");
    }

    /// Runs commands as a reader types them, and returns what they print.
    fn run(&self, lines: &str) -> String {
        let connect = Standin::start();
        let path = std::env::var("PATH").unwrap_or_default();
        let output = clean("sh")
            .args(["-euc", lines])
            .current_dir(&self.0)
            .env("PATH", format!("{}:{path}", self.0.join("bin").display()))
            .env("HOME", &self.0)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .envs(connect.environment())
            .output()
            .expect("sh starts");
        assert!(output.status.success(), "{lines}\n{}", told(&output));
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}

/// Returns the commands of start.md that mention a word.
fn commands(word: &str) -> String {
    let mut found = snippets_on("start.md", "sh")
        .into_iter()
        .filter(|block| block.contains(word));
    found.next().unwrap_or_else(|| panic!("no command with {word}"))
}

/// Returns a library that holds the R package, installed by the command of start.md.
pub fn installed_r_package() -> PathBuf {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    let install = || {
        let checkout = Checkout::new("r");
        // A copy, because R builds a package in its source directory.
        let sources = root().join("bindings/r");
        checkout.run(&format!("cp -r '{}' bindings/r", sources.display()));
        checkout.save("token.R", &program_on("start.md", "r"));
        let printed = checkout.run(&commands("R CMD INSTALL"));
        assert!(printed.contains("Bearer token, expires at "), "{printed}");
        checkout.0.join("target/r-library")
    };
    LIBRARY.get_or_init(install).clone()
}

#[test]
fn the_commands_of_the_first_page_run_its_c_program() {
    let checkout = Checkout::new("c");
    checkout.save("token.c", &program_on("start.md", "c"));
    let printed = checkout.run(&commands("cc -Iinclude"));
    assert!(printed.starts_with("Bearer token, expires at "), "{printed}");
}

#[test]
#[ignore = "needs Python (python3); tests/run runs it"]
fn python_commands_of_the_first_page_run_its_program() {
    let checkout = Checkout::new("python");
    checkout.save("get_token.py", &program_on("start.md", "python"));
    let printed = checkout.run(&commands("PYTHONPATH"));
    assert!(printed.starts_with("Bearer token, expires at "), "{printed}");
}

#[test]
#[ignore = "needs R (r-base-core, r-base-dev); tests/run runs it"]
fn r_commands_of_the_first_page_run_its_program() {
    assert!(installed_r_package().join("connectcreds").is_dir());
}

#[test]
fn the_command_that_removes_the_archive_leaves_the_files_of_others() {
    let directory = scratch().join(format!("guide-archive-{}", std::process::id()));
    let archive = directory.join("libconnectcreds-0.1.0-linux-x86_64");
    let prefix = directory.join("prefix");
    let ours = [
        "lib/libconnectcreds.so.0",
        "include/connectcreds.h",
        "lib/cmake/connectcreds/a.cmake",
    ];
    for path in ours.map(|path| archive.join(path)) {
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("created");
        std::fs::write(path, "").expect("written");
    }
    let other = prefix.join("lib/libother.so");
    std::fs::create_dir_all(other.parent().expect("a directory")).expect("created");
    std::fs::write(&other, "").expect("written");
    let remove = snippets_on("installing.md", "sh").concat();
    assert!(
        remove.contains("/usr/local") && remove.contains("sudo "),
        "{remove}"
    );
    let remove = remove
        .replace("/usr/local", prefix.to_str().expect("UTF-8"))
        .replace("sudo ", "");
    let name = archive.file_name().expect("a name").to_str().expect("UTF-8");
    let install =
        format!("tar -czf {name}.tar.gz {name}\ntar -xzf {name}.tar.gz -C prefix --strip-components=1\n");
    for (commands, there) in [(install, true), (remove, false)] {
        run(clean("sh").args(["-euc", &commands]).current_dir(&directory));
        for path in ours {
            assert_eq!(prefix.join(path).exists(), there, "{path}");
        }
        assert_eq!(prefix.join("lib/cmake/connectcreds").exists(), there);
        assert!(other.exists() && prefix.join("include").exists(), "{commands}");
    }
    std::fs::remove_dir_all(directory).expect("removed");
}

#[test]
fn the_command_that_builds_is_that_of_ci() {
    let ci = std::fs::read_to_string(root().join(".ci/run")).expect("readable");
    let build = snippets_on("start.md", "sh").remove(0);
    assert!(ci.lines().any(|line| line == build.trim()), "{build}");
}

#[test]
fn the_commands_about_bindings_name_tests_that_exist() {
    let tests = include_str!("bindings.rs");
    let commands = snippets_on("binding.md", "sh").concat();
    for word in commands.split_whitespace().filter(|word| word.ends_with('_')) {
        assert!(tests.contains(&format!("fn {word}")), "{word}");
    }
}
