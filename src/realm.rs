//! Where a call goes: to the process's broker, with the process's environment, or to the innermost mock's.

#![forbid(unsafe_code)]

use std::sync::Arc;

use crate::broker::{Handle, Patience, Stats, World};
use crate::cache::Wish;
use crate::clock::Moment;
use crate::connect::broker;
use crate::environment::Environment;
use crate::error::Error;
use crate::mock::{self, Stage};
use crate::question::{Key, Question};
use crate::token::Token;

/// A call stays in the one that it began in.
pub(crate) enum Realm {
    Process,
    Mock(Stage),
}

impl Realm {
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
            Self::Process => broker().world().now(),
            Self::Mock(stage) => stage.world().now(),
        }
    }

    pub fn cached(&self, question: &Question<'_>, wish: Wish) -> Option<Arc<Token>> {
        match self {
            Self::Process => broker().cached(question, wish),
            Self::Mock(stage) => stage.cached(question, wish),
        }
    }

    pub fn why_not(&self, question: &Question<'_>, wish: Wish) -> &'static str {
        match self {
            Self::Process => broker().why_not(question, wish),
            Self::Mock(stage) => stage.why_not(question, wish),
        }
    }

    pub fn obtain(&self, key: Key, patience: &Patience<'_>) -> Result<Arc<Token>, Error> {
        match self {
            Self::Process => broker().obtain(key, patience),
            Self::Mock(stage) => stage.obtain(key, patience),
        }
    }

    pub fn clear(&self) {
        match self {
            Self::Process => broker().clear(),
            Self::Mock(stage) => stage.clear(),
        }
    }

    pub fn forget_session(&self, token: &str) {
        match self {
            Self::Process => broker().forget_session(token),
            Self::Mock(stage) => stage.forget_session(token),
        }
    }

    pub fn stats(&self) -> Stats {
        match self {
            Self::Process => broker().stats(),
            Self::Mock(stage) => stage.stats(),
        }
    }
}

/// Drops a token from the cache that it came from, if that is still there; says whether it was in it.
pub(crate) fn invalidate(token: &Token) -> bool {
    broker().invalidate(token) || mock::alive().iter().any(|stage| stage.invalidate(token))
}

/// Has every cache evict what is over the configured capacity.
pub(crate) fn make_room() {
    broker().make_room();
    mock::alive().iter().for_each(|stage| stage.make_room());
}
