//! A program that was built against the header of the first release runs on today's library.

use std::fs;
use std::process::Command;

use super::description::functions;
use super::support::{clean, library_dir, run, scratch};
use super::{first, root};

#[test]
fn a_program_built_against_the_first_header_runs_on_todays_library() {
    let directory = scratch().join(format!("abi-program-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("the directory can be made");
    // Whatever that header declares can be linked with, beside what the program calls.
    let mut every = String::from("#include <connectcreds.h>\n\nvoid (*const every_function[])(void) = {\n");
    for name in functions(&first()) {
        every += &format!("    (void (*)(void)){name},\n");
    }
    every += "    0,\n};\n";
    let (source, program) = (directory.join("every.c"), directory.join("program"));
    fs::write(&source, every).expect("the directory is ours");
    run(Command::new("cc")
        .args(["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I"])
        .arg(first())
        .arg("-o")
        .args([&program, &root().join("tests/abi/first/program.c"), &source])
        .arg("-L")
        .arg(library_dir())
        .arg(format!("-Wl,-rpath,{}", library_dir().display()))
        .arg("-lconnectcreds"));
    run(&mut clean(&program));
}
