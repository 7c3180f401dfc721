//! The token in a successful response (RFC 6749, section 5.1; RFC 8693, section 2.2.1).

#![forbid(unsafe_code)]

use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::oauth::expiry;
use crate::oauth::json::{JsonObject, string_value};
use crate::oauth::token::{Field, LAST_SECOND, Parts, Token};
use crate::text::secret::Secret;
use crate::text::visible::is_visible;

/// Reads the token that a response with these members holds. An error says why there is none and quotes nothing.
pub(super) fn token(members: &JsonObject<'_>, asked_at: i64) -> Result<Token, String> {
    // RFC 6749, section 3.2: no parameter is included more than once. Of two tokens, either could be the right one.
    for name in [
        "access_token",
        "token_type",
        "issued_token_type",
        "expires_in",
        "refresh_token",
    ] {
        if members.count(name) > 1 {
            return Err(format!("the member {name} appears more than once"));
        }
    }
    let access_token = match members.get("access_token") {
        None if members.get("error").or(members.get("error_code")).is_some() => {
            return Err(
                "the status indicates success, but the body holds an error instead of an access_token"
                    .to_owned(),
            );
        }
        None => return Err("the body has no access_token".to_owned()),
        Some(raw) => string_value(raw).ok_or("access_token is not a string")?,
    };
    if access_token.is_empty() {
        return Err("access_token is empty".to_owned());
    }
    // All three go into headers and forms.
    let printable = |name: &str, text: Zeroizing<String>| match text.chars().all(is_visible) {
        true => Ok(text),
        false => Err(format!("{name} contains a control or format character")),
    };
    let access_token = printable("access_token", access_token)?;
    let string = |name: &str| {
        let text = members.get(name).and_then(string_value);
        let given = text.filter(|text| !text.is_empty());
        given.map(|text| printable(name, text)).transpose()
    };
    let (token_type, issued_type) = (string("token_type")?, string("issued_token_type")?);
    let [token_type, issued_type] =
        [&token_type, &issued_type].map(|text| text.as_ref().map(|it| it.as_str()));

    let expires_in = members.get("expires_in").and_then(expiry::expires_in);
    let lifetime_s = expiry::lifetime_s(expires_in, &access_token, [token_type, issued_type], asked_at);
    Ok(Token::new(Parts {
        access_token: &access_token,
        token_type,
        issued_type,
        lifetime_s,
        expires_at: lifetime_s.map(|seconds| asked_at.saturating_add(seconds).clamp(0, LAST_SECOND)),
        fields: members.iter().map(field).collect(),
    }))
}

fn field((name, raw): (&str, &RawValue)) -> Field {
    let string = string_value(raw).filter(|text| !text.contains('\0'));
    let is_string = string.is_some();
    let value = match string {
        _ if name == "access_token" => None,
        Some(text) => Some(Secret::new(&text)),
        None => Some(Secret::new(raw.get())),
    };
    // C cannot ask for a name with a NUL in it: such a name is given as JSON text, like such a value.
    let name = match name.contains('\0') {
        true => Secret::new(&serde_json::Value::from(name).to_string()),
        false => Secret::new(name),
    };
    Field {
        name,
        value,
        is_string,
    }
}
