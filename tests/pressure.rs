//! Many viewers, silent servers and leaders that do not come back: what the library takes of its process is bounded, and
//! every caller gets its token.

mod support;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use connect_standin::{FaultyNetwork, Order, Standin};
use serde_json::json;
use support::{clean, compile, root};

/// The refreshes, and the exchanges whose callers left, that are in progress at most.
const BACKGROUND: i64 = 16;
/// The descriptors of the runtime, and that of a directory that the program reads.
const OTHER_FILES: i64 = 8;

/// Runs a scene of `pressure.c` as content on `connect`. `server` is called each time the program waits for it.
#[track_caller]
fn play(connect: &Standin, scene: &[&str], mut server: impl FnMut()) -> BTreeMap<String, i64> {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| compile(&root().join("tests/programs/c/pressure.c")));
    let mut host = clean(program)
        .args(scene)
        .envs(connect.environment())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the host starts");
    let mut go_on = host.stdin.take().expect("piped");
    let mut figures = BTreeMap::new();
    for line in BufReader::new(host.stdout.take().expect("piped")).lines() {
        let line = line.expect("it prints text");
        if line == "ready" {
            server();
            writeln!(go_on).expect("it waits");
            continue;
        }
        println!("{scene:?}: {line}");
        for figure in line.split(' ') {
            let (name, value) = figure.split_once('=').expect("name=value");
            figures.insert(name.to_owned(), value.parse().expect("a number"));
        }
    }
    let ended = host.wait_with_output().expect("it ran");
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(
        ended.status.success() && errors.is_empty(),
        "{}: {errors}",
        ended.status
    );
    figures
}

fn token(delay_ms: u64) -> Order {
    Order::Delay {
        milliseconds: delay_ms,
        then: Some(Box::new(Order::Token {
            expires_in: json!(3600),
        })),
    }
}

/// Has `count` tokens enter their early window at once, at a server that takes `delay_ms`.
fn age(count: usize, delay_ms: u64, patience_s: usize) {
    let connect = Standin::start();
    connect.order_always(Some(token(0)));
    let (count, patience) = (count.to_string(), patience_s.to_string());
    let figures = play(&connect, &["age", &count, &patience], || {
        connect.order_always(Some(token(delay_ms)))
    });
    // The program's own thread and one of the library's.
    assert!(figures["threads"] <= 2, "{figures:?}");
    assert!(figures["files"] <= BACKGROUND + OTHER_FILES, "{figures:?}");
}

#[test]
fn two_thousand_tokens_that_age_together_are_renewed_by_one_thread() {
    age(2_000, 20, 120);
}

#[test]
fn a_refresh_that_waits_for_a_place_longer_than_a_timeout_is_made_all_the_same() {
    let connect = Standin::start();
    connect.order_always(Some(token(0)));
    // Forty refreshes, sixteen at a time, at a server that takes half of the time that an exchange has: the last begin
    // when a timeout has passed since they were submitted.
    let mut calls = 0;
    play(&connect, &["age_slowly", "40"], || {
        calls += 1;
        connect.order_always(Some(token(1_200)));
        connect.reset_counts();
    });
    assert_eq!((calls, connect.exchanges()), (1, 40), "each was made once");
}

#[test]
fn six_hundred_calls_that_a_silent_server_lets_down_leave_a_bounded_number_of_descriptors() {
    let connect = Standin::start();
    connect.order_always(Some(Order::Silent));
    let figures = play(&connect, &["time_out", "600"], || {});
    assert!(figures["files"] <= BACKGROUND + OTHER_FILES, "{figures:?}");
    assert!(figures["threads"] <= 2, "{figures:?}");
}

#[test]
fn without_background_refresh_the_library_has_no_thread_and_leaves_no_connection() {
    let connect = Standin::start();
    connect.order_always(Some(Order::Silent));
    let figures = play(&connect, &["refresh_off", "20"], || {});
    assert!(figures["left"] <= OTHER_FILES, "{figures:?}");
}

#[test]
fn a_leader_that_sleeps_in_its_log_callback_does_not_hold_the_question() {
    let connect = Standin::start();
    let mut hold = Some(connect.hold());
    play(&connect, &["leader_sleeps"], || drop(hold.take()));
    assert_eq!(
        connect.exchanges(),
        1,
        "the next caller went on with its exchange"
    );
}

#[test]
fn a_leader_that_jumps_out_of_its_cancel_callback_does_not_hold_the_question() {
    let connect = Standin::start();
    let mut hold = Some(connect.hold());
    play(&connect, &["leader_jumps"], || drop(hold.take()));
    assert_eq!(
        connect.exchanges(),
        1,
        "the next caller went on with its exchange"
    );
}

#[test]
fn a_thread_that_is_cancelled_in_a_call_ends_after_it_and_the_process_goes_on() {
    let connect = Standin::start();
    let mut hold = Some(connect.hold());
    play(&connect, &["leader_is_cancelled"], || drop(hold.take()));
    assert_eq!(connect.exchanges(), 1);
}

/// What is promised to be seen at full size: `cargo test --release --test pressure -- --ignored --nocapture ten_thousand`.
#[test]
#[ignore = "takes half an hour"]
fn ten_thousand_tokens_that_age_together_at_a_server_that_takes_three_seconds() {
    age(10_000, 3_000, 7_200);
}

/// Runs `soak.c` for some seconds, at a server with a fault or a refusal for one in five exchanges, which goes away for
/// a moment every three seconds.
fn soak(seconds: u64) {
    const SESSIONS: usize = 5_000;
    let connect = Standin::start();
    let network = FaultyNetwork::start(&connect, None).expect("it starts");
    let program = compile(&root().join("tests/programs/c/soak.c"));
    let mut host = clean(&program)
        .args([seconds.to_string(), SESSIONS.to_string()])
        .envs(connect.environment())
        .env("CONNECT_SERVER", network.url())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the host starts");
    let mut input = host.stdin.take().expect("piped");
    for number in 0..SESSIONS {
        writeln!(input, "{}", connect.viewer_token(&format!("viewer {number}"))).expect("it reads");
    }
    let output = host.stdout.take().expect("piped");
    let printed = std::thread::spawn(move || std::io::read_to_string(output).expect("it prints text"));
    let faults = [
        Order::ResetBeforeAnswer,
        Order::CloseBeforeAnswer,
        Order::CutAfter {
            bytes: 250,
            reset: true,
        },
        Order::ConnectError {
            status: 503,
            code: 1,
            error: "Busy.".to_owned(),
        },
        Order::ConnectError {
            status: 403,
            code: 22,
            error: "You don't have permission.".to_owned(),
        },
        Order::Silent,
        Order::Delay {
            milliseconds: 200,
            then: None,
        },
        Order::Bytes(b"garbage\r\n\r\n".to_vec()),
    ];
    let (mut ordered, mut restarts) = (0, 0);
    for tick in 1.. {
        std::thread::sleep(Duration::from_millis(20));
        if host.try_wait().expect("it is our child").is_some() {
            break;
        }
        while ordered * 5 < connect.exchanges() {
            connect.order(faults[ordered % faults.len()].clone());
            ordered += 1;
        }
        // Away for a tenth of a second.
        network.set_down(tick % 150 >= 145);
        restarts += usize::from(tick % 150 == 145);
    }
    let ended = host.wait_with_output().expect("it ran");
    let printed = printed.join().expect("it is read");
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(
        ended.status.success() && errors.is_empty(),
        "{}: {printed}{errors}",
        ended.status
    );
    let samples: Vec<BTreeMap<_, _>> = printed.lines().map(figures_of).collect();
    let (figures, samples) = samples.split_last().expect("it prints the figures");
    write_samples(samples);
    let last = printed.lines().last().unwrap_or_default();
    println!(
        "{last}; {} exchanges, {ordered} faults, {restarts} restarts",
        connect.exchanges()
    );
    assert_eq!((figures["wrong"], figures["hung"]), (0, 0), "{figures:?}");
    assert!(figures["tokens"] > 0 && figures["forks"] > 0, "{figures:?}");
    // The program's own thread and one of the library's.
    assert!(figures["threads"] <= 2, "{figures:?}");
    // Beside those: 8 callers, and 8 unused connections that are kept.
    assert!(
        figures["files"] <= 3 + BACKGROUND + OTHER_FILES + 2 * 8 + 64,
        "{figures:?}"
    );
    assert_memory_stays(samples);
}

fn figures_of(line: &str) -> BTreeMap<String, i64> {
    line.split(' ')
        .filter_map(|figure| figure.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.parse().expect("a number")))
        .collect()
}

/// Writes the figures of each second to `target/soak.csv`.
fn write_samples(samples: &[BTreeMap<String, i64>]) {
    const COLUMNS: [&str; 5] = ["second", "tokens", "memory_kb", "threads", "files"];
    let mut table = COLUMNS.join(",");
    for sample in samples {
        let row = COLUMNS.map(|column| sample[column].to_string());
        table = format!("{table}\n{}", row.join(","));
    }
    std::fs::write(root().join("target/soak.csv"), table + "\n").expect("target can be written");
}

/// Panics if the second half of a long run has taken much more memory than the first one.
fn assert_memory_stays(samples: &[BTreeMap<String, i64>]) {
    // Until then the sessions come into the cache for the first time.
    const WARM: usize = 60;
    if samples.len() < 2 * WARM {
        return;
    }
    let most = |samples: &[BTreeMap<String, i64>]| samples.iter().map(|sample| sample["memory_kb"]).max();
    let (first, second) = samples[WARM..].split_at((samples.len() - WARM) / 2);
    let (first, second) = (most(first).expect("a sample"), most(second).expect("a sample"));
    assert!(second * 4 <= first * 5, "{first} kB, then {second} kB");
}

#[test]
fn eight_threads_with_faults_restarts_and_forks_never_get_a_token_for_another_question() {
    soak(20);
}

/// `cargo test --test pressure -- --ignored --nocapture thirty_minutes`; `SOAK_SECONDS` sets another time.
#[test]
#[ignore = "takes thirty minutes"]
fn thirty_minutes_with_faults_restarts_and_forks() {
    let seconds = std::env::var("SOAK_SECONDS").map_or(1800, |seconds| seconds.parse().expect("a number"));
    soak(seconds);
}
