//! One cache for the process, as a C host sees it: when the server is asked, and when it is not.

mod support;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use connect_standin::{Order, Standin};
use serde_json::json;
use support::host::{Host, Outcome};

const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const AWS: &str = "urn:ietf:params:aws:token-type:credentials";
const API_KEY: &str = "urn:posit:connect:api-key";
const USER_SESSION: &str = "urn:posit:connect:user-session-token";

/// Far above what a loaded machine needs.
const PATIENCE: Duration = Duration::from_secs(30);

/// The cache's counts that are not zero.
fn stats(host: &mut Host) -> Vec<(&'static str, u64)> {
    let stats = host.call(&["stats"]);
    [
        "hits",
        "stale_hits",
        "misses",
        "exchanges",
        "coalesced",
        "failures",
        "evictions",
        "entries",
    ]
    .into_iter()
    .map(|name| (name, stats[name].parse().expect("a number")))
    .filter(|(_, count)| *count != 0)
    .collect()
}

fn count(host: &mut Host, name: &str) -> u64 {
    host.call(&["stats"])[name].parse().expect("a number")
}

/// Waits until a count has come to `expected`.
#[track_caller]
fn await_count(host: &mut Host, name: &str, expected: u64) {
    let began = Instant::now();
    while count(host, name) != expected {
        assert!(
            began.elapsed() < PATIENCE,
            "{name} is not {expected}: {:?}",
            stats(host)
        );
    }
}

/// The access token that a call gives.
#[track_caller]
fn token(host: &mut Host, call: &[&str]) -> String {
    host.ok(call)["access_token"].to_owned()
}

/// Has the host's calls from now on ask with this request, all else being as it was at the start.
fn ask_with(host: &mut Host, settings: &[(&str, &str)]) {
    host.call(&["request"]);
    for (name, value) in settings {
        host.ok(&["set", name, value]);
    }
}

fn answer(access_token: &str) -> Order {
    Order::Success(json!({ "access_token": access_token, "expires_in": 3600 }))
}

/// What the server sends when it is ill.
fn outage() -> Order {
    Order::ConnectError {
        status: 500,
        code: 1,
        error: "Out of order.".to_owned(),
    }
}

fn refusal() -> Order {
    Order::OldConnectError {
        status: 400,
        error_code: 212,
        error_message: "None.".to_owned(),
    }
}

/// How many seconds a token still lives, by the clock here.
fn remaining(outcome: &Outcome) -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    outcome["expires_at"].parse::<i64>().expect("a number") - now as i64
}

#[track_caller]
fn assert_expires_in(outcome: &Outcome, seconds: i64) {
    let remaining = remaining(outcome);
    assert!(
        (seconds - 30..=seconds).contains(&remaining),
        "{remaining} of {seconds}"
    );
}

/// Moves the server's clock and the host's.
fn advance(connect: &Standin, host: &mut Host, seconds: u64) {
    connect.advance(Duration::from_secs(seconds));
    host.call(&["advance", &seconds.to_string()]);
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

// What is one question

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
        // A viewer's exchange is the same question, whoever spells it out.
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

    // All that a request can say, said twice.
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
    // Settings, and the call; each differs from each other one.
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
    // Nor do further parameters share an answer: not with one another, nor with a setter's.
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
    // They are all there, side by side.
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

    // The next exchange takes what is in the file now, and its token takes the old one's place.
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

    // A hit reads no file.
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
    // What was found out serves the call for the token.
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

    // A forced call asks, and so does another question.
    connect.reset_counts();
    ask_with(&mut host, &[("force_refresh", "1")]);
    host.fails(&["service_account"], "CC_ERR_REFUSED");
    ask_with(&mut host, &[("scope", "a")]);
    host.fails(&["service_account"], "CC_ERR_REFUSED");
    assert_eq!(connect.exchanges(), 2);

    // Clearing forgets it, and so does time.
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

// A token's life

#[test]
fn a_token_serves_until_its_last_tenth_and_then_a_newer_one() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    host.ok(&["set", "background_refresh", "0"]);
    connect.order(Order::Token {
        expires_in: json!(100),
    });
    let first = token(&mut host, &["service_account"]);
    advance(&connect, &mut host, 85);
    assert_eq!(token(&mut host, &["service_account"]), first);
    advance(&connect, &mut host, 6);
    assert_ne!(token(&mut host, &["service_account"]), first);
    assert_eq!(connect.exchanges(), 2);
}

#[test]
fn in_its_early_window_a_token_serves_at_once_while_one_exchange_runs() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    let first = token(&mut host, &["service_account"]);
    advance(&connect, &mut host, 3400);
    let hold = connect.hold();
    for _ in 0..50 {
        assert_eq!(token(&mut host, &["service_account"]), first);
    }
    hold.wait_for(1);
    drop(hold);
    let began = Instant::now();
    while token(&mut host, &["service_account"]) == first {
        assert!(began.elapsed() < PATIENCE, "the newer token came to nothing");
    }
    assert_eq!(connect.exchanges(), 2);
}

#[test]
fn without_background_refresh_nothing_is_asked_in_the_early_window() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    host.ok(&["set", "background_refresh", "0"]);
    let first = token(&mut host, &["service_account"]);
    advance(&connect, &mut host, 3400);
    for _ in 0..50 {
        assert_eq!(token(&mut host, &["service_account"]), first);
    }
    assert_eq!(count(&mut host, "exchanges"), 1);
}

#[test]
fn a_failed_early_refresh_leaves_the_token_alone_for_half_a_minute() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    let first = token(&mut host, &["service_account"]);
    connect.order_always(Some(outage()));
    advance(&connect, &mut host, 3400);
    assert_eq!(token(&mut host, &["service_account"]), first);
    await_count(&mut host, "failures", 1);
    for _ in 0..50 {
        assert_eq!(token(&mut host, &["service_account"]), first);
    }
    advance(&connect, &mut host, 29);
    assert_eq!(token(&mut host, &["service_account"]), first);
    assert_eq!(count(&mut host, "exchanges"), 2);
    advance(&connect, &mut host, 2);
    assert_eq!(token(&mut host, &["service_account"]), first);
    await_count(&mut host, "failures", 2);
}

#[test]
fn an_old_token_outlives_an_outage_until_it_expires() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    let first = token(&mut host, &["service_account"]);
    connect.order_always(Some(outage()));
    advance(&connect, &mut host, 3570);
    for _ in 0..50 {
        assert_eq!(token(&mut host, &["service_account"]), first);
    }
    let made = count(&mut host, "exchanges");
    assert!((2..=3).contains(&made), "{made} exchanges: a storm, or none");
    advance(&connect, &mut host, 31);
    let outcome = host.call(&["service_account"]);
    assert_eq!(outcome["http_status"], *"500", "{outcome:?}");

    // A token that the server no longer wants to give is no longer given.
    connect.order_always(None);
    host.call(&["clear"]);
    host.ok(&["service_account"]);
    advance(&connect, &mut host, 3570);
    connect.order_always(Some(refusal()));
    host.fails(&["service_account"], "CC_ERR_REFUSED");
}

#[test]
fn setting_the_clock_back_revives_no_token_and_setting_it_on_ends_one() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    let first = token(&mut host, &["service_account"]);
    advance(&connect, &mut host, 3601);
    host.call(&["set_wall_clock", "-100000"]);
    let second = token(&mut host, &["service_account"]);
    assert_ne!(second, first);
    host.call(&["set_wall_clock", "-100000"]);
    assert_eq!(token(&mut host, &["service_account"]), second);
    host.call(&["set_wall_clock", "203601"]);
    assert_ne!(token(&mut host, &["service_account"]), second);
    assert_eq!(connect.exchanges(), 3);
}

#[test]
fn the_last_seconds_of_a_viewers_token_make_no_storm() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    let ada = connect.viewer_token("ada");
    let first = token(&mut host, &["viewer", &ada]);
    advance(&connect, &mut host, 3585);
    for _ in 0..500 {
        let outcome = host.ok(&["viewer", &ada]);
        assert_eq!(outcome["access_token"], first, "Connect has no other one yet");
    }
    assert!(
        (2..=4).contains(&connect.exchanges()),
        "{} exchanges",
        connect.exchanges()
    );
    // When it is really over, Connect has another one.
    advance(&connect, &mut host, 15);
    assert_ne!(token(&mut host, &["viewer", &ada]), first);
}

#[test]
fn a_viewers_token_with_seconds_left_by_the_servers_word_makes_no_storm() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    let ada = connect.viewer_token("ada");
    let first = token(&mut host, &["viewer", &ada]);
    connect.advance(Duration::from_secs(3585));
    ask_with(&mut host, &[("force_refresh", "1")]);
    let forced = host.ok(&["viewer", &ada]);
    assert_eq!(forced["access_token"], first);
    assert_expires_in(&forced, 15);
    ask_with(&mut host, &[]);
    for _ in 0..500 {
        let outcome = host.ok(&["viewer", &ada]);
        assert_eq!(outcome["access_token"], first);
        assert_expires_in(&outcome, 15);
    }
    assert!(
        (2..=5).contains(&connect.exchanges()),
        "{} exchanges",
        connect.exchanges()
    );
}

#[test]
fn a_wish_for_validity_is_met_when_the_server_can() {
    let connect = Standin::start();
    connect.order(Order::Token {
        expires_in: json!(300),
    });
    let mut host = Host::on(&connect);
    let first = host.ok(&["service_account"]);
    assert_expires_in(&first, 300);
    ask_with(&mut host, &[("min_validity_s", "200")]);
    assert_eq!(
        host.ok(&["service_account"])["access_token"],
        first["access_token"]
    );
    ask_with(&mut host, &[("min_validity_s", "400")]);
    let second = host.ok(&["service_account"]);
    assert_expires_in(&second, 3600);
    ask_with(&mut host, &[]);
    assert_eq!(
        host.ok(&["service_account"])["access_token"],
        second["access_token"]
    );
    assert_eq!(connect.exchanges(), 2);
}

#[test]
fn a_wish_that_the_server_can_not_meet_gets_its_best_without_a_storm() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    let ada = connect.viewer_token("ada");
    ask_with(&mut host, &[("min_validity_s", "7200")]);
    for call in [&["viewer", &ada][..], &["service_account"]] {
        connect.reset_counts();
        let first = token(&mut host, call);
        for _ in 0..500 {
            assert_eq!(token(&mut host, call), first, "{call:?}");
        }
        assert!(
            connect.exchanges() <= 5,
            "{call:?}: {} exchanges",
            connect.exchanges()
        );
    }
}

#[test]
fn a_token_that_is_not_to_be_kept_serves_who_asks_the_same_within_a_second() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    for (expires_in, scope) in [(json!(0), "a"), (json!(-5), "b"), (json!("0"), "c")] {
        connect.reset_counts();
        connect.order_times(2, Order::Token { expires_in });
        ask_with(&mut host, &[("scope", scope)]);
        let began = Instant::now();
        let first = token(&mut host, &["service_account"]);
        let second = token(&mut host, &["service_account"]);
        // The clock that it goes by may be a tick ahead.
        if began.elapsed() < Duration::from_millis(900) {
            assert_eq!((&second, connect.exchanges()), (&first, 1));
        }
        host.call(&["advance", "1"]);
        assert_ne!(token(&mut host, &["service_account"]), second);
    }
}

#[test]
fn a_token_of_unknown_lifetime_is_kept_as_long_as_configured() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    host.ok(&["set", "background_refresh", "0"]);
    let opaque = |name: &str| Order::Success(json!({ "access_token": name }));
    connect.order(opaque("first"));
    let first = host.ok(&["service_account"]);
    assert_eq!(first["expires_at"], *"-1");
    host.call(&["advance", "530"]);
    assert_eq!(token(&mut host, &["service_account"]), "first");
    connect.order(opaque("second"));
    host.call(&["advance", "11"]);
    assert_eq!(
        token(&mut host, &["service_account"]),
        "second",
        "600 s, a tenth before"
    );

    host.call(&["clear"]);
    host.ok(&["set", "default_lifetime_s", "100"]);
    connect.order(opaque("third"));
    assert_eq!(token(&mut host, &["service_account"]), "third");
    host.call(&["advance", "85"]);
    assert_eq!(token(&mut host, &["service_account"]), "third");
    connect.order(opaque("fourth"));
    host.call(&["advance", "6"]);
    assert_eq!(token(&mut host, &["service_account"]), "fourth");

    host.call(&["clear"]);
    host.ok(&["set", "default_lifetime_s", "0"]);
    connect.order(opaque("fifth"));
    assert_eq!(token(&mut host, &["service_account"]), "fifth");
    host.call(&["advance", "530"]);
    assert_eq!(token(&mut host, &["service_account"]), "fifth");
}

fn jwt(claims: &serde_json::Value) -> String {
    let part = |json: &str| BASE64_URL_SAFE_NO_PAD.encode(json);
    format!("{}.{}.c2ln", part(r#"{"alg":"none"}"#), part(&claims.to_string()))
}

#[test]
fn the_earlier_of_what_the_answer_and_the_token_say_is_the_end() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    assert_expires_in(&host.ok(&["workload"]), 3600);
    // Issued years ago by this machine's clock, or years ahead: the lifetime counts.
    for (iat, lifetime, expires_in, seconds) in [
        (1_000_000_000, 300, json!(3600), 300),
        (4_000_000_000_i64, 300, json!(3600), 300),
        (1_000_000_000, 3600, json!(300), 300),
        (1_000_000_000, 300, json!(null), 300),
    ] {
        let claims = json!({ "iat": iat, "exp": iat + lifetime });
        let mut body = json!({ "access_token": jwt(&claims), "token_type": "Bearer" });
        if !expires_in.is_null() {
            body["expires_in"] = expires_in.clone();
        }
        for call in ["workload", "service_account"] {
            host.call(&["clear"]);
            connect.reset_counts();
            connect.order(Order::Success(body.clone()));
            let first = host.ok(&[call]);
            assert_expires_in(&first, seconds);
            assert_eq!(host.ok(&[call])["access_token"], first["access_token"]);
            assert_eq!(connect.exchanges(), 1, "{claims} {expires_in}");
        }
    }
}

// Renewal

#[test]
fn a_forced_call_asks_and_its_failure_leaves_the_cached_token() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    let first = token(&mut host, &["service_account"]);
    ask_with(&mut host, &[("force_refresh", "1")]);
    let second = token(&mut host, &["service_account"]);
    assert_ne!(second, first);
    for failure in [outage(), refusal(), Order::ResetBeforeAnswer] {
        connect.order_always(Some(failure.clone()));
        let outcome = host.call(&["service_account"]);
        assert_ne!(outcome["status"], *"CC_OK", "{failure:?}");
        ask_with(&mut host, &[]);
        assert_eq!(token(&mut host, &["service_account"]), second, "{failure:?}");
        ask_with(&mut host, &[("force_refresh", "1")]);
    }
}

#[test]
fn a_refresh_token_renews_and_where_it_is_refused_the_exchange_starts_from_scratch() {
    for scope in [None, Some("sql offline_access")] {
        let connect = Standin::start();
        let mut host = Host::on(&connect);
        connect.order(Order::Success(
            json!({ "access_token": "first", "expires_in": 3600, "refresh_token": "r&1" }),
        ));
        let settings: Vec<_> = scope.iter().map(|scope| ("scope", *scope)).collect();
        ask_with(&mut host, &settings);
        host.ok(&["service_account"]);
        host.ok(&["set", "force_refresh", "1"]);
        assert!(token(&mut host, &["service_account"]).starts_with("sa-"));

        let requests = connect.requests();
        let [first, renewal, scratch] = &requests[..] else {
            panic!("{requests:?}");
        };
        let mut expected = pairs(&[("grant_type", "refresh_token"), ("refresh_token", "r&1")]);
        expected.extend(pairs(&settings));
        assert_eq!(renewal.form(), expected);
        let key = format!("Key {}", connect.api_key());
        assert_eq!(renewal.header("authorization"), Some(key.as_str()));
        assert_eq!(renewal.path, first.path);
        assert_eq!(scratch.body, first.body);

        // The refused one is void: it is not tried again.
        host.ok(&["service_account"]);
        let requests = connect.requests();
        assert_eq!(requests.len(), 4);
        assert_eq!(requests[3].body, first.body);
    }
}

#[test]
fn a_refresh_token_stays_in_force_until_there_is_another() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    for answer in [
        json!({ "access_token": "first", "expires_in": 3600, "refresh_token": "old" }),
        json!({ "access_token": "second", "expires_in": 3600 }),
        json!({ "access_token": "third", "expires_in": 3600, "refresh_token": "new" }),
        json!({ "access_token": "fourth", "expires_in": 3600 }),
    ] {
        connect.order(Order::Success(answer));
    }
    ask_with(&mut host, &[("force_refresh", "1")]);
    for expected in ["first", "second", "third", "fourth"] {
        assert_eq!(token(&mut host, &["service_account"]), expected);
    }
    let sent: Vec<_> = connect
        .requests()
        .iter()
        .map(|request| request.param("refresh_token"))
        .collect();
    let expected = [None, Some("old"), Some("old"), Some("new")].map(|token| token.map(ToOwned::to_owned));
    assert_eq!(sent, expected);
}

#[test]
fn a_renewal_that_fails_for_other_reasons_is_not_made_up_for() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    connect.order(Order::Success(
        json!({ "access_token": "first", "expires_in": 3600, "refresh_token": "r" }),
    ));
    host.ok(&["service_account"]);
    connect.order_always(Some(Order::ResetBeforeAnswer));
    ask_with(&mut host, &[("force_refresh", "1")]);
    host.fails(&["service_account"], "CC_ERR_NETWORK");
    let grants: Vec<_> = connect
        .requests()
        .iter()
        .skip(1)
        .map(|request| request.param("grant_type"))
        .collect();
    assert!(
        grants
            .iter()
            .all(|grant| grant.as_deref() == Some("refresh_token")),
        "{grants:?}"
    );
}

// What is dropped

#[test]
fn an_invalidated_token_is_dropped_and_a_newer_one_stays() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    let first = token(&mut host, &["service_account"]);
    host.call(&["keep"]);
    assert_eq!(host.call(&["invalidate"])["invalidated"], *"1");
    assert_eq!(
        host.call(&["invalidate"])["invalidated"],
        *"0",
        "it is not there any more"
    );
    let second = token(&mut host, &["service_account"]);
    assert_ne!(second, first);
    assert_eq!(host.call(&["invalidate_kept"])["invalidated"], *"0");
    assert_eq!(token(&mut host, &["service_account"]), second);
    assert_eq!(connect.exchanges(), 2);

    // Through another handle on the same token, and only that token.
    let workload = token(&mut host, &["workload"]);
    host.ok(&["service_account"]);
    host.call(&["keep"]);
    assert_eq!(host.call(&["invalidate_kept"])["invalidated"], *"1");
    assert_ne!(token(&mut host, &["service_account"]), second);
    assert_eq!(token(&mut host, &["workload"]), workload);
}

#[test]
fn a_viewer_who_leaves_is_forgotten_and_no_one_else() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    let (ada, bob) = (connect.viewer_token("ada"), connect.viewer_token("bob"));
    host.ok(&["service_account"]);
    host.ok(&["viewer", &bob]);
    host.ok(&["viewer", &ada]);
    ask_with(&mut host, &[("scope", "a")]);
    host.ok(&["viewer", &ada]);
    host.ok(&["exchange", &ada, USER_SESSION]);
    assert_eq!(count(&mut host, "entries"), 4);

    host.call(&["forget", &ada]);
    assert_eq!(count(&mut host, "entries"), 2);
    connect.reset_counts();
    host.ok(&["viewer", &ada]);
    ask_with(&mut host, &[]);
    host.ok(&["viewer", &bob]);
    host.ok(&["service_account"]);
    assert_eq!(connect.exchanges(), 1);

    host.call(&["forget", "(null)"]);
    host.call(&["forget", ""]);
    host.call(&["forget", "nobody"]);
    assert_eq!(count(&mut host, "entries"), 3);
    host.call(&["clear"]);
    assert_eq!(count(&mut host, "entries"), 0);
    host.ok(&["viewer", &bob]);
    assert_eq!(connect.exchanges(), 2);
}

#[test]
fn what_is_dropped_while_it_is_fetched_goes_to_those_who_wait_and_is_not_kept() {
    for drop_it in [&["clear"][..], &["forget", "ada"]] {
        let connect = Standin::start();
        let mut host = Host::on(&connect);
        let ada = connect.viewer_token("ada");
        let hold = connect.hold();
        host.call(&["start_viewers", "3", &ada]);
        hold.wait_for(1);
        await_count(&mut host, "coalesced", 2);
        let words: Vec<_> = drop_it
            .iter()
            .map(|word| if *word == "ada" { &ada } else { *word })
            .collect();
        host.call(&words);
        drop(hold);
        assert_eq!(host.call(&["finish_viewers"])["got"], *"3", "{drop_it:?}");
        assert_eq!(count(&mut host, "entries"), 0, "{drop_it:?}");
        host.ok(&["viewer", &ada]);
        assert_eq!(connect.exchanges(), 2, "{drop_it:?}");
    }
}

#[test]
fn what_was_used_least_recently_makes_room() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    let [a, b, c] = ["a", "b", "c"].map(|who| connect.viewer_token(who));
    host.ok(&["set", "cache_capacity", "2"]);
    for viewer in [&a, &b, &a, &c] {
        host.ok(&["viewer", viewer]);
    }
    assert_eq!(connect.exchanges(), 3);
    for viewer in [&a, &c] {
        host.ok(&["viewer", viewer]);
    }
    assert_eq!(connect.exchanges(), 3);
    let expected = [
        ("hits", 3),
        ("misses", 3),
        ("exchanges", 3),
        ("evictions", 1),
        ("entries", 2),
    ];
    assert_eq!(stats(&mut host), expected);
    host.ok(&["viewer", &b]);
    assert_eq!(connect.exchanges(), 4);

    // A lower bound holds at once, the default has room for all.
    host.ok(&["set", "cache_capacity", "1"]);
    assert_eq!(count(&mut host, "entries"), 1);
    host.ok(&["set", "cache_capacity", "0"]);
    for viewer in [&a, &b, &c] {
        host.ok(&["viewer", viewer]);
    }
    assert_eq!(count(&mut host, "entries"), 3);
}

#[test]
fn an_expired_token_makes_room_before_one_that_lives() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    let [a, b, c] = ["a", "b", "c"].map(|who| connect.viewer_token(who));
    host.ok(&["set", "cache_capacity", "2"]);
    host.ok(&["viewer", &a]);
    connect.order(Order::Token {
        expires_in: json!(100),
    });
    host.ok(&["viewer", &b]);
    advance(&connect, &mut host, 101);
    host.ok(&["viewer", &c]);
    connect.reset_counts();
    host.ok(&["viewer", &a]);
    host.ok(&["viewer", &c]);
    assert_eq!(connect.exchanges(), 0);
    assert_eq!(count(&mut host, "evictions"), 0, "it was over");
}

#[test]
fn the_counts_say_what_happened() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    let [ada, bob, eve] = ["ada", "bob", "eve"].map(|who| connect.viewer_token(who));
    assert_eq!(stats(&mut host), []);
    for _ in 0..4 {
        host.ok(&["viewer", &ada]);
    }
    host.ok(&["viewer", &bob]);
    ask_with(&mut host, &[("force_refresh", "1")]);
    host.ok(&["viewer", &bob]);
    ask_with(&mut host, &[]);
    let mut expected = vec![("hits", 3), ("misses", 3), ("exchanges", 3), ("entries", 2)];
    assert_eq!(stats(&mut host), expected);

    let hold = connect.hold();
    host.call(&["start_viewers", "5", &eve]);
    await_count(&mut host, "coalesced", 4);
    drop(hold);
    host.call(&["finish_viewers"]);
    expected = vec![
        ("hits", 3),
        ("misses", 8),
        ("exchanges", 4),
        ("coalesced", 4),
        ("entries", 3),
    ];
    assert_eq!(stats(&mut host), expected);

    // Each of these is a call that found no token, and one exchange: the second time it is remembered.
    host.fails(&["viewer", "nobody"], "CC_ERR_REFUSED");
    host.fails(&["viewer", "nobody"], "CC_ERR_REFUSED");
    host.call(&["set", "cache_capacity", "1"]);
    host.call(&["clear"]);
    host.ok(&["viewer", &ada]);
    host.ok(&["viewer", &bob]);
    let after = stats(&mut host);
    let of = |name| {
        after
            .iter()
            .find(|(found, _)| *found == name)
            .map_or(0, |it| it.1)
    };
    assert_eq!(
        (of("misses"), of("exchanges"), of("failures"), of("entries")),
        (12, 7, 1, 1)
    );

    // Late, but alive: given while a newer one is fetched, and then because there was none.
    connect.order_always(Some(outage()));
    advance(&connect, &mut host, 3400);
    host.ok(&["viewer", &bob]);
    await_count(&mut host, "failures", 2);
    host.ok(&["viewer", &bob]);
    let later = stats(&mut host);
    let of = |name| {
        later
            .iter()
            .find(|(found, _)| *found == name)
            .map_or(0, |it| it.1)
    };
    assert_eq!(
        (
            of("hits"),
            of("stale_hits"),
            of("misses"),
            of("exchanges"),
            of("entries")
        ),
        (3, 2, 12, 8, 1)
    );
}

// Many at once

#[test]
fn a_thousand_threads_with_one_cold_question_make_one_exchange() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    let ada = connect.viewer_token("ada");
    let hold = connect.hold();
    host.call(&["start_viewers", "1000", &ada]);
    hold.wait_for(1);
    await_count(&mut host, "coalesced", 999);
    drop(hold);
    let finished = host.call(&["finish_viewers"]);
    assert_eq!((&finished["got"], &finished["failed"]), ("1000", "0"));
    assert_eq!((connect.exchanges(), connect.connections()), (1, 1));
    let expected = [
        ("misses", 1000),
        ("exchanges", 1),
        ("coalesced", 999),
        ("entries", 1),
    ];
    assert_eq!(stats(&mut host), expected);
}

#[test]
fn sixty_four_threads_over_eight_questions_make_eight_exchanges() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    let viewers: Vec<_> = (0..8).map(|who| connect.viewer_token(&who.to_string())).collect();
    let mut words = vec!["start_viewers", "64"];
    words.extend(viewers.iter().map(String::as_str));
    let hold = connect.hold();
    host.call(&words);
    hold.wait_for(8);
    await_count(&mut host, "coalesced", 56);
    drop(hold);
    assert_eq!(host.call(&["finish_viewers"])["got"], *"64");
    assert_eq!(connect.exchanges(), 8);
}

#[test]
fn a_failure_is_shared_by_those_who_waited_and_not_remembered() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    let ada = connect.viewer_token("ada");
    connect.order(Order::Raw {
        status: 200,
        headers: vec![],
        body: b"nonsense".to_vec(),
    });
    let hold = connect.hold();
    host.call(&["start_viewers", "10", &ada]);
    await_count(&mut host, "coalesced", 9);
    drop(hold);
    assert_eq!(host.call(&["finish_viewers"])["failed"], *"10");
    assert_eq!(connect.exchanges(), 1);
    host.ok(&["viewer", &ada]);
}

#[test]
fn whoever_has_no_more_time_leaves_the_exchange_to_the_next_one() {
    for (leave, status) in [
        (("timeout_ms", "50"), "CC_ERR_TIMEOUT"),
        (("cancel_at_poll", "1"), "CC_ERR_CANCELLED"),
    ] {
        let connect = Standin::start();
        let mut host = Host::on(&connect);
        let ada = connect.viewer_token("ada");
        let hold = connect.hold();
        ask_with(&mut host, &[leave]);
        // The first one makes the exchange, the second one waits for it.
        for _ in 0..2 {
            let began = Instant::now();
            host.fails(&["viewer", &ada], status);
            assert!(began.elapsed() < Duration::from_secs(5), "promptly");
            host.ok(&["set", leave.0, leave.1]);
        }
        hold.wait_for(1);

        ask_with(&mut host, &[]);
        host.call(&["start_viewers", "2", &ada]);
        await_count(&mut host, "coalesced", 3);
        drop(hold);
        assert_eq!(host.call(&["finish_viewers"])["got"], *"2", "{status}");
        host.ok(&["viewer", &ada]);
        assert_eq!(connect.exchanges(), 1, "{status}");
    }
}

#[test]
fn an_exchange_that_nobody_waits_for_is_kept_all_the_same() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    let ada = connect.viewer_token("ada");
    let hold = connect.hold();
    ask_with(&mut host, &[("cancel_at_poll", "1")]);
    host.fails(&["viewer", &ada], "CC_ERR_CANCELLED");
    hold.wait_for(1);
    drop(hold);
    await_count(&mut host, "entries", 1);
    ask_with(&mut host, &[]);
    host.ok(&["viewer", &ada]);
    assert_eq!(connect.exchanges(), 1);
}

#[test]
fn who_has_no_time_for_a_newer_token_gets_the_old_one() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    let first = token(&mut host, &["service_account"]);
    advance(&connect, &mut host, 3570);
    let hold = connect.hold();
    ask_with(&mut host, &[("timeout_ms", "50")]);
    assert_eq!(token(&mut host, &["service_account"]), first);
    hold.wait_for(1);
    drop(hold);
    ask_with(&mut host, &[]);
    assert_ne!(token(&mut host, &["service_account"]), first);
    assert_eq!(connect.exchanges(), 2);
}
