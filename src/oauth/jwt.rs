//! The times that a JWT claims (RFC 7519, section 4.1). The signature is not verified: it is for the service that the token
//! is meant for. Pure.

#![forbid(unsafe_code)]

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::expiry::expires_in;
use super::json::JsonObject;

/// The claims `exp` and `iat`.
pub(super) struct ClaimedTimes {
    /// Unix seconds, by the clock of the token's issuer.
    pub expires_at: Option<i64>,
    /// Seconds from its issue to its expiry.
    pub whole_life_s: Option<i64>,
}

/// Reads `exp` and `iat` (RFC 7519, section 4.1). The signature is for the service that the token is meant for.
pub(super) fn claimed_times(token: &str) -> Option<ClaimedTimes> {
    let mut parts = token.split('.');
    let (_header, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let claims = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?);
    let claims = JsonObject::parse(&claims).ok()?;
    // NumericDate may be a fraction. Neither a time before 1970 nor 1970 itself is meant: it stands for "not set".
    let date = |name: &str| expires_in(claims.get(name)?).filter(|seconds| *seconds > 0);
    let expires_at = date("exp");
    let whole_life = expires_at.zip(date("iat")).map(|(end, start)| end - start);
    Some(ClaimedTimes {
        expires_at,
        whole_life_s: whole_life.filter(|seconds| *seconds > 0),
    })
}
