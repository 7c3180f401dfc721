//! What the guide says of the library's use of the system, tried in a C program of its own.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use connect_standin::{Order, Standin};

use crate::programs::on;
use crate::support::{clean, compile, root, told};

fn scene(name: &str) -> Command {
    let mut command = clean(compile(&root().join("tests/programs/guide/system.c")));
    command.arg(name);
    command
}

#[test]
fn a_cached_token_is_returned_without_an_allocation_and_without_a_system_call() {
    let connect = Standin::start();
    on(&connect, scene("hits").arg(connect.viewer_token("alice")));
    assert_eq!(connect.exchanges(), 2);
}

#[test]
fn no_file_is_opened_for_writing() {
    let connect = Standin::start_tls();
    on(&connect, scene("files").arg(connect.viewer_token("alice")));
}

#[test]
fn a_process_without_memory_aborts() {
    let output = scene("memory").output().expect("started");
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{}", told(&output));
}

/// A server whose next answer takes a third of a second.
fn slow() -> Standin {
    let connect = Standin::start();
    connect.order(Order::Delay {
        milliseconds: 300,
        then: None,
    });
    connect
}

#[test]
fn a_signal_does_not_end_a_call() {
    let connect = slow();
    on(&connect, scene("signals").arg(connect.viewer_token("alice")));
    assert_eq!(connect.exchanges(), 2);
}

#[test]
fn the_background_thread_begins_when_it_is_needed_and_ends_by_itself() {
    let connect = slow();
    on(&connect, scene("thread").arg(connect.viewer_token("alice")));
}
