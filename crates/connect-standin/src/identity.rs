//! The server as an OpenID Connect issuer: signs identity tokens, and accepts those of other issuers.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value};
use std::fmt;

/// Signs with ES256 and its own key.
pub(crate) struct Identity {
    key: EncodingKey,
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Identity")
    }
}

impl Identity {
    pub(crate) fn new() -> Identity {
        let key = rcgen::KeyPair::generate().expect("ring makes P-256 keys");
        Identity::with_key(&key)
    }

    fn with_key(key: &rcgen::KeyPair) -> Identity {
        Identity {
            key: EncodingKey::from_ec_der(key.serialized_der()),
        }
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some("standin".to_owned());
        jsonwebtoken::encode(&header, claims, &self.key).expect("JSON claims and a P-256 key can be signed")
    }
}

/// Returns whether the text has the form of a signed JWT (RFC 7519, section 7.2). Issuer and expiry are not
/// checked.
pub(crate) fn is_well_formed(token: &str) -> bool {
    let mut parts = token
        .split('.')
        .map(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok());
    let mut next = || parts.next().flatten();
    let (Some(header), Some(claims), Some(signature)) = (next(), next(), next()) else {
        return false;
    };
    let is_object = |json: &[u8]| serde_json::from_slice::<Map<String, Value>>(json).is_ok();
    is_object(&header) && is_object(&claims) && !signature.is_empty() && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{DecodingKey, Validation};
    use serde_json::json;

    #[test]
    fn identity_tokens_verify_with_the_public_key() {
        let key = rcgen::KeyPair::generate().expect("ring makes P-256 keys");
        let token = Identity::with_key(&key).sign(&json!({"aud": "connect", "exp": 4_102_444_800u64}));

        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&["connect"]);
        let public = DecodingKey::from_ec_der(key.public_key_raw());
        let claims = jsonwebtoken::decode::<Value>(&token, &public, &validation)
            .expect("verifies")
            .claims;

        assert_eq!(claims["aud"], "connect");
    }

    #[test]
    fn only_three_parts_of_base64url_with_json_objects_are_well_formed() {
        let token = Identity::new().sign(&json!({"sub": "job"}));
        assert!(is_well_formed(&token));
        assert!(!is_well_formed(&format!("{token}.e30")));
        for token in ["", "e30", "e30.e30", "e30.e30.", "e30.e30.!", "W10.e30.c2ln"] {
            assert!(!is_well_formed(token), "{token}");
        }
    }
}
