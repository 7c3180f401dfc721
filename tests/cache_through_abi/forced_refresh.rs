//! Forced refreshes, and refreshes with a refresh token.

use super::*;

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

        // The rejected refresh token is dropped and not tried again.
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

#[test]
fn a_server_that_does_not_renew_makes_a_whole_exchange_in_the_same_call() {
    let text = |status| Order::Raw {
        status,
        headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
        body: b"No such thing.".to_vec(),
    };
    let refusals = [
        text(404),
        text(405),
        text(501),
        text(400),
        Order::Success(json!({ "expires_in": 3600 })),
        Order::Success(json!({ "access_token": "", "expires_in": 3600 })),
    ];
    for refusal in refusals {
        let connect = Standin::start();
        let mut host = Host::on(&connect);
        connect.order(Order::Success(
            json!({ "access_token": "first", "expires_in": 3600, "refresh_token": "r" }),
        ));
        host.ok(&["service_account"]);
        advance(&connect, &mut host, 3601);
        connect.order(refusal.clone());
        let renewed = token(&mut host, &["service_account"]);
        assert!(renewed.starts_with("sa-"), "{refusal:?}");
        assert_eq!(connect.exchanges(), 3, "{refusal:?}");
        // It is not tried with that refresh token again.
        advance(&connect, &mut host, 3601);
        host.ok(&["service_account"]);
        assert_eq!(connect.exchanges(), 4, "{refusal:?}");
    }
}
