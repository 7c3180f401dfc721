//! The AWS credentials in a token: base64 of a JSON object.

#![forbid(unsafe_code)]

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind};
use crate::oauth::json::{JsonObject, string_value};
use crate::oauth::token::Token;
use crate::text::secret::Secret;

/// AWS credentials, as Connect packs them into a token.
#[derive(Debug)]
pub struct AwsCredentials {
    pub(crate) access_key_id: Secret,
    pub(crate) secret_access_key: Secret,
    pub(crate) session_token: Option<Secret>,
    expires_at: Option<i64>,
}

/// Standard base64, with or without the padding at the end.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl AwsCredentials {
    /// Reads the credentials in `token`, whose request had the requested token type
    /// [`AWS_CREDENTIALS`](crate::oauth::token_exchange::token_type::AWS_CREDENTIALS).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BadResponse`] when the token holds no AWS credentials.
    pub fn from_token(token: &Token) -> Result<Self, Error> {
        Self::from_access_token(token.access_token())
    }

    pub(crate) fn from_access_token(access_token: &str) -> Result<Self, Error> {
        let unreadable = |why: String| {
            Error::new(ErrorKind::BadResponse, "The token does not hold AWS credentials.")
                .because(why)
                .because("Set the requested token type to urn:ietf:params:aws:token-type:credentials.")
        };
        let json = BASE64
            .decode(access_token)
            .map(Zeroizing::new)
            .map_err(|_| unreadable("The token is not base64.".to_owned()))?;
        let members = JsonObject::parse(&json)
            .map_err(|_| unreadable("The decoded token is not a JSON object.".to_owned()))?;
        let text = |name: &str| {
            let text = members.get(name).and_then(string_value);
            text.filter(|text| !text.is_empty() && !text.chars().any(char::is_control))
        };
        let required = |name: &str| {
            text(name)
                .map(|text| Secret::new(&text))
                .ok_or_else(|| unreadable(format!("The decoded token has no {name}.")))
        };
        Ok(Self {
            access_key_id: required("accessKeyId")?,
            secret_access_key: required("secretAccessKey")?,
            session_token: text("sessionToken").map(|text| Secret::new(&text)),
            expires_at: text("expiration").and_then(|text| unix_seconds(&text)),
        })
    }

    /// Returns `AWS_ACCESS_KEY_ID`.
    pub fn access_key_id(&self) -> &str {
        self.access_key_id.expose()
    }

    /// Returns `AWS_SECRET_ACCESS_KEY`.
    pub fn secret_access_key(&self) -> &str {
        self.secret_access_key.expose()
    }

    /// Returns `AWS_SESSION_TOKEN`, when there is one.
    pub fn session_token(&self) -> Option<&str> {
        self.session_token.as_ref().map(Secret::expose)
    }

    /// Returns when the credentials expire, in Unix seconds; `None` when they do not say.
    pub fn expires_at(&self) -> Option<i64> {
        self.expires_at
    }
}

impl TryFrom<&Token> for AwsCredentials {
    type Error = Error;

    /// See [`from_token`](Self::from_token).
    fn try_from(token: &Token) -> Result<Self, Error> {
        Self::from_token(token)
    }
}

/// Reads an RFC 3339 time. A time until the end of 1970 was not set: Go writes the year 1, others write 1970.
fn unix_seconds(text: &str) -> Option<i64> {
    const YEAR_S: i64 = 365 * 24 * 60 * 60;
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    Some(time.unix_timestamp()).filter(|seconds| *seconds >= YEAR_S)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};

    const KEYS: &str = r#""accessKeyId":"AKIA","secretAccessKey":"hush""#;

    fn read(json: &str) -> Result<AwsCredentials, Error> {
        AwsCredentials::from_access_token(&BASE64_STANDARD.encode(json))
    }

    #[test]
    fn credentials_are_read_with_and_without_padding() {
        let json = format!(r#"{{{KEYS},"sessionToken":"s","expiration":"2026-01-01T00:00:00Z"}}"#);
        for token in [
            BASE64_STANDARD.encode(&json),
            BASE64_STANDARD_NO_PAD.encode(&json),
        ] {
            let aws = AwsCredentials::from_access_token(&token).unwrap();
            assert_eq!((aws.access_key_id(), aws.secret_access_key()), ("AKIA", "hush"));
            assert_eq!(
                (aws.session_token(), aws.expires_at()),
                (Some("s"), Some(1_767_225_600))
            );
            assert!(!format!("{aws:?}").contains("hush"));
        }
    }

    #[test]
    fn an_expiration_that_was_not_set_is_unknown() {
        for expiration in [
            "0001-01-01T00:00:00Z",
            "1970-01-01T00:00:00Z",
            "1970-06-01T00:00:00Z",
            "soon",
            "",
        ] {
            let aws = read(&format!(r#"{{{KEYS},"expiration":"{expiration}"}}"#)).unwrap();
            assert_eq!(aws.expires_at(), None, "{expiration}");
        }
        assert_eq!(read(&format!("{{{KEYS}}}")).unwrap().expires_at(), None);
    }

    #[test]
    fn a_token_without_credentials_says_why_and_what_to_set() {
        for (token, why) in [
            ("hush!".to_owned(), "The token is not base64."),
            (
                BASE64_STANDARD.encode("hush"),
                "The decoded token is not a JSON object.",
            ),
            (
                BASE64_STANDARD.encode("[1]"),
                "The decoded token is not a JSON object.",
            ),
            (
                BASE64_STANDARD.encode(r#"{"secretAccessKey":"hush"}"#),
                "The decoded token has no accessKeyId.",
            ),
            (
                BASE64_STANDARD.encode(r#"{"accessKeyId":"hush"}"#),
                "The decoded token has no secretAccessKey.",
            ),
        ] {
            let error = AwsCredentials::from_access_token(&token).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BadResponse);
            assert_eq!(
                error.message(),
                format!(
                    "The token does not hold AWS credentials.\n{why}\n\
                     Set the requested token type to urn:ietf:params:aws:token-type:credentials."
                )
            );
        }
    }
}
