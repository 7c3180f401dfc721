//! The server: a rate limit, restarts, an outage, and an hour in which it is too busy for anyone.

use connectcreds::fleet::Response;

pub const SECOND_MS: i64 = 1000;
pub const MINUTE_MS: i64 = 60 * SECOND_MS;
pub const HOUR_MS: i64 = 60 * MINUTE_MS;

/// Requests per second that it takes, also the most that it takes at once.
pub const LIMIT: f64 = 200.0;
/// What it says in `Retry-After` to requests above the limit.
const OVER_LIMIT_S: u64 = 5;
/// The lifetime of a token.
pub const LIFETIME_MS: i64 = HOUR_MS;
/// How long a response takes.
pub const LATENCY_MS: i64 = 50;

/// From when to when a restart takes.
pub const RESTARTS: [(i64, i64); 2] = [
    (6 * HOUR_MS, 6 * HOUR_MS + 20 * SECOND_MS),
    (18 * HOUR_MS, 18 * HOUR_MS + 20 * SECOND_MS),
];
/// Nothing listens.
pub const OUTAGE: (i64, i64) = (12 * HOUR_MS, 12 * HOUR_MS + 5 * MINUTE_MS);
/// Every request is rejected with 429 and this `Retry-After`.
pub const BUSY: (i64, i64) = (15 * HOUR_MS, 15 * HOUR_MS + 2 * MINUTE_MS);
const BUSY_S: u64 = 30;

pub struct Server {
    /// Requests that it takes at once.
    room: f64,
    seen_ms: i64,
    issued: u64,
}

impl Server {
    pub fn new() -> Self {
        Self {
            room: LIMIT,
            seen_ms: 0,
            issued: 0,
        }
    }

    /// Returns the response to a request, which comes after [`LATENCY_MS`]; `None`: no connection.
    pub fn request(&mut self, now_ms: i64) -> Option<Response> {
        let within = |(from, to): (i64, i64)| (from..to).contains(&now_ms);
        if within(OUTAGE) || RESTARTS.into_iter().any(within) {
            return None;
        }
        let refilled = (now_ms - self.seen_ms) as f64 / SECOND_MS as f64 * LIMIT;
        self.room = (self.room + refilled).min(LIMIT);
        self.seen_ms = now_ms;
        if within(BUSY) {
            return Some(rejected(BUSY_S));
        }
        if self.room < 1.0 {
            return Some(rejected(OVER_LIMIT_S));
        }
        self.room -= 1.0;
        self.issued += 1;
        Some(Response {
            status: 200,
            retry_after_s: None,
            body: format!(
                r#"{{"access_token":"{}","token_type":"Bearer","expires_in":{}}}"#,
                self.issued,
                LIFETIME_MS / SECOND_MS
            ),
        })
    }
}

fn rejected(retry_after_s: u64) -> Response {
    Response {
        status: 429,
        retry_after_s: Some(retry_after_s),
        body: r#"{"code":0,"error":"Too many requests.","payload":null}"#.to_owned(),
    }
}
