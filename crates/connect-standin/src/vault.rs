//! The secrets that the server accepts and the tokens that it issues.

use crate::exchange::{Requested, Subject, Wanted};
use crate::identity::Identity;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tempfile::{NamedTempFile, TempDir};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const VIEWER_PREFIX: &str = "user-session-";

#[derive(Debug)]
pub(crate) struct Vault {
    pub(crate) api_key: String,
    pub(crate) integration: String,
    /// The GUID of the content, which is the subject of its identity tokens.
    pub(crate) content: String,
    pub(crate) first_content_token: String,
    content_tokens: Mutex<ContentTokens>,
    directory: TempDir,
    viewers: Mutex<HashMap<(Subject, Wanted), Issued>>,
    issued: AtomicU64,
}

#[derive(Debug)]
struct ContentTokens {
    current: String,
    retired: Vec<String>,
}

/// Whether a session token is known.
#[derive(Debug, PartialEq)]
pub(crate) enum Known {
    Yes(Subject),
    Retired,
    No,
}

/// A token whose remaining lifetime is not computed yet.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    answer: Map<String, Value>,
    expires_at: Duration,
}

impl Vault {
    pub(crate) fn new() -> io::Result<Vault> {
        let token = new_content_token();
        let vault = Vault {
            api_key: random(32),
            integration: guid(),
            content: guid(),
            first_content_token: token.clone(),
            content_tokens: Mutex::new(ContentTokens {
                current: token.clone(),
                retired: Vec::new(),
            }),
            directory: TempDir::with_prefix("standin-content-")?,
            viewers: Mutex::default(),
            issued: AtomicU64::new(0),
        };
        vault.write_content_token(&token)?;
        Ok(vault)
    }

    pub(crate) fn content_token_file(&self) -> PathBuf {
        self.directory.path().join("session-token")
    }

    pub(crate) fn rotate_content_token(&self) -> io::Result<()> {
        let token = new_content_token();
        let mut tokens = self.content_tokens.lock().expect("no holder panics");
        self.write_content_token(&token)?;
        let old = std::mem::replace(&mut tokens.current, token);
        tokens.retired.push(old);
        Ok(())
    }

    /// Atomic: a reader finds the old token or the new one, and never a part of one.
    fn write_content_token(&self, token: &str) -> io::Result<()> {
        let mut file = NamedTempFile::new_in(self.directory.path())?;
        writeln!(file, "{token}")?;
        file.persist(self.content_token_file())?;
        Ok(())
    }

    pub(crate) fn content_session(&self, token: &str) -> Known {
        let tokens = self.content_tokens.lock().expect("no holder panics");
        if tokens.current == token {
            Known::Yes(Subject::Content)
        } else if tokens.retired.iter().any(|retired| retired == token) {
            Known::Retired
        } else {
            Known::No
        }
    }

    pub(crate) fn viewer_session(token: &str) -> Known {
        let who = token
            .strip_prefix(VIEWER_PREFIX)
            .and_then(|encoded| BASE64_URL_SAFE_NO_PAD.decode(encoded).ok())
            .and_then(|name| String::from_utf8(name).ok())
            .filter(|name| !name.is_empty());
        who.map_or(Known::No, |who| Known::Yes(Subject::Viewer(who)))
    }

    /// Mints a token and does not store it.
    pub(crate) fn mint(&self, identity: &Identity, issuer: &str, ask: &Ask<'_>) -> Issued {
        let number = self.issued.fetch_add(1, Ordering::Relaxed) + 1;
        let expires_at = ask.now + ask.lifetime;
        let (token, issued_type, token_type) = match ask.wanted.requested {
            Requested::AccessToken => {
                // A viewer's token ends with what their session token ends with: a test sees whose it is.
                let token = match ask.subject {
                    Subject::Content => format!("sa-{number}-{}", random(40)),
                    Subject::External => format!("viewer-{number}-{}", random(40)),
                    Subject::Viewer(who) => {
                        let who = BASE64_URL_SAFE_NO_PAD.encode(who);
                        format!("viewer-{number}-{}-{who}", random(40))
                    }
                };
                (token, Requested::AccessToken.urn(), "Bearer")
            }
            Requested::IdToken => {
                let claims = self.claims(issuer, ask, expires_at);
                (identity.sign(&claims), Requested::IdToken.urn(), "Bearer")
            }
            Requested::Aws => (
                aws_credentials(expires_at),
                Requested::Aws.urn(),
                "aws_credentials",
            ),
            Requested::ApiKey => (self.api_key.clone(), Requested::ApiKey.urn(), "Key"),
        };
        let members = [
            ("access_token", token.as_str()),
            ("issued_token_type", issued_type),
            ("token_type", token_type),
        ];
        let answer = members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        Issued { answer, expires_at }
    }

    /// Returns a viewer's previous token until it expires, because Connect refreshes on its own side.
    pub(crate) fn issue(&self, identity: &Identity, issuer: &str, ask: &Ask<'_>) -> Issued {
        if !matches!(ask.subject, Subject::Viewer(_)) {
            return self.mint(identity, issuer, ask);
        }
        let mut viewers = self.viewers.lock().expect("no holder panics");
        let key = (ask.subject.clone(), ask.wanted.clone());
        match viewers.get(&key) {
            Some(issued) if issued.expires_at > ask.now => issued.clone(),
            _ => {
                let issued = self.mint(identity, issuer, ask);
                viewers.insert(key, issued.clone());
                issued
            }
        }
    }

    fn claims(&self, issuer: &str, ask: &Ask<'_>, expires_at: Duration) -> Value {
        let subject = match ask.subject {
            Subject::Viewer(who) => who.as_str(),
            Subject::Content | Subject::External => &self.content,
        };
        let audience = ask
            .wanted
            .audience
            .as_deref()
            .or(ask.wanted.resource.as_deref())
            .unwrap_or("connect");
        json!({
            "iss": issuer,
            "sub": subject,
            "aud": audience,
            "iat": ask.now.as_secs(),
            "exp": expires_at.as_secs(),
            "jti": guid(),
        })
    }
}

/// A subject, a kind of token and a time.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) wanted: &'a Wanted,
    pub(crate) now: Duration,
    pub(crate) lifetime: Duration,
}

impl Issued {
    /// Returns the members of the response; `expires_in` is the remaining time in whole seconds.
    pub(crate) fn answer(self, now: Duration) -> Map<String, Value> {
        let remaining = self.expires_at.saturating_sub(now).as_secs();
        self.answer_with(remaining.into())
    }

    pub(crate) fn answer_with(mut self, expires_in: Value) -> Map<String, Value> {
        self.answer.insert("expires_in".to_owned(), expires_in);
        self.answer
    }
}

pub(crate) fn viewer_token(who: &str) -> String {
    format!("{VIEWER_PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(who))
}

fn new_content_token() -> String {
    format!("content-session-{}", random(40))
}

fn aws_credentials(expires_at: Duration) -> String {
    let expiration = i64::try_from(expires_at.as_secs())
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .and_then(|time| time.format(&Rfc3339).ok())
        .expect("the server's clock has not reached year 10000");
    let credentials = json!({
        "accessKeyId": format!("ASIA{}", random(16).to_uppercase()),
        "secretAccessKey": random(40),
        "sessionToken": random(200),
        "expiration": expiration,
    });
    BASE64_STANDARD.encode(credentials.to_string())
}

fn random(length: usize) -> String {
    std::iter::repeat_with(fastrand::alphanumeric)
        .take(length)
        .collect()
}

/// A GUID in the form of version 4.
pub(crate) fn guid() -> String {
    let (high, low) = (fastrand::u64(..), fastrand::u64(..));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0x3fff | 0x8000,
        low & 0xffff_ffff_ffff
    )
}
