//! Orders: responses to exchanges, and faults of connections.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The response to one exchange, instead of the regular one. As JSON: `{"order": "oauth_error",
/// "status": 400, "error": "invalid_request"}`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case", deny_unknown_fields)]
pub enum Order {
    /// 200 with this JSON, for any request.
    #[serde(deserialize_with = "success_value")]
    Success(Value),
    /// A regular response with a newly minted token, also for a viewer, and with this `expires_in`.
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
    /// The error response of older Connect servers: `{"error_code", "error_message"}`.
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
    /// Any response with any content type.
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
    /// An error response with a `Retry-After` header.
    RetryAfter {
        /// HTTP status.
        status: u16,
        /// The `Retry-After` header: seconds or a date.
        value: String,
    },
    /// A delayed response.
    Delay {
        /// The delay.
        milliseconds: u64,
        /// The response after the delay; `None` is the regular one.
        then: Option<Box<Order>>,
    },
    /// No response; the connection stays open.
    Silent,
    /// The regular response, byte by byte.
    Drip {
        /// The pause between two bytes.
        milliseconds: u64,
    },
    /// The request is read, then the connection is closed (FIN).
    CloseBeforeAnswer,
    /// The request is read, then the connection is reset (RST).
    ResetBeforeAnswer,
    /// The regular response, including its head, cut off after a number of bytes.
    CutAfter {
        /// The number of bytes that are sent, before encryption.
        bytes: usize,
        /// RST instead of FIN. Over TLS, no `close_notify` is sent in either case.
        #[serde(default)]
        reset: bool,
    },
    /// A text response that repeats the request, as a debugging proxy would.
    Echo {
        /// HTTP status.
        status: u16,
    },
    /// 200 with a chunked body that never ends.
    Endless,
    /// These bytes instead of an HTTP response, then an orderly close. As JSON:
    /// `"bytes"`, text or `{"base64": "…"}`.
    #[serde(deserialize_with = "bytes_value")]
    Bytes(Vec<u8>),
    /// These bytes instead of an HTTP response, repeated without end.
    BytesForever {
        /// The bytes to repeat; as JSON, text or `{"base64": "…"}`.
        #[serde(deserialize_with = "blob")]
        bytes: Vec<u8>,
    },
}

/// A fault of one connection, dequeued when the connection is accepted. As JSON: `{"connection":
/// "reset_on_accept"}`.
///
/// Over plain HTTP, which has no handshake, the orders that name it act on the first bytes of the
/// connection, or at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "connection", rename_all = "snake_case", deny_unknown_fields)]
pub enum ConnectionOrder {
    /// RST as soon as the connection is accepted.
    ResetOnAccept,
    /// RST after the client's first record, its ClientHello, was read.
    ResetDuringHandshake,
    /// RST after the TLS handshake, before any request is read.
    ResetAfterHandshake,
    /// The connection is accepted, but no byte is read or written.
    SilentHandshake,
    /// RST right after a number of responses: the client finds its kept-alive connection dead.
    #[serde(deserialize_with = "answers")]
    ResetAfterAnswers(usize),
    /// RST when the client's next bytes arrive after a number of responses: the race of every
    /// kept-alive connection.
    #[serde(deserialize_with = "answers")]
    ResetOnRequestAfterAnswers(usize),
    /// FIN right after a number of responses, which did not announce it.
    #[serde(deserialize_with = "answers")]
    CloseAfterAnswers(usize),
}

/// Text, or base64 for bytes that JSON cannot hold.
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

// An internally tagged enum accepts maps only, so each one-value variant gets a member for its
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
