//! Certificate files that come late, change, or cannot be read, as a C host sees it.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use connect_standin::Standin;
use support::host::{Host, Outcome};
use support::run;
use tempfile::TempDir;

fn path(path: &Path) -> &str {
    path.to_str().expect("paths here are UTF-8")
}

/// A directory, and the path of a file in it that does not exist.
fn no_file_yet() -> (TempDir, PathBuf) {
    let directory = TempDir::new().expect("a directory can be made");
    let file = directory.path().join("ca.pem");
    (directory, file)
}

/// The authority of `server`, in PEM form.
fn authority(server: &Standin) -> Vec<u8> {
    fs::read(server.ca_certificate_file()).expect("the stand-in wrote it")
}

/// A host whose every call makes an exchange. Nothing but `changes` vouches for `connect`.
fn host(connect: &Standin, changes: &[(&str, &str)]) -> Host {
    let mut host = Host::changed(connect, &[&[("SSL_CERT_FILE", "")], changes].concat());
    host.configure(&[]);
    host
}

/// The warnings of the log on standard error.
fn warnings(host: &Host) -> Vec<String> {
    let errors = host.errors();
    let lines = errors
        .lines()
        .filter(|line| line.starts_with("connectcreds warning: "));
    let ours = lines.filter(|line| !line.contains("exchange failed"));
    ours.map(ToOwned::to_owned).collect()
}

#[track_caller]
fn assert_retryable(outcome: &Outcome, words: &str) {
    assert_eq!(
        (&outcome["status"], &outcome["retryable"]),
        ("CC_ERR_NETWORK", "1"),
        "{outcome:?}"
    );
    assert!(outcome["message"].contains(words), "{outcome:?}");
}

#[test]
fn a_certificate_file_that_is_missing_is_told_of_and_read_when_it_comes() {
    let connect = Standin::start_tls();
    let (_directory, file) = no_file_yet();
    let mut host = host(&connect, &[("SSL_CERT_FILE", path(&file))]);
    for _ in 0..2 {
        let message = host.fails(&["service_account"], "CC_ERR_TLS");
        for words in ["SSL_CERT_FILE", path(&file), "No such file"] {
            assert!(message.contains(words), "{words}: {message}");
        }
    }
    let warned = warnings(&host);
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert!(
        warned[0].contains(path(&file)) && warned[0].contains("No such file"),
        "{warned:?}"
    );

    let line = |host: &mut Host| {
        let report = host.call(&["report"])["report"].to_owned();
        let mut lines = report.split("\\n");
        let line = lines.find(|line| line.contains("certificate authorities"));
        line.expect("the report has it").to_owned()
    };
    let before = line(&mut host);
    for words in [": 0 from SSL_CERT_FILE, ", path(&file), "No such file"] {
        assert!(before.contains(words), "{words}: {before}");
    }

    fs::write(&file, authority(&connect)).expect("the directory is ours");
    host.ok(&["service_account"]);
    let after = line(&mut host);
    assert!(after.contains(": 1 from SSL_CERT_FILE, "), "{after}");
    assert!(!after.contains("No such file"), "{after}");
}

#[test]
fn a_certificate_file_that_holds_none_is_told_of() {
    let connect = Standin::start_tls();
    let (_directory, file) = no_file_yet();
    fs::write(&file, "no certificate\n").expect("the directory is ours");
    let message = host(&connect, &[("SSL_CERT_FILE", path(&file))]).fails(&["service_account"], "CC_ERR_TLS");
    assert!(
        message.contains("SSL_CERT_FILE") && message.contains(path(&file)),
        "{message}"
    );
}

#[test]
fn a_certificate_file_that_changes_is_read_again() {
    let (one, other) = (Standin::start_tls(), Standin::start_tls());
    for variable in ["SSL_CERT_FILE", "CONNECT_CA_CERTIFICATE", "the CA bundle"] {
        for rename in [false, true] {
            let (directory, file) = no_file_yet();
            let replace = |contents: Vec<u8>| {
                let written = match rename {
                    true => directory.path().join("new.pem"),
                    false => file.clone(),
                };
                fs::write(&written, contents).expect("the directory is ours");
                fs::rename(&written, &file).expect("it is in the same directory");
            };
            replace(authority(&one));
            let mut host = match variable {
                "the CA bundle" => host(&one, &[]),
                variable => host(&one, &[(variable, path(&file))]),
            };
            if variable == "the CA bundle" {
                host.ok(&["set", "ca_bundle", path(&file)]);
            }
            host.ok(&["service_account"]);
            replace(authority(&other));
            host.fails(&["service_account"], "CC_ERR_TLS");
            replace(authority(&one));
            host.ok(&["service_account"]);
        }
    }
}

#[test]
fn a_file_in_a_certificate_directory_that_changes_is_read_again() {
    let (connect, other) = (Standin::start_tls(), Standin::start_tls());
    let (directory, file) = no_file_yet();
    let mut host = host(&connect, &[("SSL_CERT_DIR", path(directory.path()))]);
    host.fails(&["service_account"], "CC_ERR_TLS");
    // One that comes is noticed at once, one that is written to a little later.
    fs::write(&file, authority(&connect)).expect("the directory is ours");
    host.ok(&["service_account"]);
    fs::write(&file, authority(&other)).expect("the directory is ours");
    host.call(&["advance", "11"]);
    host.fails(&["service_account"], "CC_ERR_TLS");
}

#[test]
fn a_certificate_file_that_is_written_with_the_same_contents_costs_no_connection() {
    let connect = Standin::start_tls();
    let (_directory, file) = no_file_yet();
    for _ in 0..3 {
        fs::write(&file, authority(&connect)).expect("the directory is ours");
        let mut host = host(&connect, &[("SSL_CERT_FILE", path(&file))]);
        connect.reset_counts();
        for _ in 0..3 {
            fs::write(&file, authority(&connect)).expect("the directory is ours");
            host.ok(&["service_account"]);
        }
        assert_eq!((connect.exchanges(), connect.connections()), (3, 1));
    }
}

#[test]
fn a_ca_bundle_whose_file_is_gone_or_spoilt_stays_as_it_was() {
    let connect = Standin::start_tls();
    let (_directory, file) = no_file_yet();
    fs::write(&file, authority(&connect)).expect("the directory is ours");
    let mut host = host(&connect, &[]);
    host.ok(&["set", "ca_bundle", path(&file)]);
    fs::write(&file, "no certificate\n").expect("the directory is ours");
    for _ in 0..2 {
        host.ok(&["service_account"]);
    }
    fs::remove_file(&file).expect("the directory is ours");
    for _ in 0..2 {
        host.ok(&["service_account"]);
    }
    let warned = warnings(&host);
    assert!(warned.iter().all(|line| line.contains("CA bundle")), "{warned:?}");
    assert!(
        warned.last().is_some_and(|line| line.contains("No such file")),
        "{warned:?}"
    );
}

#[test]
fn without_descriptors_certificates_are_a_retryable_error_and_read_later() {
    let (http, https) = (Standin::start(), Standin::start_tls());
    let (directory, file) = no_file_yet();
    fs::write(&file, authority(&https)).expect("the directory is ours");
    for variable in ["SSL_CERT_FILE", "SSL_CERT_DIR", "CONNECT_CA_CERTIFICATE"] {
        let value = match variable {
            "SSL_CERT_DIR" => directory.path(),
            _ => &file,
        };
        let mut host = host(&http, &[(variable, path(value))]);
        host.ok(&["set", "max_attempts", "1"]);
        // What an exchange needs beside certificates is there.
        host.ok(&["service_account"]);
        for (name, value) in [
            ("server_url", https.url()),
            ("content_token", https.content_token().to_owned()),
            ("api_key", https.api_key().to_owned()),
        ] {
            host.ok(&["set", name, &value]);
        }
        host.call(&["limit_files", "0"]);
        assert_retryable(&host.call(&["service_account"]), "certificates in");
        host.call(&["limit_files", "(null)"]);
        host.ok(&["service_account"]);
    }
}

#[test]
fn without_descriptors_a_ca_bundle_is_a_retryable_error() {
    let connect = Standin::start_tls();
    let mut host = host(&connect, &[]);
    host.call(&["limit_files", "0"]);
    let file = path(connect.ca_certificate_file());
    assert_retryable(&host.call(&["set", "ca_bundle", file]), "Too many open files");
    host.call(&["limit_files", "(null)"]);
    host.ok(&["set", "ca_bundle", file]);
    host.ok(&["service_account"]);
}

#[test]
fn a_fifo_in_place_of_certificates_is_an_error_and_blocks_no_call() {
    let connect = Standin::start_tls();
    let (directory, fifo) = no_file_yet();
    run(Command::new("mkfifo").arg(&fifo));
    for variable in ["SSL_CERT_FILE", "CONNECT_CA_CERTIFICATE"] {
        let mut host = host(&connect, &[(variable, path(&fifo))]);
        // The child gives up after ten seconds.
        let outcome = host.call(&["in_child", "service_account"]);
        assert_eq!(outcome["child_signal"], *"0", "{variable}");
        let message = &outcome["message"];
        assert_eq!(outcome["status"], *"CC_ERR_TLS", "{message}");
        for words in [variable, path(&fifo), "a FIFO, not a regular file"] {
            assert!(message.contains(words), "{words}: {message}");
        }
    }
    let mut named = host(&connect, &[("SSL_CERT_DIR", path(directory.path()))]);
    let outcome = named.call(&["in_child", "service_account"]);
    assert_eq!(
        (&outcome["child_signal"], &outcome["status"]),
        ("0", "CC_ERR_TLS"),
        "{outcome:?}"
    );
    let outcome = named.call(&["in_child", "set", "ca_bundle", path(&fifo)]);
    assert_eq!(
        (&outcome["child_signal"], &outcome["status"]),
        ("0", "CC_ERR_INVALID_ARGUMENT"),
        "{outcome:?}"
    );
}
