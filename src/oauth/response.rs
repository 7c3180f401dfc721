//! What the server's answer means: a token (RFC 8693, section 2.2.1), a refusal in one of the shapes that Connect
//! and OAuth servers use, or something else. Pure.

#![forbid(unsafe_code)]

use serde_json::value::RawValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, ResponseFacts};
use crate::oauth::expiry;
use crate::oauth::json_object::{JsonObject, integer_of, string_of};
use crate::oauth::token::{Field, LAST_SECOND, Parts, Token};
use crate::text::redact::Redactor;
use crate::text::secret::Secret;

/// How much of a body that was not understood is repeated, in characters.
const EXCERPT: usize = 200;
/// How much of an error's own words is repeated, in characters.
const DESCRIPTION: usize = 1000;

/// "No OAuth integrations have been associated with this content item."
const NO_INTEGRATION: i32 = 212;
const NO_INTEGRATION_HELP: &str = "See https://docs.posit.co/connect/user/oauth-integrations/#adding-oauth-integrations-to-deployed-content";

/// An HTTP answer, read whole.
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
    /// The token, or why there is none.
    ///
    /// `asked_at` is when the request was about to be sent, in Unix seconds: the lifetime counts from there, so
    /// that a slow answer makes a token look older and never younger.
    pub fn read(&self, asked_at: i64, redactor: &Redactor<'_>) -> Result<Token, Error> {
        let members = JsonObject::parse(&self.body);
        if (200..300).contains(&self.status) {
            members
                .and_then(|members| token_of(&members, asked_at))
                .map_err(|why| self.not_understood(&why, asked_at, redactor))
        } else {
            Err(members
                .ok()
                .and_then(|members| self.refusal(&members, asked_at, redactor))
                .unwrap_or_else(|| self.not_understood("", asked_at, redactor)))
        }
    }

    /// The error in one of the three shapes of a refusal; `None` when the answer has another shape.
    fn refusal(&self, members: &JsonObject<'_>, asked_at: i64, redactor: &Redactor<'_>) -> Option<Error> {
        let string = |name: &str| members.get(name).and_then(string_of);
        let connect_code = |name: &str| members.get(name).map(|raw| integer_of(raw).unwrap_or(0));
        let quoted = |text: &Zeroizing<String>| redactor.redact(text, DESCRIPTION);
        let error = string("error");

        // In Connect's own shape `error` is a sentence, in RFC 6749's a code: the presence of `code` tells.
        let (code, oauth_code, sentence) = if members.get("code").is_some() {
            (connect_code("code"), None, error)
        } else if members.get("error_code").is_some() {
            (connect_code("error_code"), None, string("error_message"))
        } else {
            (None, Some(quoted(&error?)), string("error_description"))
        };
        let code = code.filter(|code| *code != 0);

        let mut line = format!("The server refused: HTTP {}", self.status);
        match (&oauth_code, code) {
            (Some(code), _) => line += &format!(", {code}"),
            (_, Some(code)) => line += &format!(", Connect error {code}"),
            _ => {}
        }
        if let Some(sentence) = sentence.filter(|sentence| !sentence.is_empty()) {
            line += &format!(": {}", quoted(&sentence));
        }
        let uri = string("error_uri").filter(|_| oauth_code.is_some());
        let facts = ResponseFacts {
            oauth_code,
            connect_code: code,
            ..self.facts(asked_at)
        };
        let mut refusal = Error::new(ErrorKind::Refused, line).with_response(facts);
        if let Some(uri) = uri {
            refusal = refusal.because(format!("The server points to {}", quoted(&uri)));
        }
        if code == Some(NO_INTEGRATION) {
            refusal = refusal.because(NO_INTEGRATION_HELP);
        }
        Some(self.with_request_id(refusal, redactor))
    }

    /// Of a success nothing is quoted, it may hold a token.
    fn not_understood(&self, why: &str, asked_at: i64, redactor: &Redactor<'_>) -> Error {
        let content_type = match &self.content_type {
            Some(content_type) => redactor.redact(content_type, EXCERPT),
            None => "no content type".to_owned(),
        };
        let mut line = format!(
            "The server's answer was not understood: HTTP {}, {content_type}",
            self.status
        );
        if (200..300).contains(&self.status) {
            line += &format!(": {why}");
        } else if let Some(text) = self.text().filter(|text| !text.is_empty()) {
            line += &format!(": {}", redactor.redact(text, EXCERPT));
        }
        let error = Error::new(ErrorKind::BadResponse, line).with_response(self.facts(asked_at));
        self.with_request_id(error, redactor)
    }

    /// An error that comes of this answer's head.
    pub fn report_failure(&self, error: Error, redactor: &Redactor<'_>) -> Error {
        let facts = ResponseFacts {
            http_status: Some(self.status),
            ..ResponseFacts::default()
        };
        self.with_request_id(error.with_response(facts), redactor)
    }

    /// Adds the server's name for the request, which finds it in the server's log.
    fn with_request_id(&self, error: Error, redactor: &Redactor<'_>) -> Error {
        match &self.request_id {
            Some(id) => error.because(format!(
                "The server calls this request {}.",
                redactor.redact(id, EXCERPT)
            )),
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

    /// `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3).
    fn retry_after(&self, now: i64) -> Option<std::time::Duration> {
        let text = self.retry_after.as_deref()?.trim();
        let seconds = text.parse().ok().or_else(|| {
            let date = OffsetDateTime::parse(text, &Rfc2822).ok()?;
            Some(date.unix_timestamp().saturating_sub(now).try_into().unwrap_or(0))
        })?;
        Some(std::time::Duration::from_secs(seconds))
    }

    /// The body, when it is text.
    fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.body).ok().map(str::trim)
    }
}

fn token_of(members: &JsonObject<'_>, asked_at: i64) -> Result<Token, String> {
    // RFC 6749, section 3.2: a parameter is not included more than once. Which of two tokens is the right one?
    for name in [
        "access_token",
        "token_type",
        "issued_token_type",
        "expires_in",
        "refresh_token",
    ] {
        if members.count(name) > 1 {
            return Err(format!("the member {name} comes twice"));
        }
    }
    let string = |name: &str| {
        members
            .get(name)
            .and_then(string_of)
            .filter(|text| !text.is_empty() && !text.contains('\0'))
    };
    let access_token = match members.get("access_token") {
        None if members.get("error").or(members.get("error_code")).is_some() => {
            return Err("there is no access_token, though the status says success, but an error".to_owned());
        }
        None => return Err("there is no access_token".to_owned()),
        Some(raw) => string_of(raw).ok_or("access_token is not a string")?,
    };
    if access_token.is_empty() {
        return Err("access_token is empty".to_owned());
    }
    if access_token.chars().any(char::is_control) {
        return Err("access_token holds a control character".to_owned());
    }
    let (token_type, issued_type) = (string("token_type"), string("issued_token_type"));
    let (token_type, issued_type) = (
        token_type.as_ref().map(|it| it.as_str()),
        issued_type.as_ref().map(|it| it.as_str()),
    );
    // When the answer and the token itself differ, the earlier end is the safe one.
    let said = members.get("expires_in").and_then(expiry::expires_in);
    let carried = expiry::carried(&access_token, [token_type, issued_type], asked_at);
    let lifetime_s = said.into_iter().chain(carried).min();
    Ok(Token::new(Parts {
        access_token: &access_token,
        token_type,
        issued_type,
        lifetime_s,
        expires_at: lifetime_s.map(|seconds| asked_at.saturating_add(seconds).clamp(0, LAST_SECOND)),
        fields: members.iter().map(field).collect(),
    }))
}

fn field((name, raw): (&str, &RawValue)) -> Field {
    let string = string_of(raw).filter(|text| !text.contains('\0'));
    let is_string = string.is_some();
    let value = match string {
        _ if name == "access_token" => None,
        Some(text) => Some(Secret::new(&text)),
        None => Some(Secret::new(raw.get())),
    };
    // A name with a NUL in it, which C could not ask for, is given as JSON text like a value.
    let name = match name.contains('\0') {
        true => Secret::new(&serde_json::Value::from(name).to_string()),
        false => Secret::new(name),
    };
    Field {
        name,
        value,
        is_string,
    }
}

#[cfg(test)]
mod tests;
