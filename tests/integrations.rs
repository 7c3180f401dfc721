//! Which integration a call uses: by name, by template, by GUID. The table of cases, from C, against a server and in mocks.

mod support;

use std::process::Command;
use std::sync::OnceLock;

use connect_standin::{Integration, Listing, Order, Standin};
use support::host::Host;
use support::{clean, compile, root, run};

const REFUSED: &str = "CC_ERR_REFUSED";

/// Two of a name, of two kinds; one of another template.
fn three(connect: &Standin) -> Vec<Integration> {
    let all = vec![
        Integration::new("Warehouse", "databricks", "Service Account"),
        Integration::new("Warehouse", "databricks", "Viewer"),
        Integration::new("Files", "aws", "Service Account"),
    ];
    connect.set_integrations(all.clone());
    all
}

/// A host in which every call performs an exchange, and the calls name `integration`.
fn naming(connect: &Standin, integration: &str) -> Host {
    let mut host = Host::on(connect);
    host.configure(&[]);
    host.ok(&["set", "integration", integration]);
    host
}

/// The audience of the last exchange.
fn audience(connect: &Standin) -> Option<String> {
    let requests = connect.requests();
    let mut exchanges = requests.iter().filter(|request| request.method == "POST");
    exchanges.next_back().expect("an exchange").param("audience")
}

fn assert_uses(connect: &Standin, integration: &str, call: &[&str], guid: &str) {
    naming(connect, integration).ok(call);
    assert_eq!(
        audience(connect).as_deref(),
        Some(guid),
        "{integration}, {call:?}"
    );
}

#[test]
fn an_integration_is_used_by_its_name_template_or_guid() {
    let connect = Standin::start();
    let all = three(&connect);
    let viewer = connect.viewer_token("alice");
    let (content, viewer): (&[&str], &[&str]) = (&["service_account"], &["viewer", &viewer]);
    for name in ["Warehouse", " wareHOUSE "] {
        assert_uses(&connect, name, content, &all[0].guid);
        assert_uses(&connect, name, &["workload"], &all[0].guid);
        assert_uses(&connect, name, viewer, &all[1].guid);
    }
    assert_uses(&connect, "Files", viewer, &all[2].guid);
    assert_uses(&connect, "AWS", content, &all[2].guid);
    connect.reset_counts();
    assert_uses(&connect, &all[1].guid, content, &all[1].guid);
    assert_eq!(connect.lists(), 0, "a GUID needs no list");
}

#[test]
fn a_name_that_means_none_or_several_is_refused_with_what_there_is() {
    let connect = Standin::start();
    let all = three(&connect);
    let message = naming(&connect, "databricks").fails(&["service_account"], REFUSED);
    for part in [
        "2 integrations of this content match \"databricks\".".to_owned(),
        format!("\"Warehouse\" (databricks, Viewer), GUID {}", all[1].guid),
    ] {
        assert!(message.contains(&part), "{message}");
    }
    let message = naming(&connect, "Wherehouse").fails(&["service_account"], REFUSED);
    assert!(
        message.contains("no integration called \"Wherehouse\""),
        "{message}"
    );
    for each in &all {
        assert!(message.contains(&each.guid), "{message}");
    }
    assert_eq!(connect.exchanges(), 0);

    connect.set_integrations([]);
    let message = naming(&connect, "Files").fails(&["service_account"], REFUSED);
    assert!(message.contains("No integrations are associated"), "{message}");
}

#[test]
fn a_list_that_cannot_be_had_is_an_error_that_says_what_to_do() {
    let connect = Standin::start();
    connect.set_listing(Listing::Forbidden);
    let mut host = naming(&connect, "Stand-in");
    let outcome = host.call(&["service_account"]);
    assert_eq!(outcome["status"], *REFUSED, "{outcome:?}");
    assert_eq!(outcome["http_status"], *"403", "{outcome:?}");
    assert!(outcome["message"].contains("publisher's rights"), "{outcome:?}");
    host.fails(&["integrations"], REFUSED);

    connect.set_listing(Listing::Missing);
    let message = naming(&connect, "Stand-in").fails(&["service_account"], "CC_ERR_BAD_RESPONSE");
    assert!(message.contains("too old to list integrations"), "{message}");

    let mut host = Host::changed(&connect, &[("CONNECT_CONTENT_GUID", "")]);
    host.call(&["request"]);
    host.ok(&["set", "integration", "Stand-in"]);
    let message = host.fails(&["service_account"], "CC_ERR_NOT_SUPPORTED");
    // It is not the server's version that is at fault.
    let first = "Cannot fetch service account credentials from the Connect server.";
    assert!(message.starts_with(first), "{message}");
    assert!(message.contains("CONNECT_CONTENT_GUID is not set"), "{message}");
    host.fails(&["integrations"], "CC_ERR_NOT_SUPPORTED");
    host.ok(&["set", "integration", connect.integration()]);
    host.ok(&["service_account"]);
}

#[test]
fn a_server_that_does_not_say_the_kind_is_understood() {
    let connect = Standin::start();
    let all = [
        Integration::new("Warehouse", "databricks", ""),
        Integration::new("Files", "aws", ""),
    ];
    connect.set_integrations(all.clone());
    assert_uses(&connect, "warehouse", &["service_account"], &all[0].guid);
    let list = Host::on(&connect).ok(&["integrations"]);
    assert_eq!(list["count"], *"2");
    assert_eq!(list["integration.1"], *"-|aws|Files|-");
}

#[test]
fn integrations_are_listed_as_the_server_does() {
    let connect = Standin::builder().mount("rsc").start().expect("starts");
    three(&connect);
    let mut host = Host::on(&connect);
    let list = host.ok(&["integrations"]);
    assert_eq!(list["count"], *"3");
    assert_eq!(list["integration.1"], *"Viewer|databricks|Warehouse|-");
    host.ok(&["integrations"]);
    assert_eq!(connect.lists(), 1, "it is kept");
    let report = host.ok(&["report"])["report"].to_owned();
    assert!(
        report.contains("\"Files\" (aws, Service Account), GUID "),
        "{report}"
    );
    let request = &connect.requests()[0];
    assert_eq!(request.method, "GET");
    assert_eq!(request.header("content-type"), None);

    host.call(&["request"]);
    host.ok(&["set", "force_refresh", "1"]);
    connect.set_integrations([]);
    assert_eq!(host.ok(&["integrations"])["count"], *"0");
}

#[test]
fn the_list_is_looked_up_once_for_calls_of_any_kind() {
    let connect = Standin::start();
    let all = three(&connect);
    let mut host = naming(&connect, "Files");
    for _ in 0..3 {
        host.ok(&["service_account"]);
    }
    host.ok(&["viewer", &connect.viewer_token("alice")]);
    assert_eq!(connect.lists(), 1);
    host.call(&["clear"]);
    host.ok(&["service_account"]);
    assert_eq!(connect.lists(), 2);
    assert_eq!(audience(&connect), Some(all[2].guid.clone()));
}

#[test]
fn calls_at_the_same_time_share_one_lookup() {
    let connect = Standin::start();
    three(&connect);
    let mut host = Host::on(&connect);
    host.call(&["request"]);
    host.ok(&["set", "integration", "Warehouse"]);
    let viewers = ["ada", "grace", "mary"].map(|who| connect.viewer_token(who));
    let [ada, grace, mary] = viewers.each_ref().map(String::as_str);
    let hold = connect.hold_lists();
    host.call(&["start_viewers", "12", ada, grace, mary]);
    hold.wait_for(1);
    drop(hold);
    let finished = host.call(&["finish_viewers"]);
    assert_eq!(finished["got"], *"12", "{finished:?}");
    assert_eq!((connect.lists(), connect.exchanges()), (1, 3));
}

#[test]
fn an_integration_that_is_renamed_or_replaced_while_the_program_runs_is_found() {
    let connect = Standin::start();
    let all = three(&connect);
    let mut host = naming(&connect, "Files");
    host.ok(&["service_account"]);

    // The same name, another GUID: the server refuses the old one.
    let replaced = Integration {
        guid: "22644575-7b3c-4d0e-9f2a-1c5d8e7f6a90".to_owned(),
        ..all[2].clone()
    };
    connect.set_integrations([all[0].clone(), replaced.clone()]);
    host.ok(&["service_account"]);
    assert_eq!(audience(&connect), Some(replaced.guid.clone()));
    assert_eq!(connect.lists(), 2);

    // Another name: it is not in the list that is kept. A fresh host, whose list was not looked up anew just now.
    let mut host = naming(&connect, "Files");
    host.ok(&["service_account"]);
    let renamed = Integration {
        name: Some("Archive".to_owned()),
        ..replaced.clone()
    };
    connect.set_integrations([all[0].clone(), renamed]);
    host.ok(&["service_account"]);
    host.ok(&["set", "integration", "Archive"]);
    host.ok(&["service_account"]);
    assert_eq!(audience(&connect), Some(replaced.guid));
}

#[test]
fn a_refusal_for_want_of_a_choice_names_the_choices() {
    let connect = Standin::start();
    let all = three(&connect);
    let mut host = Host::on(&connect);
    let message = host.fails(&["service_account"], REFUSED);
    assert!(message.contains("Several OAuth integrations"), "{message}");
    assert!(message.contains("This content has 3 integrations:"), "{message}");
    for each in &all {
        assert!(message.contains(&each.guid), "{message}");
    }
    for listing in [Listing::Forbidden, Listing::Missing] {
        connect.set_listing(listing);
        let message = Host::on(&connect).fails(&["service_account"], REFUSED);
        assert!(message.contains("Several OAuth integrations"), "{message}");
        assert!(!message.contains("This content has"), "{message}");
    }
}

#[test]
fn the_lookup_is_tried_again_and_ends_with_the_calls_deadline() {
    let connect = Standin::start();
    connect.order_list(Order::ResetBeforeAnswer);
    connect.order_list(Order::Raw {
        status: 503,
        headers: Vec::new(),
        body: Vec::new(),
    });
    naming(&connect, "Stand-in").ok(&["service_account"]);
    assert_eq!(connect.lists(), 3);

    connect.order_list(Order::Silent);
    let mut host = naming(&connect, "Stand-in");
    host.ok(&["set", "timeout_ms", "300"]);
    host.fails(&["service_account"], "CC_ERR_TIMEOUT");
    connect.order_list(Order::Silent);
    host.fails(&["integrations"], "CC_ERR_TIMEOUT");
    connect.order_list(Order::Silent);
    host.ok(&["set", "timeout_ms", "0"]);
    host.ok(&["set", "cancel_at_poll", "3"]);
    host.fails(&["service_account"], "CC_ERR_CANCELLED");
    host.ok(&["set", "cancel_at_poll", "3"]);
    host.fails(&["integrations"], "CC_ERR_CANCELLED");
    assert_eq!(connect.exchanges(), 1);
}

/// `mock_integrations.c`, about to play a scene.
fn scene(name: &str) -> Command {
    static PROGRAM: OnceLock<std::path::PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| compile(&root().join("tests/programs/c/mock_integrations.c")));
    let mut command = clean(program);
    command.arg(name);
    command
}

#[test]
fn what_a_mock_is_given_is_listed_and_chosen_from() {
    run(&mut scene("given"));
}

#[test]
fn a_mock_function_lists_once_in_five_minutes() {
    run(&mut scene("function"));
}

#[test]
fn a_guid_that_is_refused_is_looked_up_once_more() {
    run(&mut scene("refused"));
}

#[test]
fn a_list_that_fails_in_a_mock_is_an_error_that_says_so() {
    run(&mut scene("fails"));
}

#[test]
fn a_token_outlives_the_right_to_list_integrations() {
    run(&mut scene("outlives"));
}

#[test]
fn other_mocks_accept_every_name() {
    run(&mut scene("others"));
}

#[test]
fn an_audience_and_an_integration_exclude_one_another() {
    run(&mut scene("setters"));
}

#[test]
fn a_call_that_is_started_does_not_wait_for_the_list() {
    let connect = Standin::start();
    connect.order_list(Order::Silent);
    run(scene("start").envs(connect.environment()));
}
