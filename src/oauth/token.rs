//! A token as the server issued it.

#![forbid(unsafe_code)]

use std::ffi::CStr;

use crate::text::secret::Secret;

/// The last second of the year 9999, where the calendars of most hosts end. What expires later expires then.
pub(crate) const LAST_SECOND: i64 = 253_402_300_799;

const BEARER: &str = "Bearer";

/// An access token and what the server said of it. Immutable; wiped from memory when it is dropped.
#[derive(Debug)]
pub struct Token {
    /// What goes behind `Authorization:` for a Bearer token, else the bare token: one copy serves both.
    presented: Secret,
    /// Where the bare token begins in `presented`.
    access_token_at: usize,
    token_type: Secret,
    issued_type: Option<Secret>,
    expires_at: Option<i64>,
    lifetime_s: Option<i64>,
    fields: Vec<Field>,
    /// The hash of the question that it answers; 0 for a token that was never cached.
    key_ref: u64,
    /// The number of the world that it came from: 0, or a mock's.
    backend: u64,
}

/// One member of the server's answer.
#[derive(Debug)]
pub(crate) struct Field {
    pub name: Secret,
    /// `None`: the access token, which is not kept twice.
    pub value: Option<Secret>,
    /// A string as it is; otherwise JSON text.
    pub is_string: bool,
}

/// What a token is made of.
pub(crate) struct Parts<'a> {
    pub access_token: &'a str,
    pub token_type: Option<&'a str>,
    pub issued_type: Option<&'a str>,
    /// From when it was asked for, in seconds.
    pub lifetime_s: Option<i64>,
    /// Unix seconds.
    pub expires_at: Option<i64>,
    pub fields: Vec<Field>,
}

impl Token {
    pub(crate) fn new(parts: Parts<'_>) -> Self {
        let token_type = parts.token_type.unwrap_or(BEARER);
        // RFC 6749, section 7.1: the type is compared without regard to case.
        let prefix = if token_type.eq_ignore_ascii_case(BEARER) {
            "Bearer "
        } else {
            ""
        };
        Self {
            presented: Secret::joined(prefix, parts.access_token),
            access_token_at: prefix.len(),
            token_type: Secret::new(token_type),
            issued_type: parts.issued_type.map(Secret::new),
            lifetime_s: parts.lifetime_s,
            expires_at: parts.expires_at,
            fields: parts.fields,
            key_ref: 0,
            backend: 0,
        }
    }

    /// The same token, as the answer to a question with this hash.
    pub(crate) fn with_cache_key_hash(self, hash: u64) -> Self {
        Self {
            key_ref: hash,
            ..self
        }
    }

    /// The same token, as one of the world with this number.
    pub(crate) fn with_backend_id(self, backend: u64) -> Self {
        Self { backend, ..self }
    }

    pub(crate) fn backend_id(&self) -> u64 {
        self.backend
    }

    pub(crate) fn cache_key_hash(&self) -> u64 {
        self.key_ref
    }

    /// Whether both are the very same token: Connect hands out a viewer's again and again.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.presented == other.presented
    }

    /// What it takes of memory, in bytes, as far as the cache bounds it.
    pub(crate) fn heap_bytes(&self) -> usize {
        let fields = self.fields.iter().map(|field| {
            let value = field.value.as_ref().map_or(0, |value| value.expose().len());
            size_of::<Field>() + field.name.expose().len() + value
        });
        size_of::<Self>() + self.presented.expose().len() + fields.sum::<usize>()
    }

    /// The token itself.
    pub fn access_token(&self) -> &str {
        &self.presented.expose()[self.access_token_at..]
    }

    /// How the token is presented: `Bearer` when the server did not say.
    pub fn token_type(&self) -> &str {
        self.token_type.expose()
    }

    /// The URN of what was issued, when the server said.
    pub fn issued_type(&self) -> Option<&str> {
        self.issued_type.as_ref().map(Secret::expose)
    }

    /// When the token expires, in Unix seconds; `None` when the server did not say.
    pub fn expires_at(&self) -> Option<i64> {
        self.expires_at
    }

    /// How long it lives from when it was asked for, in seconds; `None` when the server did not say.
    pub(crate) fn lifetime_s(&self) -> Option<i64> {
        self.lifetime_s
    }

    /// What renews it (RFC 6749, section 6), when the server gave one.
    pub(crate) fn refresh_token(&self) -> Option<Secret> {
        let field = self
            .fields
            .iter()
            .find(|field| field.name.expose() == "refresh_token" && field.is_string)?;
        field.value.clone().filter(|token| !token.expose().is_empty())
    }

    /// The value of an `Authorization` header; `None` for types other than Bearer.
    pub fn authorization(&self) -> Option<&str> {
        self.is_bearer().then(|| self.presented.expose())
    }

    /// Every member of the server's answer in its order: name and value, strings as they are, other values as
    /// JSON text.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.fields
            .iter()
            .map(|field| (field.name.expose(), self.value(field)))
    }

    /// The member called `name`.
    pub fn field(&self, name: &str) -> Option<&str> {
        Some(self.value(self.find(name)?))
    }

    pub(crate) fn access_token_c_str(&self) -> &CStr {
        self.presented.as_c_str_from(self.access_token_at)
    }

    pub(crate) fn token_type_c_str(&self) -> &CStr {
        self.token_type.as_c_str()
    }

    pub(crate) fn issued_type_c_str(&self) -> Option<&CStr> {
        self.issued_type.as_ref().map(Secret::as_c_str)
    }

    pub(crate) fn authorization_c_str(&self) -> Option<&CStr> {
        self.is_bearer().then(|| self.presented.as_c_str())
    }

    pub(crate) fn field_c_str(&self, name: &str) -> Option<&CStr> {
        Some(self.value_c_str(self.find(name)?))
    }

    /// Returns name and value of the member at `index`.
    pub(crate) fn field_at_c_str(&self, index: usize) -> Option<(&CStr, &CStr)> {
        let field = self.fields.get(index)?;
        Some((field.name.as_c_str(), self.value_c_str(field)))
    }

    fn is_bearer(&self) -> bool {
        self.access_token_at > 0
    }

    fn find(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name.expose() == name)
    }

    fn value<'a>(&'a self, field: &'a Field) -> &'a str {
        match &field.value {
            Some(value) => value.expose(),
            None => self.access_token(),
        }
    }

    fn value_c_str<'a>(&'a self, field: &'a Field) -> &'a CStr {
        match &field.value {
            Some(value) => value.as_c_str(),
            None => self.access_token_c_str(),
        }
    }
}
