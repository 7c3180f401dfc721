//! The three shapes of a refusal: Connect's API error, the older Connect's, and OAuth's (RFC 6749, section 5.2).

#![forbid(unsafe_code)]

use zeroize::Zeroizing;

use super::ServerResponse;
use crate::error::{Error, ErrorKind, ResponseFacts};
use crate::oauth::json::{JsonObject, integer_value, string_value};
use crate::text::redact::Redactor;

/// The most characters of the server's own sentence that are quoted.
const DESCRIPTION: usize = 1000;

/// "No OAuth integrations have been associated with this content item."
pub(crate) const NO_INTEGRATION: i32 = 212;
pub(crate) const NO_INTEGRATION_HELP: &str = "See https://docs.posit.co/connect/user/oauth-integrations/#adding-oauth-integrations-to-deployed-content";

impl ServerResponse {
    /// Reads an error in one of the three shapes of a refusal; `None` when the response has another shape.
    pub(super) fn refusal(
        &self,
        members: &JsonObject<'_>,
        asked_at: i64,
        redactor: &Redactor<'_>,
    ) -> Option<Error> {
        let string = |name: &str| members.get(name).and_then(string_value);
        let connect_code = |name: &str| members.get(name).map(|raw| integer_value(raw).unwrap_or(0));
        let quoted = |text: &Zeroizing<String>| redactor.redact(text, DESCRIPTION);
        let error = string("error");

        // In Connect's own shape `error` is a sentence, in RFC 6749's a code: the presence of `code` tells them apart.
        let (code, oauth_code, sentence) = if members.get("code").is_some() {
            (connect_code("code"), None, error)
        } else if members.get("error_code").is_some() {
            (connect_code("error_code"), None, string("error_message"))
        } else {
            (None, Some(quoted(&error?)), string("error_description"))
        };
        let code = code.filter(|code| *code != 0);

        let mut line = format!("The server rejected the request: HTTP {}", self.status);
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
            refusal = refusal.because(format!("The server refers to {}", quoted(&uri)));
        }
        if code == Some(NO_INTEGRATION) {
            refusal = refusal.because(NO_INTEGRATION_HELP);
        }
        Some(self.with_request_id(refusal, redactor))
    }
}
