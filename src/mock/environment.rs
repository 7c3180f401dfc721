//! The environment variables that a mock stands for. The process's own are neither read nor changed.

#![forbid(unsafe_code)]

use std::sync::Arc;

use crate::backend::integration_lists::List;
use crate::env::{API_KEY, CONTENT_GUID, CONTENT_TOKEN, POSIT_PRODUCT, RSTUDIO_PRODUCT, SERVER, Variable};
use crate::error::Error;
use crate::oauth::integrations::Integration;
use crate::text::hash::{Hashed, Part};
use crate::text::validate::validate;

/// The defaults of a call inside a mock where its request sets nothing.
#[derive(Debug, Clone)]
pub(crate) struct MockEnvironment {
    variables: [(Variable, Option<Hashed>); 6],
    viewer_token: Option<Hashed>,
    /// `None`: the mock's host did not say.
    integrations: Option<List>,
}

impl MockEnvironment {
    pub fn new() -> Self {
        let set = |variable, value| (variable, Some(Hashed::new(value)));
        Self {
            variables: [
                set(RSTUDIO_PRODUCT, "CONNECT"),
                (POSIT_PRODUCT, None),
                set(SERVER, "http://localhost:3030"),
                set(API_KEY, "key"),
                set(CONTENT_TOKEN, "session-token"),
                set(CONTENT_GUID, "content-guid"),
            ],
            viewer_token: Some(Hashed::new("user-token")),
            integrations: None,
        }
    }

    /// Sets a variable, or unsets it when `value` is empty.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) for a variable that a mock does not have, and for a value
    /// that holds a control character.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let known = self
            .variables
            .iter_mut()
            .find(|(variable, _)| variable.name() == name);
        let Some((_, held)) = known else {
            let names = self.variables.each_ref().map(|(variable, _)| variable.name());
            let what = format!(
                "A mock's environment has only the variables {}.",
                names.join(", ")
            );
            return Err(Error::invalid_argument(what));
        };
        *held = validate(value.as_bytes(), &format!("mocked {name}"))?.map(Hashed::new);
        Ok(())
    }

    /// Sets the session token of a viewer's call that gives none; empty: there is none.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) when it holds a control character.
    pub fn set_viewer_token(&mut self, token: &str) -> Result<(), Error> {
        self.viewer_token = validate(token.as_bytes(), "mocked user session token")?.map(Hashed::new);
        Ok(())
    }

    pub fn running_on_connect(&self) -> bool {
        let value = |variable| self.part(variable).bytes;
        matches!(value(POSIT_PRODUCT), b"CONNECT" | b"CONNECT_CLOUD") || value(RSTUDIO_PRODUCT) == b"CONNECT"
    }

    pub fn server(&self) -> Part<'_> {
        self.part(SERVER)
    }

    pub fn api_key(&self) -> Part<'_> {
        self.part(API_KEY)
    }

    pub fn content_token(&self) -> Option<Part<'_>> {
        self.get(CONTENT_TOKEN).map(Hashed::part)
    }

    pub fn viewer_token(&self) -> Option<&[u8]> {
        self.viewer_token.as_ref().map(|token| token.part().bytes)
    }

    /// The content's GUID; empty when there is none.
    pub fn content_guid(&self) -> &[u8] {
        self.part(CONTENT_GUID).bytes
    }

    pub fn set_integrations(&mut self, integrations: Vec<Integration>) {
        self.integrations = Some(Arc::new(integrations));
    }

    pub fn integrations(&self) -> Option<List> {
        self.integrations.clone()
    }

    /// The names of the variables that are set, for the log.
    pub fn names(&self) -> String {
        let set = self.variables.iter().filter(|(_, value)| value.is_some());
        let names: Vec<_> = set.map(|(variable, _)| variable.name()).collect();
        match names.is_empty() {
            true => "nothing".to_owned(),
            false => names.join(", "),
        }
    }

    fn get(&self, name: Variable) -> Option<&Hashed> {
        let found = self.variables.iter().find(|(variable, _)| *variable == name);
        found.and_then(|(_, value)| value.as_ref())
    }

    fn part(&self, name: Variable) -> Part<'_> {
        self.get(name).map_or(Part::new(b""), Hashed::part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_product_variable_says_that_the_process_runs_on_connect() {
        let mut mocked = MockEnvironment::new();
        for (posit, rstudio, on_connect) in [
            ("", "CONNECT", true),
            ("", "", false),
            ("CONNECT", "", true),
            ("CONNECT_CLOUD", "", true),
            ("WORKBENCH", "", false),
            ("", "CONNECT_CLOUD", false),
        ] {
            mocked.set("POSIT_PRODUCT", posit).unwrap();
            mocked.set("RSTUDIO_PRODUCT", rstudio).unwrap();
            assert_eq!(mocked.running_on_connect(), on_connect, "{posit}, {rstudio}");
        }
    }

    #[test]
    fn only_connects_variables_with_usable_values_are_taken() {
        let mut mocked = MockEnvironment::new();
        assert!(mocked.set("HTTPS_PROXY", "http://proxy").is_err());
        assert!(mocked.set("CONNECT_API_KEY", "a\nb").is_err());
        assert!(mocked.set_viewer_token("a\nb").is_err());
        assert_eq!(mocked.api_key().bytes, b"key");
        assert_eq!(mocked.viewer_token(), Some(&b"user-token"[..]));
    }
}
