//! A token as the server issued it, in one piece of memory.

#![forbid(unsafe_code)]

use std::ffi::CStr;
use std::fmt;

use zeroize::Zeroizing;

use crate::text::secret::{Secret, c_str};

/// The last second of the year 9999, where the calendars of most hosts end. A later expiry counts as this one.
pub(crate) const LAST_SECOND: i64 = 253_402_300_799;

const BEARER: &str = "Bearer";

/// An access token and the response that it came in. Immutable; wiped from memory when it is dropped.
pub struct Token {
    /// Every text below, each with a NUL behind it for C. The access token is in it once, at the end of the
    /// `Authorization` header's value.
    text: Zeroizing<String>,
    /// The `Authorization` header's value for a Bearer token, otherwise the access token.
    presented: Span,
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

/// Where a text is in [`Token::text`]. A response is smaller than 4 GiB, see [`LARGEST_RESPONSE`].
#[derive(Debug, Clone, Copy)]
struct Span {
    start: u32,
    length: u32,
}

/// A member of the response.
struct Member {
    name: Span,
    value: Span,
}

/// The largest response, in bytes, that a token is read from: larger ones come from mocks alone.
pub(crate) const LARGEST_RESPONSE: usize = 64 * 1024 * 1024;

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

        let fields = parts.fields.iter().map(|field| {
            let value = field.value.as_ref().map_or(0, |value| value.expose().len() + 1);
            field.name.expose().len() + 1 + value
        });
        let extras = extra.iter().flatten().map(|text| text.len() + 1);
        let room = prefix.len() + parts.access_token.len() + 1 + fields.chain(extras).sum::<usize>();
        let mut text = Texts(Zeroizing::new(String::with_capacity(room)));

        let presented = text.push(&[prefix, parts.access_token]);
        let access_token = presented.without_start(prefix.len());
        let members: Box<[Member]> = parts
            .fields
            .iter()
            .map(|field| Member {
                name: text.push(&[field.name.expose()]),
                value: match &field.value {
                    Some(value) => text.push(&[value.expose()]),
                    None => access_token,
                },
            })
            .collect();
        let member = |name: &str| {
            let place = parts.fields.iter().position(|field| field.is_named(name))?;
            Some(members[place].value)
        };
        let [token_type, issued_type] = extra.map(|value| value.map(|value| text.push(&[value])));
        debug_assert_eq!(text.0.len(), room);
        Self {
            presented,
            access_token,
            token_type: parts.token_type.and(token_type.or_else(|| member("token_type"))),
            issued_type: parts
                .issued_type
                .and(issued_type.or_else(|| member("issued_token_type"))),
            refresh_token: member("refresh_token").filter(|token| token.length > 0),
            text: text.0,
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
        self.str(self.presented) == other.str(other.presented)
    }

    /// Returns how many bytes of memory the token takes.
    pub(crate) fn heap_bytes(&self) -> usize {
        size_of::<Self>() + self.text.capacity() + size_of_val(&*self.members)
    }

    /// Returns the access token.
    pub fn access_token(&self) -> &str {
        self.str(self.access_token)
    }

    /// Returns how the token is presented: `Bearer` when the server did not say.
    pub fn token_type(&self) -> &str {
        self.token_type.map_or(BEARER, |span| self.str(span))
    }

    /// Returns the URN of what was issued, when the server said.
    pub fn issued_type(&self) -> Option<&str> {
        self.issued_type.map(|span| self.str(span))
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
        self.refresh_token.map(|span| Secret::new(self.str(span)))
    }

    /// Returns the value of an `Authorization` header; `None` for types other than Bearer.
    pub fn authorization(&self) -> Option<&str> {
        self.header().map(|span| self.str(span))
    }

    /// Returns every member of the response in its order: name and value, strings as they are, other values as JSON
    /// text.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.members
            .iter()
            .map(|member| (self.str(member.name), self.str(member.value)))
    }

    /// Returns the value of the first member called `name`.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.find(name).map(|member| self.str(member.value))
    }

    pub(crate) fn access_token_c_str(&self) -> &CStr {
        self.c_str(self.access_token)
    }

    pub(crate) fn token_type_c_str(&self) -> &CStr {
        self.token_type.map_or(c"Bearer", |span| self.c_str(span))
    }

    pub(crate) fn issued_type_c_str(&self) -> Option<&CStr> {
        self.issued_type.map(|span| self.c_str(span))
    }

    pub(crate) fn authorization_c_str(&self) -> Option<&CStr> {
        self.header().map(|span| self.c_str(span))
    }

    pub(crate) fn field_c_str(&self, name: &str) -> Option<&CStr> {
        self.find(name).map(|member| self.c_str(member.value))
    }

    /// Returns name and value of the member at `index`.
    pub(crate) fn field_at_c_str(&self, index: usize) -> Option<(&CStr, &CStr)> {
        let member = self.members.get(index)?;
        Some((self.c_str(member.name), self.c_str(member.value)))
    }

    fn header(&self) -> Option<Span> {
        (self.presented.start != self.access_token.start).then_some(self.presented)
    }

    fn find(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| self.str(member.name) == name)
    }

    fn str(&self, span: Span) -> &str {
        let start = span.start as usize;
        &self.text[start..start + span.length as usize]
    }

    fn c_str(&self, span: Span) -> &CStr {
        let start = span.start as usize;
        c_str(&self.text[start..=start + span.length as usize])
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

impl Span {
    fn without_start(self, length: usize) -> Self {
        let length = length as u32;
        Self {
            start: self.start + length,
            length: self.length - length,
        }
    }
}

/// Texts under construction, in memory that has room for all: a string that grows leaves copies behind.
struct Texts(Zeroizing<String>);

impl Texts {
    /// Appends one text, given in pieces, and the NUL behind it.
    fn push(&mut self, pieces: &[&str]) -> Span {
        let start = self.0.len();
        pieces.iter().for_each(|piece| self.0.push_str(piece));
        let length = self.0.len() - start;
        self.0.push('\0');
        Span {
            start: start as u32,
            length: length as u32,
        }
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
        assert_eq!(token.text.len(), token.text.capacity());
        assert_eq!(token.text.matches(&text).count(), 1);
        assert_eq!(token.text.matches("urn:x").count(), 1);
        assert!(token.heap_bytes() < 1400, "{} bytes", token.heap_bytes());
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
