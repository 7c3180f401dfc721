//! Text: secrets that are wiped from memory, redaction, validation, hashing.
//!
//! | file | contents |
//! | --- | --- |
//! | `secret` | `Secret`: a string that is wiped when it is dropped, never printed, and lent to C as a `CStr` |
//! | `redact` | `Redactor`: takes a request's secrets out of text that a server wrote |
//! | `visible` | escapes for characters that a terminal or a log would act upon |
//! | `validate` | the check that every string of a caller and of the environment passes |
//! | `hash` | hashes of cache keys, and text that carries its hash |
//!
//! Imports `error` alone. Continue with `oauth`, which reads and writes text of servers, and with `cache::key`.

#![forbid(unsafe_code)]

pub(crate) mod hash;
pub(crate) mod redact;
pub(crate) mod secret;
pub(crate) mod validate;
pub(crate) mod visible;
