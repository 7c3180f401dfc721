//! The AWS credentials in a token.

#![forbid(unsafe_code)]

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind};
use crate::oauth::json_object::{JsonObject, string_of};
use crate::oauth::token::Token;
use crate::text::secret::Secret;

/// AWS credentials, as Connect packs them into a token: base64 of a JSON object.
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
    /// Reads the credentials in `token`, which was asked for with the requested token type
    /// [`AWS_CREDENTIALS`](crate::oauth::token_exchange::token_type::AWS_CREDENTIALS).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BadResponse`] when the token holds none.
    pub fn from_token(token: &Token) -> Result<Self, Error> {
        Self::of_access_token(token.access_token())
    }

    pub(crate) fn of_access_token(access_token: &str) -> Result<Self, Error> {
        let unreadable = |what: &'static str| {
            Error::new(ErrorKind::BadResponse, "The token does not hold AWS credentials.")
                .because(what)
                .because("Ask for the requested token type urn:ietf:params:aws:token-type:credentials.")
        };
        let json = BASE64
            .decode(access_token)
            .map(Zeroizing::new)
            .map_err(|_| unreadable("It is not base64."))?;
        let members =
            JsonObject::parse(&json).map_err(|_| unreadable("What it is base64 of is not a JSON object."))?;
        let text = |name: &str| {
            let text = members.get(name).and_then(string_of);
            text.filter(|text| !text.is_empty() && !text.chars().any(char::is_control))
        };
        let required = |name: &str, why| {
            text(name)
                .map(|text| Secret::new(&text))
                .ok_or_else(|| unreadable(why))
        };
        Ok(Self {
            access_key_id: required("accessKeyId", "It has no accessKeyId.")?,
            secret_access_key: required("secretAccessKey", "It has no secretAccessKey.")?,
            session_token: text("sessionToken").map(|text| Secret::new(&text)),
            expires_at: text("expiration")
                .and_then(|text| OffsetDateTime::parse(&text, &Rfc3339).ok())
                .map(OffsetDateTime::unix_timestamp),
        })
    }

    /// `AWS_ACCESS_KEY_ID`.
    pub fn access_key_id(&self) -> &str {
        self.access_key_id.expose()
    }

    /// `AWS_SECRET_ACCESS_KEY`.
    pub fn secret_access_key(&self) -> &str {
        self.secret_access_key.expose()
    }

    /// `AWS_SESSION_TOKEN`, when there is one.
    pub fn session_token(&self) -> Option<&str> {
        self.session_token.as_ref().map(Secret::expose)
    }

    /// When the credentials expire, in Unix seconds, when they say so.
    pub fn expires_at(&self) -> Option<i64> {
        self.expires_at
    }
}
