//! Expiry: when a token is returned, when it is refreshed, and when it is no longer returned.

use super::*;

#[test]
fn a_token_serves_until_its_last_tenth_and_then_a_newer_one() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    host.ok(&["set", "background_refresh", "0"]);
    connect.order(Order::Token {
        expires_in: json!(500),
    });
    let first = token(&mut host, &["service_account"]);
    advance(&connect, &mut host, 445);
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
    // After it expires, Connect issues another one.
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
fn a_minimum_validity_that_the_server_cannot_meet_gets_its_best_without_a_storm() {
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
        // Its clock may be a tick ahead.
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
    host.ok(&["set", "default_lifetime_s", "500"]);
    connect.order(opaque("third"));
    assert_eq!(token(&mut host, &["service_account"]), "third");
    host.call(&["advance", "445"]);
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
    // Issued years ago or years ahead by this machine's clock: only the lifetime counts.
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
