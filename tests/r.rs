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
        // Debian 12 has earlier versions of rlang and httr2 than these tests need.
        "skipped in: test-conditions.R test-mock-http.R test-req-auth-connect.R"
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

/// The package's sources in a directory of their own, to build in.
fn copy_of_sources(directory: &Path) -> PathBuf {
    let sources = directory.join("sources");
    run(in_directory("cp", directory)
        .arg("-r")
        .arg(root().join("bindings/r"))
        .arg(&sources));
    sources
}

#[test]
#[ignore = "needs R (r-base-core, r-base-dev); tests/run runs it"]
fn r_package_is_built_again_for_another_library() {
    let directory = directory("rebuilt");
    let sources = copy_of_sources(&directory);
    let packages = directory.join("library");
    std::fs::create_dir_all(&packages).expect("created");
    let install_over = |name: &str| {
        let libraries = directory.join(name);
        std::fs::create_dir_all(&libraries).expect("created");
        std::fs::copy(library(), libraries.join("libconnectcreds.so")).expect("copied");
        run(r("R", &directory)
            .args(["CMD", "INSTALL", "--no-docs"])
            .arg(format!("--library={}", packages.display()))
            .arg(&sources)
            .env("CONNECTCREDS_LIB_DIR", &libraries));
        let loaded =
            "library(connectcreds); cat(grep('libconnectcreds', readLines('/proc/self/maps'), value = TRUE))";
        let maps = run(in_directory("Rscript", &directory)
            .args(["-e", loaded])
            .env("R_LIBS", &packages));
        assert!(maps.contains(&*libraries.to_string_lossy()), "{maps}");
    };
    install_over("first");
    install_over("second");
}

#[test]
#[ignore = "needs R (r-base-core, r-base-dev); tests/run runs it"]
fn r_package_refuses_a_library_older_than_its_header_and_says_what_to_do() {
    let directory = directory("older");
    let installed = install(r("R", &directory), &directory);
    // In front of the library's own, as an older library would answer.
    std::fs::write(
        directory.join("older.c"),
        "const char *cc_version(void) { return \"0.0.9\"; }\n",
    )
    .expect("written");
    run(in_directory("cc", &directory).args(["-shared", "-fPIC", "older.c", "-o", "older.so"]));
    let output = in_directory("Rscript", &directory)
        .args(["-e", "library(connectcreds)"])
        .env("R_LIBS", installed)
        .env("LD_PRELOAD", directory.join("older.so"))
        .output()
        .expect("started");
    assert!(!output.status.success());
    let words = told(&output);
    for part in ["0.0.9", "R CMD INSTALL", "CONNECTCREDS_LIB_DIR"] {
        assert!(words.contains(part), "{words}");
    }
}

#[test]
#[ignore = "needs R with the packages that tests/run installs; it runs it"]
fn r_documentation_is_what_roxygen_makes_of_the_sources() {
    let directory = directory("roxygen");
    let installed = install(r("R", &directory), &directory);
    let sources = copy_of_sources(&directory);
    run(in_directory("Rscript", &sources)
        .args(["-e", "roxygen2::roxygenise(load_code = roxygen2::load_installed)"])
        .env("R_LIBS", installed));
    let difference = in_directory("diff", &directory)
        .args(["-r", "man"])
        .arg(sources.join("man"))
        .current_dir(root().join("bindings/r"))
        .output()
        .expect("started");
    assert!(difference.status.success(), "{}", told(&difference));
    let names = |directory: &Path| std::fs::read_to_string(directory.join("NAMESPACE")).expect("read");
    assert_eq!(names(&root().join("bindings/r")), names(&sources));
}

/// The tarball is made, and built, without what makes the library fast and small: that takes minutes.
#[test]
#[ignore = "needs R with the packages that tests/run installs, and the crates that cargo vendors; tests/run runs it"]
fn r_source_package_installs_without_a_checkout() {
    let directory = directory("source-package");
    let package = root().join("bindings/r/tools/source-package");
    let mut make = r("python3", &directory);
    make.arg(package)
        .arg(&directory)
        .env("XZ_LEVEL", "-1")
        .envs(cargo_environment());
    run(&mut make);
    let tarball = std::fs::read_dir(&directory)
        .expect("listed")
        .map(|entry| entry.expect("listed").path())
        .find(|path| path.to_string_lossy().ends_with(".tar.gz"))
        .expect("the script leaves its tarball");

    let packages = directory.join("library");
    std::fs::create_dir_all(&packages).expect("created");
    let mut install = in_directory("R", &directory);
    install
        .args(["CMD", "INSTALL", "--no-docs"])
        .arg(format!("--library={}", packages.display()))
        .arg(&tarball)
        .env("PKG_CONFIG", "/nonexistent")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        // No way out: whoever asks a registry fails.
        .env("CARGO_NET_OFFLINE", "true")
        .env("HTTPS_PROXY", "http://127.0.0.1:1")
        .envs(rustup_environment());
    run(&mut install);

    // With the library the package has the notices of what is in it.
    for name in ["THIRD-PARTY-NOTICES", "connectcreds.cdx.json"] {
        let installed = packages.join("connectcreds").join(name);
        assert_eq!(
            std::fs::read(&installed).expect("installed"),
            std::fs::read(root().join(name)).expect("generated")
        );
    }

    // The installed package moves with its library.
    let moved = directory.join("moved");
    std::fs::rename(&packages, &moved).expect("moved");
    let printed = run(in_directory("Rscript", &directory)
        .args([
            "-e",
            "library(connectcreds); cat(with_mocked_connect_responses(connect_token()$access_token, token = 'token'), ''); \
             cat(sub('.* ', '', grep('libconnectcreds', readLines('/proc/self/maps'), value = TRUE)[[1]]))",
        ])
        .env("R_LIBS", &moved));
    let library = moved.join("connectcreds/libs/libconnectcreds.so");
    assert!(
        printed.starts_with(&format!("token {}", library.display())),
        "{printed}"
    );
}

/// What rustup's cargo needs to find its toolchain, where HOME is another directory.
fn rustup_environment() -> Vec<(&'static str, PathBuf)> {
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    let rustup = std::env::var_os("RUSTUP_HOME").map_or_else(|| home.join(".rustup"), PathBuf::from);
    vec![("RUSTUP_HOME", rustup)]
}

/// And to find the crates that it has.
fn cargo_environment() -> Vec<(&'static str, PathBuf)> {
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    let cargo = std::env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    let mut environment = rustup_environment();
    environment.push(("CARGO_HOME", cargo));
    environment
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
        "PKG_LIBS = -L'{0}' -lconnectcreds -Wl,-rpath,'{0}' -Wl,-rpath,'$$ORIGIN'",
        odd.display()
    );
    assert!(makevars.lines().any(|line| line == linked), "{makevars}");
}

#[test]
#[ignore = "needs R (r-base-core, r-base-dev); tests/run runs it"]
fn r_package_finds_the_library_with_pkg_config() {
    let directory = directory("pkg-config");
    let description = format!(
        "Name: connectcreds\nDescription: OAuth credentials\nVersion: {}\nCflags: -I{}\nLibs: -L{} -lconnectcreds\n",
        env!("CARGO_PKG_VERSION"),
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
