//! OAuth 2.0 (RFC 6749) and token exchange (RFC 8693). Pure: nothing is sent, no clock is read, no state is kept.
//!
//! | file | contents |
//! | --- | --- |
//! | `endpoint` | a server URL, checked, and the addresses of Connect's API below it |
//! | `params` | the parameters of an exchange other than its tokens and their types |
//! | `token_exchange` | the form that an exchange sends, and the URNs of token types |
//! | `response` | a server's response as a token, a list of integrations, or an error |
//! | `token`, `token_text` | the token; its texts, for Rust and for C, in one piece of memory |
//! | `expiry`, `jwt` | how long a token is valid; the times that a JWT claims |
//! | `aws_credentials` | the AWS credentials in a token |
//! | `integrations`, `integration_choice` | a content item's integrations, and which of them a name means |
//! | `json` | JSON objects and arrays of bounded length |
//!
//! Imports `text` and `error`. `cache::key` assembles an exchange, `backend` sends it, and `cache` keeps the token.

#![forbid(unsafe_code)]

pub(crate) mod aws_credentials;
pub(crate) mod endpoint;
pub(crate) mod expiry;
pub(crate) mod integration_choice;
pub(crate) mod integrations;
pub(crate) mod json;
mod jwt;
pub(crate) mod params;
pub(crate) mod response;
pub(crate) mod token;
pub(crate) mod token_exchange;
mod token_text;
