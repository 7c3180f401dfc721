//! Measures a token through the Rust API, from the cache and by an exchange on an open connection, and for comparison a
//! bare request on a socket. Run it with `cargo bench --bench exchange`; see README.md.

use std::hint::black_box;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use connect_standin::{ENDPOINT, Standin};
use connectcreds::Request;

const ROUNDS: usize = 101;

/// Variables for the measuring child: the URL of the server with TLS, and its key.
const TLS_SERVER: &str = "BENCH_TLS_SERVER";
const TLS_API_KEY: &str = "BENCH_TLS_API_KEY";
const VIEWER: &str = "BENCH_VIEWER_TOKEN";

/// Runs the servers, and measures in a child, so that its environment is complete and it does no work of the servers.
fn main() -> io::Result<ExitCode> {
    if std::env::var_os(TLS_SERVER).is_some() {
        measure();
        return Ok(ExitCode::SUCCESS);
    }
    let (plain, tls) = (Standin::start(), Standin::start_tls());
    let measured = Command::new(std::env::current_exe()?)
        .envs(tls.environment())
        .envs(plain.environment())
        .env(TLS_SERVER, tls.url())
        .env(TLS_API_KEY, tls.api_key())
        // 200 bytes in total.
        .env(VIEWER, plain.viewer_token(&"ada".repeat(47)))
        .status()?;
    Ok(ExitCode::from(u8::from(!measured.success())))
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is set"))
}

fn request(server: &str, api_key: &str) -> Request {
    let mut request = Request::new();
    request.set_server_url(server).expect("a server's URL");
    request.set_api_key(api_key).expect("a key");
    request
}

fn measure() {
    let prepared = request(&variable("CONNECT_SERVER"), &variable("CONNECT_API_KEY"));
    let (nothing_set, session) = (Request::new(), variable(VIEWER));
    let viewer = |request: &Request| drop(black_box(connectcreds::viewer_token(Some(&session), request)));
    let service = |request: &Request| drop(black_box(connectcreds::service_account_token(request)));
    assert!(connectcreds::has_viewer_token(Some(&session), &prepared));
    assert!(connectcreds::has_service_account_token(&nothing_set));

    print(
        "Rust API, a hit: ns per call, median (least to most)",
        (1000, Duration::from_nanos(1)),
        &mut [
            ("viewer, prepared", &mut || viewer(&prepared)),
            ("viewer, all from the environment", &mut || viewer(&nothing_set)),
            ("service account, all from the environment", &mut || {
                service(&nothing_set)
            }),
        ],
    );

    let mut forced = prepared.clone();
    forced.set_force_refresh(true);
    let mut forced_tls = request(&variable(TLS_SERVER), &variable(TLS_API_KEY));
    forced_tls.set_force_refresh(true);
    assert!(connectcreds::has_service_account_token(&forced));
    assert!(connectcreds::has_viewer_token(Some(&session), &forced_tls));
    let mut kept = Raw::connect();
    print(
        "An exchange on loopback: us, median (least to most)",
        (10, Duration::from_micros(1)),
        &mut [
            ("http, kept connection", &mut || service(&forced)),
            ("https, kept connection", &mut || viewer(&forced_tls)),
            ("the same request on a kept socket", &mut || kept.ask()),
            ("the same request on a new socket", &mut || Raw::connect().ask()),
        ],
    );
}

/// Prints the time of one call of each. Each round runs every measure once, so that other programs disturb all of them
/// alike.
fn print(title: &str, (calls, unit): (u32, Duration), measured: &mut [(&str, &mut dyn FnMut())]) {
    let mut rounds = vec![Vec::with_capacity(ROUNDS); measured.len()];
    for _ in 0..ROUNDS {
        for ((_, work), rounds) in measured.iter_mut().zip(&mut rounds) {
            let began = Instant::now();
            (0..calls).for_each(|_| work());
            rounds.push(began.elapsed().as_secs_f64() / f64::from(calls) / unit.as_secs_f64());
        }
    }
    println!("\n{title}\n");
    for ((name, _), mut rounds) in measured.iter().zip(rounds) {
        rounds.sort_by(f64::total_cmp);
        let (median, least, most) = (rounds[ROUNDS / 2], rounds[0], rounds[ROUNDS - 1]);
        println!("  {name:<44} {median:7.1}  ({least:.1} to {most:.1})");
    }
}

/// An exchange without a library: a socket, and bytes that were prepared before.
struct Raw {
    socket: TcpStream,
    request: String,
    answer: [u8; 4096],
}

impl Raw {
    fn connect() -> Self {
        let server = variable("CONNECT_SERVER");
        let address = server.strip_prefix("http://").expect("the plain server");
        let form = format!(
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token={}&\
             subject_token_type=urn%3Aposit%3Aconnect%3Acontent-session-token",
            variable("CONNECT_CONTENT_SESSION_TOKEN")
        );
        let socket = TcpStream::connect(address).expect("the server listens");
        socket.set_nodelay(true).expect("an option of every socket");
        Self {
            socket,
            request: format!(
                "POST {ENDPOINT} HTTP/1.1\r\nhost: {address}\r\nauthorization: Key {}\r\naccept: application/json\r\n\
                 content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
                variable("CONNECT_API_KEY"),
                form.len()
            ),
            answer: [0; 4096],
        }
    }

    fn ask(&mut self) {
        self.socket.write_all(self.request.as_bytes()).expect("sent");
        let mut length = 0;
        // The JSON of the response ends with the first brace.
        while !self.answer[..length].ends_with(b"}") {
            let more = self.socket.read(&mut self.answer[length..]).expect("an answer");
            assert_ne!(more, 0, "the server closed the connection");
            length += more;
        }
        assert!(self.answer.starts_with(b"HTTP/1.1 200"));
    }
}
