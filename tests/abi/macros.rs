//! The header's macros get into nobody's way, and nobody's into theirs.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::support::{run, scratch};
use super::{include, recorded};

/// Headers that hosts include. The first part is on every system with a C compiler; of the rest, those that are here.
const C_LIBRARY: [&str; 34] = [
    "assert.h",
    "complex.h",
    "ctype.h",
    "dirent.h",
    "dlfcn.h",
    "errno.h",
    "fcntl.h",
    "fenv.h",
    "float.h",
    "inttypes.h",
    "limits.h",
    "locale.h",
    "math.h",
    "netdb.h",
    "netinet/in.h",
    "poll.h",
    "pthread.h",
    "signal.h",
    "stdio.h",
    "stdlib.h",
    "string.h",
    "sys/epoll.h",
    "sys/ioctl.h",
    "sys/mman.h",
    "sys/resource.h",
    "sys/socket.h",
    "sys/stat.h",
    "sys/wait.h",
    "syslog.h",
    "termios.h",
    "time.h",
    "unistd.h",
    "wchar.h",
    "arpa/inet.h",
];
const OTHERS: [&str; 14] = [
    "curl/curl.h",
    "event2/event.h",
    "glib.h",
    "jansson.h",
    "libpq-fe.h",
    "openssl/ssl.h",
    "sqlite3.h",
    "uv.h",
    "zlib.h",
    "ev.h",
    "systemd/sd-event.h",
    "Python.h",
    "R.h",
    "Rinternals.h",
];

/// Where some of them are.
fn directories() -> Vec<PathBuf> {
    let python = fs::read_dir("/usr/include").into_iter().flatten().flatten();
    let python = python
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().contains("/python3."));
    python.chain([PathBuf::from("/usr/share/R/include")]).collect()
}

fn includes() -> String {
    let needed = C_LIBRARY.map(|name| format!("#include <{name}>\n"));
    let others = OTHERS.map(|name| format!("#if __has_include(<{name}>)\n#include <{name}>\n#endif\n"));
    // Python's comes first, by its own rules.
    "#if __has_include(<Python.h>)\n#include <Python.h>\n#endif\n".to_owned()
        + &needed.concat()
        + &others.concat()
}

fn compile(name: &str, source: &str) {
    let path = scratch().join(format!("macros-{name}-{}.c", std::process::id()));
    fs::write(&path, source).expect("written");
    let mut compile = Command::new("cc");
    compile.args(["-std=gnu17", "-fsyntax-only", "-Werror", "-D_GNU_SOURCE", "-I"]);
    compile.arg(include());
    for directory in directories() {
        compile.arg("-isystem").arg(directory);
    }
    run(compile.arg(path));
}

/// Every macro of the header: those in the record, and the version's.
fn macros() -> Vec<String> {
    let listed = run(Command::new("cc")
        .args(["-E", "-dM"])
        .arg(include().join("connectcreds.h")));
    let names = listed.lines().filter_map(|line| {
        let name = line.strip_prefix("#define ")?.split([' ', '(']).next()?;
        name.starts_with("CC_").then(|| name.to_owned())
    });
    names.collect()
}

#[test]
fn no_macro_of_well_known_headers_has_the_name_of_one_of_ours() {
    let mut source = includes();
    let macros = macros();
    let record = fs::read_to_string(recorded().join("values.txt")).expect("the record is there");
    assert!(macros.len() >= record.lines().filter(|line| line.starts_with("CC_")).count());
    for name in macros {
        source += &format!("#ifdef {name}\n#error {name} is defined by one of them\n#endif\n");
    }
    compile("before", &(source + "#include <connectcreds.h>\n"));
}

#[test]
fn well_known_headers_compile_after_ours() {
    compile("after", &format!("#include <connectcreds.h>\n{}", includes()));
}

/// Those that begin otherwise would surprise; the C++ header leaves none behind but its guard.
#[test]
#[ignore = "needs a C++ compiler (g++); tests/run runs it"]
fn cpp_header_leaves_no_macro_behind() {
    let of = |text: &str| {
        let path = scratch().join(format!("macros-{}-{}.cpp", text.len(), std::process::id()));
        fs::write(&path, text).expect("written");
        let listed = run(Command::new("c++")
            .args(["-std=c++17", "-E", "-dM", "-I"])
            .arg(include())
            .arg(path));
        let names = listed
            .lines()
            .filter_map(|line| line.strip_prefix("#define ")?.split([' ', '(']).next());
        let names = names.filter(|name| name.to_ascii_uppercase().contains("CONNECTCREDS"));
        let mut names: Vec<_> = names.map(str::to_owned).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(of("#include <connectcreds.h>"), ["CONNECTCREDS_H"]);
    assert_eq!(
        of("#include <connectcreds.hpp>\n"),
        ["CONNECTCREDS_H", "CONNECTCREDS_HPP"]
    );
}
