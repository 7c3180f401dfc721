//! Entries dropped by the host or to make room, and the counters.

use super::*;

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

    // Another handle on the same token drops it, and no other token.
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
fn a_token_dropped_during_its_exchange_goes_to_waiters_and_is_not_cached() {
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
fn the_least_recently_used_entry_makes_room() {
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

    // A lower capacity takes effect at once; the default has room for all.
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

    // Each failing call is a miss. Only the first makes an exchange, because the refusal is cached.
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

    // Late but valid: returned while a refresh is in progress, and then because the refresh failed.
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

#[test]
fn refusals_take_the_place_of_no_token() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    host.ok(&["set", "cache_capacity", "50"]);
    let viewers: Vec<_> = (0..50)
        .map(|n| connect.viewer_token(&format!("viewer {n}")))
        .collect();
    for viewer in &viewers {
        host.ok(&["viewer", viewer]);
    }
    for stranger in 0..60 {
        host.fails(&["viewer", &format!("stranger-{stranger}")], "CC_ERR_REFUSED");
    }
    assert_eq!(count(&mut host, "evictions"), 0);
    connect.reset_counts();
    for viewer in &viewers {
        host.ok(&["viewer", viewer]);
    }
    assert_eq!(connect.exchanges(), 0);
}

#[test]
fn the_order_of_use_decides_far_below_half_of_the_capacity_too() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    host.ok(&["set", "cache_capacity", "100"]);
    let viewers: Vec<_> = (0..20)
        .map(|n| connect.viewer_token(&format!("viewer {n}")))
        .collect();
    for viewer in viewers.iter().chain(&viewers[..5]) {
        host.ok(&["viewer", viewer]);
    }
    host.ok(&["set", "cache_capacity", "10"]);
    connect.reset_counts();
    // The last used are the first five, and before them the last five.
    for viewer in viewers[..5].iter().chain(&viewers[15..]) {
        host.ok(&["viewer", viewer]);
    }
    assert_eq!(connect.exchanges(), 0);
    assert_eq!(count(&mut host, "evictions"), 10);
}

#[test]
fn the_cache_is_bounded_in_bytes_too() {
    let connect = Standin::start();
    let mut host = Host::on(&connect);
    let large = "x".repeat(100_000);
    connect.order_always(Some(Order::Success(
        json!({ "access_token": "t", "expires_in": 3600, "extra": large }),
    )));
    host.ok(&["set", "cache_bytes", "1000000"]);
    let viewers: Vec<_> = (0..20)
        .map(|n| connect.viewer_token(&format!("viewer {n}")))
        .collect();
    for viewer in &viewers {
        host.ok(&["viewer", viewer]);
    }
    let entries = count(&mut host, "entries");
    assert!((3..10).contains(&entries), "{entries}");
    assert_eq!(count(&mut host, "evictions"), 20 - entries);
    // A lower bound takes effect at once, the default has room for all.
    host.ok(&["set", "cache_bytes", "400000"]);
    let fewer = count(&mut host, "entries");
    assert!((1..entries).contains(&fewer), "{fewer}");
    host.ok(&["set", "cache_bytes", "0"]);
    for viewer in &viewers {
        host.ok(&["viewer", viewer]);
    }
    assert_eq!(count(&mut host, "entries"), 20);
}
