//! What can be ordered: answers to exchanges, and the faults of connections.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The answer to one exchange, in place of the ordinary one. As JSON: `{"order": "oauth_error",
/// "status": 400, "error": "invalid_request"}`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case", deny_unknown_fields)]
pub enum Order {
    /// 200 with this JSON, whatever was asked.
    #[serde(deserialize_with = "success_value")]
    Success(Value),
    /// An ordinary answer with a token minted for it alone, for a viewer too, but this
    /// `expires_in`.
    Token {
        /// Any JSON: null, a string, a float, 0…
        #[serde(default)]
        expires_in: Value,
    },
    /// Connect's API error: `{"code", "error", "payload": null}`.
    ConnectError {
        /// HTTP status.
        status: u16,
        /// Connect's own code.
        code: i64,
        /// A sentence.
        error: String,
    },
    /// What older Connect servers answer on this endpoint: `{"error_code", "error_message"}`.
    OldConnectError {
        /// HTTP status.
        status: u16,
        /// Connect's own code.
        error_code: i64,
        /// A sentence.
        error_message: String,
    },
    /// RFC 6749, section 5.2.
    #[serde(rename = "oauth_error")]
    OAuthError {
        /// HTTP status.
        status: u16,
        /// The OAuth code.
        error: String,
        /// `error_description`, absent when `None`.
        description: Option<String>,
        /// `error_uri`, absent when `None`.
        uri: Option<String>,
    },
    /// Any answer with any content type.
    Raw {
        /// HTTP status.
        status: u16,
        /// Header fields; as JSON, pairs: `[["content-type", "text/html"]]`.
        #[serde(default)]
        headers: Vec<(String, String)>,
        /// The body; as JSON, text or `{"base64": "…"}`.
        #[serde(default, deserialize_with = "blob")]
        body: Vec<u8>,
    },
    /// A redirect.
    Redirect {
        /// HTTP status.
        status: u16,
        /// The `Location` header.
        location: String,
    },
    /// A refusal that says when to come back.
    RetryAfter {
        /// HTTP status.
        status: u16,
        /// The `Retry-After` header: seconds or a date.
        value: String,
    },
    /// The answer comes late.
    Delay {
        /// How late.
        milliseconds: u64,
        /// What comes then; `None` is the ordinary answer.
        then: Option<Box<Order>>,
    },
    /// Never answers, and keeps the connection open.
    Silent,
    /// The ordinary answer, byte by byte.
    Drip {
        /// Between two bytes.
        milliseconds: u64,
    },
    /// The request is read, then the connection ends (FIN).
    CloseBeforeAnswer,
    /// The request is read, then the connection is reset (RST).
    ResetBeforeAnswer,
    /// The ordinary answer, head included, cut after so many bytes on the wire.
    CutAfter {
        /// What still arrives, counted before encryption.
        bytes: usize,
        /// RST rather than FIN. Over TLS neither comes with a `close_notify`.
        #[serde(default)]
        reset: bool,
    },
    /// A text answer that repeats the request, as a debugging proxy would.
    Echo {
        /// HTTP status.
        status: u16,
    },
    /// 200, chunked, and no end.
    Endless,
    /// These bytes on the wire in place of an HTTP answer, then an orderly close. As JSON:
    /// `"bytes"`, text or `{"base64": "…"}`.
    #[serde(deserialize_with = "bytes_value")]
    Bytes(Vec<u8>),
    /// These bytes on the wire in place of an HTTP answer, over and over, without end.
    BytesForever {
        /// What is repeated; as JSON, text or `{"base64": "…"}`.
        #[serde(deserialize_with = "blob")]
        bytes: Vec<u8>,
    },
}

/// What happens to one connection, taken when it is accepted. As JSON: `{"connection":
/// "reset_on_accept"}`.
///
/// Over plain HTTP there is no handshake: the orders that name it act on the connection's first
/// bytes, or at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "connection", rename_all = "snake_case", deny_unknown_fields)]
pub enum ConnectionOrder {
    /// RST as soon as it is accepted.
    ResetOnAccept,
    /// RST once the client's first record, its ClientHello, was read.
    ResetDuringHandshake,
    /// RST as soon as TLS stands, before any request is read.
    ResetAfterHandshake,
    /// Accepted, then not one byte read or written.
    SilentHandshake,
    /// RST right behind so many answers: a kept-alive connection that its client finds dead.
    #[serde(deserialize_with = "answers")]
    ResetAfterAnswers(usize),
    /// After so many answers, RST when the client's next bytes arrive: the race of every kept-alive
    /// connection.
    #[serde(deserialize_with = "answers")]
    ResetOnRequestAfterAnswers(usize),
    /// FIN right behind so many answers, which did not announce it.
    #[serde(deserialize_with = "answers")]
    CloseAfterAnswers(usize),
}

/// Text, or base64 for what JSON cannot hold.
#[derive(Deserialize)]
#[serde(untagged)]
enum Blob {
    Text(String),
    Base64 { base64: String },
}

fn blob<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    match Blob::deserialize(deserializer)? {
        Blob::Text(text) => Ok(text.into_bytes()),
        Blob::Base64 { base64 } => BASE64_STANDARD.decode(base64).map_err(D::Error::custom),
    }
}

// An internally tagged enum takes maps alone, so each one-value variant gets a member to hold its
// value.

fn success_value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Member {
        json: Value,
    }
    Member::deserialize(deserializer).map(|member| member.json)
}

fn bytes_value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Member {
        #[serde(deserialize_with = "blob")]
        bytes: Vec<u8>,
    }
    Member::deserialize(deserializer).map(|member| member.bytes)
}

fn answers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Member {
        answers: usize,
    }
    Member::deserialize(deserializer).map(|member| member.answers)
}
