//! The server's response to an exchange: a token, a refusal, or something else. Pure.
//!
//! `success` reads a token out of the members of a 2xx response, [`Integration`] a list of integrations; `refusal` reads an error in one of the three shapes that
//! Connect and OAuth servers use. This file decides which of them it is, and describes a response that is neither.

#![forbid(unsafe_code)]

mod refusal;
mod success;

pub(crate) use refusal::{NO_INTEGRATION, NO_INTEGRATION_HELP};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, ResponseFacts};
use crate::oauth::integrations::Integration;
use crate::oauth::json::JsonObject;
use crate::oauth::token::Token;
use crate::oauth::token_text::LARGEST_RESPONSE;
use crate::text::redact::Redactor;

/// The most characters of a body that are quoted when it was not understood.
const EXCERPT: usize = 200;

const CHECK_SERVER: &str = "Check that the server URL is the address of the Connect server.";

/// An HTTP response, read whole.
#[derive(Debug, Default)]
pub(crate) struct ServerResponse {
    pub status: u16,
    pub content_type: Option<String>,
    pub retry_after: Option<String>,
    pub request_id: Option<String>,
    pub location: Option<String>,
    pub body: Zeroizing<Vec<u8>>,
}

impl ServerResponse {
    /// Returns the token, or why there is none.
    ///
    /// `asked_at` is when the request was about to be sent, in Unix seconds: the lifetime counts from there, so
    /// that a slow response makes a token look older and never younger.
    pub fn read(&self, asked_at: i64, redactor: &Redactor<'_>) -> Result<Token, Error> {
        self.read_success(asked_at, redactor, |body| {
            let members = JsonObject::parse(body).map_err(|why| format!("the body {why}"))?;
            success::token(&members, asked_at)
        })
    }

    /// Returns the list of integrations, or why there is none; see [`read`](Self::read).
    pub fn read_integrations(
        &self,
        asked_at: i64,
        redactor: &Redactor<'_>,
    ) -> Result<Vec<Integration>, Error> {
        self.read_success(asked_at, redactor, Integration::parse_list)
    }

    /// Reads the body of a success by `success`, whose error says why not and quotes nothing.
    fn read_success<T>(
        &self,
        asked_at: i64,
        redactor: &Redactor<'_>,
        success: impl FnOnce(&[u8]) -> Result<T, String>,
    ) -> Result<T, Error> {
        let body = match self.body.len() {
            ..=LARGEST_RESPONSE => Ok(&**self.body),
            _ => Err("the body is larger than 8 MiB".to_owned()),
        };
        if (200..300).contains(&self.status) {
            return body
                .and_then(success)
                .map_err(|why| self.not_understood(&why, asked_at, redactor));
        }
        let members = body.ok().and_then(|body| JsonObject::parse(body).ok());
        Err(members
            .and_then(|members| self.refusal(&members, asked_at, redactor))
            .unwrap_or_else(|| self.not_understood("", asked_at, redactor)))
    }

    /// Describes a response that is neither a success that could be read nor a refusal. A success is not quoted: it may
    /// contain a token.
    fn not_understood(&self, why: &str, asked_at: i64, redactor: &Redactor<'_>) -> Error {
        let content_type = match &self.content_type {
            Some(content_type) => redactor.redact(content_type, EXCERPT),
            None => "no content type".to_owned(),
        };
        let mut line = format!(
            "The server's response was not understood: HTTP {}, {content_type}",
            self.status
        );
        if (200..300).contains(&self.status) {
            line += &format!(": {why}");
        } else if let Some(text) = self.text().filter(|text| !text.is_empty()) {
            line += &format!(": {}", redactor.redact(text, EXCERPT));
        }
        let mut error = Error::new(ErrorKind::BadResponse, line).with_response(self.facts(asked_at));
        if !self.is_json() && !error.is_retryable() {
            error = error.because(CHECK_SERVER);
        }
        self.with_request_id(error, redactor)
    }

    /// Returns `error` as one that comes from the head of this response.
    pub fn report_failure(&self, error: Error, redactor: &Redactor<'_>) -> Error {
        let facts = ResponseFacts {
            http_status: Some(self.status),
            ..ResponseFacts::default()
        };
        self.with_request_id(error.with_response(facts), redactor)
    }

    /// Adds the server's ID of the request, by which an administrator finds it in the server's log.
    fn with_request_id(&self, error: Error, redactor: &Redactor<'_>) -> Error {
        match &self.request_id {
            Some(id) => error.because(format!("Server request ID: {}.", redactor.redact(id, EXCERPT))),
            None => error,
        }
    }

    fn facts(&self, asked_at: i64) -> ResponseFacts {
        ResponseFacts {
            http_status: Some(self.status),
            retry_after: self.retry_after(asked_at),
            ..ResponseFacts::default()
        }
    }

    /// Reads `Retry-After`, which is in seconds or a date (RFC 9110, section 10.2.3).
    fn retry_after(&self, now: i64) -> Option<std::time::Duration> {
        let text = self.retry_after.as_deref()?.trim();
        let seconds = text.parse().ok().or_else(|| {
            let date = OffsetDateTime::parse(text, &Rfc2822).ok()?;
            Some(date.unix_timestamp().saturating_sub(now).try_into().unwrap_or(0))
        })?;
        Some(std::time::Duration::from_secs(seconds))
    }

    fn is_json(&self) -> bool {
        let content_type = self.content_type.as_deref().unwrap_or_default();
        content_type.to_ascii_lowercase().contains("json")
    }

    /// Returns the body, when it is text.
    fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.body).ok().map(str::trim)
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
