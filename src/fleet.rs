//! One process of the fleet that `benches/fleet` simulates: this library's cache with its refresh policy, its reading of
//! responses and its retry policy, on a clock that the simulation moves. Built with the feature `_fleet` only.

#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::backend::retry_policy;
use crate::cache::key::{CacheKey, CacheKeyRef, Subject};
use crate::cache::refresh_policy::Expiry;
use crate::cache::single_flight::InFlight;
use crate::cache::store::{
    Admission, Cache, InFlightExchange, Issued, LastUse, Limits, Lookup, TokenCriteria,
};
use crate::config;
use crate::error::{Error, ErrorKind};
use crate::oauth::params::ExchangeParams;
use crate::oauth::response::ServerResponse;
use crate::oauth::token_exchange::token_type;
use crate::platform::clock::Moment;
use crate::text::hash::Part;
use crate::text::redact::Redactor;

const CRITERIA: TokenCriteria = TokenCriteria {
    min_validity_ms: 0,
    force_refresh: false,
};

/// The immediate outcome of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// It has a token.
    Served,
    /// It has a token, and an exchange begins in the background.
    ServedAndRefreshing,
    /// It waits for an exchange that begins now.
    Waits,
    /// It waits for the exchange in progress.
    Joins,
    /// It has failed.
    Failed,
}

/// The step after an attempt at an exchange.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Next {
    /// Another attempt, after a pause.
    Attempt(Duration),
    /// The end of the exchange: whether the calls that wait for it have a token.
    End(bool),
}

/// A response of the server.
#[derive(Debug, Clone)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The header `Retry-After`.
    pub retry_after_s: Option<u64>,
    /// The body, JSON.
    pub body: String,
}

/// A process that asks for its service account's token.
pub struct Process {
    cache: Cache,
    params: ExchangeParams,
    last_use: LastUse,
    exchange: Option<Exchange>,
}

/// The exchange in progress.
struct Exchange {
    key: Arc<CacheKey>,
    in_flight: Arc<InFlightExchange>,
    began: Moment,
    asked: Moment,
    attempts: u32,
}

impl std::fmt::Debug for Process {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Process").finish_non_exhaustive()
    }
}

impl Default for Process {
    fn default() -> Self {
        Self {
            cache: Cache::new(),
            params: ExchangeParams::default(),
            last_use: LastUse::none(),
            exchange: None,
        }
    }
}

impl Process {
    /// Makes a call at a moment, in milliseconds since the simulation began.
    pub fn call(&mut self, now_ms: i64) -> Call {
        let now = moment(now_ms);
        let key_ref = key_ref(&self.params);
        match self.cache.find(&key_ref, now, 0, 0, &mut self.last_use) {
            Some(Lookup::Fresh(_) | Lookup::Stale(_)) => return Call::Served,
            Some(Lookup::Aging(_, key)) => {
                let admission = self.cache.enter_early(&key, now, 0, in_flight);
                let Some(Admission::Lead(in_flight, _)) = admission else {
                    return Call::Served;
                };
                self.begin(key, in_flight, now);
                return Call::ServedAndRefreshing;
            }
            None => {}
        }
        let key = Arc::new(key_ref.to_key().expect("the question is complete"));
        match self.cache.enter(&key, now, CRITERIA, 0, in_flight) {
            Admission::Done(Ok(_)) => Call::Served,
            Admission::Done(Err(_)) => Call::Failed,
            Admission::Join(_) => Call::Joins,
            Admission::Lead(in_flight, _) => {
                self.begin(key, in_flight, now);
                Call::Waits
            }
        }
    }

    fn begin(&mut self, key: Arc<CacheKey>, in_flight: Arc<InFlightExchange>, now: Moment) {
        self.exchange = Some(Exchange {
            key,
            in_flight,
            began: now,
            asked: now,
            attempts: 0,
        });
    }

    /// Records that an attempt is made.
    pub fn attempt(&mut self, now_ms: i64) {
        let exchange = self.exchange.as_mut().expect("an exchange is in progress");
        exchange.attempts += 1;
        exchange.asked = moment(now_ms);
    }

    /// Takes what an attempt brought; `None`: no connection. `random` gives numbers from 0 to 1.
    pub fn answered(
        &mut self,
        now_ms: i64,
        response: Option<&Response>,
        mut random: impl FnMut() -> f64,
    ) -> Next {
        let exchange = self.exchange.take().expect("an exchange is in progress");
        let (now, asked) = (moment(now_ms), exchange.asked);
        let result = match response {
            Some(response) => read(response, asked),
            None => Err(Error::new(ErrorKind::Network, "")),
        };
        if let Err(why) = &result {
            let over = exchange.began.after_ms(config::timeout().as_millis() as i64);
            let left = Duration::from_millis(now.until_ms(over).max(0) as u64);
            let (made, most) = (exchange.attempts, config::MAX_ATTEMPTS.get());
            if let Some(pause) = retry_policy::wait(why, made, most, left, random()) {
                self.exchange = Some(exchange);
                return Next::Attempt(pause);
            }
        }
        let brought = result.map(|token| {
            let lifetime_s = token.lifetime_s().unwrap_or_else(config::default_lifetime_s);
            let issued = Issued {
                token,
                asked,
                refresh_token_refused: false,
            };
            (
                issued,
                Expiry::new(asked, lifetime_s, random(), exchange.key.renewal()),
            )
        });
        let (key, limits) = (&exchange.key, Limits::configured());
        let outcome = self
            .cache
            .settle(key, &exchange.in_flight, brought, now, CRITERIA, limits);
        // A caller that cannot have a new token takes the old one.
        Next::End(matches!(outcome, Ok(_) | Err((_, Some(_)))))
    }
}

fn read(response: &Response, asked: Moment) -> Result<crate::Token, Error> {
    let response = ServerResponse {
        status: response.status,
        content_type: Some("application/json".to_owned()),
        retry_after: response.retry_after_s.map(|seconds| seconds.to_string()),
        body: Zeroizing::new(response.body.clone().into_bytes()),
        ..ServerResponse::default()
    };
    response.read(asked.unix_s(), &Redactor::new([]))
}

fn key_ref(params: &ExchangeParams) -> CacheKeyRef<'_> {
    CacheKeyRef {
        subject: Subject::Given(Part::new(b"session")),
        subject_token_type: token_type::CONTENT_SESSION,
        requested_token_type: None,
        server: Part::new(b"http://localhost:3939"),
        api_key: Part::new(b"key"),
        api_key_required: true,
        params,
    }
}

fn in_flight() -> InFlightExchange {
    InFlight::new(0, Instant::now())
}

fn moment(now_ms: i64) -> Moment {
    Moment {
        wall_ms: now_ms,
        monotonic_ms: now_ms,
    }
}
