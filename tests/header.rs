//! The checked-in header equals the one generated from the source, and compiles alone.

use std::path::Path;
use std::process::Command;

use connectcreds::token_type;

const HEADER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/include/connectcreds.h");

/// The string constants, which cbindgen drops.
fn string_constants() -> String {
    let mut text = String::from("/** The version of this header; cc_version() gives the library's. */\n");
    let mut define = |name: &str, value: &str| text += &format!("#define {name} {value}\n");
    define("CC_VERSION", concat!('"', env!("CARGO_PKG_VERSION"), '"'));
    define("CC_VERSION_MAJOR", env!("CARGO_PKG_VERSION_MAJOR"));
    define("CC_VERSION_MINOR", env!("CARGO_PKG_VERSION_MINOR"));
    define("CC_VERSION_PATCH", env!("CARGO_PKG_VERSION_PATCH"));
    for (name, urn, what) in [
        (
            "ACCESS_TOKEN",
            token_type::ACCESS_TOKEN,
            "An OAuth access token: what is issued when no type is requested.",
        ),
        (
            "ID_TOKEN",
            token_type::ID_TOKEN,
            "An OpenID Connect id token: a workload identity.",
        ),
        (
            "AWS_CREDENTIALS",
            token_type::AWS_CREDENTIALS,
            "AWS credentials, see cc_token_aws_credentials().",
        ),
        (
            "API_KEY",
            token_type::API_KEY,
            "A Connect API key: what identity federation issues.",
        ),
        (
            "CONTENT_SESSION",
            token_type::CONTENT_SESSION,
            "A content session token: a service account's or workload's subject.",
        ),
        (
            "USER_SESSION",
            token_type::USER_SESSION,
            "A user session token: a viewer's subject.",
        ),
    ] {
        text += &format!("\n/** {what} */\n#define CC_TOKEN_TYPE_{name} \"{urn}\"\n");
    }
    text
}

fn generated() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml is valid");
    config.after_includes = Some(format!("\n{}", string_constants().trim_end()));
    let bindings = cbindgen::Builder::new()
        .with_config(config)
        .with_crate(root)
        .generate()
        .expect("the source can be read");
    let mut header = Vec::new();
    bindings.write(&mut header);
    String::from_utf8(header).expect("the source is UTF-8")
}

#[test]
fn the_header_is_what_the_source_says() {
    let generated = generated();
    if std::env::var_os("UPDATE_HEADER").is_some() {
        std::fs::write(HEADER, &generated).expect("the header can be written");
    }
    let checked_in = std::fs::read_to_string(HEADER).unwrap_or_default();
    assert!(
        checked_in == generated,
        "include/connectcreds.h does not match src/ffi; generate it with\n  \
         UPDATE_HEADER=1 cargo test --test header\nand review the difference"
    );
}

#[test]
fn the_header_has_every_exported_function_and_every_constant() {
    let header = generated();
    let sources =
        std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/ffi")).expect("src/ffi is there");
    let mut found = 0;
    for source in sources {
        let source = std::fs::read_to_string(source.expect("readable").path()).expect("readable");
        let exported = source.lines().filter_map(|line| {
            let line = line.trim_start_matches("pub ").trim_start_matches("unsafe ");
            let after = line
                .strip_prefix("extern \"C\" fn ")
                .or(line.strip_prefix("const "))?;
            let name = after.split(['(', ':']).next()?.trim();
            name.get(..3).filter(|start| start.eq_ignore_ascii_case("cc_"))?;
            Some(name.to_owned())
        });
        for name in exported {
            assert!(header.contains(&name), "{name} is not in the header");
            found += 1;
        }
    }
    assert!(
        found > 40,
        "only {found} exported items were found: has src/ffi another form?"
    );
}

#[test]
fn the_header_compiles_alone_and_twice_in_every_standard_of_c_and_cpp() {
    let include = concat!(env!("CARGO_MANIFEST_DIR"), "/include");
    let suites = [
        ("cc", "c", &["c99", "c11", "c17", "c2x"][..]),
        ("c++", "c++", &["c++11", "c++14", "c++17", "c++20", "c++23"][..]),
    ];
    for (compiler, language, standards) in suites {
        for standard in standards {
            let mut compile = Command::new(compiler)
                .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"])
                .args([&format!("-std={standard}"), "-I", include, "-x", language, "-"])
                .stdin(std::process::Stdio::piped())
                .spawn()
                .unwrap_or_else(|why| panic!("{compiler} cannot be started: {why}"));
            let source =
                "#include <connectcreds.h>\n#include <connectcreds.h>\nint main(void) { return CC_OK; }\n";
            std::io::Write::write_all(&mut compile.stdin.take().expect("piped"), source.as_bytes())
                .expect("written");
            assert!(
                compile.wait().expect("waited").success(),
                "{compiler} -std={standard}"
            );
        }
    }
}
