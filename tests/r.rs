//! The R package in `bindings/r`: its tests, `R CMD check`, and how it finds the library.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use support::{clean, library, library_dir, root, run, scratch, told};

/// Returns a command in `directory` with only the environment that an installation needs.
fn in_directory(program: &str, directory: &Path) -> Command {
    let mut command = clean(program);
    command
        .current_dir(directory)
        .env("HOME", directory)
        .env("LC_ALL", "C.UTF-8")
        .env("TMPDIR", scratch());
    command
}

/// [`in_directory`], for an R that builds the package against the library of this build.
fn r(program: &str, directory: &Path) -> Command {
    let mut command = in_directory(program, directory);
    command
        .env("CONNECTCREDS_LIB_DIR", library_dir())
        .env("CONNECTCREDS_INCLUDE_DIR", root().join("include"));
    command
}

/// Creates an empty directory for one test.
fn directory(name: &str) -> PathBuf {
    let directory = scratch().join(format!("r-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("created");
    directory
}

/// The file that `R CMD build` writes, as a user gets it, and its extracted sources.
struct Package {
    file: PathBuf,
    sources: PathBuf,
}

fn package() -> &'static Package {
    static PACKAGE: OnceLock<Package> = OnceLock::new();
    PACKAGE.get_or_init(|| {
        let directory = directory("package");
        run(r("R", &directory)
            .args(["CMD", "build"])
            .arg(root().join("bindings/r")));
        let file = std::fs::read_dir(&directory)
            .expect("listed")
            .map(|entry| entry.expect("listed").path())
            .find(|path| path.to_string_lossy().ends_with(".tar.gz"))
            .expect("R CMD build leaves its file where it runs");
        run(in_directory("tar", &directory).arg("xf").arg(&file));
        let sources = directory.join("connectcreds");
        Package { file, sources }
    })
}

/// Installs the package with the R in `command` and returns the library directory.
fn install(mut command: Command, directory: &Path) -> PathBuf {
    let library = directory.join("library");
    std::fs::create_dir_all(&library).expect("created");
    run(command
        .args(["CMD", "INSTALL", "--no-docs"])
        .arg(format!("--library={}", library.display()))
        .arg(&package().file)
        .env("PKG_CFLAGS", "-Wall -Wextra -Wpedantic -Werror"));
    library
}

#[test]
#[ignore = "needs R with the packages that tests/run installs; it runs it"]
fn r_package_keeps_the_promises_of_its_tests() {
    let standin = library_dir().join("../examples/connect-standin");
    assert!(
        standin.is_file(),
        "cargo build --example connect-standin makes {standin:?}"
    );
    let directory = directory("tests");
    let installed = install(r("R", &directory), &directory);
    let mut tests = r("Rscript", &directory);
    tests
        .arg(root().join("tests/programs/r/testthat.R"))
        .arg(package().sources.join("tests/testthat"))
        .env("R_LIBS", installed)
        .env("CONNECTCREDS_STANDIN", standin);
    // R and Python in one process, if the Python package is there.
    let python = root().join("bindings/python/src");
    let skipped = if python.is_dir() {
        tests
            .env("CONNECTCREDS_PYTHONPATH", python)
            .env("CONNECTCREDS_LIB", library())
            .env("RETICULATE_PYTHON", "/usr/bin/python3");
        "skipped in:"
    } else {
        "skipped in: test-together.R"
    };
    let printed = run(&mut tests);
    assert_eq!(
        printed.lines().last().map(str::trim_end),
        Some(skipped),
        "{printed}"
    );
}

#[test]
#[ignore = "needs R (r-base-core, r-base-dev); tests/run runs it"]
fn r_program_of_the_packages_readme_finds_the_token_that_there_is() {
    let directory = directory("readme");
    let installed = install(r("R", &directory), &directory);
    let readme = std::fs::read_to_string(root().join("bindings/r/README.md")).expect("read");
    let (_, program) = readme.split_once("```r\n").expect("a program in R");
    let (program, _) = program.split_once("```").expect("a block's end");
    let asked = r#"
        token <- with_mocked_connect_responses(databricks_token(), token = "of the viewer")
        elsewhere <- databricks_token()
        session <- list(onSessionEnded = identity)
        invisible(server(NULL, NULL, session))
        writeLines(c(token, elsewhere))
    "#;
    let printed = run(in_directory("Rscript", &directory)
        .args(["-e", &format!("{program}\n{asked}")])
        .env("R_LIBS", installed)
        .env("DATABRICKS_TOKEN", "of the developer"));
    assert_eq!(printed, "of the viewer\nof the developer\n");
}

#[test]
#[ignore = "needs R with the packages that tests/run installs; it runs it"]
fn r_package_passes_the_checks_of_r() {
    let directory = directory("check");
    let printed = run(r("R", &directory)
        .args(["CMD", "check", "--no-manual"])
        .arg(&package().file)
        // Without a network, looking up suggested packages fails, which is not a fault of the package.
        .env("_R_CHECK_FORCE_SUGGESTS_", "false"));
    let status = printed.lines().find(|line| line.starts_with("Status: "));
    assert_eq!(status, Some("Status: OK"), "{printed}");
}

/// Runs `configure` in a copy of the package's sources; returns its outcome and the Makevars that it wrote.
fn configure(name: &str, environment: &[(&str, &Path)]) -> Result<String, String> {
    let directory = directory(name);
    run(in_directory("cp", &directory)
        .arg("-r")
        .arg(root().join("bindings/r/."))
        .arg("."));
    let output = in_directory("sh", &directory)
        .arg("configure")
        .envs(environment.iter().copied())
        .output()
        .expect("started");
    match output.status.success() {
        true => Ok(std::fs::read_to_string(directory.join("src/Makevars")).expect("written")),
        false => Err(told(&output)),
    }
}

#[test]
fn the_r_package_says_how_to_install_a_library_that_is_not_found() {
    let nowhere = Path::new("/nonexistent");
    let headers = root().join("include");
    let told = |environment: &[(&str, &Path)]| configure("not-found", environment).expect_err("not found");

    let words = told(&[("PKG_CONFIG", nowhere)]);
    for hint in [
        "PKG_CONFIG_PATH",
        "cargo rustc --release",
        "CONNECTCREDS_LIB_DIR=",
    ] {
        assert!(words.contains(hint), "{words}");
    }
    let words = told(&[("CONNECTCREDS_LIB_DIR", nowhere)]);
    assert!(words.contains("go together"), "{words}");
    let words = told(&[
        ("CONNECTCREDS_LIB_DIR", nowhere),
        ("CONNECTCREDS_INCLUDE_DIR", &headers),
    ]);
    assert!(
        words.contains("no libconnectcreds.so in CONNECTCREDS_LIB_DIR, /nonexistent"),
        "{words}"
    );
    let words = told(&[
        ("CONNECTCREDS_LIB_DIR", &library_dir()),
        ("CONNECTCREDS_INCLUDE_DIR", nowhere),
    ]);
    assert!(
        words.contains("no connectcreds.h in CONNECTCREDS_INCLUDE_DIR, /nonexistent"),
        "{words}"
    );
}

#[test]
fn the_r_package_takes_a_directory_with_any_name() {
    let odd = directory("a b & c");
    std::fs::create_dir_all(&odd).expect("created");
    std::fs::copy(library(), odd.join("libconnectcreds.so")).expect("copied");
    let headers = root().join("include");
    let makevars = configure(
        "odd",
        &[
            ("CONNECTCREDS_LIB_DIR", &odd),
            ("CONNECTCREDS_INCLUDE_DIR", &headers),
        ],
    )
    .expect("configured");
    let linked = format!(
        "PKG_LIBS = -L'{0}' -lconnectcreds -Wl,-rpath,'{0}'",
        odd.display()
    );
    assert!(makevars.lines().any(|line| line == linked), "{makevars}");
}

#[test]
#[ignore = "needs R (r-base-core, r-base-dev); tests/run runs it"]
fn r_package_finds_the_library_with_pkg_config() {
    let directory = directory("pkg-config");
    let description = format!(
        "Name: connectcreds\nDescription: OAuth credentials\nVersion: 0\nCflags: -I{}\nLibs: -L{} -lconnectcreds\n",
        root().join("include").display(),
        library_dir().display()
    );
    std::fs::write(directory.join("connectcreds.pc"), description).expect("written");
    let mut found = in_directory("R", &directory);
    found.env("PKG_CONFIG_PATH", &directory);
    let installed = install(found, &directory);
    let loaded = run(in_directory("Rscript", &directory)
        .args(["-e", "cat(connectcreds::has_service_account_token())"])
        .env("R_LIBS", installed));
    assert_eq!(loaded, "FALSE");
}
