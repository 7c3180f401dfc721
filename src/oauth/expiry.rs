//! How long a token is valid: by `expires_in`, by the claims of a JWT, by the expiration of AWS credentials. Pure.

#![forbid(unsafe_code)]

use serde_json::value::RawValue;

use crate::oauth::aws_credentials::AwsCredentials;
use crate::oauth::json::string_value;
use crate::oauth::jwt;

/// A `token_type` or `issued_token_type` that contains this is that of AWS credentials.
const AWS: &str = "aws";

/// Reads `expires_in` (RFC 6749, section 5.1) in whole seconds: an integer, a float or a string of either. `None`: unknown.
pub(crate) fn expires_in(raw: &RawValue) -> Option<i64> {
    let string = string_value(raw);
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

/// Returns for how many seconds from `asked_at` (Unix seconds) the token is valid; `None` when nothing says so.
///
/// `expires_in` comes first: it is relative, and no clock enters into it. Without it, the token's own expiry counts while
/// that is in the future by the clock here. A server does not issue an expired JWT: when its expiry is in the past, one
/// of the two clocks is wrong, and its whole life counts, from `iat` to `exp` by one clock. No token is valid for longer
/// than its whole life.
pub(crate) fn lifetime_s(
    expires_in: Option<i64>,
    access_token: &str,
    types: [Option<&str>; 2],
    asked_at: i64,
) -> Option<i64> {
    let own = OwnExpiry::of_token(access_token, types).unwrap_or_default();
    let remaining = || {
        own.expires_at
            .map(|expires_at| expires_at.saturating_sub(asked_at))
            .filter(|seconds| *seconds > 0)
    };
    expires_in
        .or_else(remaining)
        .into_iter()
        .chain(own.whole_life_s)
        .min()
}

/// The expiry that a token states itself.
#[derive(Default)]
struct OwnExpiry {
    /// Unix seconds, by the clock of the token's issuer.
    expires_at: Option<i64>,
    /// Seconds from its issue to its expiry.
    whole_life_s: Option<i64>,
}

impl OwnExpiry {
    fn of_token(access_token: &str, types: [Option<&str>; 2]) -> Option<Self> {
        if types.into_iter().flatten().any(|name| name.contains(AWS)) {
            let credentials = AwsCredentials::from_access_token(access_token).ok()?;
            return Some(Self {
                expires_at: credentials.expires_at(),
                whole_life_s: None,
            });
        }
        let claims = jwt::claimed_times(access_token)?;
        Some(Self {
            expires_at: claims.expires_at,
            whole_life_s: claims.whole_life_s,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

    const ASKED_AT: i64 = 1_700_000_000;
    const HOUR: i64 = 3600;

    fn jwt(claims: &str) -> String {
        format!(
            "eyJhbGciOiJub25lIn0.{}.c2ln",
            BASE64_URL_SAFE_NO_PAD.encode(claims)
        )
    }

    /// A JWT whose times are seconds from the request, by the clock here.
    fn jwt_between(iat: Option<i64>, exp: i64) -> String {
        let iat = iat.map_or(String::new(), |iat| format!(r#""iat":{},"#, ASKED_AT + iat));
        jwt(&format!(r#"{{{iat}"exp":{}}}"#, ASKED_AT + exp))
    }

    fn lifetime(expires_in: Option<i64>, token: &str) -> Option<i64> {
        lifetime_s(expires_in, token, [None, None], ASKED_AT)
    }

    fn aws(expiration: &str) -> String {
        BASE64_STANDARD.encode(format!(
            r#"{{"accessKeyId":"a","secretAccessKey":"b","sessionToken":"c","expiration":"{expiration}"}}"#
        ))
    }

    fn aws_lifetime(expires_in: Option<i64>, expiration: &str) -> Option<i64> {
        lifetime_s(
            expires_in,
            &aws(expiration),
            [Some("aws_credentials"), None],
            ASKED_AT,
        )
    }

    #[test]
    fn a_stated_lifetime_counts_whatever_the_clock_of_the_issuer_says() {
        for skew in [-2 * HOUR, -HOUR, 0, 2 * HOUR] {
            let token = jwt_between(None, HOUR + skew);
            assert_eq!(lifetime(Some(HOUR), &token), Some(HOUR), "{skew}");
            let token = jwt_between(Some(skew), HOUR + skew);
            assert_eq!(lifetime(Some(HOUR), &token), Some(HOUR), "{skew}");
        }
        assert_eq!(lifetime(Some(0), &jwt_between(None, HOUR)), Some(0));
        assert_eq!(lifetime(Some(HOUR), "opaque"), Some(HOUR));
    }

    #[test]
    fn a_stated_lifetime_is_at_most_the_whole_life_of_the_token() {
        assert_eq!(lifetime(Some(HOUR), &jwt_between(Some(0), 600)), Some(600));
    }

    #[test]
    fn without_a_stated_lifetime_a_jwt_is_valid_until_its_expiry() {
        assert_eq!(lifetime(None, &jwt_between(None, 50)), Some(50));
        assert_eq!(
            lifetime(None, &jwt_between(Some(-50 * 60), 10 * 60)),
            Some(10 * 60)
        );
        assert_eq!(
            lifetime(None, &jwt_between(Some(-HOUR / 2), HOUR / 2)),
            Some(HOUR / 2)
        );
    }

    #[test]
    fn a_jwt_by_another_clock_is_valid_for_its_whole_life() {
        assert_eq!(
            lifetime(None, &jwt(r#"{"iat":1000,"exp":1600}"#)),
            Some(600),
            "issuer behind"
        );
        assert_eq!(lifetime(None, &jwt(r#"{"iat":1000.5,"exp":1600.9}"#)), Some(600));
        let ahead = jwt_between(Some(2 * HOUR), 3 * HOUR);
        assert_eq!(lifetime(None, &ahead), Some(HOUR), "issuer ahead");
    }

    #[test]
    fn a_time_that_was_not_set_says_nothing() {
        for claims in [
            r#"{"iat":1600,"exp":1000}"#.to_owned(),
            r#"{"iat":0,"exp":0}"#.to_owned(),
            r#"{"iat":-62135596800,"exp":-62135596800}"#.to_owned(),
            format!(r#"{{"iat":0,"exp":{}}}"#, ASKED_AT - 10),
        ] {
            assert_eq!(lifetime(None, &jwt(&claims)), None, "{claims}");
            assert_eq!(lifetime(Some(HOUR), &jwt(&claims)), Some(HOUR), "{claims}");
        }
    }

    #[test]
    fn a_token_that_says_nothing_of_its_expiry_has_an_unknown_lifetime() {
        let few = ["", "a.b", "opaque-token", "a.b.c.d", "a.!.c"].map(ToOwned::to_owned);
        let claims = ["{}", "[]", "7", r#"{"exp":"never"}"#, r#"{"exp":null,"iat":1}"#].map(jwt);
        for token in few.iter().chain(&claims) {
            assert_eq!(lifetime(None, token), None, "{token}");
        }
    }

    #[test]
    fn aws_credentials_are_valid_until_their_expiration() {
        const IN_A_MINUTE: &str = "2023-11-14T22:14:20Z";
        assert_eq!(aws_lifetime(None, IN_A_MINUTE), Some(60));
        assert_eq!(aws_lifetime(Some(HOUR), IN_A_MINUTE), Some(HOUR));
        let issued = [None, Some("urn:ietf:params:aws:token-type:credentials")];
        assert_eq!(lifetime_s(None, &aws(IN_A_MINUTE), issued, ASKED_AT), Some(60));
        assert_eq!(
            lifetime(None, &aws(IN_A_MINUTE)),
            None,
            "the types do not say AWS"
        );
        assert_eq!(
            aws_lifetime(None, "2023-11-14T22:13:19Z"),
            None,
            "by another clock"
        );
    }

    #[test]
    fn aws_credentials_whose_expiration_was_not_set_are_valid_as_long_as_the_response_says() {
        for unset in [
            "0001-01-01T00:00:00Z",
            "1970-01-01T00:00:00Z",
            "1970-01-01T01:00:00+01:00",
            "soon",
            "",
        ] {
            assert_eq!(aws_lifetime(Some(HOUR), unset), Some(HOUR), "{unset}");
            assert_eq!(aws_lifetime(None, unset), None, "{unset}");
        }
    }
}
