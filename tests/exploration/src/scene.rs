//! A broker, and a server that answers each exchange with a token of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::broker::{Broker, Handle, Patience, Work, World};
use crate::cache::{Issued, Landing, Wish};
use crate::clock::Moment;
use crate::config;
use crate::error::{Error, ErrorKind};
use crate::explorer::{fork, mishap, now, pass_until};
use crate::flight::Flight;
use crate::hash::Part;
use crate::process::{HoldOverFork, Place, generation, hold_over_fork};
use crate::question::{Key, Question, Subject};
use crate::secret::Secret;
use crate::token::{Parts, Token};
use crate::wanted::Wanted;

const START: Moment = Moment {
    wall_ms: 1_700_000_000_000,
    monotonic_ms: 1_000_000,
};

/// How long a token lives.
const LIFETIME_S: i64 = 3600;

/// The server: what it is asked, counted.
#[derive(Default)]
pub(crate) struct Server {
    /// Exchanges since the play began. The token of the third is called 3.
    begun: AtomicUsize,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
    refuses: bool,
    /// The next exchange forks, and goes on in the child.
    forks: AtomicBool,
    /// The wall clock, in seconds since the play began.
    late_s: AtomicI64,
}

impl Server {
    pub fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }

    pub fn most_under_way(&self) -> usize {
        self.most_under_way.load(Ordering::Relaxed)
    }
}

impl World for &'static Server {
    fn begin(
        &self,
        _key: &Key,
        _refresh_token: Option<Secret>,
        _flight: &Arc<Flight<Landing>>,
    ) -> Result<Box<dyn Work>, Error> {
        let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        let under_way = self.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_under_way.fetch_max(under_way, Ordering::Relaxed);
        Ok(Box::new(Exchanging {
            server: self,
            number,
            generation: generation(),
        }))
    }

    fn now(&self) -> Moment {
        START.after_ms(self.late_s.load(Ordering::Relaxed) * 1000)
    }

    fn jitter(&self) -> f64 {
        0.0
    }
}

struct Exchanging {
    server: &'static Server,
    number: usize,
    generation: u64,
}

impl Work for Exchanging {
    fn advance(&mut self, at_most: Duration) -> Option<Result<Issued, Error>> {
        let end = now() + at_most;
        shuttle::thread::yield_now();
        assert_eq!(
            generation(),
            self.generation,
            "a child goes on with its parent's exchange"
        );
        if at_most.is_zero() || mishap() {
            pass_until(end);
            return None;
        }
        if self.server.forks.swap(false, Ordering::Relaxed) {
            fork();
        }
        if self.server.refuses {
            return Some(Err(Error::new(ErrorKind::Network, self.number.to_string())));
        }
        let token = Token::new(Parts {
            access_token: &self.number.to_string(),
            token_type: None,
            issued_type: None,
            lifetime_s: Some(LIFETIME_S),
            expires_at: None,
            fields: Vec::new(),
        });
        Some(Ok(Issued {
            token,
            refresh_token_refused: false,
            asked: self.server.now(),
        }))
    }
}

impl Drop for Exchanging {
    fn drop(&mut self) {
        self.server.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A broker in a world of its own. Both are there for good, as the process's are.
#[derive(Clone, Copy)]
pub(crate) struct Scene {
    broker: &'static Broker<&'static Server>,
    pub server: &'static Server,
}

/// The number of a token's exchange.
pub(crate) type Number = usize;

impl Scene {
    pub fn new() -> Self {
        Self::of(Server::default())
    }

    /// Every exchange fails.
    pub fn without_tokens() -> Self {
        Self::of(Server {
            refuses: true,
            ..Server::default()
        })
    }

    /// The first exchange forks.
    pub fn that_forks() -> Self {
        Self::of(Server {
            forks: true.into(),
            ..Server::default()
        })
    }

    fn of(server: Server) -> Self {
        let server: &'static Server = Box::leak(Box::new(server));
        let broker: &'static _ = Box::leak(Box::new(Broker::new(server)));
        let lock: &'static dyn HoldOverFork = broker;
        hold_over_fork(Place::Broker, Box::leak(Box::new(lock)));
        Self { broker, server }
    }

    pub fn ask(self) -> Result<Number, ErrorKind> {
        self.ask_until(None)
    }

    pub fn ask_until(
        self,
        cancelled: Option<&(dyn Fn() -> bool + Send + Sync)>,
    ) -> Result<Number, ErrorKind> {
        self.answer(cancelled).map_err(|why| why.kind())
    }

    /// Asks, and is told of an exchange that failed.
    pub fn fail(self) -> Number {
        let why = self.answer(None).expect_err("no token");
        why.message().parse().expect("a number")
    }

    fn answer(self, cancelled: Option<&(dyn Fn() -> bool + Send + Sync)>) -> Result<Number, Error> {
        let wanted = Wanted::NOTHING;
        let question = question(&wanted);
        if let Some(token) = self.broker.cached(&question, Wish::default()) {
            return Ok(number_of(&token));
        }
        let patience = Patience {
            wish: Wish::default(),
            timeout: None,
            cancelled,
        };
        let key = question.to_key().expect("a question that can be asked");
        let deadline = now() + config::timeout();
        let answer = self.broker.obtain(key, &patience);
        let in_vain = |why: &Error| why.kind() == ErrorKind::Timeout;
        assert!(
            !answer.as_ref().is_err_and(in_vain) || now() >= deadline,
            "a call is told that its time is over before it is"
        );
        answer.map(|token| number_of(&token))
    }

    /// What is stored.
    pub fn cached(self) -> Option<Number> {
        self.cached_token().map(|token| number_of(&token))
    }

    pub fn clear(self) {
        self.broker.clear();
    }

    pub fn forget_session(self) {
        self.broker.forget_session("ada");
    }

    /// Invalidates what is stored.
    pub fn invalidate(self) {
        if let Some(token) = self.cached_token() {
            self.broker.invalidate(&token);
        }
    }

    /// Time goes by until the tokens that there are come into their early window.
    pub fn grow_old(self) {
        self.server.late_s.store(LIFETIME_S - 200, Ordering::Relaxed);
    }

    fn cached_token(self) -> Option<Arc<Token>> {
        let wanted = Wanted::NOTHING;
        self.broker.cached(&question(&wanted), Wish::default())
    }
}

fn question(wanted: &Wanted) -> Question<'_> {
    Question {
        subject: Subject::Given(Part::of(b"ada")),
        subject_token_type: "user",
        requested_token_type: None,
        server: Part::of(b"http://server"),
        api_key: Part::of(b"key"),
        api_key_required: true,
        wanted,
    }
}

fn number_of(token: &Token) -> Number {
    token.access_token().parse().expect("a number")
}
