//! The error responses of Connect and of OAuth servers.

use hyper::StatusCode;
use serde_json::{Map, Value, json};

/// The error response to a rejected exchange.
#[derive(Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Refusal {
    /// Connect's API error. `error` is a sentence; the member `code` distinguishes it from OAuth's.
    pub(crate) fn connect(status: u16, code: i64, error: &str) -> Refusal {
        Refusal {
            status,
            body: json!({"code": code, "error": error, "payload": null}),
        }
    }

    /// The error response of older Connect servers.
    pub(crate) fn old_connect(status: u16, code: i64, message: &str) -> Refusal {
        Refusal {
            status,
            body: json!({"error_code": code, "error_message": message}),
        }
    }

    /// RFC 6749, section 5.2: members without a value are omitted.
    pub(crate) fn oauth(status: u16, error: &str, description: Option<&str>, uri: Option<&str>) -> Refusal {
        let members = [
            ("error", Some(error)),
            ("error_description", description),
            ("error_uri", uri),
        ];
        let body: Map<String, Value> = members
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.into())))
            .collect();
        Refusal {
            status,
            body: body.into(),
        }
    }

    pub(crate) fn invalid_request(description: impl AsRef<str>) -> Refusal {
        Refusal::oauth(400, "invalid_request", Some(description.as_ref()), None)
    }

    pub(crate) fn no_permission() -> Refusal {
        let status = StatusCode::UNAUTHORIZED.as_u16();
        Refusal::connect(status, 30, "You don't have permission to access this resource.")
    }
}
