//! The cache key: which calls share an entry.

use super::*;

#[test]
fn asking_again_makes_no_exchange() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    let ada = connect.viewer_token("ada");
    for (made, call) in [
        &["service_account"][..],
        &["viewer", &ada],
        &["workload"],
        &["exchange", &ada, USER_SESSION],
    ]
    .into_iter()
    .enumerate()
    {
        // A viewer call and the equal cc_exchange_token() call share an entry.
        let made = made.min(2) + 1;
        let first = host.ok(call);
        for _ in 0..3 {
            let again = host.ok(call);
            for name in [
                "access_token",
                "expires_at",
                "type",
                "issued_type",
                "authorization",
            ] {
                assert_eq!(again[name], first[name], "{call:?}");
            }
        }
        assert_eq!(connect.exchanges(), made, "{call:?}");
    }
}

#[test]
fn a_value_in_the_request_is_the_same_as_in_the_environment() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    let ada = connect.viewer_token("ada");
    let first = token(&mut host, &["viewer", &ada]);
    let explicit = [
        ("server_url", connect.url()),
        ("api_key", connect.api_key().to_owned()),
    ];
    ask_with(
        &mut host,
        &explicit.each_ref().map(|(name, value)| (*name, value.as_str())),
    );
    for _ in 0..2 {
        assert_eq!(token(&mut host, &["viewer", &ada]), first);
    }
    assert_eq!(connect.exchanges(), 1);

    // Two requests with the same values for every option.
    let all = [
        ("server_url", connect.url()),
        ("api_key", connect.api_key().to_owned()),
        ("content_token", connect.content_token().to_owned()),
        ("audience", connect.integration().to_owned()),
        ("resource", "https://db.example.com".to_owned()),
        ("scope", "sql".to_owned()),
        ("requested_token_type", ID_TOKEN.to_owned()),
    ];
    for _ in 0..2 {
        ask_with(
            &mut host,
            &all.each_ref().map(|(name, value)| (*name, value.as_str())),
        );
        host.ok(&["param", "prompt", "none"]);
        host.ok(&["service_account"]);
    }
    assert_eq!(connect.exchanges(), 2);
}

#[test]
fn whatever_differs_in_a_question_makes_it_another_one() {
    let (connect, other) = (Standin::start(), Standin::start());
    let mut host = Host::on(&connect);
    let (ada, bob) = (connect.viewer_token("ada"), connect.viewer_token("bob"));
    let elsewhere = other.url();
    // Settings and a call; every pair of rows differs.
    type Asked<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);
    let server_url: &[(&str, &str)] = &[("server_url", &elsewhere)];
    let asked: [Asked<'_>; 20] = [
        (&[], &["service_account"]),
        (&[("audience", "a")], &["service_account"]),
        (&[("resource", "a")], &["service_account"]),
        (&[("scope", "a")], &["service_account"]),
        (&[("scope", "a b")], &["service_account"]),
        (&[("resource", "a"), ("scope", "b")], &["service_account"]),
        (&[("resource", "b"), ("scope", "a")], &["service_account"]),
        (&[("requested_token_type", AWS)], &["service_account"]),
        (&[("content_token", &ada)], &["service_account"]),
        (&[("api_key", "a")], &["service_account"]),
        (&[("api_key", "b")], &["service_account"]),
        (server_url, &["service_account"]),
        (&[], &["workload"]),
        (&[], &["viewer", &ada]),
        (&[], &["viewer", &bob]),
        (&[("scope", "a")], &["viewer", &ada]),
        (&[("api_key", "a")], &["viewer", &ada]),
        (&[], &["exchange", &ada, ID_TOKEN]),
        (
            &[("requested_token_type", API_KEY)],
            &["exchange", &ada, ID_TOKEN],
        ),
        (&[], &["exchange", &bob, ID_TOKEN]),
    ];
    let name = |index: usize| format!("token-{index}");
    for (index, (settings, call)) in asked.into_iter().enumerate() {
        for server in [&connect, &other] {
            server.order_always(Some(answer(&name(index))));
        }
        ask_with(&mut host, settings);
        assert_eq!(token(&mut host, call), name(index), "{settings:?} {call:?}");
    }
    // Further parameters do not share an entry with one another, nor with an option of the same value.
    let params = [
        &[("p", "a")][..],
        &[("q", "a")],
        &[("p", "b")],
        &[("p", "a"), ("q", "a")],
        &[("p", "a&q=a")],
    ];
    for (index, params) in params.into_iter().enumerate() {
        connect.order_always(Some(answer(&name(100 + index))));
        ask_with(&mut host, &[]);
        for (param, value) in params {
            host.ok(&["param", param, value]);
        }
        assert_eq!(
            token(&mut host, &["service_account"]),
            name(100 + index),
            "{params:?}"
        );
    }
    // All entries are cached.
    let made = (asked.len() + params.len()) as u64;
    connect.order_always(None);
    for (index, (settings, call)) in asked.into_iter().enumerate() {
        ask_with(&mut host, settings);
        assert_eq!(token(&mut host, call), name(index), "{settings:?} {call:?}");
    }
    let expected = [
        ("hits", asked.len() as u64),
        ("misses", made),
        ("exchanges", made),
        ("entries", made),
    ];
    assert_eq!(stats(&mut host), expected);
}

#[test]
fn a_rotated_content_token_neither_loses_nor_doubles_what_is_cached() {
    let connect = Standin::start();
    let path = connect.content_token_file().to_str().expect("UTF-8").to_owned();
    let mut environment = connect.environment();
    environment.push(("CONNECT_CONTENT_SESSION_TOKEN_FILE", path.clone()));
    let mut host = Host::with(environment.iter().map(|(name, value)| (*name, value.as_str())));
    let first = token(&mut host, &["service_account"]);
    connect.rotate_content_token();
    assert_eq!(token(&mut host, &["service_account"]), first);
    assert_eq!(connect.exchanges(), 1);

    // The next exchange reads the file again, and its token replaces the old one.
    ask_with(&mut host, &[("force_refresh", "1")]);
    let second = token(&mut host, &["service_account"]);
    assert_ne!(second, first);
    let subjects: Vec<_> = connect
        .requests()
        .iter()
        .map(|request| request.param("subject_token"))
        .collect();
    assert_eq!(subjects.len(), 2);
    assert_ne!(subjects[0], subjects[1]);
    assert_eq!(count(&mut host, "entries"), 1);

    // A hit does not read the file.
    std::fs::remove_file(path).expect("removed");
    ask_with(&mut host, &[]);
    assert_eq!(token(&mut host, &["service_account"]), second);
    assert_eq!(connect.exchanges(), 2);
}

#[test]
fn whether_there_is_a_token_is_asked_of_the_server_once() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    let ada = connect.viewer_token("ada");
    for (made, call) in [
        &["has_service_account"][..],
        &["has_workload"],
        &["has_viewer", &ada],
    ]
    .into_iter()
    .enumerate()
    {
        for _ in 0..100 {
            assert_eq!(host.call(call)["has"], *"1");
        }
        assert_eq!(connect.exchanges(), made + 1, "{call:?}");
    }
    // The token of the check is cached for the call.
    host.ok(&["service_account"]);
    host.ok(&["workload"]);
    host.ok(&["viewer", &ada]);
    assert_eq!(connect.exchanges(), 3);
}

#[test]
fn a_refused_question_is_not_asked_again_for_two_seconds() {
    let connect = Standin::start();
    connect.order_always(Some(refusal()));
    let mut host = Host::on(&connect);
    let began = Instant::now();
    for _ in 0..100 {
        assert_eq!(host.call(&["has_service_account"])["has"], *"0");
    }
    let message = host.fails(&["service_account"], "CC_ERR_REFUSED");
    assert!(message.contains("None."), "the whole story: {message}");
    let most = 1 + began.elapsed().as_secs() as usize / 2;
    assert!(connect.exchanges() <= most, "{} of {most}", connect.exchanges());

    // A forced call makes an exchange, and so does a different key.
    connect.reset_counts();
    ask_with(&mut host, &[("force_refresh", "1")]);
    host.fails(&["service_account"], "CC_ERR_REFUSED");
    ask_with(&mut host, &[("scope", "a")]);
    host.fails(&["service_account"], "CC_ERR_REFUSED");
    assert_eq!(connect.exchanges(), 2);

    // Clearing removes it, and so does time.
    connect.order_always(None);
    host.call(&["clear"]);
    ask_with(&mut host, &[]);
    host.ok(&["service_account"]);
    connect.order(refusal());
    ask_with(&mut host, &[("scope", "b")]);
    host.fails(&["service_account"], "CC_ERR_REFUSED");
    host.call(&["advance", "2"]);
    host.ok(&["service_account"]);
}
