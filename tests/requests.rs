//! `cc_request` as a C host uses it: copies, rejected values, time left, and callbacks that change their own request.

mod support;

use std::process::Command;
use std::sync::OnceLock;

use connect_standin::{Order, Standin};
use support::{clean, compile, root, run};

/// `request.c`, about to play a scene. Freed memory is overwritten, so that its use shows.
fn scene(name: &str) -> Command {
    static PROGRAM: OnceLock<std::path::PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| compile(&root().join("tests/programs/c/request.c")));
    let mut command = clean(program);
    command.arg(name).env("MALLOC_PERTURB_", "165");
    command
}

#[test]
fn a_copy_begins_with_the_same_options_and_goes_its_own_way() {
    run(&mut scene("copy"));
}

#[test]
fn a_rejected_value_is_reported_until_a_good_one_is_set() {
    run(&mut scene("check"));
}

#[test]
fn a_call_without_time_left_returns_a_cached_token_or_times_out() {
    run(&mut scene("time_left"));
}

#[test]
fn a_number_that_came_of_a_negative_int_is_rejected() {
    run(&mut scene("negative"));
}

#[test]
fn a_cancel_callback_is_asked_before_a_call_in_a_mock() {
    run(&mut scene("cancel_at_entry"));
}

#[test]
fn a_cancel_callback_may_replace_or_remove_itself_or_free_its_request() {
    run(&mut scene("cancel_changes"));
}

#[test]
fn a_cancel_callback_may_do_so_while_its_call_waits() {
    let connect = Standin::start();
    connect.order_always(Some(Order::Silent));
    run(scene("cancel_changes_waiting").envs(connect.environment()));
}

/// With the unoptimised library of the tests, which needs more than a released one.
#[test]
fn a_call_needs_no_more_stack_than_the_header_says() {
    let header = std::fs::read_to_string(root().join("include/connectcreds.h")).expect("the header is there");
    let (before, _) = header.split_once(" KiB of stack").expect("the header says it");
    let promised: usize = before
        .rsplit(' ')
        .next()
        .and_then(|word| word.parse().ok())
        .expect("a number");
    let program = compile(&root().join("tests/programs/c/stack.c"));
    for (what, connect) in [
        ("mock", Standin::start()),
        ("server", Standin::start()),
        ("server", Standin::start_tls()),
    ] {
        let needed = run(clean(&program).arg(what).envs(connect.environment()));
        let needed: usize = needed.trim().parse().expect("a number");
        println!("{what} at {}: {needed} KiB", connect.url());
        assert!(needed <= promised, "{what} at {}: {needed} KiB", connect.url());
    }
}
