//! What an ABI is, as two texts: libabigail's description of every function and type, and the names and values that
//! no debug information holds.
//!
//! abidw finds no C type in a Rust library. So the header is preprocessed, and each function that it declares is
//! defined in a C file, whose debug information then has them all.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{self, run};

/// The structures that may grow at their end, because their size goes along with them.
const GROWING: [&str; 1] = ["cc_cache_stats"];

/// An ABI, in a directory: `connectcreds.abi` and `values.txt`.
pub struct Abi {
    directory: PathBuf,
}

/// How an ABI differs from an earlier one; with the report.
#[derive(Debug, PartialEq, Eq)]
pub enum Difference {
    None,
    Additions(String),
    /// Something changed or went.
    Break(String),
}

impl Abi {
    /// The one that was recorded in `directory`.
    pub fn recorded(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// The one that the header in `include` declares, described in a directory called `name`.
    pub fn declared(include: &Path, name: &str) -> Self {
        let directory = support::scratch().join(format!("abi-{name}-{}", std::process::id()));
        fs::create_dir_all(&directory).expect("the directory can be made");
        let declarations = declarations(include);
        let source = directory.join("functions.c");
        let library = directory.join("functions.so");
        fs::write(&source, definitions(&declarations)).expect("the directory is ours");
        run(compiler(include)
            .args(["-g", "-shared", "-fPIC", "-o"])
            .args([&library, &source]));
        // Where something is declared does not matter.
        let description = run(Command::new("abidw")
            .args(["--no-corpus-path", "--no-comp-dir-path", "--no-show-locs"])
            .arg(&library));
        let description = description.replace(&format!("{}/", directory.display()), "");
        fs::write(directory.join("connectcreds.abi"), description).expect("the directory is ours");
        fs::write(
            directory.join("values.txt"),
            values(include, &declarations, &directory),
        )
        .expect("the directory is ours");
        Self { directory }
    }

    /// Writes the two texts to `directory`.
    pub fn record(&self, directory: &Path) {
        for name in ["connectcreds.abi", "values.txt"] {
            fs::copy(self.directory.join(name), directory.join(name)).expect("the record can be written");
        }
    }

    /// The name and value of each macro, and the place of each field.
    pub fn values(&self) -> BTreeMap<String, String> {
        let values = fs::read_to_string(self.directory.join("values.txt")).expect("the values are there");
        let pairs = values.lines().filter_map(|line| line.split_once(' '));
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// How this one differs from `earlier`.
    pub fn since(&self, earlier: &Abi) -> Difference {
        let (old, new) = (earlier.values(), self.values());
        let changed: Vec<_> = old
            .iter()
            .filter(|(name, value)| new.get(*name) != Some(*value))
            .map(|(name, value)| format!("{name}: {value} is now {:?}\n", new.get(name)))
            .collect();
        let suppressions = self.directory.join("suppressions");
        let growing = GROWING.map(|name| format!("[suppress_type]\n  name = {name}\n"));
        fs::write(&suppressions, growing.concat()).expect("the directory is ours");
        let without_additions = ["--no-added-syms", "--harmless", "--suppressions"];
        let report = diff(earlier, self, |command| {
            command.args(without_additions).arg(&suppressions);
        });
        if !changed.is_empty() || report.is_some() {
            return Difference::Break(changed.concat() + &report.unwrap_or_default());
        }
        let added: Vec<_> = new
            .iter()
            .filter(|(name, _)| !old.contains_key(*name))
            .map(|(name, value)| format!("{name}: {value} is new\n"))
            .collect();
        let report = diff(earlier, self, |command| {
            command.arg("--harmless");
        });
        if !added.is_empty() || report.is_some() {
            return Difference::Additions(added.concat() + &report.unwrap_or_default());
        }
        Difference::None
    }
}

/// What abidiff tells; nothing when it found no difference.
fn diff(earlier: &Abi, later: &Abi, options: impl FnOnce(&mut Command)) -> Option<String> {
    let mut command = Command::new("abidiff");
    options(&mut command);
    let descriptions = [earlier, later].map(|abi| abi.directory.join("connectcreds.abi"));
    let output = command
        .args(descriptions)
        .output()
        .expect("abidiff can be started");
    match output.status.code() {
        Some(0) => None,
        // A change (4), and perhaps one that breaks for sure (8).
        Some(4 | 12) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        _ => panic!("{command:?}: {}", support::told(&output)),
    }
}

fn compiler(include: &Path) -> Command {
    let mut command = Command::new("cc");
    command.args(["-std=c99", "-I"]).arg(include);
    command
}

/// The header's statements, preprocessed: what ends in a semicolon outside braces.
fn declarations(include: &Path) -> Vec<String> {
    let text = run(compiler(include)
        .args(["-E", "-P"])
        .arg(include.join("connectcreds.h")));
    let mut depth = 0;
    let statements = text.split(move |each: char| {
        match each {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        each == ';' && depth == 0
    });
    statements
        .map(|statement| without_attributes(&statement.split_whitespace().collect::<Vec<_>>().join(" ")))
        .collect()
}

/// A statement without what is no part of the ABI, and has no place in a definition.
fn without_attributes(statement: &str) -> String {
    let Some((before, attribute)) = statement.split_once("__attribute__") else {
        return statement.to_owned();
    };
    let mut depth = 0;
    let end = attribute.find(|each: char| {
        match each {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        each == ')' && depth == 0
    });
    let after = &attribute[end.expect("an attribute ends") + 1..];
    format!("{}{}", before.trim_end(), without_attributes(after))
        .trim_start()
        .to_owned()
}

/// The name of the function that a statement declares.
pub fn function(statement: &str) -> Option<&str> {
    let before = statement.split_once('(')?.0;
    let name = before.rsplit([' ', '*']).next()?;
    (name.starts_with("cc_") && !statement.starts_with("typedef")).then_some(name)
}

/// The functions that the header in `include` declares.
pub fn functions(include: &Path) -> Vec<String> {
    let declarations = declarations(include);
    let mut names: Vec<_> = declarations
        .iter()
        .filter_map(|statement| function(statement).map(str::to_owned))
        .collect();
    names.sort_unstable();
    names
}

/// A C file that defines each function. It is compiled, never called.
fn definitions(declarations: &[String]) -> String {
    let mut text = String::from("#include <connectcreds.h>\n");
    for declaration in declarations.iter().filter(|each| function(each).is_some()) {
        text += &format!("{declaration} {{ __builtin_trap(); }}\n");
    }
    text
}

/// One line each: the macros, and the fields of structures with their types and offsets.
fn values(include: &Path, declarations: &[String], directory: &Path) -> String {
    let mut lines = Vec::new();
    let macros = run(compiler(include)
        .args(["-E", "-dM"])
        .arg(include.join("connectcreds.h")));
    for (name, value) in macros
        .lines()
        .filter_map(|line| line.strip_prefix("#define ")?.split_once(' '))
    {
        // The version is what a release changes; that all say the same is in versions.rs.
        if name.starts_with("CC_") && !name.starts_with("CC_VERSION") {
            lines.push(format!("{name} {value}"));
        }
    }
    lines.extend(fields(include, declarations, directory));
    lines.sort_unstable();
    lines.join("\n") + "\n"
}

/// The fields of structures, by a program that prints where they are.
fn fields(include: &Path, declarations: &[String], directory: &Path) -> Vec<String> {
    let mut text =
        String::from("#include <connectcreds.h>\n#include <stdio.h>\nint main(void)\n{\n    return 0");
    for declaration in declarations {
        let structure = declaration.strip_prefix("typedef struct");
        let Some((body, name)) = structure.and_then(|rest| rest.split_once('{')?.1.rsplit_once('}')) else {
            continue;
        };
        let name = name.trim();
        for field in body
            .split(';')
            .map(str::trim)
            .filter(|field| name.starts_with("cc_") && !field.is_empty())
        {
            let of_type = field
                .trim_end_matches(|each: char| each.is_alphanumeric() || each == '_')
                .trim();
            let field = field.rsplit([' ', '*']).next().expect("a field has a name");
            text += &format!(" * printf(\"{name}.{field} {of_type} at %zu\\n\", offsetof({name}, {field}))");
        }
    }
    text += ";\n}\n";
    let (source, program) = (directory.join("fields.c"), directory.join("fields"));
    fs::write(&source, text).expect("the directory is ours");
    run(compiler(include).arg("-o").args([&program, &source]));
    let printed = run(&mut Command::new(program));
    printed.lines().map(str::to_owned).collect()
}
