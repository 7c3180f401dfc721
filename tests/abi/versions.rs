//! One version: the crate's is the library's, the header's and the packages'.

use std::fs;
use std::process::Command;

use super::root;
use super::support::{clean, compile, library, run, scratch};

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[test]
fn the_header_and_the_library_have_the_crates_version() {
    let source = scratch().join(format!("version-{}.c", std::process::id()));
    let text = "#include <connectcreds.h>\n#include <stdio.h>\n\
                int main(void)\n{\n    printf(\"%s %s %d.%d.%d\", cc_version(), CC_VERSION, CC_VERSION_MAJOR,\n    \
                CC_VERSION_MINOR, CC_VERSION_PATCH);\n}\n";
    fs::write(&source, text).expect("written");
    let printed = run(&mut clean(compile(&source)));
    assert_eq!(printed, format!("{VERSION} {VERSION} {VERSION}"));
}

#[test]
fn the_python_package_has_the_crates_version() {
    let file = root().join("bindings/python/src/connectcreds/_version.py");
    let text = fs::read_to_string(file).expect("the package is there");
    assert!(text.contains(&format!("__version__ = \"{VERSION}\"\n")), "{text}");
}

/// The major version alone, because the ABI only grows within one.
#[test]
fn the_soname_has_the_major_version() {
    let dynamic = run(Command::new("readelf").args(["-d", "-W"]).arg(library()));
    let major = env!("CARGO_PKG_VERSION_MAJOR");
    let soname = dynamic.lines().find(|line| line.contains("(SONAME)"));
    let expected = format!("[libconnectcreds.so.{major}]");
    assert!(
        soname.is_some_and(|line| line.contains(&expected)),
        "{soname:?} instead of {expected}"
    );
}
