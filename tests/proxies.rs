//! Connect behind a real forward proxy. Only the proxy resolves the server's name, so a request that
//! arrives came through it.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use connect_standin::{ENDPOINT, Standin};
use support::host::Host;
use support::proxy::{NAME, OTHER_NAME, PASSWORD, Proxy, USER, named};
use support::socks::Socks;
use support::{clean, run};

/// Starts a host with a server URL that only the proxy resolves.
fn host_at(name: &str, connect: &Standin, variables: &[(&str, &str)]) -> Host {
    let server = named(connect, name);
    let mut changes = vec![("CONNECT_SERVER", server.as_str())];
    changes.extend_from_slice(variables);
    Host::changed(connect, &changes)
}

/// Returns the request line that the proxy receives for `connect`.
fn request_line(connect: &Standin) -> String {
    let server = named(connect, NAME);
    match server.strip_prefix("https://") {
        Some(address) => format!("CONNECT {address}"),
        None => format!("POST {server}{ENDPOINT}"),
    }
}

fn both() -> [Standin; 2] {
    [Standin::start(), Standin::start_tls()]
}

#[test]
#[ignore = "needs squid; tests/run runs it"]
fn proxy_variables_lead_through_the_proxy() {
    let proxy = Proxy::start();
    let mut expected = Vec::new();
    for connect in both() {
        let of_scheme = match connect.url().starts_with("https") {
            true => ["HTTPS_PROXY", "https_proxy"],
            false => ["HTTP_PROXY", "http_proxy"],
        };
        let exchanges = connect.exchanges();
        for name in of_scheme.into_iter().chain(["ALL_PROXY", "all_proxy"]) {
            let mut host = host_at(NAME, &connect, &[(name, &proxy.url())]);
            host.ok(&["service_account"]);
            expected.push(request_line(&connect));
            assert_eq!(proxy.asked(), expected, "{name}");
        }
        assert_eq!(connect.exchanges(), exchanges + 4);
        for request in connect.requests() {
            assert_eq!(request.method, "POST");
            assert_eq!(
                request.param("subject_token").as_deref(),
                Some(connect.content_token())
            );
            assert_eq!(request.header("proxy-authorization"), None);
        }
    }
}

#[test]
#[ignore = "needs squid; tests/run runs it"]
fn proxy_variables_are_for_their_scheme() {
    let proxy = Proxy::start();
    let [http, https] = both();
    for (connect, other) in [(&http, "HTTPS_PROXY"), (&https, "HTTP_PROXY")] {
        // Without the proxy, the name does not resolve.
        let mut host = host_at(NAME, connect, &[(other, &proxy.url())]);
        host.configure(&[("max_attempts", "1")]);
        host.fails(&["service_account"], "CC_ERR_NETWORK");
        assert_eq!(connect.connections(), 0);
    }
    assert!(proxy.asked().is_empty());
}

#[test]
#[ignore = "needs squid; tests/run runs it"]
fn proxy_connections_are_kept() {
    for connect in both() {
        let proxy = Proxy::start();
        let mut host = host_at(NAME, &connect, &[("ALL_PROXY", &proxy.url())]);
        host.configure(&[]);
        for _ in 0..5 {
            host.ok(&["service_account"]);
        }
        assert_eq!((connect.exchanges(), proxy.connections()), (5, 1));
        // Over plain http the proxy receives every request; it receives a tunnel once.
        let secure = connect.url().starts_with("https");
        assert_eq!(proxy.asked().len(), if secure { 1 } else { 5 });
    }
}

#[test]
#[ignore = "needs squid; tests/run runs it"]
fn proxy_with_a_password_gets_it_and_the_server_does_not() {
    let proxy = Proxy::with_password();
    let url = proxy.url_with(USER, PASSWORD);
    for connect in both() {
        host_at(NAME, &connect, &[("ALL_PROXY", &url)]).ok(&["service_account"]);
        assert_eq!(connect.requests()[0].header("proxy-authorization"), None);
        assert_eq!(proxy.asked().last(), Some(&request_line(&connect)));
    }
}

#[test]
#[ignore = "needs squid; tests/run runs it"]
fn proxy_that_wants_another_password_is_a_network_error_that_is_not_tried_again() {
    let proxy = Proxy::with_password();
    let address = proxy.url().trim_start_matches("http://").to_owned();
    let mut asked = 0;
    for connect in both() {
        for url in [proxy.url(), proxy.url_with(USER, "the-wrong-password")] {
            let outcome = host_at(NAME, &connect, &[("ALL_PROXY", &url)]).call(&["service_account"]);
            assert_eq!(
                (&outcome["status"], &outcome["retryable"]),
                ("CC_ERR_NETWORK", "0"),
                "{outcome:?}"
            );
            assert!(outcome["message"].contains(&address), "{outcome:?}");
            asked += 1;
            assert_eq!(proxy.asked().len(), asked);
        }
        assert_eq!(connect.connections(), 0);
    }
}

#[test]
#[ignore = "needs squid; tests/run runs it"]
fn proxy_that_is_not_there_or_finds_no_server_is_a_network_error() {
    let proxy = Proxy::start();
    for connect in both() {
        let mut host = host_at(NAME, &connect, &[("ALL_PROXY", "http://127.0.0.1:1")]);
        host.configure(&[("max_attempts", "1")]);
        let message = host.fails(&["service_account"], "CC_ERR_NETWORK");
        assert!(message.contains("127.0.0.1:1"), "{message}");
    }
    // The proxy cannot make a tunnel; over plain http its response is like that of any server.
    let connect = Standin::start_tls();
    let mut host = host_at("nowhere.example.test", &connect, &[("ALL_PROXY", &proxy.url())]);
    host.configure(&[("max_attempts", "1")]);
    let message = host.fails(&["service_account"], "CC_ERR_NETWORK");
    assert!(message.contains("nowhere.example.test"), "{message}");
}

#[test]
#[ignore = "needs squid; tests/run runs it"]
fn proxy_exceptions_go_straight() {
    let proxy = Proxy::start();
    let connect = Standin::start();
    let url = proxy.url();
    for (name, value) in [
        ("NO_PROXY", NAME),
        ("NO_PROXY", ".example.test"),
        ("NO_PROXY", "example.test"),
        ("NO_PROXY", "elsewhere.example.com, example.test"),
        ("NO_PROXY", "*"),
        ("no_proxy", NAME),
        ("no_proxy", "*"),
    ] {
        let mut host = host_at(NAME, &connect, &[("ALL_PROXY", &url), (name, value)]);
        host.configure(&[("max_attempts", "1")]);
        // Without the proxy, the name does not resolve.
        let message = host.fails(&["service_account"], "CC_ERR_NETWORK");
        assert!(message.contains(NAME), "{name}={value}: {message}");
        assert!(proxy.asked().is_empty(), "{name}={value}");
    }
    for value in ["ample.test", "other.example.test", "example.org", NAME] {
        let name = if value == NAME { OTHER_NAME } else { NAME };
        host_at(name, &connect, &[("ALL_PROXY", &url), ("NO_PROXY", value)]).ok(&["service_account"]);
    }
    assert_eq!((proxy.asked().len(), connect.exchanges()), (4, 4));
}

#[test]
#[ignore = "needs squid; tests/run runs it"]
fn proxy_is_never_asked_for_this_machine() {
    let proxy = Proxy::start();
    let url = proxy.url();
    for connect in both() {
        for name in ["127.0.0.1", "localhost"] {
            let variables = [
                ("HTTP_PROXY", url.as_str()),
                ("HTTPS_PROXY", &url),
                ("ALL_PROXY", &url),
                ("http_proxy", &url),
                ("https_proxy", &url),
            ];
            host_at(name, &connect, &variables).ok(&["service_account"]);
        }
        assert_eq!(connect.exchanges(), 2);
    }
    assert!(proxy.asked().is_empty());
}

#[test]
#[ignore = "needs squid; tests/run runs it"]
fn proxy_in_between_leaves_who_is_trusted_to_the_client() {
    let proxy = Proxy::start();
    let (connect, other) = (Standin::start_tls(), Standin::start_tls());
    let authority = other.ca_certificate_file().to_str().expect("UTF-8").to_owned();
    let variables = [("ALL_PROXY", proxy.url()), ("SSL_CERT_FILE", authority)];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let message = host_at(NAME, &connect, &variables).fails(&["service_account"], "CC_ERR_TLS");
    assert!(message.contains(NAME), "{message}");
    assert_eq!(connect.exchanges(), 0);
}

#[test]
#[ignore = "needs squid; tests/run runs it"]
fn proxy_or_not_a_key_that_goes_in_clear_is_warned_of_once_in_a_process() {
    let proxy = Proxy::start();
    let [http, https] = both();
    let warnings = |connect: &Standin, name| {
        let mut host = host_at(name, connect, &[("ALL_PROXY", &proxy.url())]);
        host.configure(&[]);
        for _ in 0..3 {
            host.ok(&["service_account"]);
        }
        let errors = host.errors();
        let lines = errors.lines().filter(|line| line.contains("unencrypted"));
        let lines: Vec<_> = lines.map(ToOwned::to_owned).collect();
        lines
    };
    let warned = warnings(&http, NAME);
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert!(
        warned[0].starts_with("connectcreds warning: ") && warned[0].contains("CONNECT_SERVER"),
        "{warned:?}"
    );
    assert!(warnings(&https, NAME).is_empty());
    assert!(warnings(&http, "127.0.0.1").is_empty());
}

#[test]
fn a_socks_proxy_takes_the_way_to_a_name_that_it_alone_knows() {
    let proxy = Socks::start();
    let url = proxy.url_with(USER, PASSWORD);
    for connect in both() {
        host_at(NAME, &connect, &[("ALL_PROXY", &url)]).ok(&["service_account"]);
        let address = named(&connect, NAME);
        let (_, address) = address.split_once("://").expect("a scheme");
        assert_eq!(proxy.asked().last().map(String::as_str), Some(address));
        assert_eq!(connect.exchanges(), 1);
    }
}

#[test]
fn a_socks_proxy_that_wants_another_password_is_a_network_error() {
    let proxy = Socks::start();
    let url = proxy.url_with(USER, "the-wrong-password");
    for connect in both() {
        let mut host = host_at(NAME, &connect, &[("ALL_PROXY", &url)]);
        host.configure(&[("max_attempts", "1")]);
        let message = host.fails(&["service_account"], "CC_ERR_NETWORK");
        assert!(message.contains(" through the proxy 127.0.0.1:"), "{message}");
        assert_eq!(connect.connections(), 0);
    }
}

/// A host of which every server is behind a proxy that refuses connections, so that a message tells which way it took.
fn host_behind_no_proxy(server: &str, variables: &[(&str, &str)]) -> Host {
    let connect = Standin::start();
    let changes = [("CONNECT_SERVER", server), ("ALL_PROXY", "http://127.0.0.1:1")];
    let mut host = Host::changed(&connect, &[&changes, variables].concat());
    host.configure(&[("max_attempts", "1"), ("connect_timeout_ms", "300")]);
    host
}

#[test]
fn exceptions_are_read_as_curl_and_go_read_them_and_the_log_names_the_one_that_decides() {
    for (server, list, entry) in [
        (
            "http://h.example.test:3939",
            "h.example.test:3939",
            "h.example.test:3939",
        ),
        ("http://h.example.test", "*.example.test", "*.example.test"),
        ("http://h.example.test", "x y,  example.test. ", "example.test."),
        ("http://[::2]", "[::2]", "[::2]"),
        ("http://h.example.test", "a\u{e4},example.test", "example.test"),
    ] {
        let mut host = host_behind_no_proxy(server, &[("NO_PROXY", list)]);
        let message = host.fails(&["service_account"], "CC_ERR_NETWORK");
        assert!(!message.contains("proxy"), "{list}: {message}");
        let decided = format!("the entry {entry:?} of NO_PROXY exempts it");
        let errors = host.errors();
        assert!(errors.contains(&decided), "{list}: {errors}");
    }
    for (server, list) in [
        ("http://h.example.test", "h.example.test:3939"),
        ("http://h.example.test", "*.h.example.test"),
        ("http://[::2]", "[::3]"),
    ] {
        let message =
            host_behind_no_proxy(server, &[("NO_PROXY", list)]).fails(&["service_account"], "CC_ERR_NETWORK");
        assert!(
            message.contains("through the proxy 127.0.0.1:1"),
            "{list}: {message}"
        );
    }
}

#[test]
fn an_empty_list_of_exceptions_leaves_the_other_in_force() {
    let mut host = host_behind_no_proxy("http://h.example.test", &[("no_proxy", "example.test")]);
    host.call(&["setenv", "NO_PROXY", ""]);
    let message = host.fails(&["service_account"], "CC_ERR_NETWORK");
    assert!(!message.contains("proxy"), "{message}");
}

#[test]
fn bytes_that_are_not_utf_8_are_an_error_for_a_proxy_and_leave_other_exceptions_in_force() {
    let mut host = host_behind_no_proxy("http://h.example.test", &[]);
    host.call(&["setenv", "NO_PROXY", "\\xff,example.test"]);
    let message = host.fails(&["service_account"], "CC_ERR_NETWORK");
    assert!(!message.contains("proxy"), "{message}");
    host.call(&["setenv", "NO_PROXY", "\\xff"]);
    host.call(&["setenv", "HTTP_PROXY", "http://a\\xff:1"]);
    let message = host.fails(&["service_account"], "CC_ERR_NETWORK");
    assert!(
        message.contains("HTTP_PROXY") && message.contains("UTF-8"),
        "{message}"
    );
}

/// What an HTTP proxy got as user and password from `client`, which is started with the proxy's port.
fn credentials_of(client: impl FnOnce(u16)) -> Option<Vec<u8>> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let port = listener.local_addr().expect("it is bound").port();
    let proxy = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("the client comes");
        let lines = BufReader::new(client.try_clone().expect("it is open")).lines();
        let head: Vec<_> = lines
            .map_while(Result::ok)
            .take_while(|line| !line.is_empty())
            .collect();
        let answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        client.write_all(answer.as_bytes()).expect("the client reads");
        head
    });
    client(port);
    // A client that refuses the variable has not come.
    let _ = TcpStream::connect(("127.0.0.1", port)).and_then(|mut client| client.write_all(b"\r\n\r\n"));
    let head = proxy.join().expect("it answered");
    let value = head.iter().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("proxy-authorization").then_some(value)
    })?;
    let encoded = value.strip_prefix("Basic ").expect("the scheme is Basic");
    Some(BASE64_STANDARD.decode(encoded).expect("it is Base64"))
}

/// Users and passwords in a proxy's variable, and what the proxy gets.
const CREDENTIALS: [(&str, &[u8]); 7] = [
    ("ada:p%E4ss", b"ada:p\xe4ss"),
    ("ada:p%40ss", b"ada:p@ss"),
    ("ada:p%zz%", b"ada:p%zz%"),
    ("ada:a:b", b"ada:a:b"),
    ("ada%3Ax:p[\\", b"ada:x:p[\\"),
    ("ada", b"ada:"),
    (":p", b":p"),
];

fn credentials_of_library(credentials: &str) -> Option<Vec<u8>> {
    let connect = Standin::start();
    credentials_of(|port| {
        let proxy = format!("http://{credentials}@127.0.0.1:{port}");
        let mut host = host_at(NAME, &connect, &[("ALL_PROXY", &proxy)]);
        host.configure(&[("max_attempts", "1")]);
        host.call(&["service_account"]);
    })
}

#[test]
fn a_proxy_gets_the_bytes_of_its_user_and_password() {
    for (credentials, expected) in CREDENTIALS {
        assert_eq!(
            credentials_of_library(credentials).as_deref(),
            Some(expected),
            "{credentials}"
        );
    }
    // curl refuses it; Go, Python and browsers read it so.
    assert_eq!(
        credentials_of_library("ada:p@ss").as_deref(),
        Some(&b"ada:p@ss"[..])
    );
}

#[test]
#[ignore = "needs curl; tests/run runs it"]
fn curl_sends_a_proxy_the_same_user_and_password() {
    for (credentials, expected) in CREDENTIALS {
        let sent = credentials_of(|port| {
            let mut curl = clean("curl");
            curl.env("http_proxy", format!("http://{credentials}@127.0.0.1:{port}"));
            curl.args(["-s", "-m", "10", "http://connect.example.test/"]);
            run(&mut curl);
        });
        assert_eq!(sent.as_deref(), Some(expected), "{credentials}");
    }
}
