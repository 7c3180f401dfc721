//! The day: processes that start together and call now and then, and what the server and the callers see of it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use connectcreds::fleet::{Call, Next, Response};

use crate::clients::Client;
use crate::random::Random;
use crate::server::{HOUR_MS, LATENCY_MS, LIFETIME_MS, OUTAGE, SECOND_MS, Server};

pub const PROCESSES: usize = 10_000;
pub const DAY_MS: i64 = 24 * HOUR_MS;
/// The processes start within this time.
const START_MS: i64 = 5 * SECOND_MS;
/// The mean time between two calls of a process.
pub const BETWEEN_CALLS_MS: i64 = 30 * SECOND_MS;

/// What was seen.
pub struct Seen {
    /// The requests of each second of the day, answered or not.
    pub requests: Vec<u32>,
    pub calls: u64,
    /// Calls that failed.
    pub failed: u64,
    /// Of these, calls of a process whose token had not expired.
    pub failed_with_token: u64,
    /// Of these, in the outage, with a token that outlived it.
    pub failed_in_outage: u64,
    /// Calls that waited for an exchange.
    pub waited: u64,
    /// The longest wait.
    pub longest_ms: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Call,
    Attempt,
    Answer,
}

/// What the simulation knows of a process.
struct State<C> {
    client: C,
    /// When the call began that waits.
    waits_since: Option<i64>,
    /// The response on its way.
    response: Option<Response>,
    asked_ms: i64,
    /// When the last token that was issued to it expires.
    token_until_ms: i64,
}

struct Day<C> {
    events: BinaryHeap<Reverse<(i64, u32, Event)>>,
    states: Vec<State<C>>,
    server: Server,
    random: Random,
    seen: Seen,
}

/// Simulates a day of processes with the rules of `client`. `seed` decides what is random.
pub fn simulate<C: Client>(seed: u64, client: impl Fn() -> C) -> Seen {
    let mut random = Random::new(seed);
    let states = (0..PROCESSES).map(|_| State {
        client: client(),
        waits_since: None,
        response: None,
        asked_ms: 0,
        token_until_ms: 0,
    });
    let starts = (0..PROCESSES as u32).map(|process| {
        let start_ms = random.unit() * START_MS as f64;
        Reverse((start_ms as i64, process, Event::Call))
    });
    let mut day = Day {
        events: starts.collect(),
        states: states.collect(),
        server: Server::new(),
        random,
        seen: Seen {
            requests: vec![0; (DAY_MS / SECOND_MS) as usize],
            calls: 0,
            failed: 0,
            failed_with_token: 0,
            failed_in_outage: 0,
            waited: 0,
            longest_ms: 0,
        },
    };
    while let Some(Reverse((now_ms, process, event))) = day.events.pop() {
        if now_ms >= DAY_MS {
            break;
        }
        match event {
            Event::Call => day.call(now_ms, process),
            Event::Attempt => day.attempt(now_ms, process),
            Event::Answer => day.answer(now_ms, process),
        }
    }
    day.seen
}

impl<C: Client> Day<C> {
    fn at(&mut self, at_ms: i64, process: u32, event: Event) {
        self.events.push(Reverse((at_ms, process, event)));
    }

    fn call_later(&mut self, now_ms: i64, process: u32) {
        let pause_ms = self.random.interval_ms(BETWEEN_CALLS_MS);
        self.at(now_ms + pause_ms, process, Event::Call);
    }

    fn call(&mut self, now_ms: i64, process: u32) {
        let state = &mut self.states[process as usize];
        self.seen.calls += 1;
        let call = state.client.call(now_ms);
        if matches!(call, Call::Waits | Call::Joins) {
            state.waits_since = Some(now_ms);
            self.seen.waited += 1;
        }
        if matches!(call, Call::Waits | Call::ServedAndRefreshing) {
            self.at(now_ms, process, Event::Attempt);
        }
        match call {
            Call::Waits | Call::Joins => {}
            Call::Failed => self.ended(now_ms, process, false),
            Call::Served | Call::ServedAndRefreshing => self.ended(now_ms, process, true),
        }
    }

    fn attempt(&mut self, now_ms: i64, process: u32) {
        self.seen.requests[(now_ms / SECOND_MS) as usize] += 1;
        let state = &mut self.states[process as usize];
        state.client.attempt(now_ms);
        state.asked_ms = now_ms;
        state.response = self.server.request(now_ms);
        self.at(now_ms + LATENCY_MS, process, Event::Answer);
    }

    fn answer(&mut self, now_ms: i64, process: u32) {
        let state = &mut self.states[process as usize];
        let response = state.response.take();
        if response.as_ref().is_some_and(|response| response.status == 200) {
            state.token_until_ms = state.asked_ms + LIFETIME_MS;
        }
        match state.client.answered(now_ms, response.as_ref(), &mut self.random) {
            Next::Attempt(pause) => {
                self.at(now_ms + pause.as_millis() as i64, process, Event::Attempt);
            }
            Next::End(succeeded) => {
                if let Some(since_ms) = state.waits_since.take() {
                    self.seen.longest_ms = self.seen.longest_ms.max(now_ms - since_ms);
                    self.ended(now_ms, process, succeeded);
                }
            }
        }
    }

    /// A call of the process has ended.
    fn ended(&mut self, now_ms: i64, process: u32, succeeded: bool) {
        if !succeeded {
            let token_until_ms = self.states[process as usize].token_until_ms;
            self.seen.failed += 1;
            self.seen.failed_with_token += u64::from(token_until_ms > now_ms);
            let in_outage = (OUTAGE.0..OUTAGE.1).contains(&now_ms);
            self.seen.failed_in_outage += u64::from(in_outage && token_until_ms > OUTAGE.1);
        }
        self.call_later(now_ms, process);
    }
}
