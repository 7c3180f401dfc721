//! Strings: secrets that are wiped, redaction, validation, hashing.

#![forbid(unsafe_code)]

pub(crate) mod hash;
pub(crate) mod redact;
pub(crate) mod secret;
pub(crate) mod validate;
