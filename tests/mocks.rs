//! Mocks for the tests of other programs, from C: responses, counts, and callbacks that must not deadlock.

mod support;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use connect_standin::{Order, Standin};
use support::{clean, compile, root, run};

/// Returns the command that runs a scene of a program in `tests/programs/c`.
fn scene(host: &str, name: &str) -> Command {
    static PROGRAMS: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut programs = PROGRAMS.lock().unwrap_or_else(PoisonError::into_inner);
    let source = root().join("tests/programs/c").join(host).with_extension("c");
    let program = programs
        .entry(host.to_owned())
        .or_insert_with(|| compile(&source));
    let mut command = clean(program);
    command.arg(name);
    command
}

/// Scenes about responses and counts.
fn answers(name: &str) -> Command {
    scene("mock", name)
}

/// Scenes about mock functions, misbehaving ones included.
fn functions(name: &str) -> Command {
    scene("mock_functions", name)
}

fn threads(name: &str) -> Command {
    scene("mock_threads", name)
}

fn forks(name: &str) -> Command {
    scene("mock_forks", name)
}

/// Runs a scene while the server on `connect` holds back its responses, until the scene prints `line`.
fn held_until(connect: &Standin, name: &str, line: &str) {
    let hold = connect.hold();
    let mut host = on(connect, &mut threads(name))
        .stdout(Stdio::piped())
        .spawn()
        .expect("the host starts");
    let mut told = BufReader::new(host.stdout.take().expect("piped"));
    let mut first = String::new();
    told.read_line(&mut first).expect("the host tells");
    hold.wait_for(1);
    drop(hold);
    let mut rest = String::new();
    told.read_to_string(&mut rest).expect("the host tells");
    assert!(host.wait().expect("waited").success(), "{first}{rest}");
    assert_eq!(
        (first.as_str(), rest.as_str()),
        (format!("{line}\n").as_str(), "")
    );
}

/// Runs a scene as content on `connect`.
fn on<'a>(connect: &Standin, command: &'a mut Command) -> &'a mut Command {
    command
        .envs(connect.environment())
        .env("VIEWER", connect.viewer_token("alice"))
}

#[test]
fn a_mocked_token_is_given_where_there_is_no_connect() {
    run(&mut answers("a_token"));
}

#[test]
fn a_mocked_failure_reads_as_a_real_one() {
    run(&mut answers("a_failure"));
}

#[test]
fn responses_are_given_out_in_order_then_503_and_nothing_is_tried_again() {
    run(&mut answers("responses_in_order"));
}

#[test]
fn an_invalid_mock_is_rejected_and_not_started() {
    run(&mut answers("bad_input"));
}

/// The process's environment and the file that it names are neither used nor changed.
#[test]
fn the_mocked_environment_stands_in_for_the_processes_and_a_request_wins_over_both() {
    run(answers("environment").envs([
        ("CONNECT_SERVER", "http://127.0.0.1:9"),
        ("CONNECT_API_KEY", "not this one"),
        ("CONNECT_CONTENT_SESSION_TOKEN", "nor this"),
        ("CONNECT_CONTENT_SESSION_TOKEN_FILE", "/proc/self/cmdline"),
    ]));
}

#[test]
fn a_request_goes_past_the_check_for_connect_when_told() {
    run(&mut answers("on_connect"));
}

#[test]
fn a_request_that_a_function_passes_on_reaches_the_server_unchanged() {
    let connect = Standin::start();
    let seen = run(on(&connect, &mut answers("let_out")));
    let requests = connect.requests();
    assert_eq!(requests.len(), 1);
    let request = &requests[0];
    let mut params = Vec::new();
    for line in seen.lines() {
        match *line.split('\t').collect::<Vec<_>>() {
            ["url", url] => assert_eq!(url, connect.url() + "/__api__/v1/oauth/integrations/credentials"),
            ["method", method] => assert_eq!(method, "POST"),
            ["header", name, value] => assert_eq!(request.header(name), Some(value), "{name}"),
            ["param", name, value] => params.push((name.to_owned(), value.to_owned())),
            ref other => panic!("{other:?}"),
        }
    }
    assert_eq!(params, request.form());
    assert_eq!(seen.matches("header\t").count(), 4, "{seen}");
}

#[test]
fn no_real_token_is_seen_inside_and_no_mocked_one_outside() {
    let connect = Standin::start();
    run(on(&connect, &mut answers("caches")));
    assert_eq!(connect.exchanges(), 2);
}

#[test]
fn time_is_moved_for_one_mock_and_nothing_is_renewed_in_its_background() {
    run(&mut answers("passing_time"));
}

#[test]
fn the_log_goes_by_the_mocks_clock() {
    run(&mut answers("log_by_its_clock"));
}

#[test]
fn a_renewal_is_a_question_of_its_own() {
    run(&mut answers("renewal"));
}

#[test]
fn mocks_nest_and_end_in_any_order() {
    run(&mut answers("nesting"));
}

#[test]
fn a_mock_that_has_ended_leaves_nothing_behind() {
    run(&mut answers("many"));
}

#[test]
fn a_function_that_misbehaves_fails_its_own_call() {
    run(&mut functions("misbehaving"));
}

#[test]
fn a_function_may_ask_anything_but_what_it_is_about_to_answer() {
    run(&mut functions("asking_inside"));
}

#[test]
fn a_function_may_forget_everything() {
    run(&mut functions("forgetting_inside"));
}

#[test]
fn a_function_may_start_mocks_and_end_its_own() {
    run(&mut functions("starting_and_ending_inside"));
}

#[test]
fn a_cancel_callback_that_requests_the_token_of_its_own_call_joins_the_exchange() {
    let connect = Standin::start();
    let hold = connect.hold();
    run(on(&connect, &mut functions("asking_in_a_cancel_callback")));
    drop(hold);
    assert_eq!(connect.exchanges(), 1);
}

#[test]
fn ending_a_mock_waits_for_its_function_which_is_not_called_again() {
    run(&mut threads("the_end_waits"));
    run(&mut threads("no_call_after_the_end"));
}

#[test]
fn two_functions_that_end_each_others_mock_both_come_back() {
    run(&mut threads("two_end_each_other"));
}

#[test]
fn two_functions_that_ask_each_others_question_both_come_back() {
    run(&mut threads("two_ask_each_other"));
}

#[test]
fn one_question_of_many_threads_is_one_call_of_the_function() {
    run(&mut threads("one_question"));
}

#[test]
fn a_function_is_called_on_the_thread_that_asks() {
    run(&mut threads("on_the_asking_thread"));
}

#[test]
fn a_real_call_that_began_before_a_mock_goes_on_as_it_began() {
    let connect = Standin::start();
    held_until(&connect, "a_real_call_goes_on", "mocked");
    assert_eq!(connect.exchanges(), 1);
}

#[test]
fn a_call_that_was_let_out_outlives_its_mock() {
    let connect = Standin::start();
    held_until(&connect, "what_was_let_out_outlives_its_mock", "ended");
    assert_eq!(connect.exchanges(), 1);
}

#[test]
fn an_exchange_with_the_server_continues_when_its_call_leaves() {
    let connect = Standin::start();
    held_until(
        &connect,
        "an_exchange_with_the_server_continues_when_its_call_leaves",
        "cancelled",
    );
    assert_eq!(connect.exchanges(), 1);
}

#[test]
fn no_function_is_called_in_the_background() {
    let connect = Standin::start();
    connect.order(Order::OAuthError {
        status: 400,
        error: "invalid_grant".to_owned(),
        description: None,
        uri: None,
    });
    held_until(&connect, "no_mock_is_asked_in_the_background", "cancelled");
    assert_eq!(connect.exchanges(), 1);
}

#[test]
fn a_forked_child_has_the_mock_and_its_cache_for_itself() {
    run(&mut forks("a_child_has_the_mock"));
}

#[test]
fn a_function_may_fork_and_its_call_goes_on_in_both() {
    run(&mut forks("a_function_forks"));
}

#[test]
fn a_function_may_fork_in_a_started_call() {
    run(&mut forks("a_function_forks_in_a_started_call"));
}

#[test]
fn a_function_that_forks_can_send_both_requests_to_the_server() {
    let connect = Standin::start();
    run(on(&connect, &mut forks("a_function_forks_and_lets_out")));
    assert_eq!(connect.exchanges(), 2);
}

#[test]
fn a_child_waits_for_no_function_of_a_thread_that_it_does_not_have() {
    run(&mut forks("a_fork_while_a_function_runs"));
}

#[test]
fn children_made_while_functions_run_on_other_threads_answer_at_once() {
    run(&mut forks("forks_while_functions_run"));
}

#[test]
fn changes_to_a_mocks_environment_take_effect_and_are_sent() {
    run(&mut scene("mock_environment", "environment"));
    run(&mut scene("mock_environment", "sent"));
}

#[test]
fn a_viewer_call_without_a_session_in_a_mock_is_logged_and_can_fail_as_outside() {
    run(&mut scene("mock_environment", "session"));
}

#[test]
fn headers_of_a_mocked_response_are_read() {
    run(&mut scene("mock_environment", "headers"));
}

#[test]
fn a_message_names_the_c_setter_and_bindings_can_leave_it_out() {
    run(&mut scene("mock_environment", "hints"));
}
