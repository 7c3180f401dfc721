//! A forked child works at once, whatever its parent's threads were doing, and never uses its parent's connections.

mod support;

use std::io::{BufRead, BufReader};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;

use connect_standin::Standin;
use support::{clean, compile, library, root, run};

/// Returns the command that runs a scene of `fork.c` as content on `connect`.
fn scene(connect: &Standin, name: &str) -> Command {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| compile(&root().join("tests/programs/c/fork.c")));
    let mut command = clean(program);
    command
        .arg(name)
        .args(["kept", "other"].map(|who| connect.viewer_token(who)))
        .envs(connect.environment());
    command
}

#[test]
fn children_made_while_six_threads_work_answer_at_once() {
    let connect = Standin::start();
    run(&mut scene(&connect, "fire"));
    assert!(
        connect.exchanges() > 120,
        "each child and each child's child made one of its own"
    );
}

#[test]
fn children_made_while_six_threads_work_answer_at_once_over_tls() {
    run(&mut scene(&Standin::start_tls(), "fire"));
}

#[test]
fn children_made_during_the_first_calls_of_all_answer_at_once() {
    run(&mut scene(&Standin::start(), "cold"));
    run(&mut scene(&Standin::start_tls(), "cold"));
}

#[test]
fn a_chain_of_children_does_not_collect_descriptors_and_leaves_each_parent_its_connection() {
    let connect = Standin::start_tls();
    run(&mut scene(&connect, "chain"));
}

#[test]
fn a_signal_handler_may_fork_wherever_it_interrupts_a_cache_hit() {
    run(&mut scene(&Standin::start(), "handler"));
}

/// Runs a scene in which a callback forks while the server holds back its responses. The child must make its own
/// exchange.
fn fork_in_a_callback(connect: &Standin, name: &str) {
    let hold = connect.hold();
    let host = Playing::start(&mut scene(connect, name));
    hold.wait_for(2);
    assert_eq!(connect.connections(), 2, "the child has a connection of its own");
    drop(hold);
    host.end();
    // The parent's first exchange, the child's, and another of the parent's on the connection that it kept open.
    assert_eq!((connect.exchanges(), connect.connections()), (3, 2));
}

/// A host that has forked in a callback. It is killed when its test ends.
struct Playing(Child);

impl Playing {
    fn start(host: &mut Command) -> Self {
        let host = host.stdout(Stdio::piped()).spawn().expect("the host starts");
        let mut host = Self(host);
        let told = host.0.stdout.take().expect("piped");
        let mut line = String::new();
        BufReader::new(told).read_line(&mut line).expect("the host tells");
        assert_eq!(line, "forked\n");
        host
    }

    fn end(mut self) {
        let ended = self.0.wait();
        assert!(
            ended.as_ref().is_ok_and(|status| status.success()),
            "the host ended with {ended:?}"
        );
    }
}

impl Drop for Playing {
    fn drop(&mut self) {
        // It has ended already unless the test failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Copies the bytes of one side to the other, until the end of the stream.
fn carry(mut from: &TcpStream, mut to: &TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

#[test]
fn a_callback_may_fork_while_its_call_shakes_hands() {
    let connect = Standin::start_tls();
    // A relay between the two copies nothing until both have connected.
    let between = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = between.local_addr().expect("bound");
    let server = connect.url().replace("https://", "");
    thread::scope(|threads| {
        let host =
            Playing::start(scene(&connect, "leader").env("CONNECT_SERVER", format!("https://{address}")));
        let two = [(); 2].map(|()| between.accept().expect("parent and child come").0);
        for ours in two {
            let theirs = TcpStream::connect(&server).expect("the server is there");
            threads.spawn(move || {
                thread::scope(|both| {
                    both.spawn(|| carry(&ours, &theirs));
                    carry(&theirs, &ours);
                });
            });
        }
        host.end();
    });
    assert_eq!((connect.exchanges(), connect.connections()), (3, 2));
}

#[test]
fn a_callback_may_fork_while_its_call_makes_an_exchange() {
    for connect in [Standin::start(), Standin::start_tls()] {
        fork_in_a_callback(&connect, "leader");
    }
}

#[test]
fn a_callback_may_fork_while_its_call_waits_for_another() {
    for connect in [Standin::start(), Standin::start_tls()] {
        fork_in_a_callback(&connect, "waiter");
    }
}

#[test]
fn a_child_neither_uses_nor_closes_its_parents_connection() {
    for connect in [Standin::start(), Standin::start_tls()] {
        run(&mut scene(&connect, "kept"));
        assert_eq!((connect.exchanges(), connect.connections()), (11, 6));
    }
}

fn python_forks(connect: &Standin) {
    run(clean("python3")
        .arg(root().join("tests/programs/python/fork.py"))
        .arg(library())
        .args(["kept", "other"].map(|who| connect.viewer_token(who)))
        .envs(connect.environment()));
}

#[test]
#[ignore = "needs Python (python3); tests/run runs it"]
fn python_children_made_while_six_threads_work_answer_at_once() {
    python_forks(&Standin::start());
}

#[test]
#[ignore = "needs Python (python3); tests/run runs it"]
fn python_children_made_while_six_threads_work_answer_at_once_over_tls() {
    python_forks(&Standin::start_tls());
}
