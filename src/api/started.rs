//! Calls that do not block: started here, driven by the background thread, finished when the caller wants.

#![forbid(unsafe_code)]

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::context::PendingInContext;
use super::outcome::{Words, conclude_started};
use crate::driver::Watch;
use crate::error::Error;
use crate::oauth::token::Token;
use crate::platform::cancellation::NoCancellation;
use crate::platform::event::Event;
use crate::platform::fork::{Place, generation};
use crate::platform::fork_safe_mutex::ForkSafeMutex;

/// A call that was started, from a function whose name ends in `_start`.
///
/// It is done when a token or an error has arrived, or its timeout has passed. Dropping it leaves the exchange, as a
/// cancelled call does: others that wait for it are not affected. In a child made by `fork()`, a call that was not done
/// exchanges the token again when it is finished.
pub struct StartedCall {
    /// Of a call that was done when it started: a cache hit locks nothing.
    done: Option<Arc<Token>>,
    state: Mutex<State>,
}

/// Held while a call's state is locked, so that no thread that a forked child lacks holds one.
static STATES: ForkSafeMutex<()> = ForkSafeMutex::new(Place::StartedCalls, (), || ());

#[derive(Default)]
struct State {
    pending: Option<Box<Pending>>,
    signal: Option<Box<Signal>>,
}

struct Pending {
    words: &'static Words,
    progress: Progress,
}

enum Progress {
    /// `finishing` is the process in which a thread is in [`finish`](StartedCall::finish).
    Waiting {
        call: Arc<PendingInContext>,
        finishing: Option<u64>,
    },
    Done(Result<Arc<Token>, Error>),
}

/// How a host is told that the call is done.
struct Signal {
    generation: u64,
    event: Arc<Event>,
    watch: Option<Watch>,
}

impl StartedCall {
    #[inline]
    pub(super) fn done(token: Arc<Token>) -> Self {
        Self {
            done: Some(token),
            state: Mutex::default(),
        }
    }

    pub(super) fn pending(words: &'static Words, call: PendingInContext) -> Self {
        let progress = Progress::Waiting {
            call: Arc::new(call),
            finishing: None,
        };
        Self {
            done: None,
            state: Mutex::new(State {
                pending: Some(Box::new(Pending { words, progress })),
                signal: None,
            }),
        }
    }

    /// Returns whether [`finish`](Self::finish) returns at once.
    pub fn is_done(&self) -> bool {
        self.done.is_some() || self.with_state(|state| state.is_done())
    }

    /// Returns a descriptor that becomes readable when the call is done, for `poll` and the like; -1 when none can be
    /// created. It belongs to the call and closes with it. The first request for it creates it, and so does the first
    /// one in a forked child.
    pub fn descriptor(&self) -> i32 {
        self.with_state(State::descriptor)
    }

    /// Returns the token or the error; a second time, the same. Blocks until the call is done.
    ///
    /// # Errors
    ///
    /// Those of the function without `_start`, apart from those that the start returned; and
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) while another thread is in it.
    #[inline]
    pub fn finish(&self) -> Result<Arc<Token>, Error> {
        match &self.done {
            Some(token) => Ok(token.clone()),
            None => self.finish_pending(),
        }
    }

    #[cold]
    fn finish_pending(&self) -> Result<Arc<Token>, Error> {
        /// Whatever ends it, another thread may finish the call.
        struct Finishing<'a>(&'a StartedCall);
        impl Drop for Finishing<'_> {
            fn drop(&mut self) {
                self.0.with_state(|state| {
                    if let Some((Progress::Waiting { finishing, .. }, _)) = state.progress() {
                        *finishing = None;
                    }
                });
            }
        }
        let begun = self.with_state(|state| match state.progress() {
            None => Err(Err(Error::invalid_argument("The call has no result."))),
            Some((Progress::Done(result), _)) => Err(result.clone()),
            Some((Progress::Waiting { finishing, .. }, _)) if *finishing == Some(generation()) => {
                let what = "The call is being finished by another thread.";
                Err(Err(Error::invalid_argument(what)))
            }
            Some((Progress::Waiting { call, finishing }, words)) => {
                *finishing = Some(generation());
                Ok((call.clone(), words))
            }
        });
        let (call, words) = match begun {
            Ok(begun) => begun,
            Err(result) => return result,
        };
        let finishing = Finishing(self);
        let result = conclude_started(call.finish(), words);
        drop(call);
        let left = self.with_state(|state| {
            let done = Progress::Done(result.clone());
            let left = state
                .progress()
                .map(|(progress, _)| std::mem::replace(progress, done));
            if let Some(signal) = &state.signal {
                signal.event.set();
            }
            left
        });
        // Outside of the lock: it leaves the exchange.
        drop(left);
        drop(finishing);
        result
    }

    fn with_state<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let _held = STATES.lock();
        work(&mut self.state())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn progress(&mut self) -> Option<(&mut Progress, &'static Words)> {
        let pending = self.pending.as_mut()?;
        Some((&mut pending.progress, pending.words))
    }

    fn is_done(&self) -> bool {
        self.awaited().is_none_or(|call| call.is_done())
    }

    fn awaited(&self) -> Option<&PendingInContext> {
        match &self.pending.as_ref()?.progress {
            Progress::Waiting { call, .. } => Some(call),
            Progress::Done(_) => None,
        }
    }

    fn descriptor(&mut self) -> i32 {
        if let Some(signal) = &self.signal
            && signal.generation == generation()
        {
            return signal.event.raw();
        }
        let Ok(event) = Event::new().map(Arc::new) else {
            return -1;
        };
        let watch = match self.awaited() {
            Some(call) if !call.is_done() => {
                let told = event.clone();
                let tell = move || {
                    let _held = STATES.lock();
                    told.set();
                };
                match call.watch(tell) {
                    Ok(watch) => Some(watch),
                    Err(_no_thread) => return -1,
                }
            }
            _ => {
                event.set();
                None
            }
        };
        let raw = event.raw();
        self.signal = Some(Box::new(Signal {
            generation: generation(),
            event,
            watch,
        }));
        raw
    }
}

impl Drop for StartedCall {
    #[inline]
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(signal) = state.signal.take() {
            let _held = STATES.lock();
            drop(signal);
        }
    }
}

impl Drop for Signal {
    fn drop(&mut self) {
        // Closing is a cancellation point.
        let _guard = NoCancellation::new();
        drop(self.watch.take());
        // The background thread may hold the event a little longer; its descriptor closes now.
        self.event.close();
    }
}

impl fmt::Debug for StartedCall {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("StartedCall")
            .field("is_done", &self.is_done())
            .finish_non_exhaustive()
    }
}
