//! The whole question that a token answers: whose credentials, of which server, for what. Two calls share a cached
//! token only if all of it is equal.

#![forbid(unsafe_code)]

use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use super::refresh_policy::Renewal;
use crate::env::{self, API_KEY, CONTENT_TOKEN, CONTENT_TOKEN_FILE, Environment, SERVER};
use crate::error::{Error, ErrorKind, HostOption};
use crate::oauth::endpoint::CredentialEndpoint;
use crate::oauth::integration_choice::CallKind;
use crate::oauth::params::ExchangeParams;
use crate::oauth::token_exchange::{TokenExchange, token_type};
use crate::platform::per_process::PerProcess;
use crate::text::hash::{Part, combine};
use crate::text::secret::Secret;
use crate::text::validate::validate;

const NO_SERVER: &str = "A Connect server URL is required to retrieve credentials.";
const NO_SERVER_HINT: &str = "Set the environment variable CONNECT_SERVER, or {set}.";
const NO_API_KEY: &str = "A valid Connect API key is required to retrieve credentials.";
const NO_API_KEY_HINT: &str = "Set the environment variable CONNECT_API_KEY, or {set}.";

/// Whose token is exchanged.
#[derive(Clone, Copy)]
pub(crate) enum Subject<'a> {
    /// This token.
    Given(Part<'a>),
    /// The content's, by where it stands: the file's path and the variable's value. A file that is rewritten neither
    /// loses what is cached nor doubles it, and a hit reads no file.
    Ambient { file: Part<'a>, variable: Part<'a> },
}

impl Subject<'static> {
    /// The content session token that Connect gave the process.
    pub fn ambient(environment: Environment) -> Self {
        Self::Ambient {
            file: environment.content_token_file(),
            variable: environment.content_token(),
        }
    }
}

/// A question as it is asked, all of it borrowed: to find its answer, nothing is copied.
pub(crate) struct CacheKeyRef<'a> {
    pub subject: Subject<'a>,
    pub subject_token_type: &'a str,
    pub requested_token_type: Option<&'a str>,
    /// As it was written; a request's was parsed before.
    pub server: Part<'a>,
    pub api_key: Part<'a>,
    pub api_key_required: bool,
    pub params: &'a ExchangeParams,
}

impl CacheKeyRef<'_> {
    pub fn hash(&self) -> u64 {
        // Types are few, and differ in length.
        let types = self.subject_token_type.len() << 16 | self.requested_token_type.map_or(0, str::len);
        combine([
            self.subject_hash(),
            types as u64,
            self.server.hash,
            self.api_key.hash,
            self.params.hash(),
        ])
    }

    fn subject_hash(&self) -> u64 {
        match self.subject {
            Subject::Given(token) => token.hash,
            Subject::Ambient { file, variable } => combine([variable.hash, file.hash]),
        }
    }

    /// The question checked, in the order in which `abi.md` reports what is missing, and copied.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument), [`NotSupported`](ErrorKind::NotSupported),
    /// [`NoServer`](ErrorKind::NoServer), [`NoApiKey`](ErrorKind::NoApiKey).
    pub fn to_key(&self) -> Result<CacheKey, Error> {
        let subject = self.owned_subject()?;
        let (server, api_key) = match (self.server(), self.api_key()) {
            (Ok(server), Ok(api_key)) => (server, api_key),
            // A session token that is missing comes first, and may be known only by reading its file.
            (Err(why), _) | (_, Err(why)) => return Err(subject.token().err().unwrap_or(why)),
        };
        Ok(self.key_of(subject, server, api_key))
    }

    /// As [`to_key`](Self::to_key), for a caller that must not block: reads no file, and reports a session token that is
    /// missing without one.
    pub fn to_key_without_files(&self) -> Result<CacheKey, Error> {
        let subject = self.owned_subject()?;
        if matches!(self.subject, Subject::Ambient { file, .. } if file.bytes.is_empty()) {
            subject.token()?;
        }
        let server = self.server()?;
        let api_key = self.api_key()?;
        Ok(self.key_of(subject, server, api_key))
    }

    fn owned_subject(&self) -> Result<OwnedSubject, Error> {
        Ok(match self.subject {
            Subject::Given(token) => OwnedSubject::Given(given(token)?),
            Subject::Ambient { file, variable } => OwnedSubject::Ambient(Box::new(AmbientSubject {
                file: file.bytes.into(),
                variable: Zeroizing::new(variable.bytes.to_vec()),
            })),
        })
    }

    fn key_of(&self, subject: OwnedSubject, server: Arc<Server>, api_key: Option<Arc<Secret>>) -> CacheKey {
        CacheKey {
            hash: self.hash(),
            subject_hash: self.subject_hash(),
            subject,
            subject_token_type: KeptType::of(self.subject_token_type),
            requested_token_type: self.requested_token_type.map(KeptType::of),
            server,
            api_key,
            params: self.params.clone(),
        }
    }

    /// Returns the server.
    pub fn server(&self) -> Result<Arc<Server>, Error> {
        // A setter checked the request's URL: one that is wrong here is the environment's.
        match validate(self.server.bytes, SERVER.name())? {
            Some(url) => Server::shared(self.server, url),
            None => {
                Err(Error::new(ErrorKind::NoServer, NO_SERVER)
                    .with_hint(NO_SERVER_HINT, HostOption::ServerUrl))
            }
        }
    }

    pub fn api_key(&self) -> Result<Option<Arc<Secret>>, Error> {
        match validate(self.api_key.bytes, API_KEY.name())? {
            None if self.api_key_required => {
                Err(Error::new(ErrorKind::NoApiKey, NO_API_KEY)
                    .with_hint(NO_API_KEY_HINT, HostOption::ApiKey))
            }
            key => Ok(key.map(|key| self.api_key.keep(key))),
        }
    }
}

fn given(token: Part<'_>) -> Result<Arc<Secret>, Error> {
    Ok(token.keep(validate(token.bytes, "subject token")?.unwrap_or_default()))
}

/// A token's type, in a key that is kept: of the types that Connect knows no key has a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
enum KeptType {
    /// Its place in [`KNOWN_TYPES`].
    Known(u8),
    Other(Box<str>),
}

const KNOWN_TYPES: [&str; 6] = [
    token_type::USER_SESSION,
    token_type::CONTENT_SESSION,
    token_type::ACCESS_TOKEN,
    token_type::ID_TOKEN,
    token_type::AWS_CREDENTIALS,
    token_type::API_KEY,
];

impl KeptType {
    fn of(name: &str) -> Self {
        match KNOWN_TYPES.iter().position(|known| *known == name) {
            Some(known) => Self::Known(known as u8),
            None => Self::Other(name.into()),
        }
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Known(known) => KNOWN_TYPES[usize::from(*known)],
            Self::Other(name) => name,
        }
    }

    /// Whether it is `asked`: at once when that is the constant itself.
    fn is(&self, asked: &str) -> bool {
        let kept = self.as_str();
        ptr::eq(kept, asked) || kept == asked
    }
}

/// A server, shared by all keys of it: a process asks one, and may hold a hundred thousand keys.
#[derive(Debug)]
pub(crate) struct Server {
    /// As it was written.
    url: Arc<Secret>,
    endpoint: CredentialEndpoint,
}

/// The server that was asked last. A forked child begins without one: its parent may have held the lock.
static LAST_SERVER: PerProcess<Mutex<Option<Arc<Server>>>> = PerProcess::new(Mutex::default);

impl Server {
    /// Returns the server of `part`, which is `url`, validated: the last one if it is that.
    fn shared(part: Part<'_>, url: &str) -> Result<Arc<Self>, Error> {
        let mut last = LAST_SERVER.get().lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = &*last
            && part.is(&last.url)
        {
            return Ok(last.clone());
        }
        let server = Arc::new(Self {
            url: part.keep(url),
            endpoint: CredentialEndpoint::parse(url, SERVER.name())?,
        });
        *last = Some(server.clone());
        Ok(server)
    }

    /// Returns the endpoint.
    pub fn endpoint(&self) -> &CredentialEndpoint {
        &self.endpoint
    }
}

/// A question that was checked, and is kept.
#[derive(Debug, Clone)]
pub(crate) struct CacheKey {
    hash: u64,
    subject_hash: u64,
    subject: OwnedSubject,
    subject_token_type: KeptType,
    requested_token_type: Option<KeptType>,
    server: Arc<Server>,
    api_key: Option<Arc<Secret>>,
    params: ExchangeParams,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum OwnedSubject {
    Given(Arc<Secret>),
    /// Boxed: a process has one such subject, and perhaps many viewers.
    Ambient(Box<AmbientSubject>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct AmbientSubject {
    file: Box<[u8]>,
    variable: Zeroizing<Vec<u8>>,
}

impl OwnedSubject {
    /// The token; reads the content token's file.
    fn token(&self) -> Result<Secret, Error> {
        match self {
            Self::Given(token) => Ok(Secret::clone(token)),
            Self::Ambient(ambient) => {
                env::content_token(&ambient.file, &ambient.variable)?.ok_or_else(|| {
                    let (file, variable) = (CONTENT_TOKEN_FILE.name(), CONTENT_TOKEN.name());
                    Error::new(
                        ErrorKind::NotSupported,
                        format!("Neither {file} nor {variable} gives a session token."),
                    )
                })
            }
        }
    }

    fn is(&self, subject: &Subject<'_>) -> bool {
        match (self, subject) {
            (Self::Given(ours), Subject::Given(theirs)) => theirs.is(ours),
            (Self::Ambient(kept), Subject::Ambient { file, variable }) => {
                is_same(&kept.file, file.bytes) && is_same(&kept.variable, variable.bytes)
            }
            _ => false,
        }
    }
}

/// Whether both are equal. Where there is nothing to compare nothing is asked: an empty slice points nowhere, and a
/// comparison that reads there nevertheless, as the C library's does with masked loads, takes longer than a whole hit.
fn is_same(kept: &[u8], asked: &[u8]) -> bool {
    kept.len() == asked.len() && (kept.is_empty() || kept == asked)
}

impl CacheKey {
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The hash of the subject alone; of a session token, that of its bytes.
    pub fn subject_hash(&self) -> u64 {
        self.subject_hash
    }

    /// Whether this is the whole of `key_ref`.
    pub fn is(&self, key_ref: &CacheKeyRef<'_>) -> bool {
        self.subject.is(&key_ref.subject)
            && key_ref.server.is(&self.server.url)
            && match &self.api_key {
                Some(key) => key_ref.api_key.is(key),
                None => key_ref.api_key.bytes.is_empty(),
            }
            && self.subject_token_type.is(key_ref.subject_token_type)
            && match (&self.requested_token_type, key_ref.requested_token_type) {
                (None, None) => true,
                (Some(kept), Some(asked)) => kept.is(asked),
                _ => false,
            }
            && self.params == *key_ref.params
    }

    /// Whether `token` is the very token that is exchanged.
    pub fn is_of_session(&self, token: &str) -> bool {
        matches!(&self.subject, OwnedSubject::Given(given) if given.expose() == token)
    }

    /// Its share of the memory that the cache bounds, in bytes.
    pub fn heap_bytes(&self) -> usize {
        let subject = match &self.subject {
            OwnedSubject::Given(token) => token.expose().len(),
            OwnedSubject::Ambient(ambient) => ambient.file.len() + ambient.variable.len(),
        };
        let params: usize = self
            .params
            .pairs()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        let params = params + self.params.integration_to_look_up().map_or(0, str::len);
        size_of::<Self>() + subject + params
    }

    pub fn endpoint(&self) -> &CredentialEndpoint {
        &self.server.endpoint
    }

    pub fn api_key(&self) -> Option<&Secret> {
        self.api_key.as_deref()
    }

    /// The exchange that answers the question. Reads the content token's file.
    pub fn exchange(&self) -> Result<TokenExchange<'_>, Error> {
        Ok(TokenExchange {
            subject_token: self.subject.token()?,
            subject_token_type: self.subject_token_type.as_str(),
            requested_token_type: self.requested_token_type(),
            params: &self.params,
        })
    }

    /// Returns which token another exchange brings while the last one is valid.
    pub fn renewal(&self) -> Renewal {
        match self.subject_token_type.is(token_type::CONTENT_SESSION) {
            true => Renewal::New,
            false => Renewal::Same,
        }
    }

    /// Returns the kind of the call that asks.
    pub fn call_kind(&self) -> CallKind {
        CallKind::of(self.subject_token_type.as_str(), self.requested_token_type())
    }

    fn requested_token_type(&self) -> Option<&str> {
        self.requested_token_type.as_ref().map(KeptType::as_str)
    }

    pub fn params(&self) -> &ExchangeParams {
        &self.params
    }
}

impl PartialEq for CacheKey {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
            && self.subject == other.subject
            && self.server.url == other.server.url
            && self.api_key == other.api_key
            && self.subject_token_type == other.subject_token_type
            && self.requested_token_type == other.requested_token_type
            && self.params == other.params
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys whose hashes are the same, as they may be by chance.
    fn key(
        subject: Subject<'_>,
        types: [&str; 2],
        server: &'static str,
        api_key: &str,
        scope: &str,
    ) -> (CacheKey, bool) {
        let mut params = ExchangeParams::default();
        params.set_scope(Some(scope.to_owned()));
        let key_ref = CacheKeyRef {
            subject,
            subject_token_type: types[0],
            requested_token_type: Some(types[1]),
            server: Part::new(server.as_bytes()),
            api_key: Part::new(api_key.as_bytes()),
            api_key_required: true,
            params: &params,
        };
        let mut key = key_ref.to_key().unwrap();
        key.hash = 0;
        let is_itself = key.is(&key_ref);
        (key, is_itself)
    }

    #[test]
    fn questions_with_the_same_hash_are_told_apart_by_every_part() {
        let given = |token: &'static str| Subject::Given(Part::new(token.as_bytes()));
        let ambient = |file: &'static str, variable: &'static str| Subject::Ambient {
            file: Part::new(file.as_bytes()),
            variable: Part::new(variable.as_bytes()),
        };
        let keys = [
            key(given("a"), ["t", "r"], "http://h", "k", "s"),
            key(given("b"), ["t", "r"], "http://h", "k", "s"),
            key(ambient("", "a"), ["t", "r"], "http://h", "k", "s"),
            key(ambient("a", ""), ["t", "r"], "http://h", "k", "s"),
            key(given("a"), ["u", "r"], "http://h", "k", "s"),
            key(given("a"), ["t", "q"], "http://h", "k", "s"),
            key(given("a"), ["t", "r"], "http://i", "k", "s"),
            key(given("a"), ["t", "r"], "http://h", "l", "s"),
            key(given("a"), ["t", "r"], "http://h", "k", "z"),
        ];
        for (at, (one, is_itself)) in keys.iter().enumerate() {
            assert!(is_itself, "{at}");
            for (other_at, (other, _)) in keys.iter().enumerate() {
                assert_eq!(one == other, at == other_at, "{at} and {other_at}");
            }
        }
    }
}
