//! The secrets that no message and no log line may contain.

use std::collections::BTreeSet;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use url::Url;
use url::form_urlencoded::byte_serialize;

/// Shorter values are common words, which appear in messages by chance.
const SHORTEST: usize = 12;

/// The secrets that a host received, and its tokens.
#[derive(Default)]
pub struct Secrets(BTreeSet<String>);

impl Secrets {
    /// Adds a secret, in each encoding in which it is sent.
    pub fn add(&mut self, secret: &str) {
        if secret.len() < SHORTEST || secret.contains('\\') {
            return;
        }
        let encoded: String = byte_serialize(secret.as_bytes()).collect();
        self.0.insert(encoded.to_lowercase());
        self.0.insert(encoded);
        self.0.insert(secret.to_owned());
    }

    /// Adds the secrets in an environment variable.
    pub fn add_variable(&mut self, name: &str, value: &str) {
        match name {
            "CONNECT_API_KEY" | "CONNECT_CONTENT_SESSION_TOKEN" => self.add(value.trim()),
            // A FIFO would block the test.
            "CONNECT_CONTENT_SESSION_TOKEN_FILE" if std::path::Path::new(value).is_file() => {
                self.add(std::fs::read_to_string(value).unwrap_or_default().trim());
            }
            _ if name.to_ascii_lowercase().ends_with("_proxy") => self.add_proxy(value),
            _ => {}
        }
    }

    fn add_proxy(&mut self, proxy: &str) {
        let Ok(url) = Url::parse(proxy) else {
            return;
        };
        let Some(password) = url.password() else {
            return;
        };
        self.add(password);
        self.add(&BASE64_STANDARD.encode(format!("{}:{password}", url.username())));
    }

    /// Adds the secrets in the arguments of a call.
    pub fn add_call(&mut self, words: &[&str]) {
        match *words {
            ["in_child", ref call @ ..] => self.add_call(call),
            ["set", "api_key" | "content_token", secret] | ["viewer", secret] | ["exchange", secret, _] => {
                self.add(secret)
            }
            ["start_viewers", _, ref sessions @ ..] => sessions.iter().for_each(|session| self.add(session)),
            _ => {}
        }
    }

    /// Adds the secrets in the outcome of a call.
    pub fn add_outcome(&mut self, name: &str, value: &str) {
        let secret = ["access_token", "secret_access_key", "session_token"].contains(&name)
            || name.ends_with("_token") && name.starts_with("field.");
        if secret {
            self.add(value);
        }
    }

    /// Panics if `text` contains one of them.
    #[track_caller]
    pub fn assert_absent_from(&self, text: &str, what: &str) {
        for secret in &self.0 {
            assert!(!text.contains(secret), "a secret is in {what}: {text}");
        }
    }
}
