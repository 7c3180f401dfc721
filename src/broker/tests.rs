//! The broker's promises, in a world whose clock is moved and whose server answers when told.

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

#[test]
fn a_fresh_token_is_given_as_it_is() {
    let scene = scene();
    let token = scene.ask(&ada()).unwrap();
    scene.world.advance(3200);
    assert!(Arc::ptr_eq(&token, &scene.ask(&ada()).unwrap()));
    assert_eq!(scene.world.begun(), 1);
}

#[test]
fn every_part_of_a_question_tells_it_from_another() {
    let wanted = |change: fn(&mut Wanted)| {
        let mut wanted = Wanted::default();
        change(&mut wanted);
        Ask { wanted, ..ada() }
    };
    let questions = [
        ada(),
        viewer("bob"),
        Ask {
            subject_type: "type",
            ..ada()
        },
        Ask {
            requested: Some("id_token"),
            ..ada()
        },
        Ask {
            requested: Some("di_token"),
            ..ada()
        },
        Ask {
            server: "http://other",
            ..ada()
        },
        Ask {
            api_key: "other",
            ..ada()
        },
        wanted(|wanted| wanted.set_resource(Some("x".to_owned()))),
        wanted(|wanted| wanted.set_audience(Some("x".to_owned()))),
        wanted(|wanted| wanted.set_scope(Some("x".to_owned()))),
        wanted(|wanted| wanted.set_param("x", Some("y")).unwrap()),
        wanted(|wanted| wanted.set_param("x", Some("z")).unwrap()),
    ];
    let scene = scene();
    for _twice in 0..2 {
        questions
            .iter()
            .for_each(|question| drop(scene.ask(question).unwrap()));
    }
    assert_eq!(scene.world.begun(), questions.len());
    assert_eq!(scene.broker.stats().hits, questions.len() as u64);
}

#[test]
fn the_contents_token_is_told_by_where_it_stands() {
    let scene = scene();
    let ambient = |file: &'static str, variable: &'static str| {
        let ask = ada();
        let (file, variable) = (Part::of(file.as_bytes()), Part::of(variable.as_bytes()));
        let question = Question {
            subject: Subject::Ambient { file, variable },
            ..ask.question()
        };
        if scene.broker.cached(&question, ask.wish).is_none() {
            let patience = Patience {
                wish: ask.wish,
                timeout: None,
                cancelled: None,
            };
            scene
                .broker
                .obtain(question.to_key().unwrap(), &patience)
                .unwrap();
        }
    };
    for _twice in 0..2 {
        // None of the files is there: no hit reads one.
        for (file, variable) in [("/a", ""), ("/b", ""), ("", "a"), ("", "b"), ("/a", "a")] {
            ambient(file, variable);
        }
    }
    assert_eq!(scene.world.begun(), 5);
}

#[test]
fn inside_the_hard_margin_a_caller_waits_for_a_newer_token() {
    let scene = scene();
    scene
        .world
        .says([Says::Token("old", Some(3600)), Says::Token("new", Some(3600))]);
    assert_eq!(scene.name(&ada()), "old");
    scene.world.advance(3540);
    assert_eq!(scene.name(&ada()), "new");
}

#[test]
fn in_the_early_window_hits_are_instant_while_one_exchange_runs() {
    let scene = scene();
    scene
        .world
        .says([Says::Token("old", Some(3600)), Says::Token("new", Some(3600))]);
    assert_eq!(scene.name(&ada()), "old");
    scene.world.advance(3301);
    scene.world.hold();
    for _ in 0..10 {
        assert_eq!(scene.name(&ada()), "old");
    }
    scene.world.release();
    eventually(|| scene.name(&ada()) == "new");
    assert_eq!(scene.world.begun(), 2);
    assert!(scene.broker.stats().stale_hits >= 10);
}

#[test]
fn a_failed_early_refresh_leaves_the_token_alone_for_30_seconds() {
    let scene = scene();
    scene.world.says([
        Says::Token("old", Some(3600)),
        Says::Failure(failure(ErrorKind::Network)),
        Says::Token("new", Some(3600)),
    ]);
    scene.ask(&ada()).unwrap();
    scene.world.advance(3301);
    scene.name(&ada());
    eventually(|| scene.broker.stats().failures == 1);
    scene.world.advance(29);
    assert_eq!(scene.name(&ada()), "old");
    assert_eq!(scene.world.begun(), 2);
    scene.world.advance(1);
    scene.name(&ada());
    eventually(|| scene.name(&ada()) == "new");
}

#[test]
fn without_background_refresh_the_early_window_is_quiet() {
    let scene = scene();
    scene.ask(&ada()).unwrap();
    scene.world.advance(3301);
    let _off = config::tests::without_background_refresh();
    scene.name(&ada());
    assert_eq!(scene.world.begun(), 1);
}

#[test]
fn a_wish_for_validity_is_met_when_the_server_can() {
    let scene = scene();
    scene
        .world
        .says([Says::Token("old", Some(3600)), Says::Token("new", Some(3600))]);
    scene.ask(&ada()).unwrap();
    scene.world.advance(1000);
    assert_eq!(scene.name(&valid_for(2600)), "old");
    assert_eq!(scene.name(&valid_for(2601)), "new");
}

#[test]
fn a_wish_that_the_server_can_not_meet_gets_the_best_there_is_without_a_storm() {
    let scene = scene();
    for _ in 0..100 {
        scene.ask(&valid_for(7200)).unwrap();
    }
    assert_eq!(scene.world.begun(), 1);
    scene.world.advance(30);
    scene.ask(&valid_for(7200)).unwrap();
    assert_eq!(scene.world.begun(), 2);
}

#[test]
fn the_same_token_again_is_accepted_and_not_asked_for_on_every_call() {
    let scene = scene();
    scene.world.says([Says::Token("same", Some(3600))]);
    scene.ask(&ada()).unwrap();
    scene.world.advance(3580);
    for second in 0..20 {
        scene.world.says([Says::Token("same", Some(20 - second))]);
        for _ in 0..25 {
            assert_eq!(scene.name(&ada()), "same");
        }
        scene.world.advance(1);
    }
    assert!(scene.world.begun() <= 5, "{} exchanges", scene.world.begun());
    scene.world.answers.lock().unwrap().clear();
    scene.world.says([Says::Token("other", Some(3600))]);
    assert_eq!(scene.name(&ada()), "other", "the old one is over");
}

#[test]
fn one_cold_question_makes_one_exchange_for_all_who_ask() {
    let scene = scene();
    scene.world.hold();
    let ask = |at: usize| {
        let session = ["a", "b", "c", "d", "e", "f", "g", "h"][at % 8];
        std::thread::spawn(move || scene.ask(&viewer(session)).map(drop))
    };
    let threads: Vec<_> = (0..64).map(ask).collect();
    eventually(|| scene.broker.stats().coalesced == 56);
    scene.world.release();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap().unwrap());
    assert_eq!(scene.world.begun(), 8);
}

#[test]
fn whoever_leaves_spoils_nothing_for_the_others() {
    for cancelled in [false, true] {
        let scene = scene();
        scene.world.hold();
        let leader = Ask {
            timeout: Duration::from_millis(if cancelled { 20_000 } else { 30 }),
            ..ada()
        };
        let led = std::thread::spawn(move || scene.ask_until(&leader, Some(&move || cancelled)).map(drop));
        eventually(|| scene.broker.stats().exchanges == 1);
        let follower = scene.ask_elsewhere(&ada());
        let expected = if cancelled {
            ErrorKind::Cancelled
        } else {
            ErrorKind::Timeout
        };
        assert_eq!(led.join().unwrap().unwrap_err().kind(), expected);
        let impatient = Ask {
            timeout: Duration::from_millis(10),
            ..ada()
        };
        assert_eq!(scene.ask(&impatient).unwrap_err().kind(), ErrorKind::Timeout);
        scene.world.release();
        follower.join().unwrap().unwrap();
        scene.ask(&ada()).unwrap();
        assert_eq!(scene.world.begun(), 1);
    }
}

#[test]
fn an_exchange_that_nobody_waits_for_is_kept_all_the_same() {
    let scene = scene();
    scene.world.hold();
    let impatient = Ask {
        timeout: Duration::from_millis(10),
        ..ada()
    };
    assert_eq!(scene.ask(&impatient).unwrap_err().kind(), ErrorKind::Timeout);
    scene.world.release();
    eventually(|| scene.broker.stats().entries == 1);
    scene.ask(&ada()).unwrap();
    assert_eq!(scene.world.begun(), 1);
}

#[test]
fn who_has_no_time_for_a_newer_token_gets_the_old_one() {
    let scene = scene();
    let old = scene.ask(&ada()).unwrap();
    scene.world.advance(3550);
    scene.world.hold();
    let impatient = Ask {
        timeout: Duration::from_millis(10),
        ..ada()
    };
    assert!(Arc::ptr_eq(&old, &scene.ask(&impatient).unwrap()));
    let forced = Ask {
        timeout: Duration::from_millis(10),
        ..forced()
    };
    assert_eq!(scene.ask(&forced).unwrap_err().kind(), ErrorKind::Timeout);
    scene.world.release();
}

#[test]
fn a_failure_is_shared_by_those_who_waited_and_not_remembered() {
    let scene = scene();
    scene.world.hold();
    scene.world.says([Says::Failure(failure(ErrorKind::Network))]);
    let waiting = [0, 1, 2].map(|_| scene.ask_elsewhere(&ada()));
    scene.world.release();
    for thread in waiting {
        assert_eq!(thread.join().unwrap().unwrap_err().kind(), ErrorKind::Network);
    }
    scene.ask(&ada()).unwrap();
    assert_eq!(scene.world.begun(), 2);
}

#[test]
fn a_refusal_is_remembered_for_two_seconds() {
    let scene = scene();
    scene.world.says([
        Says::Failure(refusal(400)),
        Says::Failure(refusal(400)),
        Says::Failure(refusal(400)),
    ]);
    for _ in 0..10 {
        assert_eq!(scene.ask(&ada()).unwrap_err().http_status(), Some(400));
    }
    assert_eq!(scene.world.begun(), 1);
    scene.world.advance(2);
    scene.ask(&ada()).unwrap_err();
    assert_eq!(scene.world.begun(), 2);
    scene.ask(&forced()).unwrap_err();
    assert_eq!(scene.world.begun(), 3, "a forced call asks");
    scene.broker.clear();
    scene.ask(&ada()).unwrap();
}

#[test]
fn a_token_that_lives_outlives_every_failure_but_a_final_refusal() {
    let survives = [
        failure(ErrorKind::Network),
        failure(ErrorKind::Tls),
        failure(ErrorKind::Timeout),
        failure(ErrorKind::BadResponse),
        refusal(500),
        refusal(408),
        refusal(429),
    ];
    for why in survives {
        let scene = scene();
        scene
            .world
            .says([Says::Token("old", Some(3600)), Says::Failure(why.clone())]);
        scene.ask(&ada()).unwrap();
        scene.world.advance(3550);
        for _ in 0..10 {
            assert_eq!(scene.name(&ada()), "old", "{why:?}");
        }
        assert_eq!(
            scene.world.begun(),
            2,
            "the failure is not asked for again at once"
        );
        scene.world.advance(50);
        assert_eq!(scene.name(&ada()), "token", "over is over");
    }
    let scene = scene();
    scene
        .world
        .says([Says::Token("old", Some(3600)), Says::Failure(refusal(403))]);
    scene.ask(&ada()).unwrap();
    scene.world.advance(3550);
    assert_eq!(scene.ask(&ada()).unwrap_err().http_status(), Some(403));
    assert_eq!(scene.broker.stats().entries, 0);
}

#[test]
fn a_token_that_is_not_to_be_kept_serves_who_asks_within_a_second() {
    for lifetime in [0, -5] {
        let scene = scene();
        scene.world.says([
            Says::Token("brief", Some(lifetime)),
            Says::Token("next", Some(3600)),
        ]);
        for _ in 0..3 {
            assert_eq!(scene.name(&ada()), "brief");
        }
        scene.world.advance(1);
        assert_eq!(scene.name(&ada()), "next");
    }
}

#[test]
fn a_forced_call_asks_and_its_failure_leaves_the_cached_token() {
    let scene = scene();
    scene
        .world
        .says([Says::Token("old", Some(3600)), Says::Failure(refusal(403))]);
    scene.ask(&ada()).unwrap();
    assert_eq!(scene.ask(&forced()).unwrap_err().http_status(), Some(403));
    assert_eq!(scene.name(&ada()), "old");
    scene.world.says([Says::Token("new", Some(3600))]);
    assert_eq!(scene.name(&forced()), "new");
    assert_eq!(scene.name(&ada()), "new");
}

#[test]
fn a_forced_call_may_join_an_exchange_and_shares_its_failure() {
    let scene = scene();
    scene.ask(&ada()).unwrap();
    scene.world.advance(3550);
    scene.world.hold();
    scene.world.says([Says::Failure(failure(ErrorKind::Network))]);
    let soft = scene.ask_elsewhere(&ada());
    let forced = scene.ask_elsewhere(&forced());
    scene.world.release();
    assert_eq!(soft.join().unwrap().unwrap().access_token(), "token");
    assert_eq!(forced.join().unwrap().unwrap_err().kind(), ErrorKind::Network);
    assert_eq!(scene.world.begun(), 2);
}

#[test]
fn what_is_forgotten_while_it_is_fetched_goes_to_those_who_wait_and_is_not_kept() {
    let forgets: [fn(Scene, &Token); 3] = [
        |scene, _| scene.broker.clear(),
        |scene, _| scene.broker.forget_session("ada"),
        |scene, old| assert!(scene.broker.invalidate(old)),
    ];
    for forget in forgets {
        let scene = scene();
        let old = scene.ask(&ada()).unwrap();
        scene.world.advance(3550);
        scene.world.hold();
        scene.world.says([Says::Token("waited for", Some(3600))]);
        let waiting = scene.ask_elsewhere(&ada());
        forget(scene, &old);
        scene.world.release();
        assert_eq!(waiting.join().unwrap().unwrap().access_token(), "waited for");
        assert_eq!(scene.broker.stats().entries, 0);
        scene.world.says([Says::Token("next", Some(3600))]);
        assert_eq!(scene.name(&ada()), "next");
    }
}

#[test]
fn a_token_of_unknown_lifetime_is_kept_as_long_as_configured() {
    let scene = scene();
    scene
        .world
        .says([Says::Token("unknown", None), Says::Token("next", None)]);
    scene.ask(&ada()).unwrap();
    scene.world.advance(480);
    assert_eq!(scene.name(&ada()), "unknown");
    scene.world.advance(120);
    assert_eq!(scene.name(&ada()), "next");
}

#[test]
fn a_refresh_token_renews_and_stays_in_force_until_there_is_another() {
    let scene = scene();
    scene.world.says([
        Says::Renewable("first", "refresh-1"),
        Says::Token("second", Some(3600)),
        Says::Renewable("third", "refresh-2"),
    ]);
    for _ in 0..4 {
        scene.ask(&forced()).unwrap();
    }
    let renewals = scene.world.renewals.lock().unwrap();
    let expected = [None, Some("refresh-1"), Some("refresh-1"), Some("refresh-2")];
    assert_eq!(*renewals, expected.map(|token| token.map(ToOwned::to_owned)));
}

#[test]
fn setting_the_wall_clock_back_does_not_revive_a_token() {
    let scene = scene();
    scene.world.says([
        Says::Token("old", Some(100)),
        Says::Failure(failure(ErrorKind::Network)),
    ]);
    scene.ask(&ada()).unwrap();
    let forward = Moment {
        wall_ms: START.wall_ms + 200_000,
        ..START
    };
    *scene.world.now.lock().unwrap() = Some(forward);
    scene.ask(&ada()).unwrap_err();
    *scene.world.now.lock().unwrap() = Some(START);
    assert_eq!(scene.name(&ada()), "token");
}

#[test]
fn only_the_very_token_is_invalidated() {
    let scene = scene();
    scene
        .world
        .says([Says::Token("old", Some(3600)), Says::Token("new", Some(3600))]);
    let old = scene.ask(&ada()).unwrap();
    let new = scene.ask(&forced()).unwrap();
    assert!(!scene.broker.invalidate(&old), "a newer one is there");
    assert_eq!(scene.name(&ada()), "new");
    assert!(scene.broker.invalidate(&new));
    assert!(!scene.broker.invalidate(&new));
    assert_eq!(scene.name(&ada()), "token");
}

#[test]
fn a_viewer_who_leaves_is_forgotten_and_no_one_else() {
    let scene = scene();
    let of_ada = Ask {
        requested: Some("id_token"),
        ..ada()
    };
    for ask in [&ada(), &of_ada, &viewer("bob")] {
        scene.ask(ask).unwrap();
    }
    let token = scene.ask(&ada()).unwrap();
    scene.broker.forget_session("ada");
    assert_eq!(Arc::strong_count(&token), 1, "the cache let go of it");
    assert_eq!(scene.broker.stats().entries, 1);
    scene.ask(&viewer("bob")).unwrap();
    assert_eq!(scene.world.begun(), 3);
}

#[test]
fn an_exchange_that_panics_is_an_error_for_all_and_spoils_nothing() {
    let scene = scene();
    scene.world.hold();
    scene.world.says([Says::Panic]);
    let panics = std::thread::spawn(move || scene.ask(&ada()).map(drop));
    eventually(|| scene.broker.stats().exchanges == 1);
    let waiting = scene.ask_elsewhere(&ada());
    scene.world.release();
    assert!(panics.join().is_err());
    assert_eq!(waiting.join().unwrap().unwrap_err().kind(), ErrorKind::Internal);
    scene.ask(&ada()).unwrap();
}

#[test]
fn what_has_expired_is_swept_as_time_passes() {
    let scene = scene();
    scene.world.says([Says::Token("brief", Some(100))]);
    let brief = scene.ask(&viewer("gone")).unwrap();
    scene.world.advance(3000);
    scene.ask(&ada()).unwrap();
    assert_eq!(Arc::strong_count(&brief), 1);
    assert_eq!(
        (scene.broker.stats().entries, scene.broker.stats().evictions),
        (1, 0)
    );
}

#[test]
fn the_counts_say_what_happened() {
    let scene = scene();
    scene.world.says([
        Says::Token("t", Some(3600)),
        Says::Failure(failure(ErrorKind::Network)),
    ]);
    scene.ask(&ada()).unwrap();
    scene.ask(&ada()).unwrap();
    scene.ask(&viewer("bob")).unwrap_err();
    let expected = Stats {
        hits: 1,
        misses: 2,
        exchanges: 2,
        failures: 1,
        entries: 1,
        ..Stats::default()
    };
    assert_eq!(scene.broker.stats(), expected);
}
