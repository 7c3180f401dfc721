//! Calls that do not block, from C: starts, descriptors, deadlines, threads and forks.

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use connect_standin::{Order, Standin};
use support::{clean, compile, compile_with, root, run};

/// The driver's own: a few for its runtime; for each of the 64 exchanges in progress a connection, and another one for
/// those that began to connect when a connection of another exchange became free.
const DESCRIPTORS: usize = 8 + 2 * 64;

/// `calls.c`, about to play a scene. Freed memory is overwritten, so that its use shows.
fn scene(name: &str) -> Command {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| compile(&root().join("tests/programs/c/calls.c")));
    let mut command = clean(program);
    command.arg(name).env("MALLOC_PERTURB_", "165");
    command
}

/// Plays a scene as content on `connect`, which responds once the scene has started its calls.
fn held(connect: &Standin, name: &str) {
    let hold = connect.hold();
    let mut host = scene(name)
        .envs(connect.environment())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the host starts");
    let mut told = BufReader::new(host.stdout.take().expect("piped"));
    let mut first = String::new();
    told.read_line(&mut first).expect("the host tells");
    drop(hold);
    let mut rest = String::new();
    told.read_to_string(&mut rest).expect("the host tells");
    assert!(host.wait().expect("waited").success(), "{first}{rest}");
    assert_eq!((first.as_str(), rest.as_str()), ("started\n", ""));
}

#[test]
fn null_is_rejected_or_does_nothing() {
    run(&mut scene("nulls"));
}

#[test]
fn each_kind_of_call_can_be_started() {
    run(&mut scene("each_kind"));
}

#[test]
fn a_hit_is_done_at_once_and_makes_no_descriptor_until_asked() {
    let connect = Standin::start();
    run(scene("hit").envs(connect.environment()));
    assert_eq!(connect.exchanges(), 1);
}

#[test]
fn a_mock_function_runs_on_the_thread_that_starts_the_call() {
    run(&mut scene("mock_function_thread"));
}

#[test]
fn a_miss_makes_its_descriptor_readable_when_it_is_done() {
    held(&Standin::start(), "miss");
    held(&Standin::start_tls(), "miss");
}

#[test]
fn finishing_a_call_that_is_not_done_waits_for_it() {
    held(&Standin::start(), "finish_blocks");
}

#[test]
fn freeing_a_call_affects_no_other_that_waits_for_the_exchange() {
    held(&Standin::start(), "freeing");
}

#[test]
fn calls_are_driven_without_background_refresh_too() {
    held(&Standin::start(), "no_background_refresh");
}

#[test]
fn a_start_waits_for_no_exchange_of_another_thread() {
    held(&Standin::start(), "beside_a_slow_exchange");
}

#[test]
fn a_call_may_be_started_watched_and_finished_on_different_threads() {
    held(&Standin::start(), "shared_by_threads");
}

#[test]
fn a_deadline_makes_the_descriptor_readable_and_the_call_time_out() {
    let connect = Standin::start();
    connect.order_always(Some(Order::Silent));
    run(scene("deadline").envs(connect.environment()));
}

#[test]
fn a_thousand_viewers_take_one_thread_and_no_descriptor_of_their_own() {
    let connect = Standin::start();
    let mut viewers = tempfile::NamedTempFile::new().expect("a file can be made");
    for number in 0..1000 {
        let token = connect.viewer_token(&format!("viewer {number}"));
        writeln!(viewers, "{token}").expect("written");
    }
    let told = run(scene("many")
        .envs(connect.environment())
        .env("VIEWERS", viewers.path()));
    let numbers: Vec<usize> = told
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    println!("{told}");
    let [descriptors, threads] = numbers[..] else {
        panic!("{told}");
    };
    assert!(descriptors <= DESCRIPTORS, "{told}");
    assert_eq!(threads, 1, "{told}");
    assert_eq!(connect.exchanges(), 1000);
}

#[test]
fn ten_thousand_calls_that_are_dropped_at_once_leave_nothing_behind() {
    let connect = Standin::start();
    run(scene("dropped_at_once").envs(connect.environment()));
}

#[test]
fn failures_that_need_no_exchange_come_from_the_start() {
    run(&mut scene("failures_at_the_start"));
}

#[test]
fn a_start_reads_no_file() {
    let connect = Standin::start();
    run(scene("no_file").env("CONNECT_CONTENT_SESSION_TOKEN_FILE", connect.content_token_file()));
}

#[test]
fn a_forked_child_exchanges_anew_and_its_parent_goes_on() {
    let connect = Standin::start();
    held(&connect, "forked");
    assert_eq!(connect.exchanges(), 3);
}

#[test]
fn children_made_while_threads_use_calls_can_use_them_too() {
    let connect = Standin::start();
    run(scene("forks_beside_calls").envs(connect.environment()));
}

#[test]
fn the_example_with_epoll_serves_fifty_viewers_on_one_thread() {
    let connect = Standin::start();
    let program = compile(&root().join("examples-c/epoll_server.c"));
    let told = run(clean(&program)
        .arg(connect.viewer_token("ada"))
        .envs(connect.environment()));
    assert_eq!(told, "served   50 viewers on one thread\n");
    assert_eq!(connect.exchanges(), 50);
}

#[test]
#[ignore = "needs libuv (libuv1-dev); tests/run runs it"]
fn libuv_example_gets_tokens_while_its_loop_goes_on() {
    let connect = Standin::start();
    let program = compile_with(&root().join("examples-c/with_libuv.c"), &["-luv"]);
    let told = run(clean(&program)
        .arg(connect.integration())
        .envs(connect.environment()));
    assert!(told.contains("Bearer, expires at "), "{told}");
    assert_eq!(connect.exchanges(), 1);
}
