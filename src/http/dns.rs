//! Name resolution: the system's resolver blocks and cannot be cancelled, so each lookup runs on a thread of its own.
//! Requests that need the same name share one lookup.

#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::platform::per_process::PerProcess;
use crate::platform::signals::without_signals;

type Addresses = Vec<SocketAddr>;

/// The lookups in progress, by name.
static LOOKUPS: PerProcess<Mutex<HashMap<String, Arc<Lookup>>>> = PerProcess::new(Mutex::default);

pub(crate) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let lookup = Lookup::of(name.as_str());
        Box::pin(async move {
            let addresses: Addrs = Box::new(lookup?.await?.into_iter());
            Ok(addresses)
        })
    }
}

/// A lookup in progress.
#[derive(Default)]
struct Lookup(Mutex<State>);

#[derive(Default)]
struct State {
    /// An error is copied by its kind and text: several requests may wait for it.
    result: Option<Result<Addresses, (io::ErrorKind, String)>>,
    wakers: Vec<Waker>,
}

/// Waits for a lookup.
struct Waiting(Arc<Lookup>);

impl Lookup {
    /// The lookup of `name` that is in progress, or a new one.
    fn of(name: &str) -> io::Result<Waiting> {
        let lookups = LOOKUPS.get();
        let mut known = locked(lookups);
        if let Some(lookup) = known.get(name) {
            return Ok(Waiting(lookup.clone()));
        }
        let lookup = Arc::new(Self::default());
        let (ours, host) = (lookup.clone(), name.to_owned());
        let thread = thread::Builder::new().name("connectcreds-dns".to_owned());
        let look_up = move || {
            // The port is set by the client.
            let found = (host.as_str(), 0).to_socket_addrs();
            locked(lookups).remove(&host);
            ours.complete(found.map(Iterator::collect));
        };
        // The host's signal handlers must not run on our thread.
        without_signals(|| thread.spawn(look_up)).map_err(no_thread)?;
        known.insert(name.to_owned(), lookup.clone());
        Ok(Waiting(lookup))
    }

    fn complete(&self, found: io::Result<Addresses>) {
        let mut state = locked(&self.0);
        state.result = Some(found.map_err(|why| (why.kind(), why.to_string())));
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }
}

fn no_thread(why: io::Error) -> io::Error {
    let what = format!("no thread to resolve the name on: {why}");
    io::Error::new(why.kind(), what)
}

impl Future for Waiting {
    type Output = io::Result<Addresses>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = locked(&self.0.0);
        match &state.result {
            Some(Ok(addresses)) => Poll::Ready(Ok(addresses.clone())),
            Some(Err((kind, why))) => Poll::Ready(Err(io::Error::new(*kind, why.clone()))),
            None => {
                state.wakers.push(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
