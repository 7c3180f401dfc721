//! One entry of the cache: a token, a remembered refusal, an exchange in flight.

#![forbid(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::key::CacheKey;
use super::refresh_policy::{Expiry, Freshness};
use super::store::{Admission, InFlightExchange, Issued, TokenCriteria};
use crate::error::Error;
use crate::oauth::token::Token;
use crate::platform::clock::Moment;
use crate::text::secret::Secret;

/// How long a refusal is remembered: a host that asks "is there a token?" while it draws a page does not send a request
/// each time.
const REFUSAL_MS: i64 = 2000;

pub(super) struct Entry {
    pub key: Arc<CacheKey>,
    pub cached: Option<CachedToken>,
    /// Boxed, as the refresh token is: few entries have one, and the table has room for twice as many as there are.
    pub negative: Option<Box<NegativeEntry>>,
    pub in_flight: Option<Arc<InFlightExchange>>,
    pub last_use: AtomicU64,
}

pub(super) struct CachedToken {
    pub token: Arc<Token>,
    pub expiry: Expiry,
    pub refresh_token: Option<Box<Secret>>,
}

/// A refusal that is remembered.
pub(super) struct NegativeEntry {
    pub why: Error,
    pub until: Moment,
    /// Tells it from a later refusal for the same key.
    pub number: u64,
}

impl Entry {
    pub fn new(key: &Arc<CacheKey>) -> Self {
        Self {
            key: key.clone(),
            cached: None,
            negative: None,
            in_flight: None,
            last_use: AtomicU64::new(0),
        }
    }

    /// Returns the token's share of the memory that the cache bounds, in bytes.
    pub fn bytes(&self) -> usize {
        let cached = self.cached.as_ref();
        cached.map_or(0, |cached| cached.token.heap_bytes() + self.key.heap_bytes())
    }

    pub fn is_empty(&self) -> bool {
        self.cached.is_none() && self.negative.is_none() && self.in_flight.is_none()
    }

    pub fn is_in_flight(&self, generation: u64) -> bool {
        self.in_flight
            .as_ref()
            .is_some_and(|in_flight| in_flight.is_of(generation))
    }

    pub fn lead(&mut self, in_flight: InFlightExchange) -> Admission {
        let in_flight = Arc::new(in_flight);
        self.in_flight = Some(in_flight.clone());
        let refresh_token = self
            .cached
            .as_ref()
            .and_then(|cached| cached.refresh_token.as_deref().cloned());
        Admission::Lead(in_flight, refresh_token)
    }

    /// Stores a token; when it is the cached one again, with what is known of that.
    pub fn keep(
        &mut self,
        issued: Issued,
        expiry: Expiry,
        now: Moment,
        criteria: TokenCriteria,
    ) -> Arc<Token> {
        let token = issued.token.with_cache_key_hash(self.key.hash());
        let before = self.cached.take();
        let same = before.as_ref().filter(|before| before.token.is_same(&token));
        let mut expiry = same.map_or(expiry, |before| before.expiry.seen_again(expiry));
        if same.is_some() || expiry.classify(now, criteria.min_validity_ms) == Freshness::MustRefresh {
            expiry.record_failed_refresh(now);
        }
        // RFC 6749, section 6: a response without a new refresh token leaves the old one in force.
        let in_force = before.filter(|_| !issued.refresh_token_refused);
        let refresh_token = token
            .refresh_token()
            .map(Box::new)
            .or(in_force.and_then(|before| before.refresh_token));
        let token = Arc::new(token);
        self.negative = None;
        self.cached = Some(CachedToken {
            token: token.clone(),
            expiry,
            refresh_token,
        });
        token
    }

    pub fn remember_refusal(&mut self, why: &Error, now: Moment, number: u64) {
        self.negative = Some(Box::new(NegativeEntry {
            why: why.clone(),
            until: now.after_ms(REFUSAL_MS),
            number,
        }));
    }

    /// Records that an exchange failed. The old token outlives every failure but a refusal that is the client's fault.
    pub fn fail(&mut self, why: Error, now: Moment, criteria: TokenCriteria) -> (Error, Option<Arc<Token>>) {
        if let Some(cached) = &mut self.cached {
            let expired = cached.expiry.classify(now, 0) == Freshness::Expired;
            if expired || (why.is_final() && !criteria.force_refresh) {
                self.drop_token();
            } else {
                cached.expiry.record_failed_refresh(now);
            }
        }
        (why, self.cached.as_ref().map(|cached| cached.token.clone()))
    }

    pub fn drop_token(&mut self) {
        self.cached = None;
    }
}
