//! One copy of the library per process, whichever host brings it, and a report of the copies where that cannot be.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use support::{clean, library, library_dir, root, run, scratch, told};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const LOWER: &str = "0.0.9";
const HIGHER: &str = "0.9.1";

/// Creates an empty directory for one test.
fn directory(name: &str) -> PathBuf {
    let directory = scratch().join(format!("one-library-{name}"));
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).expect("created");
    directory
}

/// Copies a library without what debuggers need. A link would be the same file, and so the same library.
fn copy(library: &Path, to: &Path) -> PathBuf {
    run(clean("objcopy").arg("--strip-debug").arg(library).arg(to));
    to.to_owned()
}

/// Builds the library in another version, from the same sources: a package of another name in the same target
/// directory, which has the dependencies.
fn of_version(version: &str) -> PathBuf {
    let name = format!("connectcreds-{}", version.replace('.', "-"));
    let sources = directory(&name);
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("readable");
    let (library, _) = manifest.split_once("[dev-dependencies]").expect("it has them");
    let (_, profiles) = manifest.split_once("[profile.dev.package]").expect("it has it");
    let (_, release) = profiles.split_once("[profile.release]").expect("it has it");
    let manifest = library
        .replace(
            "name = \"connectcreds\"\nversion",
            &format!("name = \"{name}\"\nversion"),
        )
        .replace(
            &format!("\nversion = \"{VERSION}\""),
            &format!("\nversion = \"{version}\""),
        )
        .replace(
            "[lib]\nname = \"connectcreds\"",
            &format!("[lib]\nname = \"{}\"", name.replace('-', "_")),
        )
        .replace("[\"cdylib\", \"staticlib\", \"rlib\"]", "[\"cdylib\"]");
    fs::write(
        sources.join("Cargo.toml"),
        format!("{manifest}[workspace]\n[profile.release]{release}"),
    )
    .expect("written");
    for name in ["src", "include", "build.rs", "README.md", "Cargo.lock"] {
        run(clean("cp").arg("-r").arg(root().join(name)).arg(&sources));
    }
    let target = library_dir().join("../..");
    let mut build = Command::new(env!("CARGO"));
    build
        .args(["build", "--quiet", "--offline", "--target-dir"])
        .arg(&target)
        .current_dir(&sources);
    run(&mut build);
    let built = target.join(format!("debug/lib{}.so", name.replace('-', "_")));
    copy(&built, &sources.join("libconnectcreds.so.0"))
}

fn lower() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| of_version(LOWER))
}

fn higher() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| of_version(HIGHER))
}

#[test]
fn the_soname_names_the_copy_that_is_there_until_the_process_ends() {
    let program = support::compile(&root().join("tests/programs/c/copies.c"));
    let copy = copy(&library(), &directory("soname").join("any-name.so"));
    for closed in ["first", "second"] {
        let printed = run(clean(&program).arg(&copy).arg(closed));
        let expected =
            "second: shared\nchild: shared\nafter one was closed: shared\nafter both were closed: shared\n";
        assert_eq!(printed, expected, "{closed}");
    }
}

/// The Python package with a library of its own, as a wheel installs it.
struct Python {
    directory: PathBuf,
    bundled: PathBuf,
}

impl Python {
    fn new(name: &str) -> Self {
        let directory = directory(name);
        let package = root().join("bindings/python/src/connectcreds");
        run(clean("cp").arg("-r").arg(package).arg(&directory));
        let bundled = copy(&library(), &directory.join("connectcreds/libconnectcreds.so"));
        Self { directory, bundled }
    }

    /// Runs a program after another host, which is C's loader here, has loaded `first`.
    fn run_after(&self, first: &Path, program: &str) -> String {
        let program = format!(
            "import ctypes, logging, sys\n\
             logging.basicConfig(format='log: %(message)s', stream=sys.stdout)\n\
             first = ctypes.CDLL({first:?})\n\
             import connectcreds, connectcreds.testing\n\
             {program}"
        );
        run(clean("python3")
            .args(["-c", &program])
            .env("PYTHONPATH", &self.directory))
    }
}

/// Mocks by the copy that was there first, and asks by the Python package, in this process and in a forked child.
const MOCKED_BY_THE_FIRST: &str = r#"
import os
mock = ctypes.c_void_p()
assert first.cc_mock_token(b"of the first", ctypes.byref(mock), None) == 0
print(connectcreds.service_account_token().access_token, flush=True)
child = os.fork()
if child == 0:
    print(connectcreds.service_account_token().access_token, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(connectcreds.diagnose())
"#;

/// The lines of the report about copies.
fn copies(report: &str) -> Vec<&str> {
    let (_, rest) = report
        .split_once("Copies of the library in this process\n")
        .expect("the report has them");
    let (copies, _) = rest.split_once("\n\n").expect("other sections follow");
    let mut lines: Vec<_> = copies.lines().map(str::trim).collect();
    lines.sort_unstable();
    lines
}

#[test]
#[ignore = "needs Python; tests/run runs it"]
fn python_takes_the_copy_that_another_host_has_loaded() {
    let python = Python::new("python-takes");
    let first = copy(
        &library(),
        &directory("of-another-host").join("libconnectcreds.so.0"),
    );
    let printed = python.run_after(&first, MOCKED_BY_THE_FIRST);
    assert!(printed.starts_with("of the first\nof the first\n"), "{printed}");
    assert_eq!(
        copies(&printed),
        [format!("{}: version {VERSION}, this one", first.display())]
    );
}

#[test]
#[ignore = "needs Python; tests/run runs it"]
fn python_takes_a_copy_of_a_later_version() {
    let python = Python::new("python-later");
    let printed = python.run_after(higher(), MOCKED_BY_THE_FIRST);
    assert!(printed.starts_with("of the first\nof the first\n"), "{printed}");
    assert_eq!(
        copies(&printed),
        [format!("{}: version {HIGHER}, this one", higher().display())]
    );
}

#[test]
#[ignore = "needs Python; tests/run runs it"]
fn python_loads_its_own_copy_beside_an_earlier_version_and_both_are_told() {
    let python = Python::new("python-earlier");
    let printed = python.run_after(
        lower(),
        "print(connectcreds.version())\nprint(connectcreds.diagnose())",
    );
    let mut lines = printed.lines();
    let log = lines.next().expect("a line of the log");
    assert!(
        log.starts_with(&format!(
            "log: Another host has loaded libconnectcreds.so.0 in version {LOWER}, which is older than this package's {VERSION}."
        )),
        "{log}"
    );
    assert_eq!(lines.next(), Some(VERSION));
    let copies = copies(&printed);
    for expected in [
        format!("{}: version {LOWER}", lower().display()),
        format!("{}: version {VERSION}, this one", python.bundled.display()),
    ] {
        assert!(copies.contains(&expected.as_str()), "{printed}");
    }
    assert!(
        printed.contains("Each copy has a cache, settings and mocks of its own."),
        "{printed}"
    );
}

#[test]
#[ignore = "needs Python; tests/run runs it"]
fn python_loads_the_library_that_the_variable_names_whatever_is_there() {
    let python = Python::new("python-named");
    let first = copy(&library(), &directory("there").join("libconnectcreds.so.0"));
    let program =
        format!("import ctypes; ctypes.CDLL({first:?}); import connectcreds; print(connectcreds.diagnose())");
    let printed = run(clean("python3")
        .args(["-c", &program])
        .env("PYTHONPATH", &python.directory)
        .env("CONNECTCREDS_LIB", library()));
    let copies = copies(&printed);
    assert!(
        copies.contains(&format!("{}: version {VERSION}, this one", library().display()).as_str()),
        "{printed}"
    );
    assert!(
        copies.contains(&format!("{}: version {VERSION}", first.display()).as_str()),
        "{printed}"
    );
}

/// A static copy has no soname, and no other host can take it.
#[test]
fn the_report_lists_a_static_copy_beside_a_shared_one() {
    let directory = directory("static");
    let source = directory.join("host.c");
    let text = r#"
        #include <connectcreds.h>
        #include <dlfcn.h>
        #include <stdio.h>
        int main(int argc, char **argv)
        {
            char *report;
            if (argc != 2 || dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) == NULL || cc_diagnose(&report) != CC_OK)
                return 1;
            fputs(report, stdout);
            cc_string_free(report);
            return 0;
        }
    "#;
    fs::write(&source, text).expect("written");
    let program = directory.join("host");
    run(clean("cc")
        .arg(&source)
        .arg("-I")
        .arg(root().join("include"))
        .arg(library_dir().join("libconnectcreds.a"))
        .args(["-lpthread", "-ldl", "-lm", "-o"])
        .arg(&program));
    let shared = copy(&library(), &directory.join("shared.so"));
    let printed = run(clean(&program).arg(&shared));
    let copies = copies(&printed);
    assert!(
        copies.contains(&format!("{}: version {VERSION}, this one", program.display()).as_str()),
        "{printed}"
    );
    assert!(
        copies.contains(&format!("{}: version {VERSION}", shared.display()).as_str()),
        "{printed}"
    );
}

/// Installs the R package, with a library beside its shim, as the source package does.
fn r_package() -> &'static Path {
    static PACKAGE: OnceLock<PathBuf> = OnceLock::new();
    PACKAGE.get_or_init(|| {
        let directory = directory("r");
        let sources = directory.join("sources");
        run(clean("cp").arg("-r").arg(root().join("bindings/r")).arg(&sources));
        let libraries = directory.join("lib");
        fs::create_dir(&libraries).expect("created");
        copy(&library(), &libraries.join("libconnectcreds.so"));
        let packages = directory.join("library");
        fs::create_dir(&packages).expect("created");
        run(clean("R")
            .args(["CMD", "INSTALL", "--no-docs"])
            .arg(format!("--library={}", packages.display()))
            .arg(&sources)
            .env("HOME", &directory)
            .env("TMPDIR", scratch())
            .env("CONNECTCREDS_LIB_DIR", &libraries)
            .env("CONNECTCREDS_INCLUDE_DIR", root().join("include")));
        packages
    })
}

fn rscript(python: &Path, program: &str) -> Command {
    let mut command = clean("Rscript");
    command
        .args(["-e", program])
        .env("HOME", scratch())
        .env("LC_ALL", "C.UTF-8")
        .env("R_LIBS", r_package())
        .env("RETICULATE_PYTHON", "/usr/bin/python3")
        .env("PYTHONPATH", python);
    command
}

/// Loads both packages in this order; a mock of R's is seen by Python, and one of Python's by R.
#[track_caller]
fn assert_r_and_python_share(name: &str, load: &str) -> String {
    let python = Python::new(name);
    let asks = r#"
        code <- "connectcreds.service_account_token().access_token"
        cat(with_mocked_connect_responses(reticulate::py_eval(code), token = "of R"), "\n")
        reticulate::py_run_string("mock = connectcreds.testing.mock_token('of Python'); _ = mock.__enter__()")
        cat(connect_service_account_token()$access_token, "\n")
        reticulate::py_run_string("_ = mock.__exit__(None, None, None)")
        cat(connect_diagnose())
    "#;
    let printed = run(&mut rscript(&python.directory, &format!("{load}\n{asks}")));
    assert!(printed.starts_with("of R \nof Python \n"), "{printed}");
    assert_eq!(copies(&printed).len(), 1, "{printed}");
    copies(&printed)[0].to_owned()
}

#[test]
#[ignore = "needs R with reticulate; tests/run runs it"]
fn r_and_python_share_the_copy_of_r_when_r_comes_first() {
    let load =
        "library(connectcreds); reticulate::py_run_string('import connectcreds, connectcreds.testing')";
    let copy = assert_r_and_python_share("r-first", load);
    let of_r = scratch().join("one-library-r/");
    assert!(copy.starts_with(&*of_r.to_string_lossy()), "{copy}");
}

#[test]
#[ignore = "needs R with reticulate; tests/run runs it"]
fn r_and_python_share_the_copy_of_python_when_python_comes_first() {
    let load =
        "reticulate::py_run_string('import connectcreds, connectcreds.testing'); library(connectcreds)";
    let copy = assert_r_and_python_share("python-first", load);
    assert!(
        copy.contains("one-library-python-first/connectcreds/libconnectcreds.so"),
        "{copy}"
    );
}

#[test]
#[ignore = "needs R (r-base-core, r-base-dev); tests/run runs it"]
fn r_takes_a_copy_of_a_later_version_and_refuses_an_earlier_one_by_its_path() {
    let program =
        |first: &Path| format!("dyn.load({first:?}); library(connectcreds); cat(connect_diagnose())");
    let printed = run(&mut rscript(Path::new("/nonexistent"), &program(higher())));
    assert_eq!(
        copies(&printed),
        [format!("{}: version {HIGHER}, this one", higher().display())]
    );
    let output = rscript(Path::new("/nonexistent"), &program(lower()))
        .output()
        .expect("started");
    assert!(!output.status.success());
    let words = told(&output);
    for part in [
        LOWER,
        &*lower().to_string_lossy(),
        "loaded it first, update that one",
    ] {
        assert!(words.contains(part), "{words}");
    }
}
