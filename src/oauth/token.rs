//! A token as the server issued it. Its texts are in one piece of memory, see `token_text`.

#![forbid(unsafe_code)]

use std::ffi::CStr;
use std::fmt;

use crate::oauth::token_text::{Span, Start, TokenText};
use crate::text::secret::Secret;

/// The last second of the year 9999, where the calendars of most hosts end. A later expiry counts as this one.
pub(crate) const LAST_SECOND: i64 = 253_402_300_799;

const BEARER: &str = "Bearer";

/// An access token and the response that it came in. Immutable; wiped from memory when it is dropped.
pub struct Token {
    /// It begins with the access token, which is in it once: behind `Bearer ` when it is presented so.
    text: TokenText,
    access_token: Span,
    /// `None`: the response has no token type.
    token_type: Option<Span>,
    issued_type: Option<Span>,
    refresh_token: Option<Span>,
    members: Box<[Member]>,
    expires_at: Option<i64>,
    lifetime_s: Option<i64>,
    /// The hash of the cache key that it answers; 0 for a token that was never cached.
    cache_key_hash: u64,
    /// The number of the backend that issued it: 0, or a mock's.
    backend_id: u64,
}

/// A member of the response.
struct Member {
    name: Start,
    value: Span,
}

/// A member of the response, before it becomes part of a [`Token`].
#[derive(Debug)]
pub(crate) struct Field {
    pub name: Secret,
    /// `None`: the access token.
    pub value: Option<Secret>,
    /// Whether the value is a JSON string, as it is; otherwise it is JSON text.
    pub is_string: bool,
}

/// The parts that a token is made of.
pub(crate) struct Parts<'a> {
    pub access_token: &'a str,
    pub token_type: Option<&'a str>,
    pub issued_type: Option<&'a str>,
    /// Seconds from the request to the expiry.
    pub lifetime_s: Option<i64>,
    /// Unix seconds.
    pub expires_at: Option<i64>,
    pub fields: Vec<Field>,
}

impl Token {
    pub(crate) fn new(parts: Parts<'_>) -> Self {
        // RFC 6749, section 7.1: the type is compared without regard to case.
        let is_bearer = parts.token_type.unwrap_or(BEARER).eq_ignore_ascii_case(BEARER);
        let prefix = if is_bearer { "Bearer " } else { "" };
        // Once in memory: a type is usually the value of a member.
        let extra = [
            ("token_type", parts.token_type),
            ("issued_token_type", parts.issued_type),
        ]
        .map(|(name, value)| value.filter(|value| parts.value_of(name) != Some(*value)));

        let names = parts.fields.iter().map(|field| field.name.expose());
        let values = parts.fields.iter().filter_map(|field| field.value.as_ref());
        let texts = names
            .chain(values.map(Secret::expose))
            .chain(extra.into_iter().flatten());
        let mut text = TokenText::with_room_for(prefix.len() + parts.access_token.len(), texts);

        let access_token = text.join(prefix, parts.access_token).behind(prefix.len());
        let members: Box<[Member]> = parts
            .fields
            .iter()
            .map(|field| Member {
                name: text.push(field.name.expose()).into(),
                value: match &field.value {
                    Some(value) => text.push(value.expose()),
                    None => access_token,
                },
            })
            .collect();
        let member = |name: &str| {
            let place = parts.fields.iter().position(|field| field.is_named(name))?;
            Some(members[place].value)
        };
        let [token_type, issued_type] = extra.map(|value| value.map(|value| text.push(value)));
        Self {
            access_token,
            token_type: parts.token_type.and(token_type.or_else(|| member("token_type"))),
            issued_type: parts
                .issued_type
                .and(issued_type.or_else(|| member("issued_token_type"))),
            refresh_token: member("refresh_token").filter(|token| !token.is_empty()),
            text,
            members,
            lifetime_s: parts.lifetime_s,
            expires_at: parts.expires_at,
            cache_key_hash: 0,
            backend_id: 0,
        }
    }

    /// Returns the same token, as the answer to a cache key with this hash.
    pub(crate) fn with_cache_key_hash(self, hash: u64) -> Self {
        Self {
            cache_key_hash: hash,
            ..self
        }
    }

    /// Returns the same token, as issued by the backend with this number.
    pub(crate) fn with_backend_id(self, backend: u64) -> Self {
        Self {
            backend_id: backend,
            ..self
        }
    }

    pub(crate) fn backend_id(&self) -> u64 {
        self.backend_id
    }

    pub(crate) fn cache_key_hash(&self) -> u64 {
        self.cache_key_hash
    }

    /// Returns whether both hold one access token: Connect issues a viewer's again and again.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.access_token() == other.access_token()
    }

    /// Returns how many bytes of memory the token takes.
    pub(crate) fn heap_bytes(&self) -> usize {
        size_of::<Self>() + self.text.heap_bytes() + size_of_val(&*self.members)
    }

    /// Returns the access token.
    pub fn access_token(&self) -> &str {
        self.text.str(self.access_token)
    }

    /// Returns how the token is presented: `Bearer` when the server did not say.
    pub fn token_type(&self) -> &str {
        self.token_type.map_or(BEARER, |span| self.text.str(span))
    }

    /// Returns the URN of what was issued, when the server said.
    pub fn issued_type(&self) -> Option<&str> {
        self.issued_type.map(|span| self.text.str(span))
    }

    /// Returns when the token expires, in Unix seconds; `None` when that is unknown.
    pub fn expires_at(&self) -> Option<i64> {
        self.expires_at
    }

    /// Returns the seconds from the request to the expiry; `None` when they are unknown.
    pub(crate) fn lifetime_s(&self) -> Option<i64> {
        self.lifetime_s
    }

    /// Returns the refresh token (RFC 6749, section 6), when the server issued one.
    pub(crate) fn refresh_token(&self) -> Option<Secret> {
        self.refresh_token.map(|span| Secret::new(self.text.str(span)))
    }

    /// Returns the value of an `Authorization` header; `None` for types other than Bearer.
    pub fn authorization(&self) -> Option<&str> {
        self.presented().map(|span| self.text.str(span))
    }

    /// Returns every member of the response in its order: name and value, strings as they are, other values as JSON
    /// text.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.members
            .iter()
            .map(|member| (self.text.name(member.name), self.text.str(member.value)))
    }

    /// Returns the value of the first member called `name`.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.find(name).map(|member| self.text.str(member.value))
    }

    pub(crate) fn access_token_c_str(&self) -> &CStr {
        self.text.c_str(self.access_token)
    }

    pub(crate) fn token_type_c_str(&self) -> &CStr {
        self.token_type.map_or(c"Bearer", |span| self.text.c_str(span))
    }

    pub(crate) fn issued_type_c_str(&self) -> Option<&CStr> {
        self.issued_type.map(|span| self.text.c_str(span))
    }

    pub(crate) fn authorization_c_str(&self) -> Option<&CStr> {
        self.presented().map(|span| self.text.c_str(span))
    }

    pub(crate) fn field_c_str(&self, name: &str) -> Option<&CStr> {
        self.find(name).map(|member| self.text.c_str(member.value))
    }

    /// Returns name and value of the member at `index`.
    pub(crate) fn field_at_c_str(&self, index: usize) -> Option<(&CStr, &CStr)> {
        let member = self.members.get(index)?;
        Some((self.text.name_c_str(member.name), self.text.c_str(member.value)))
    }

    /// The value of an `Authorization` header; `None` for types other than Bearer.
    fn presented(&self) -> Option<Span> {
        self.access_token.with_what_precedes()
    }

    fn find(&self, name: &str) -> Option<&Member> {
        self.members
            .iter()
            .find(|member| self.text.name(member.name) == name)
    }
}

/// Shows no text: a member may be a secret.
impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Token")
            .field("token_type", &self.token_type())
            .field("issued_type", &self.issued_type())
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl Parts<'_> {
    /// Returns the value of the first member with this name, when it is a string.
    fn value_of(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|field| field.is_named(name))?;
        field.value.as_ref().map(Secret::expose)
    }
}

impl Field {
    fn is_named(&self, name: &str) -> bool {
        self.is_string && self.name.expose() == name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, value: Option<&str>, is_string: bool) -> Field {
        Field {
            name: Secret::new(name),
            value: value.map(Secret::new),
            is_string,
        }
    }

    fn token(access_token: &str, token_type: Option<&str>, fields: Vec<Field>) -> Token {
        Token::new(Parts {
            access_token,
            token_type,
            issued_type: Some("urn:x"),
            lifetime_s: Some(3600),
            expires_at: Some(7200),
            fields,
        })
    }

    #[test]
    fn every_text_is_lent_to_c_as_it_is_to_rust() {
        let fields = || {
            vec![
                field("access_token", None, true),
                field("token_type", Some("bearer"), true),
                field("n", Some("1.5"), false),
                field("empty", Some(""), true),
            ]
        };
        for (name, token) in [
            ("members", token("eyJ", Some("bearer"), fields())),
            ("none", token("eyJ", Some("bearer"), Vec::new())),
            ("no type", token("eyJ", None, Vec::new())),
            ("other type", token("eyJ", Some("mac"), fields())),
        ] {
            let same = |c: &CStr, text: &str| assert_eq!(c.to_str(), Ok(text), "{name}");
            same(token.access_token_c_str(), "eyJ");
            same(token.access_token_c_str(), token.access_token());
            same(token.token_type_c_str(), token.token_type());
            same(token.issued_type_c_str().unwrap(), token.issued_type().unwrap());
            assert_eq!(
                token.authorization_c_str().map(|text| text.to_str().unwrap()),
                token.authorization()
            );
            for (index, (known, value)) in token.fields().enumerate() {
                let (known_c, value_c) = token.field_at_c_str(index).unwrap();
                same(known_c, known);
                same(value_c, value);
                same(token.field_c_str(known).unwrap(), value);
            }
            assert!(token.field_at_c_str(token.fields().len()).is_none());
        }
    }

    #[test]
    fn a_type_of_its_own_is_kept_beside_a_member_that_differs() {
        let token = token("t", Some("N_A"), vec![field("token_type", Some("7"), false)]);
        assert_eq!(
            (token.token_type(), token.field("token_type")),
            ("N_A", Some("7"))
        );
        assert_eq!(
            (token.authorization(), token.issued_type()),
            (None, Some("urn:x"))
        );
    }

    #[test]
    fn a_token_is_in_memory_once() {
        let text = "x".repeat(1000);
        let fields = vec![
            field("access_token", None, true),
            field("issued_token_type", Some("urn:x"), true),
            field("token_type", Some("Bearer"), true),
            field("expires_in", Some("3600"), false),
        ];
        let token = token(&text, Some("Bearer"), fields);
        let once = "Bearer \0".len() + 1000 + "urn:x\0".len() + "3600\0".len();
        assert_eq!(token.text.heap_bytes(), once);
        assert!(token.heap_bytes() < 1250, "{} bytes", token.heap_bytes());
    }

    #[test]
    fn only_a_refresh_token_that_is_a_string_renews() {
        let refresh = |value, is_string| {
            token("t", None, vec![field("refresh_token", Some(value), is_string)])
                .refresh_token()
                .map(|token| token.expose().to_owned())
        };
        assert_eq!(refresh("r", true), Some("r".to_owned()));
        assert_eq!(refresh("7", false), None);
        assert_eq!(refresh("", true), None);
    }

    #[test]
    fn a_token_is_never_printed() {
        let token = token("hush", None, vec![field("secret", Some("hush"), true)]);
        assert!(!format!("{token:?}").contains("hush"));
    }
}
