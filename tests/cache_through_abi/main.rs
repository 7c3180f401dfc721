//! The cache, from C: when a call is served from it, and when it makes an exchange.

#[path = "../support/mod.rs"]
mod support;

mod cache_key;
mod eviction;
mod expiry;
mod forced_refresh;
mod single_flight;

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

/// Returns the cache's counters that are not zero.
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

/// Waits until a counter is `expected`.
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

/// Returns the access token of a call, which must succeed.
#[track_caller]
fn token(host: &mut Host, call: &[&str]) -> String {
    host.ok(call)["access_token"].to_owned()
}

/// Replaces the host's request by a new one with these settings.
fn ask_with(host: &mut Host, settings: &[(&str, &str)]) {
    host.call(&["request"]);
    for (name, value) in settings {
        host.ok(&["set", name, value]);
    }
}

fn answer(access_token: &str) -> Order {
    Order::Success(json!({ "access_token": access_token, "expires_in": 3600 }))
}

/// The response of a server that is out of order.
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

/// Returns the remaining lifetime of a token in seconds, by this process's clock.
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

/// Moves the clocks of the server and the host forward.
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
