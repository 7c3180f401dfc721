//! The integrations that are associated with the content, and their list.

use crate::answer::{self, Answer};
use crate::refusal::Refusal;
use crate::vault::{Vault, guid};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::{Mutex, MutexGuard};

/// An integration that is associated with the content. As JSON: `{"guid": "…", "name": "Warehouse"}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Integration {
    /// What `audience` takes; as JSON, a new one when it is absent.
    #[serde(default = "guid")]
    pub guid: String,
    /// The name that an administrator gave it.
    #[serde(default)]
    pub name: Option<String>,
    /// What an administrator wrote about it.
    #[serde(default)]
    pub description: Option<String>,
    /// The service: `databricks`, `custom`…
    #[serde(default)]
    pub template: Option<String>,
    /// `Viewer`, `Service Account`…; older servers do not say, and omit the member.
    #[serde(default)]
    pub auth_type: Option<String>,
}

impl Integration {
    /// Returns an integration with a new GUID. What is empty is absent.
    pub fn new(name: &str, template: &str, auth_type: &str) -> Integration {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Integration {
            guid: guid(),
            name: given(name),
            description: None,
            template: given(template),
            auth_type: given(auth_type),
        }
    }

    /// Returns the association as Connect describes it.
    fn association(&self, content: &str) -> Value {
        let mut members = Map::from_iter([
            ("app_guid".to_owned(), content.into()),
            ("oauth_integration_guid".to_owned(), self.guid.as_str().into()),
            ("oauth_integration_name".to_owned(), json!(self.name)),
            (
                "oauth_integration_description".to_owned(),
                json!(self.description),
            ),
            ("oauth_integration_template".to_owned(), json!(self.template)),
            ("created_time".to_owned(), "2026-01-01T00:00:00Z".into()),
        ]);
        if let Some(auth_type) = &self.auth_type {
            members.insert(
                "oauth_integration_auth_type".to_owned(),
                auth_type.as_str().into(),
            );
        }
        members.into()
    }
}

/// Whether the server lists integrations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listing {
    /// It does.
    #[default]
    Allowed,
    /// The API key lacks a publisher's rights: 403.
    Forbidden,
    /// The server is too old: 404.
    Missing,
}

#[derive(Debug)]
pub(crate) struct Associations(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    integrations: Vec<Integration>,
    listing: Listing,
}

impl Associations {
    pub(crate) fn new(first: Integration) -> Associations {
        Associations(Mutex::new(State {
            integrations: vec![first],
            listing: Listing::Allowed,
        }))
    }

    pub(crate) fn set(&self, integrations: Vec<Integration>) {
        self.lock().integrations = integrations;
    }

    pub(crate) fn set_listing(&self, listing: Listing) {
        self.lock().listing = listing;
    }

    /// Checks the `audience` of an exchange with a session token.
    pub(crate) fn check(&self, audience: Option<&str>) -> Result<(), Refusal> {
        let state = self.lock();
        let is_known = |audience: &str| state.integrations.iter().any(|known| known.guid == audience);
        match audience {
            Some(audience) if is_known(audience) => Ok(()),
            // What Connect says here is not known; that it refuses is.
            None if state.integrations.len() > 1 => Err(Refusal::connect(
                400,
                4,
                "Several OAuth integrations are associated with this content item.",
            )),
            None if !state.integrations.is_empty() => Ok(()),
            _ => Err(Refusal::old_connect(
                400,
                212,
                "No OAuth integrations have been associated with this content item.",
            )),
        }
    }

    /// Returns the response to a request for the list of `content`.
    pub(crate) fn list(&self, vault: &Vault, authorization: Option<&str>, content: &str) -> Answer {
        let state = self.lock();
        let refused = |refusal: Refusal| answer::json(refusal.status, &refusal.body);
        if authorization.and_then(|value| value.strip_prefix("Key ")) != Some(&vault.api_key) {
            return refused(Refusal::no_permission());
        }
        match state.listing {
            Listing::Missing => answer::not_found(),
            Listing::Forbidden => refused(Refusal::connect(
                403,
                22,
                "You don't have permission to perform this operation.",
            )),
            Listing::Allowed if content != vault.content => {
                refused(Refusal::connect(404, 4, "The requested object does not exist."))
            }
            Listing::Allowed => {
                let associations = state.integrations.iter();
                let list: Vec<_> = associations.map(|each| each.association(content)).collect();
                answer::json(200, &list)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no holder panics")
    }
}
