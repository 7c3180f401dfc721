//! OAuth 2.0 (RFC 6749) and token exchange (RFC 8693): the form, the response, the token. Pure.

#![forbid(unsafe_code)]

pub(crate) mod aws_credentials;
pub(crate) mod endpoint;
pub(crate) mod expiry;
pub(crate) mod json_object;
pub(crate) mod params;
pub(crate) mod response;
pub(crate) mod token;
pub(crate) mod token_exchange;
