//! Single flight: concurrent calls share an exchange, and callers that leave do not end it.

use super::*;

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
        // The callback is called once before the call blocks.
        (("cancel_at_poll", "2"), "CC_ERR_CANCELLED"),
    ] {
        let connect = Standin::start();
        let mut host = Host::on(&connect);
        let ada = connect.viewer_token("ada");
        let hold = connect.hold();
        ask_with(&mut host, &[leave]);
        // The first call leads the exchange, and the second waits for it.
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
    ask_with(&mut host, &[("cancel_at_poll", "2")]);
    host.fails(&["viewer", &ada], "CC_ERR_CANCELLED");
    hold.wait_for(1);
    drop(hold);
    await_count(&mut host, "entries", 1);
    ask_with(&mut host, &[]);
    host.ok(&["viewer", &ada]);
    assert_eq!(connect.exchanges(), 1);
}

#[test]
fn a_call_without_time_for_a_newer_token_gets_the_old_one() {
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
