//! Records requests, connections and their outcomes.

use crate::form;
use hyper::http::request::Parts;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

/// Older requests are dropped, though not their counts, so that a benchmark does not measure this list.
const KEPT: usize = 10_000;

/// So many tokens are remembered with their questions.
const KEPT_TOKENS: usize = 50_000;

/// A request as it was received, including rejected ones and those to a wrong path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recorded {
    /// The method, usually `POST`.
    pub method: String,
    /// Path and query as sent.
    pub path: String,
    /// Header fields in their order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; invalid UTF-8 is replaced.
    pub body: String,
}

impl Recorded {
    pub(crate) fn new(parts: &Parts, body: &[u8]) -> Recorded {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Recorded {
            method: parts.method.to_string(),
            path: parts.uri.to_string(),
            headers: parts
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
                .collect(),
            body: text(body),
        }
    }

    /// Returns the first header field with that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Returns the form parameters of the body in their order.
    pub fn form(&self) -> Vec<(String, String)> {
        form::pairs(&self.body)
    }

    /// Returns the first form parameter with that name.
    pub fn param(&self, name: &str) -> Option<String> {
        self.form()
            .into_iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value)
    }
}

/// A request and a description of its response, for the status page.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) recorded: Recorded,
    pub(crate) outcome: String,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Counts {
    /// Accepted TCP connections, except those that only managed this server.
    pub(crate) connections: usize,
    /// Complete POST requests to the endpoint.
    pub(crate) exchanges: usize,
    /// Responses with a status of 400 or above.
    pub(crate) refusals: usize,
    /// Tokens issued, by kind.
    pub(crate) issued: BTreeMap<&'static str, usize>,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    counts: Counts,
    entries: VecDeque<Entry>,
    /// The number of the first entry in the list.
    first: usize,
    issued: Issued,
}

/// The bodies of the requests that tokens answered.
#[derive(Debug, Default)]
struct Issued {
    bodies: HashMap<String, String>,
    oldest_first: VecDeque<String>,
}

impl Issued {
    fn add(&mut self, token: &str, body: &str) {
        if self.bodies.insert(token.to_owned(), body.to_owned()).is_some() {
            return;
        }
        self.oldest_first.push_back(token.to_owned());
        if self.oldest_first.len() > KEPT_TOKENS
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.bodies.remove(&oldest);
        }
    }
}

/// The place where the outcome of a request is recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number(usize);

impl Ledger {
    pub(crate) fn connected(&self) {
        self.lock().counts.connections += 1;
    }

    /// Records that a connection manages this server.
    pub(crate) fn not_a_connection(&self) {
        let counts = &mut self.lock().counts;
        counts.connections = counts.connections.saturating_sub(1);
    }

    pub(crate) fn arrived(&self, recorded: Recorded, is_exchange: bool) -> Number {
        let mut book = self.lock();
        book.counts.exchanges += usize::from(is_exchange);
        if book.entries.len() == KEPT {
            book.entries.pop_front();
            book.first += 1;
        }
        book.entries.push_back(Entry {
            recorded,
            outcome: "no answer yet".to_owned(),
        });
        Number(book.first + book.entries.len() - 1)
    }

    /// Records a token and the body of the request that it answers.
    pub(crate) fn issued(&self, kind: &'static str, token: &str, body: &str) {
        let mut book = self.lock();
        *book.counts.issued.entry(kind).or_default() += 1;
        book.issued.add(token, body);
    }

    /// Returns the form parameters of the latest request that `token` answered.
    pub(crate) fn question_of(&self, token: &str) -> Option<Vec<(String, String)>> {
        let body = self.lock().issued.bodies.get(token).cloned();
        Some(form::pairs(&body?))
    }

    pub(crate) fn answered(&self, Number(number): Number, outcome: String, refused: bool) {
        let mut book = self.lock();
        book.counts.refusals += usize::from(refused);
        // Dropped already, or the counts were reset while the request waited.
        let Some(place) = number.checked_sub(book.first) else {
            return;
        };
        if let Some(entry) = book.entries.get_mut(place) {
            entry.outcome = outcome;
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.lock().counts.clone()
    }

    pub(crate) fn requests(&self) -> Vec<Recorded> {
        self.lock()
            .entries
            .iter()
            .map(|entry| entry.recorded.clone())
            .collect()
    }

    /// Returns the entries, newest first.
    pub(crate) fn latest(&self, count: usize) -> Vec<Entry> {
        self.lock().entries.iter().rev().take(count).cloned().collect()
    }

    pub(crate) fn reset(&self) {
        let mut book = self.lock();
        book.first += book.entries.len();
        book.entries.clear();
        book.counts = Counts::default();
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("no holder panics")
    }
}
