//! Where a call goes: to the process's broker, with the process's environment, or to the innermost mock's.

#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::Duration;

use crate::backend::integration_lists::{List, Lists};
use crate::backend::{ConnectBackend, broker, list_integrations};
use crate::cache::backend::Backend;
use crate::cache::broker::{Broker, Handle, Stats};
use crate::cache::call::PendingCall;
use crate::cache::key::{CacheKey, CacheKeyRef};
use crate::cache::store::TokenCriteria;
use crate::cache::wait::WaitOptions;
use crate::driver::{self, Watch};
use crate::env::{EnvSnapshot, Environment};
use crate::error::Error;
use crate::mock::{self, MockBroker};
use crate::oauth::token::Token;
use crate::platform::clock::Moment;

/// A call stays in the one that it began in.
pub(crate) enum CallContext {
    Process,
    Mock(MockBroker),
}

impl CallContext {
    /// The one that a call that begins now belongs to.
    #[inline]
    pub fn now() -> Self {
        mock::innermost().map_or(Self::Process, Self::Mock)
    }

    pub fn environment(&self) -> Environment {
        match self {
            Self::Process => Environment::Process,
            Self::Mock(_) => Environment::Mocked,
        }
    }

    /// The time by which its tokens expire.
    pub fn time(&self) -> Moment {
        match self {
            Self::Process => broker().backend().now(),
            Self::Mock(broker) => broker.backend().now(),
        }
    }

    pub fn cached(&self, key_ref: &CacheKeyRef<'_>, criteria: TokenCriteria) -> Option<Arc<Token>> {
        match self {
            Self::Process => broker().cached(key_ref, criteria, EnvSnapshot::take),
            Self::Mock(broker) => broker.cached(key_ref, criteria, EnvSnapshot::take),
        }
    }

    pub fn miss_reason(&self, key_ref: &CacheKeyRef<'_>, criteria: TokenCriteria) -> &'static str {
        match self {
            Self::Process => broker().miss_reason(key_ref, criteria),
            Self::Mock(broker) => broker.miss_reason(key_ref, criteria),
        }
    }

    pub fn obtain(&self, key: CacheKey, options: &WaitOptions<'_>) -> Result<Arc<Token>, Error> {
        match self {
            Self::Process => broker().obtain(key, EnvSnapshot::take(), options),
            Self::Mock(broker) => broker.obtain(key, EnvSnapshot::take(), options),
        }
    }

    /// As [`obtain`](Self::obtain), without waiting.
    pub fn start(
        &self,
        key: CacheKey,
        timeout: Option<Duration>,
        criteria: TokenCriteria,
    ) -> Result<Started, Error> {
        let env = EnvSnapshot::take();
        Ok(match self {
            Self::Process => match broker().start(key, env, timeout, criteria)? {
                Ok(token) => Started::Done(token),
                Err(call) => Started::Pending(PendingInContext::Process(call)),
            },
            Self::Mock(broker) => match broker.start(key, env, timeout, criteria)? {
                Ok(token) => Started::Done(token),
                Err(call) => Started::Pending(PendingInContext::Mock(call)),
            },
        })
    }

    /// A cached token that is still valid, however soon it expires.
    pub fn old_token(&self, key: &CacheKey, criteria: TokenCriteria) -> Option<Arc<Token>> {
        match self {
            Self::Process => broker().old_token(key, criteria),
            Self::Mock(broker) => broker.old_token(key, criteria),
        }
    }

    pub fn clear(&self) {
        match self {
            Self::Process => {
                broker().clear();
                list_integrations::clear();
                driver::close_idle_connections();
            }
            Self::Mock(broker) => {
                broker.clear();
                broker.backend().with_lists(Lists::clear);
            }
        }
    }

    pub fn forget_session(&self, token: &str) {
        match self {
            Self::Process => broker().forget_session(token),
            Self::Mock(broker) => broker.forget_session(token),
        }
    }

    /// The lists of integrations that are kept.
    pub fn integration_lists(&self) -> Vec<List> {
        match self {
            Self::Process => list_integrations::all_kept(),
            Self::Mock(broker) => {
                let given = mock::environment_of(broker).integrations();
                let now = self.time();
                let listed = || broker.backend().with_lists(|lists| lists.all(now));
                given.map_or_else(listed, |given| vec![given])
            }
        }
    }

    pub fn stats(&self) -> Stats {
        match self {
            Self::Process => broker().stats(),
            Self::Mock(broker) => broker.stats(),
        }
    }
}

/// A call that was started: with a token at once, or with an exchange to wait for.
pub(crate) enum Started {
    Done(Arc<Token>),
    Pending(PendingInContext),
}

/// A call that waits for an exchange, in the context that it was started in.
pub(crate) enum PendingInContext {
    Process(PendingCall<&'static Broker<ConnectBackend>>),
    Mock(PendingCall<MockBroker>),
}

impl PendingInContext {
    pub fn is_done(&self) -> bool {
        match self {
            Self::Process(call) => call.is_done(),
            Self::Mock(call) => call.is_done(),
        }
    }

    pub fn finish(&self) -> Result<Arc<Token>, Error> {
        match self {
            Self::Process(call) => call.finish(),
            Self::Mock(call) => call.finish(),
        }
    }

    /// Calls `tell` on the background thread when the call is done.
    pub fn watch(&self, tell: impl FnOnce() + Send + 'static) -> Result<Watch, Error> {
        let (in_flight, deadline) = match self {
            Self::Process(call) => call.awaited(),
            Self::Mock(call) => call.awaited(),
        };
        driver::watch(in_flight, deadline, tell)
    }
}

/// Drops a token from the cache that it came from, if that is still there; says whether it was in it.
pub(crate) fn invalidate(token: &Token) -> bool {
    broker().invalidate(token) || mock::active().iter().any(|broker| broker.invalidate(token))
}

/// Has every cache evict what is over the configured capacity.
pub(crate) fn make_room() {
    broker().make_room();
    mock::active().iter().for_each(|broker| broker.make_room());
}
