//! Connect behind a real forward proxy. Only the proxy resolves the server's name, so a request that
//! arrives came through it.

mod support;

use connect_standin::{ENDPOINT, Standin};
use support::host::Host;
use support::proxy::{NAME, OTHER_NAME, PASSWORD, Proxy, USER, named};
use support::socks::Socks;

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
