//! The end of every call: its failure is worded, logged and recorded, and the log is delivered.

#![forbid(unsafe_code)]

use std::sync::Arc;

use super::diagnostics;
use crate::error::{Error, ErrorKind};
use crate::log::{self, Level};
use crate::oauth::token::Token;

/// First lines of messages, in the words of the R package connectcreds, so that a search finds both.
pub(super) struct Words {
    /// For the log.
    pub what: &'static str,
    /// Empty: available everywhere, and without an API key.
    pub only_on_connect: &'static str,
    pub not_supported: &'static str,
    pub cannot_fetch: &'static str,
}

/// The end of every call: its failure is logged and recorded for the next report, and the log's lines are delivered.
#[inline]
pub(super) fn conclude<T>(result: Result<T, Error>) -> Result<T, Error> {
    if let Err(why) = &result {
        report_failure(why);
    }
    log::deliver();
    result
}

/// The end of a call that was started.
pub(super) fn conclude_started(
    result: Result<Arc<Token>, Error>,
    words: &Words,
) -> Result<Arc<Token>, Error> {
    conclude(result.map_err(|why| in_words(why, words)))
}

#[cold]
fn report_failure(why: &Error) {
    let level = match why.kind() {
        // The caller may have asked only whether there are credentials here.
        ErrorKind::NotOnConnect | ErrorKind::NoSession | ErrorKind::NotSupported => Level::Info,
        _ => Level::Error,
    };
    log::line!(level, "{why}");
    diagnostics::record(why);
}

/// The error below the sentence that says what could not be done.
pub(super) fn in_words(why: Error, words: &Words) -> Error {
    match why.kind() {
        ErrorKind::InvalidArgument | ErrorKind::NoServer | ErrorKind::NoApiKey => why,
        // An unknown content GUID, which a lookup of integrations needs, says nothing about the server's version.
        ErrorKind::NotSupported if why.is_about_tokens() => why.with_headline(words.not_supported),
        _ => why.with_headline(words.cannot_fetch),
    }
}
