//! Calls that do not block: started here, driven by the background thread, finished when the caller wants.

#![forbid(unsafe_code)]

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::context::PendingInContext;
use super::credentials::{self, Words};
use crate::driver::Watch;
use crate::error::Error;
use crate::oauth::token::Token;
use crate::platform::event::Event;

/// A call that was started, from a function whose name ends in `_start`.
///
/// It is done when a token or an error has arrived, or its timeout has passed. Dropping it leaves the exchange, as a
/// cancelled call does: others that wait for it are not affected. In a child made by `fork()`, a call that was not done
/// asks anew when it is finished.
pub struct StartedCall(Mutex<State>);

struct State {
    words: &'static Words,
    progress: Progress,
    event: Option<(Arc<Event>, Option<Watch>)>,
}

enum Progress {
    Done(Result<Arc<Token>, Error>),
    Pending(PendingInContext),
    /// Another thread is in [`finish`](StartedCall::finish).
    Finishing,
}

impl StartedCall {
    pub(super) fn done(words: &'static Words, token: Arc<Token>) -> Self {
        Self::new(words, Progress::Done(Ok(token)))
    }

    pub(super) fn pending(words: &'static Words, call: PendingInContext) -> Self {
        Self::new(words, Progress::Pending(call))
    }

    fn new(words: &'static Words, progress: Progress) -> Self {
        Self(Mutex::new(State {
            words,
            progress,
            event: None,
        }))
    }

    /// Returns whether [`finish`](Self::finish) returns at once.
    pub fn is_done(&self) -> bool {
        self.state().is_done()
    }

    /// Returns a descriptor that becomes readable when the call is done, for `poll` and the like; -1 when there is none to
    /// be had. It belongs to the call and closes with it. A call that is done when it starts has none until it is asked
    /// for.
    pub fn descriptor(&self) -> i32 {
        let mut state = self.state();
        if let Some((event, _)) = &state.event {
            return event.raw();
        }
        let Ok(event) = Event::new().map(Arc::new) else {
            return -1;
        };
        let watch = match &state.progress {
            Progress::Pending(call) if !call.is_done() => {
                let told = event.clone();
                match call.watch(move || told.set()) {
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
        state.event = Some((event, watch));
        raw
    }

    /// Returns the token or the error; a second time, the same. Blocks until the call is done.
    ///
    /// # Errors
    ///
    /// Those of the function without `_start`, apart from those that the start returned.
    pub fn finish(&self) -> Result<Arc<Token>, Error> {
        let (words, call) = {
            let mut state = self.state();
            match std::mem::replace(&mut state.progress, Progress::Finishing) {
                Progress::Done(result) => {
                    state.progress = Progress::Done(result.clone());
                    return result;
                }
                Progress::Finishing => {
                    let what = "The call is being finished by another thread.";
                    return Err(Error::invalid_argument(what));
                }
                Progress::Pending(call) => (state.words, call),
            }
        };
        let result = credentials::conclude_started(call.finish(), words);
        self.state().progress = Progress::Done(result.clone());
        result
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_done(&self) -> bool {
        match &self.progress {
            Progress::Done(_) => true,
            Progress::Pending(call) => call.is_done(),
            Progress::Finishing => false,
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // The background thread may hold the event a little longer; its descriptor closes now.
        if let Some((event, watch)) = self.event.take() {
            drop(watch);
            event.close();
        }
    }
}

impl fmt::Debug for StartedCall {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("StartedCall")
            .field("is_done", &self.is_done())
            .finish_non_exhaustive()
    }
}
