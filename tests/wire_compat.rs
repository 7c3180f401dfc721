//! Our requests equal those of other clients: posit-sdk for Python and connectcreds for R.

mod support;

use std::collections::BTreeSet;

use connect_standin::{Recorded, Standin};
use support::host::Host;
use support::{clean, library, root, run};

/// Headers that may differ between clients: the user agent, and details of HTTP.
const OWN: [&str; 4] = ["accept", "accept-encoding", "connection", "user-agent"];

/// Returns the header fields that must be equal, sorted by name.
fn headers_that_matter(request: &Recorded) -> BTreeSet<(&str, &str)> {
    request
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| !OWN.contains(name))
        .collect()
}

/// Returns posit-sdk's requests and ours, alternating, from a process with the variables of `connect` and
/// `environment`.
#[track_caller]
fn assert_posit_sdk_sends_the_same(connect: &Standin, environment: &[(&str, &str)]) {
    let python = std::env::var_os("CONNECTCREDS_PEERS_PYTHON")
        .expect("CONNECTCREDS_PEERS_PYTHON names a Python that has posit-sdk; tests/run sets it");
    run(clean(python)
        .arg(root().join("tests/programs/python/posit_sdk.py"))
        .arg(library())
        .arg(connect.viewer_token("alice"))
        .arg(connect.integration())
        .envs(connect.environment())
        .envs(environment.iter().copied()));

    let requests = connect.requests();
    assert_eq!(requests.len(), 10, "five questions, each asked twice");
    for pair in requests.chunks(2) {
        let (theirs, ours) = (&pair[0], &pair[1]);
        assert_eq!(ours.body, theirs.body);
        assert_eq!(ours.method, theirs.method);
        assert_eq!(ours.path, theirs.path);
        assert_eq!(headers_that_matter(ours), headers_that_matter(theirs));
        let matter = headers_that_matter(ours);
        for (name, value) in [
            ("authorization", format!("Key {}", connect.api_key())),
            ("content-type", "application/x-www-form-urlencoded".to_owned()),
        ] {
            assert!(matter.contains(&(name, value.as_str())), "{matter:?}");
        }
        let is_from =
            |request: &Recorded, who| request.header("user-agent").is_some_and(|it| it.starts_with(who));
        assert!(is_from(theirs, "python-requests/") && is_from(ours, "connectcreds/"));
    }
}

#[test]
#[ignore = "needs Python with posit-sdk; tests/run runs it"]
fn posit_sdk_sends_the_same_requests() {
    assert_posit_sdk_sends_the_same(&Standin::start(), &[]);
}

#[test]
#[ignore = "needs Python with posit-sdk; tests/run runs it"]
fn posit_sdk_understands_every_form_of_the_server_the_same_way() {
    for (mount, end) in [
        ("", "/"),
        ("", "/__api__"),
        ("/rsc", ""),
        ("/rsc", "/"),
        ("/rsc", "/__api__/"),
    ] {
        let connect = Standin::builder().mount(mount).start().expect("started");
        let server = connect.url() + end;
        assert_posit_sdk_sends_the_same(&connect, &[("CONNECT_SERVER", &server)]);
    }
}

#[test]
#[ignore = "needs Python with posit-sdk; tests/run runs it"]
fn posit_sdk_takes_the_content_token_from_the_same_place() {
    // From the file, which Connect has rewritten since the process started with the variable.
    let connect = Standin::start();
    connect.rotate_content_token();
    let path = connect.content_token_file().to_str().expect("UTF-8").to_owned();
    assert_posit_sdk_sends_the_same(&connect, &[("CONNECT_CONTENT_SESSION_TOKEN_FILE", &path)]);

    // From the variable, if there is no such file.
    let connect = Standin::start();
    assert_posit_sdk_sends_the_same(
        &connect,
        &[("CONNECT_CONTENT_SESSION_TOKEN_FILE", "/nonexistent")],
    );
}

/// The parameters that connectcreds 0.2 sends for its arguments, in httr2's order.
#[test]
fn the_parameters_are_those_of_connectcreds() {
    let connect = Standin::start();
    let viewer = connect.viewer_token("alice");
    let grant = ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
    let content = [
        grant,
        ("subject_token_type", "urn:posit:connect:content-session-token"),
        ("subject_token", connect.content_token()),
    ];
    let user = [
        grant,
        ("subject_token_type", "urn:posit:connect:user-session-token"),
        ("subject_token", viewer.as_str()),
    ];
    let resource = ("resource", "https://example.snowflakecomputing.com");
    let scope = ("scope", "https://storage.azure.com/.default offline_access");
    let id_token = (
        "requested_token_type",
        "urn:ietf:params:oauth:token-type:id_token",
    );
    let audience = ("audience", connect.integration());

    // connect_service_account_token(), connect_viewer_token(session), connect_workload_token(): the call, its
    // arguments, and the other parameters that are sent.
    type Params<'a> = &'a [(&'a str, &'a str)];
    let calls: [(&[&str], Params<'_>, Params<'_>, Params<'_>); 9] = [
        (&["service_account"], &[], &content, &[]),
        (&["service_account"], &[resource], &content, &[]),
        (&["service_account"], &[scope], &content, &[]),
        (&["service_account"], &[resource, scope], &content, &[]),
        (&["viewer", &viewer], &[], &user, &[]),
        (&["viewer", &viewer], &[resource, scope], &user, &[]),
        (&["workload"], &[], &content, &[id_token]),
        (&["workload"], &[audience], &content, &[id_token]),
        (&["workload"], &[resource, scope], &content, &[id_token]),
    ];
    let mut host = Host::on(&connect);
    for (call, arguments, subject, kind) in calls {
        host.call(&["request"]);
        for (name, value) in arguments {
            host.ok(&["set", name, value]);
        }
        host.ok(call);
        let sent = connect.requests().pop().expect("it was sent").form();
        let expected: BTreeSet<_> = [subject, kind, arguments].concat().into_iter().collect();
        assert_eq!(
            sent.len(),
            expected.len(),
            "{call:?} {arguments:?}: nothing twice, nothing more"
        );
        let sent: BTreeSet<_> = sent
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(sent, expected, "{call:?} {arguments:?}");
    }
}
