//! The broker's promises, in a world whose clock is moved and whose server answers when told.

mod kept;
mod life;
mod sharing;

use std::collections::VecDeque;
use std::sync::atomic::AtomicUsize;
use std::sync::{Condvar, Mutex};

use super::*;
use crate::error::AnswerFacts;
use crate::hash::Part;
use crate::question::Subject;
use crate::token::{Field, Parts};
use crate::wanted::Wanted;

const START: Moment = Moment {
    wall_ms: 1_700_000_000_000,
    monotonic_ms: 1_000_000,
};

/// What the server answers.
#[derive(Clone)]
enum Says {
    /// A token of this name that lives for so many seconds.
    Token(&'static str, Option<i64>),
    /// A token and a refresh token.
    Renewable(&'static str, &'static str),
    Failure(Error),
    Panic,
}

#[derive(Default)]
struct Fake {
    now: Mutex<Option<Moment>>,
    answers: Mutex<VecDeque<Says>>,
    begun: AtomicUsize,
    renewals: Mutex<Vec<Option<String>>>,
    /// Whether exchanges wait.
    held: Mutex<bool>,
    released: Condvar,
}

impl Fake {
    fn advance(&self, seconds: i64) {
        let mut now = self.now.lock().unwrap();
        *now = Some(now.unwrap_or(START).after_ms(seconds * 1000));
    }

    fn says(&self, answers: impl IntoIterator<Item = Says>) {
        self.answers.lock().unwrap().extend(answers);
    }

    fn hold(&self) {
        *self.held.lock().unwrap() = true;
    }

    fn release(&self) {
        *self.held.lock().unwrap() = false;
        self.released.notify_all();
    }

    fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }
}

struct FakeWork {
    world: &'static Fake,
    asked: Moment,
}

impl World for &'static Fake {
    fn begin(
        &self,
        _key: &Key,
        refresh_token: Option<Secret>,
        _flight: &Arc<Exchanging>,
    ) -> Result<Box<dyn Work>, Error> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.renewals
            .lock()
            .unwrap()
            .push(refresh_token.map(|token| token.expose().to_owned()));
        Ok(Box::new(FakeWork {
            world: self,
            asked: self.now(),
        }))
    }

    fn now(&self) -> Moment {
        self.now.lock().unwrap().unwrap_or(START)
    }

    fn jitter(&self) -> f64 {
        0.0
    }
}

impl Work for FakeWork {
    fn advance(&mut self, at_most: Duration) -> Option<Result<Issued, Error>> {
        let held = self.world.held.lock().unwrap();
        let (held, _) = self
            .world
            .released
            .wait_timeout_while(held, at_most, |held| *held)
            .unwrap();
        if *held {
            return None;
        }
        drop(held);
        let answer = self.world.answers.lock().unwrap().pop_front();
        let (name, lifetime_s, refresh) = match answer.unwrap_or(Says::Token("token", Some(3600))) {
            Says::Token(name, lifetime_s) => (name, lifetime_s, None),
            Says::Renewable(name, refresh) => (name, Some(3600), Some(refresh)),
            Says::Failure(why) => return Some(Err(why)),
            Says::Panic => panic!("as ordered"),
        };
        let fields = refresh.map(|refresh| Field {
            name: Secret::new("refresh_token"),
            value: Some(Secret::new(refresh)),
            is_string: true,
        });
        let token = Token::new(Parts {
            access_token: name,
            token_type: None,
            issued_type: None,
            lifetime_s,
            expires_at: None,
            fields: fields.into_iter().collect(),
        });
        Some(Ok(Issued {
            token,
            refresh_token_refused: false,
            asked: self.asked,
        }))
    }
}

/// A broker in a world of its own. Both live as long as the test program: threads may still be in them.
#[derive(Clone, Copy)]
struct Scene {
    broker: &'static Broker<&'static Fake>,
    world: &'static Fake,
}

/// A viewer's question, in which everything has a value.
#[derive(Clone)]
struct Ask {
    session: &'static str,
    subject_type: &'static str,
    requested: Option<&'static str>,
    server: &'static str,
    api_key: &'static str,
    wanted: Wanted,
    wish: Wish,
    timeout: Duration,
}

fn ada() -> Ask {
    Ask {
        session: "ada",
        subject_type: "user",
        requested: None,
        server: "http://server",
        api_key: "key",
        wanted: Wanted::NOTHING,
        wish: Wish::default(),
        timeout: Duration::from_secs(20),
    }
}

fn viewer(session: &'static str) -> Ask {
    Ask { session, ..ada() }
}

fn forced() -> Ask {
    Ask {
        wish: Wish {
            force_refresh: true,
            ..Wish::default()
        },
        ..ada()
    }
}

fn valid_for(seconds: i64) -> Ask {
    Ask {
        wish: Wish {
            min_validity_ms: seconds * 1000,
            ..Wish::default()
        },
        ..ada()
    }
}

impl Ask {
    fn question(&self) -> Question<'_> {
        Question {
            subject: Subject::Given(Part::of(self.session.as_bytes())),
            subject_token_type: self.subject_type,
            requested_token_type: self.requested,
            server: Part::of(self.server.as_bytes()),
            api_key: Part::of(self.api_key.as_bytes()),
            api_key_required: true,
            wanted: &self.wanted,
        }
    }
}

fn scene() -> Scene {
    let world: &'static Fake = Box::leak(Box::default());
    Scene {
        broker: Box::leak(Box::new(Broker::new(world))),
        world,
    }
}

impl Scene {
    fn ask(self, ask: &Ask) -> Result<Arc<Token>, Error> {
        self.ask_until(ask, None)
    }

    fn ask_until(
        self,
        ask: &Ask,
        cancelled: Option<&(dyn Fn() -> bool + Send + Sync)>,
    ) -> Result<Arc<Token>, Error> {
        let question = ask.question();
        if let Some(token) = self.broker.cached(&question, ask.wish) {
            return Ok(token);
        }
        let patience = Patience {
            wish: ask.wish,
            timeout: Some(ask.timeout),
            cancelled,
        };
        self.broker.obtain(question.to_key()?, &patience)
    }

    /// The name of the token.
    #[track_caller]
    fn name(self, ask: &Ask) -> String {
        self.ask(ask).expect("a token").access_token().to_owned()
    }

    /// Asks on a thread of its own; comes back when the question has arrived.
    fn ask_elsewhere(self, ask: &Ask) -> std::thread::JoinHandle<Result<Arc<Token>, Error>> {
        let (ask, before) = (ask.clone(), self.broker.stats());
        let thread = std::thread::spawn(move || self.ask(&ask));
        eventually(|| {
            let now = self.broker.stats();
            now.exchanges + now.coalesced > before.exchanges + before.coalesced
        });
        thread
    }
}

/// Gives other threads their turn until `condition` holds.
#[track_caller]
fn eventually(condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(20), "it never came true");
        std::thread::yield_now();
    }
}

fn failure(kind: ErrorKind) -> Error {
    Error::new(kind, "as ordered")
}

fn refusal(http_status: u16) -> Error {
    failure(ErrorKind::Refused).answered(AnswerFacts {
        http_status: Some(http_status),
        ..AnswerFacts::default()
    })
}
