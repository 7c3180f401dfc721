//! Connect behind a real nginx: private certificate authorities, redirects from http to https, a mount.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use connect_standin::{Authority, Certificate, ENDPOINT, Order, Recorded, Standin};
use support::host::Host;
use support::nginx::Nginx;
use support::run;
use tempfile::TempDir;

/// Starts a host with the server URL `server`.
fn host_at(connect: &Standin, server: &str, changes: &[(&str, &str)]) -> Host {
    Host::changed(connect, &[&[("CONNECT_SERVER", server)], changes].concat())
}

fn path(path: &Path) -> &str {
    path.to_str().expect("paths here are UTF-8")
}

/// Asserts that the POST arrived with its body and its key, at `at`.
#[track_caller]
fn assert_whole(request: &Recorded, connect: &Standin, at: &str) {
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", at));
    assert_eq!(
        request.header("authorization"),
        Some(format!("Key {}", connect.api_key()).as_str())
    );
    assert_eq!(
        request.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert_eq!(
        request.param("subject_token").as_deref(),
        Some(connect.content_token())
    );
}

// Trusted authorities

#[test]
#[ignore = "needs nginx; tests/run runs it"]
fn nginx_speaks_tls_1_2_and_1_3_from_a_private_authority() {
    let connect = Standin::start();
    for (protocols, spoken) in [
        ("TLSv1.2", "TLSv1.2"),
        ("TLSv1.3", "TLSv1.3"),
        ("TLSv1.2 TLSv1.3", "TLSv1.3"),
    ] {
        let nginx = Nginx::before(&connect).protocols(protocols).start();
        let mut host = host_at(&connect, &nginx.https(), &[]);
        host.ok(&["set", "ca_bundle", path(&nginx.authority())]);
        host.configure(&[]);
        for _ in 0..3 {
            host.ok(&["service_account"]);
        }
        let seen = nginx.seen(3);
        assert!(seen.iter().all(|request| request.tls == spoken), "{seen:?}");
        assert!(
            seen.iter()
                .all(|request| request.connection == seen[0].connection),
            "one connection was kept: {seen:?}"
        );
    }
    for request in connect.requests() {
        assert_whole(&request, &connect, ENDPOINT);
    }
}

#[test]
#[ignore = "needs nginx; tests/run runs it"]
fn nginx_is_trusted_by_every_way_to_name_its_authority() {
    let connect = Standin::start();
    let nginx = Nginx::before(&connect).start();
    let authority = nginx.authority();

    // Files named by their hash, as OpenSSL's rehash creates them.
    let directory = TempDir::new().expect("a directory can be made");
    fs::copy(&authority, directory.path().join("private.pem")).expect("it is ours");
    run(Command::new("openssl").arg("rehash").arg(directory.path()));
    let listed = format!("/nonexistent:{}", path(directory.path()));

    for (name, value) in [
        ("CONNECT_CA_CERTIFICATE", path(&authority)),
        ("SSL_CERT_FILE", path(&authority)),
        ("SSL_CERT_DIR", path(directory.path())),
        ("SSL_CERT_DIR", &listed),
    ] {
        host_at(&connect, &nginx.https(), &[(name, value)]).ok(&["service_account"]);
    }

    // A bundle of several certificates, in addition to the system's.
    let several = directory.path().join("several.pem");
    let other = Authority::new().expect("a key can be made");
    let both = other.pem() + &fs::read_to_string(&authority).expect("it is ours");
    fs::write(&several, both).expect("the directory is ours");
    host_at(
        &connect,
        &nginx.https(),
        &[
            ("CONNECT_CA_CERTIFICATE", path(&several)),
            ("SSL_CERT_FILE", "/nonexistent"),
        ],
    )
    .ok(&["service_account"]);
}

#[test]
#[ignore = "needs nginx; tests/run runs it"]
fn nginx_is_trusted_or_not_as_the_bundle_is_changed() {
    let connect = Standin::start();
    let nginx = Nginx::before(&connect).start();
    let other = Nginx::before(&connect).start();
    let mut host = host_at(&connect, &nginx.https(), &[]);
    host.configure(&[]);
    host.fails(&["service_account"], "CC_ERR_TLS");
    for _ in 0..2 {
        host.ok(&["set", "ca_bundle", path(&nginx.authority())]);
        host.ok(&["service_account"]);
        host.ok(&["set", "ca_bundle", path(&other.authority())]);
        host.fails(&["service_account"], "CC_ERR_TLS");
    }
    host.ok(&["set", "ca_bundle", path(&nginx.authority())]);
    host.ok(&["service_account"]);
    host.ok(&["set", "ca_bundle", "(null)"]);
    host.fails(&["service_account"], "CC_ERR_TLS");
}

#[test]
#[ignore = "needs nginx; tests/run runs it"]
fn nginx_that_cannot_be_trusted_is_a_tls_error_that_says_why() {
    let connect = Standin::start();
    for (certificate, trusted, words) in [
        (
            Certificate::Good,
            false,
            &["issuer", "CONNECT_CA_CERTIFICATE"][..],
        ),
        (Certificate::Expired, true, &["expired"]),
        (Certificate::WrongName, true, &["name", "elsewhere.example.com"]),
    ] {
        let nginx = Nginx::before(&connect).certificate(certificate).start();
        let mut host = host_at(&connect, &nginx.https(), &[]);
        if trusted {
            host.ok(&["set", "ca_bundle", path(&nginx.authority())]);
        }
        let outcome = host.call(&["service_account"]);
        assert_eq!(outcome["status"], *"CC_ERR_TLS", "{outcome:?}");
        assert_eq!(
            (&outcome["http_status"], &outcome["retryable"]),
            ("0", "0"),
            "{outcome:?}"
        );
        for words in words.iter().copied().chain([nginx.https_address().as_str()]) {
            assert!(outcome["message"].contains(words), "{words}: {outcome:?}");
        }
    }
    assert_eq!(connect.exchanges(), 0);
}

#[test]
fn an_unusable_bundle_is_rejected_at_once_and_changes_nothing() {
    let connect = Standin::start_tls();
    let directory = TempDir::new().expect("a directory can be made");
    let signed = Authority::new()
        .and_then(|authority| authority.sign(Certificate::Good))
        .expect("a key can be made");
    let malformed = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let files = [
        ("empty", String::new(), "none"),
        ("text", "no certificate\n".to_owned(), "none"),
        ("key", signed.key_pem(), "none"),
        ("malformed", malformed.to_owned(), "malformed"),
        ("half", signed.certificate_pem()[..200].to_owned(), "PEM"),
    ];
    let mut refused = vec![
        ("/nonexistent/ca.pem".to_owned(), "No such file"),
        (path(directory.path()).to_owned(), "directory"),
    ];
    for (name, contents, why) in files {
        let file = directory.path().join(name);
        fs::write(&file, contents).expect("the directory is ours");
        refused.push((path(&file).to_owned(), why));
    }
    let mut host = Host::on(&connect);
    host.configure(&[]);
    for (file, why) in &refused {
        let message = host.fails(&["set", "ca_bundle", file], "CC_ERR_INVALID_ARGUMENT");
        assert!(
            message.contains(why) && message.contains(file),
            "{file}: {message}"
        );
        host.ok(&["service_account"]);

        // A path from the environment is only checked when it is needed.
        let mut told = Host::changed(&connect, &[("CONNECT_CA_CERTIFICATE", file)]);
        let message = told.fails(&["service_account"], "CC_ERR_TLS");
        assert!(
            message.contains(why) && message.contains(file),
            "{file}: {message}"
        );
        assert!(message.contains("CONNECT_CA_CERTIFICATE"), "{message}");
    }
    host.fails(&["set", "ca_bundle", "\\xff"], "CC_ERR_INVALID_ARGUMENT");
}

#[test]
fn a_machine_without_roots_does_plain_http_and_says_what_https_lacks() {
    let (http, https) = (Standin::start(), Standin::start_tls());
    let nothing = TempDir::new().expect("a directory can be made");
    let without_roots = [
        ("SSL_CERT_FILE", "/nonexistent"),
        ("SSL_CERT_DIR", path(nothing.path())),
    ];
    Host::changed(&http, &without_roots).ok(&["service_account"]);
    let message = Host::changed(&https, &without_roots).fails(&["service_account"], "CC_ERR_TLS");
    assert!(message.contains("CONNECT_CA_CERTIFICATE"), "{message}");
    let authority = path(https.ca_certificate_file());
    let with_one = [&without_roots[..], &[("CONNECT_CA_CERTIFICATE", authority)]].concat();
    Host::changed(&https, &with_one).ok(&["service_account"]);
}

// Redirects and mounts

#[test]
#[ignore = "needs nginx; tests/run runs it"]
fn nginx_redirects_to_https_and_the_post_arrives_with_its_body_and_key() {
    for status in [301, 302, 307, 308] {
        let connect = Standin::start();
        let nginx = Nginx::before(&connect).redirect(status).start();
        let authority = nginx.authority();
        let trusting = [("CONNECT_CA_CERTIFICATE", path(&authority))];
        host_at(&connect, &nginx.http(), &trusting).ok(&["service_account"]);
        let seen = nginx.seen(2);
        assert_eq!((seen[0].status, seen[0].tls.as_str()), (status, "-"), "{seen:?}");
        assert_eq!(
            (seen[1].status, seen[1].tls.as_str()),
            (200, "TLSv1.3"),
            "{seen:?}"
        );
        let requests = connect.requests();
        assert_eq!(requests.len(), 1, "{status}");
        assert_whole(&requests[0], &connect, ENDPOINT);
    }
}

#[test]
#[ignore = "needs nginx; tests/run runs it"]
fn nginx_redirects_with_303_and_nothing_follows() {
    let connect = Standin::start();
    let nginx = Nginx::before(&connect).redirect(303).start();
    let authority = nginx.authority();
    let trusting = [("CONNECT_CA_CERTIFICATE", path(&authority))];
    let outcome = host_at(&connect, &nginx.http(), &trusting).call(&["service_account"]);
    assert_eq!(
        (&outcome["status"], &outcome["http_status"], &outcome["retryable"]),
        ("CC_ERR_BAD_RESPONSE", "303", "0"),
        "{outcome:?}"
    );
    assert!(outcome["message"].contains(&nginx.https_address()), "{outcome:?}");
    assert_eq!(nginx.seen(1).len(), 1);
    assert!(connect.requests().is_empty());
}

#[test]
#[ignore = "needs nginx; tests/run runs it"]
fn nginx_redirects_to_another_server_and_nothing_is_sent_there() {
    let (connect, elsewhere, secure) = (Standin::start(), Standin::start(), Standin::start_tls());
    let port = |server: &Standin| server.url().rsplit(':').next().expect("a port").to_owned();
    for (from_https, location) in [
        // A different host, a different port, https to http.
        (false, format!("http://localhost:{}/x", port(&elsewhere))),
        (false, format!("https://localhost:{}/x", port(&secure))),
        (false, format!("{}/x", elsewhere.url())),
        (true, format!("{}/x", secure.url())),
        (true, format!("{}/x", elsewhere.url())),
    ] {
        for status in [301, 302, 307, 308] {
            let nginx = Nginx::before(&connect).redirect_to(status, &location).start();
            let server = if from_https { nginx.https() } else { nginx.http() };
            let mut host = host_at(&connect, &server, &[]);
            host.ok(&["set", "ca_bundle", path(&nginx.authority())]);
            let outcome = host.call(&["service_account"]);
            assert_eq!(
                (&outcome["status"], &outcome["http_status"], &outcome["retryable"]),
                ("CC_ERR_BAD_RESPONSE", status.to_string().as_str(), "0"),
                "{outcome:?}"
            );
            assert!(outcome["message"].contains(&location), "{outcome:?}");
            assert_eq!(nginx.seen(1).len(), 1, "it is not tried again");
        }
    }
    for server in [&connect, &elsewhere, &secure] {
        assert_eq!((server.connections(), server.requests().len()), (0, 0));
    }
}

#[test]
fn a_redirect_that_names_secrets_puts_none_of_them_into_the_message() {
    let connect = Standin::start();
    connect.order(Order::Redirect {
        status: 307,
        location: format!("https://elsewhere.example.com/?key={}", connect.api_key()),
    });
    let message = Host::on(&connect).fails(&["service_account"], "CC_ERR_BAD_RESPONSE");
    assert!(message.contains("https://elsewhere.example.com/"), "{message}");
}

#[test]
#[ignore = "needs nginx; tests/run runs it"]
fn nginx_redirects_five_times_and_no_more() {
    for status in [307, 308] {
        let connect = Standin::start();
        let nginx = Nginx::before(&connect).redirect(status).start();
        let authority = nginx.authority();
        let trusting = [("CONNECT_CA_CERTIFICATE", path(&authority))];
        for hops in 1..=5 {
            let server = format!("{}/hops/{hops}/", nginx.https());
            host_at(&connect, &server, &trusting).ok(&["service_account"]);
        }
        for request in connect.requests() {
            assert_whole(&request, &connect, ENDPOINT);
        }
        let message = host_at(&connect, &format!("{}/hops/6/", nginx.https()), &trusting)
            .fails(&["service_account"], "CC_ERR_BAD_RESPONSE");
        assert!(message.contains("redirects"), "{message}");
        assert_eq!(connect.exchanges(), 5);
    }
}

#[test]
#[ignore = "needs nginx; tests/run runs it"]
fn nginx_mounts_connect_under_a_path_also_behind_a_redirect() {
    let connect = Standin::start();
    let nginx = Nginx::before(&connect).start();
    let authority = nginx.authority();
    let trusting = [("CONNECT_CA_CERTIFICATE", path(&authority))];
    let mut asked = 0;
    for base in [nginx.https(), nginx.http()] {
        for mount in ["/rsc", "/rsc/", "/rsc//", "/rsc/__api__", "/rsc/__api__/"] {
            host_at(&connect, &format!("{base}{mount}"), &trusting).ok(&["service_account"]);
            asked += if base == nginx.https() { 1 } else { 2 };
        }
    }
    let mounted = format!("/rsc{ENDPOINT}");
    assert!(nginx.seen(asked).iter().all(|request| request.path == mounted));
    assert_eq!(connect.exchanges(), 10);
    for request in connect.requests() {
        assert_whole(&request, &connect, ENDPOINT);
    }
}

#[test]
#[ignore = "needs nginx; tests/run runs it"]
fn nginx_that_goes_away_is_a_network_error_and_no_end_of_the_host() {
    let connect = Standin::start();
    let nginx = Nginx::before(&connect).start();
    let mut host = host_at(&connect, &nginx.https(), &[]);
    host.ok(&["set", "ca_bundle", path(&nginx.authority())]);
    host.configure(&[]);
    host.ok(&["service_account"]);
    drop(nginx);
    for _ in 0..3 {
        let outcome = host.call(&["service_account"]);
        assert_eq!(
            (&outcome["status"], &outcome["retryable"]),
            ("CC_ERR_NETWORK", "1"),
            "{outcome:?}"
        );
    }
    assert_eq!(host.call(&["sigpipe"])["sigpipe"], *"untouched");
    host.ok(&["set", "server_url", &connect.url()]);
    host.ok(&["service_account"]);
}

// User agent and connections

#[test]
fn the_server_is_told_who_asks() {
    let connect = Standin::start();
    Host::on(&connect).ok(&["service_account"]);
    let expected = format!("connectcreds/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(connect.requests()[0].header("user-agent"), Some(&*expected));
}

#[test]
fn the_servers_name_for_a_request_is_in_every_message_about_its_answer() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    host.configure(&[("max_attempts", "1")]);
    let answer = |status, body: &str| Order::Raw {
        status,
        headers: vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("x-request-id".to_owned(), "request-4711".to_owned()),
        ],
        body: body.as_bytes().to_vec(),
    };
    let large = "x".repeat(1024 * 1024 + 1);
    for (order, status) in [
        (answer(400, r#"{"error":"invalid_request"}"#), "CC_ERR_REFUSED"),
        (answer(502, "<h1>Bad gateway</h1>"), "CC_ERR_BAD_RESPONSE"),
        (answer(200, "{}"), "CC_ERR_BAD_RESPONSE"),
        (answer(200, &large), "CC_ERR_BAD_RESPONSE"),
        (answer(303, ""), "CC_ERR_BAD_RESPONSE"),
    ] {
        connect.order(order);
        let message = host.fails(&["service_account"], status);
        assert!(message.contains("request-4711"), "{message}");
    }
}

#[test]
fn a_connection_is_kept_and_used_again() {
    for connect in [Standin::start(), Standin::start_tls()] {
        let mut host = Host::on(&connect);
        host.configure(&[("max_attempts", "1")]);
        for _ in 0..10 {
            host.ok(&["service_account"]);
            host.ok(&["viewer", &connect.viewer_token("ada")]);
        }
        // After an error response, the connection is used again.
        connect.order(Order::ConnectError {
            status: 403,
            code: 22,
            error: "No.".to_owned(),
        });
        host.fails(&["service_account"], "CC_ERR_REFUSED");
        host.ok(&["service_account"]);
        assert_eq!((connect.connections(), connect.exchanges()), (1, 22));
        // Clearing the cache closes what is kept: buffers of a connection may hold secrets.
        host.call(&["clear"]);
        host.ok(&["service_account"]);
        assert_eq!(connect.connections(), 2);
    }
}
