//! How long a token lives: as the answer says, and as the token itself says. Pure.

#![forbid(unsafe_code)]

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::oauth::aws_credentials::AwsCredentials;
use crate::oauth::json_object::{JsonObject, string_of};

/// What `aws_credentials` are called as a `token_type`, and in an `issued_token_type`.
const AWS: &str = "aws";

/// `expires_in` (RFC 6749, section 5.1) in whole seconds: an integer, a float or a string of either. `None`: unknown.
pub(crate) fn expires_in(raw: &RawValue) -> Option<i64> {
    let string = string_of(raw);
    let text = string.as_ref().map_or(raw.get(), |text| text.trim());
    // JSON's numbers only: f64 would also take "inf" and "nan".
    if !text.starts_with(|first: char| first == '-' || first.is_ascii_digit())
        || text.contains(|each: char| each.is_ascii_alphabetic() && !matches!(each, 'e' | 'E'))
    {
        return None;
    }
    // A cast from a float saturates.
    text.parse()
        .ok()
        .or_else(|| text.parse::<f64>().ok().map(|seconds| seconds.floor() as i64))
}

/// The lifetime that the token itself carries, in seconds from `asked_at` (Unix seconds): of a JWT, or of AWS
/// credentials.
pub(crate) fn carried(access_token: &str, types: [Option<&str>; 2], asked_at: i64) -> Option<i64> {
    if types.into_iter().flatten().any(|name| name.contains(AWS)) {
        let expires_at = AwsCredentials::of_access_token(access_token).ok()?.expires_at()?;
        return Some(expires_at.saturating_sub(asked_at));
    }
    of_jwt(access_token, asked_at)
}

/// `exp` minus `iat` (RFC 7519, section 4.1): counted from the request, so that a clock that is wrong here, or there,
/// does not make every token expired. Without `iat`, until `exp` by the clock here. The signature is the business of
/// the service that the token is for.
fn of_jwt(token: &str, asked_at: i64) -> Option<i64> {
    let mut parts = token.split('.');
    let (_header, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let claims = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?);
    let claims = JsonObject::parse(&claims).ok()?;
    // NumericDate may be a fraction.
    let date = |name: &str| expires_in(claims.get(name)?);
    Some(date("exp")?.saturating_sub(date("iat").unwrap_or(asked_at)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::prelude::BASE64_STANDARD;

    const ASKED_AT: i64 = 1_700_000_000;

    fn jwt(claims: &str) -> String {
        format!(
            "eyJhbGciOiJub25lIn0.{}.c2ln",
            BASE64_URL_SAFE_NO_PAD.encode(claims)
        )
    }

    fn carried_by(token: &str) -> Option<i64> {
        carried(token, [None, None], ASKED_AT)
    }

    #[test]
    fn a_jwt_lives_from_its_issue_to_its_end_whatever_the_clock_here_says() {
        assert_eq!(carried_by(&jwt(r#"{"iat":1000,"exp":1600}"#)), Some(600));
        assert_eq!(carried_by(&jwt(r#"{"iat":1000.5,"exp":1600.9}"#)), Some(600));
        assert_eq!(carried_by(&jwt(r#"{"iat":1600,"exp":1000}"#)), Some(-600));
    }

    #[test]
    fn a_jwt_without_its_issue_lives_to_its_end_by_the_clock_here() {
        assert_eq!(
            carried_by(&jwt(&format!(r#"{{"exp":{}}}"#, ASKED_AT + 50))),
            Some(50)
        );
    }

    #[test]
    fn what_is_no_jwt_or_has_no_end_carries_no_lifetime() {
        let few = ["", "a.b", "opaque-token", "a.b.c.d", "a.!.c"].map(ToOwned::to_owned);
        let claims = ["{}", "[]", "7", r#"{"exp":"never"}"#, r#"{"exp":null,"iat":1}"#].map(jwt);
        for token in few.iter().chain(&claims) {
            assert_eq!(carried_by(token), None, "{token}");
        }
    }

    #[test]
    fn aws_credentials_live_until_their_expiration() {
        let json = r#"{"accessKeyId":"a","secretAccessKey":"b","sessionToken":"c","expiration":"2023-11-14T22:14:20Z"}"#;
        let token = BASE64_STANDARD.encode(json);
        assert_eq!(
            carried(&token, [Some("aws_credentials"), None], ASKED_AT),
            Some(60)
        );
        assert_eq!(
            carried(
                &token,
                [None, Some("urn:ietf:params:aws:token-type:credentials")],
                ASKED_AT
            ),
            Some(60)
        );
        assert_eq!(carried_by(&token), None);
    }
}
