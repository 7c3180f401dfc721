//! The checked-in header is generated from the source, complete and grouped, and every compiler accepts it.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use connectcreds::token_type;

const HEADER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/include/connectcreds.h");

/// How much stack a call needs, as measured by `tests/programs/c/stack.c` and rounded up.
const STACK: &str = "256 KiB";

/// No line of the header is longer, in columns.
const LINE_LENGTH: usize = 100;

/// The groups of the header in their order: a title, and the beginnings of the names that belong to it. A name belongs to
/// the group with the longest beginning.
const GROUPS: [(&str, &[&str]); 14] = [
    ("Status codes", &["CC_OK", "CC_ERR_", "cc_status"]),
    ("Handles", &[]),
    (
        "Obtaining tokens",
        &[
            "cc_service_account_token",
            "cc_viewer_token",
            "cc_workload_token",
            "cc_exchange_token",
            "cc_has_",
            "cc_running_on_connect",
        ],
    ),
    (
        "Calls that do not block",
        &[
            "cc_call",
            "cc_service_account_token_start",
            "cc_viewer_token_start",
            "cc_workload_token_start",
            "cc_exchange_token_start",
        ],
    ),
    ("Requests", &["cc_request_", "cc_cancel_fn"]),
    ("Integrations", &["cc_integrations"]),
    ("Tokens", &["cc_token_"]),
    ("AWS credentials", &["cc_aws_", "cc_token_aws_credentials"]),
    ("Errors", &["cc_error_"]),
    ("Cache", &["cc_cache_", "cc_token_invalidate"]),
    ("Configuration", &["cc_config_"]),
    ("Log", &["CC_LOG_", "cc_log_"]),
    ("Mocks, for tests", &["cc_mock_"]),
    (
        "Diagnosis and version",
        &["cc_diagnose", "cc_string_free", "cc_version"],
    ),
];

/// What cbindgen cannot give: the version, macros for compilers, and string constants, which it drops.
fn preamble() -> String {
    let part = |text: &str| text.parse::<u32>().expect("a part of a version is a number");
    let number = part(env!("CARGO_PKG_VERSION_MAJOR")) << 16
        | part(env!("CARGO_PKG_VERSION_MINOR")) << 8
        | part(env!("CARGO_PKG_VERSION_PATCH"));
    let mut text = format!(
        r#"{}
/** The version of this header; cc_version() returns the library's. */
#define CC_VERSION "{}"
#define CC_VERSION_MAJOR {}
#define CC_VERSION_MINOR {}
#define CC_VERSION_PATCH {}

/** The version as a number to compare: 0xMMmmpp. cc_version_number() returns the library's. */
#define CC_VERSION_NUMBER 0x{number:06x}

/** Marks the functions of this library. A program may define it before including this header. */
#ifndef CC_API
#if defined(__GNUC__)
#define CC_API __attribute__((visibility("default")))
#else
#define CC_API
#endif
#endif

/** Marks functions whose result is always a bug to ignore. A program may define it. */
#ifndef CC_MUST_USE
#if defined(__GNUC__)
#define CC_MUST_USE __attribute__((warn_unused_result))
#else
#define CC_MUST_USE
#endif
#endif

/** Marks deprecated functions. A program that must not warn defines it as nothing. */
#ifndef CC_DEPRECATED
#if defined(__GNUC__)
#define CC_DEPRECATED __attribute__((deprecated))
#else
#define CC_DEPRECATED
#endif
#endif

{}
"#,
        title("Version and compiler"),
        env!("CARGO_PKG_VERSION"),
        env!("CARGO_PKG_VERSION_MAJOR"),
        env!("CARGO_PKG_VERSION_MINOR"),
        env!("CARGO_PKG_VERSION_PATCH"),
        title("Token types"),
    );
    for (name, urn, what) in [
        (
            "ACCESS_TOKEN",
            token_type::ACCESS_TOKEN,
            "An OAuth access token: issued when no type is requested.",
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
            "A Connect API key: issued by identity federation.",
        ),
        (
            "CONTENT_SESSION",
            token_type::CONTENT_SESSION,
            "A content session token: the subject of a service account or workload token.",
        ),
        (
            "USER_SESSION",
            token_type::USER_SESSION,
            "A user session token: the subject of a viewer token.",
        ),
    ] {
        text += &format!("/** {what} */\n#define CC_TOKEN_TYPE_{name} \"{urn}\"\n");
    }
    text
}

fn title(title: &str) -> String {
    format!(
        "/* ---- {title} {} */\n",
        "-".repeat(LINE_LENGTH - title.len() - 12)
    )
}

/// What cbindgen writes, by its settings. It reads `src/ffi` alone: of the whole crate it would also declare the constants of
/// other folders, and the C functions that they call.
fn bindings() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let bindings = cbindgen::Builder::new()
        .with_config(cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml is valid"))
        .with_src(root.join("src/ffi/mod.rs"))
        .generate()
        .expect("the source can be read");
    let mut header = Vec::new();
    bindings.write(&mut header);
    String::from_utf8(header).expect("the source is UTF-8")
}

/// A declaration with its documentation.
struct Item {
    name: String,
    text: String,
}

/// The declarations in `bindings`, in their order.
fn items(bindings: &str) -> Vec<Item> {
    let after_includes = bindings.rfind("#include").expect("the header includes headers");
    let mut items = Vec::new();
    for text in bindings[after_includes..].split("\n\n").skip(1) {
        let declaration = match text.split_once("*/\n") {
            Some((_doc, declaration)) => declaration,
            None => text,
        };
        if !text.trim_start().starts_with("/**") {
            // The frame for C++, and what is private in src/ffi.
            assert!(
                !text.contains("cc_") && !text.contains("CC_"),
                "undocumented: {text}"
            );
            continue;
        }
        if !declaration.contains("cc_") && !declaration.contains("CC_") {
            continue;
        }
        let name = name_of(declaration);
        let doc = &text[..text.len() - declaration.len()];
        let declaration = if declaration.starts_with("CC_API") {
            wrapped(declaration)
        } else {
            // A tag, so that other headers can declare the struct.
            declaration.replace("typedef struct {", &format!("typedef struct {name} {{"))
        };
        items.push(Item {
            text: one_line_doc(&format!("{doc}{declaration}")),
            name,
        });
    }
    items
}

/// A function's declaration in lines of the length of the header, as clang-format breaks them.
fn wrapped(declaration: &str) -> String {
    let words: Vec<_> = declaration.split_whitespace().collect();
    let declaration = words.join(" ").replace("( ", "(");
    let (head, parameters) = declaration.split_once('(').expect("a function has parameters");
    let mut text = format!("{head}(");
    let indent = text.len();
    let mut column = indent;
    for (at, parameter) in parameters.split(", ").enumerate() {
        let comma = usize::from(!parameter.ends_with(';'));
        if at > 0 && column + 2 + parameter.len() + comma > LINE_LENGTH {
            text += &format!(",\n{}", " ".repeat(indent));
            column = indent;
        } else if at > 0 {
            text += ", ";
            column += 2;
        }
        text += parameter;
        column += parameter.len();
    }
    text
}

/// The name that a declaration declares.
fn name_of(declaration: &str) -> String {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let names: Vec<_> = declaration
        .split(|letter| !is_name(letter))
        .filter(|word| word.starts_with("cc_") || word.starts_with("CC_"))
        .filter(|word| !["CC_API", "CC_MUST_USE", "CC_DEPRECATED"].contains(word))
        .collect();
    let before = |mark: char| {
        let (left, _) = declaration.split_once(mark)?;
        left.rsplit(|letter| !is_name(letter))
            .find(|word| !word.is_empty())
    };
    let name = if declaration.starts_with("#define") {
        names.first().copied()
    } else if let Some((_, callback)) = declaration.split_once("(*") {
        callback.split(')').next()
    } else if declaration.starts_with("typedef") {
        names.last().copied()
    } else {
        before('(')
    };
    name.unwrap_or_else(|| panic!("what is declared by {declaration}?"))
        .to_owned()
}

fn is_handle(item: &Item) -> bool {
    let declaration = item.text.rsplit("*/\n").next().unwrap_or_default();
    declaration == format!("typedef struct {0} {0};", item.name)
}

/// The group that an item belongs to.
fn group_of(item: &Item) -> &'static str {
    if is_handle(item) {
        return "Handles";
    }
    let beginnings = GROUPS
        .iter()
        .flat_map(|(title, names)| names.iter().map(move |name| (*title, *name)));
    let longest = beginnings
        .filter(|(_, beginning)| item.name.starts_with(beginning))
        .max_by_key(|(_, beginning)| beginning.len());
    longest
        .unwrap_or_else(|| panic!("{} belongs to no group", item.name))
        .0
}

fn generated() -> String {
    let bindings = bindings();
    let items = items(&bindings);
    let page = &bindings[..bindings.rfind("#include").expect("the header includes headers")];
    let last_include = bindings[page.len()..].lines().next().expect("a line");
    let mut header = page.replace("@STACK@", STACK) + last_include + "\n\n" + &preamble();
    header += "\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n";
    for (group, _) in GROUPS {
        header += "\n";
        header += &title(group);
        let (mut constants, mut others) = (String::new(), String::new());
        for item in items.iter().filter(|item| group_of(item) == group) {
            // Constants and their one-line documentation stand close together.
            match item.text.split_once("*/\n#define") {
                Some(_) => constants += &format!("{}\n", item.text),
                None => others += &format!("\n{}\n", item.text),
            }
        }
        if !constants.is_empty() {
            header += "\n";
        }
        // The type of the constants comes with them, and first.
        header += &constants;
        header += &others;
    }
    header + "\n#ifdef __cplusplus\n}\n#endif\n\n#endif /* CONNECTCREDS_H */\n"
}

/// The item with its documentation on one line where that fits.
fn one_line_doc(text: &str) -> String {
    let text = text.trim_matches('\n');
    let lines: Vec<_> = text.lines().collect();
    match lines.as_slice() {
        ["/**", doc, " */", declaration @ ..] if doc.len() + 6 <= LINE_LENGTH => {
            let doc = doc.trim_start_matches([' ', '*']);
            format!("/** {doc} */\n{}", declaration.join("\n"))
        }
        _ => text.to_owned(),
    }
}

#[test]
fn the_header_is_generated_from_the_source() {
    let generated = generated();
    if std::env::var_os("UPDATE_HEADER").is_some() {
        std::fs::write(HEADER, &generated).expect("the header can be written");
    }
    let checked_in = std::fs::read_to_string(HEADER).unwrap_or_default();
    assert!(
        checked_in == generated,
        "include/connectcreds.h differs from src/ffi; regenerate it with\n  \
         UPDATE_HEADER=1 cargo test --test header\nand review the difference"
    );
}

#[test]
fn no_line_of_the_header_is_too_long() {
    for (number, line) in generated().lines().enumerate() {
        let columns = line.chars().count();
        assert!(
            columns <= LINE_LENGTH,
            "line {} has {columns} columns: {line}",
            number + 1
        );
    }
}

#[test]
fn the_header_has_every_exported_function_and_every_constant() {
    let header = generated();
    let sources =
        std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/ffi")).expect("src/ffi is readable");
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

/// Every function says what it returns, and every parameter what it is.
#[test]
fn every_function_documents_its_parameters_and_its_result() {
    for item in items(&bindings()) {
        let Some((doc, declaration)) = item.text.split_once("*/\n") else {
            continue;
        };
        if declaration.starts_with("typedef") || declaration.starts_with("#define") {
            continue;
        }
        let returns = !declaration.replace("CC_API ", "").starts_with("void ");
        assert_eq!(doc.contains("@return"), returns, "{}", item.name);
        let (_, parameters) = declaration.split_once('(').expect("a function has parameters");
        for parameter in parameters.trim_end_matches([')', ';', '\n']).split(',') {
            let name = parameter.rsplit([' ', '*']).next().unwrap_or_default();
            if name != "void" {
                assert!(doc.contains(&format!("@param {name} ")), "{}: {name}", item.name);
            }
        }
        let first = doc.trim_start_matches(['/', '*', '\n', ' ']);
        let verb = first.split(' ').next().unwrap_or_default();
        assert!(
            verb.ends_with('s'),
            "{} does not begin with a verb: {first}",
            item.name
        );
    }
}

/// Compiles `source` with the header, strictly.
fn compiles(compiler: &str, language: &str, standard: &str, source: &str) -> bool {
    let mut compile = Command::new(compiler)
        .args([
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Werror",
            "-c",
            "-o",
            "/dev/null",
        ])
        .args([&format!("-std={standard}"), "-I"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/include"))
        .args(["-x", language, "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|why| panic!("{compiler} cannot be started: {why}"));
    let mut input = compile.stdin.take().expect("piped");
    input.write_all(source.as_bytes()).expect("written");
    drop(input);
    compile.wait().expect("waited").success()
}

#[test]
fn the_header_compiles_alone_and_twice_in_every_standard_of_c_and_cpp() {
    let suites = [
        ("cc", "c", &["c99", "c11", "c17", "c2x"][..]),
        ("c++", "c++", &["c++11", "c++14", "c++17", "c++20", "c++23"][..]),
    ];
    let twice = "#include <connectcreds.h>\n#include <connectcreds.h>\nint main(void) { return CC_OK; }\n";
    for (compiler, language, standards) in suites {
        for standard in standards {
            assert!(
                compiles(compiler, language, standard, twice),
                "{compiler} -std={standard}"
            );
        }
    }
}

#[test]
fn ignoring_a_handle_is_a_warning_and_the_macros_can_be_defined_before() {
    let ignored = "#include <connectcreds.h>\nint main(void) { cc_request_new(); return 0; }\n";
    assert!(!compiles("cc", "c", "c99", ignored));
    let own = "#define CC_API extern\n#define CC_MUST_USE\n#define CC_DEPRECATED\n";
    assert!(compiles("cc", "c", "c99", &format!("{own}{ignored}")));
}

/// Macros that the C library, the kernel and libraries beside which this one is used define.
#[test]
fn no_macro_of_the_header_is_one_of_a_well_known_header() {
    let headers = [
        "assert.h",
        "complex.h",
        "ctype.h",
        "curl/curl.h",
        "dirent.h",
        "dlfcn.h",
        "errno.h",
        "fcntl.h",
        "fenv.h",
        "float.h",
        "inttypes.h",
        "iso646.h",
        "limits.h",
        "linux/if_ether.h",
        "linux/tcp.h",
        "linux/types.h",
        "locale.h",
        "math.h",
        "net/if.h",
        "netdb.h",
        "netinet/in.h",
        "netinet/tcp.h",
        "openssl/ssl.h",
        "poll.h",
        "pthread.h",
        "pwd.h",
        "sched.h",
        "semaphore.h",
        "setjmp.h",
        "signal.h",
        "spawn.h",
        "stdalign.h",
        "stdarg.h",
        "stdatomic.h",
        "stdio.h",
        "stdlib.h",
        "string.h",
        "strings.h",
        "sys/epoll.h",
        "sys/ioctl.h",
        "sys/mman.h",
        "sys/resource.h",
        "sys/socket.h",
        "sys/stat.h",
        "sys/syscall.h",
        "sys/time.h",
        "sys/types.h",
        "sys/uio.h",
        "sys/un.h",
        "sys/wait.h",
        "syslog.h",
        "termios.h",
        "threads.h",
        "time.h",
        "tgmath.h",
        "uchar.h",
        "unistd.h",
        "uv.h",
        "wchar.h",
        "wctype.h",
        "zlib.h",
    ];
    let macros = |source: &str| -> BTreeSet<String> {
        let mut preprocess = Command::new("cc")
            .args(["-D_GNU_SOURCE", "-std=gnu11", "-dM", "-E", "-I"])
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/include"))
            .args(["-x", "c", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("cc starts");
        let mut input = preprocess.stdin.take().expect("piped");
        input.write_all(source.as_bytes()).expect("written");
        drop(input);
        let output = preprocess.wait_with_output().expect("waited");
        assert!(output.status.success());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let names = text
            .lines()
            .filter_map(|line| line.strip_prefix("#define ")?.split([' ', '(']).next());
        names.map(ToOwned::to_owned).collect()
    };
    let include = |header: &str| format!("#if __has_include(<{header}>)\n#include <{header}>\n#endif\n");
    let theirs = macros(&headers.iter().copied().map(include).collect::<String>());
    assert!(theirs.contains("SIGPIPE") && theirs.contains("INT32_MAX"));
    let ours: Vec<_> = macros("#include <connectcreds.h>\n")
        .into_iter()
        .filter(|name| name.starts_with("CC_") || name.starts_with("CONNECTCREDS_"))
        .collect();
    assert!(ours.len() > 25, "{ours:?}");
    let both: Vec<_> = ours.iter().filter(|name| theirs.contains(*name)).collect();
    assert!(both.is_empty(), "{both:?}");
}
