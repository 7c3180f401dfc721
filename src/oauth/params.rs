//! The parameters of an exchange other than its tokens and their types: audience, resource, scope, further ones. Pure.

#![forbid(unsafe_code)]

use std::sync::Arc;

use crate::error::Error;
use crate::oauth::integrations::is_guid;
use crate::text::hash::{combine, hash};
use crate::text::secret::Secret;

/// Parameters that the exchange sets: none of them can be a further parameter.
const EXCHANGE_PARAMS: [&str; 3] = ["grant_type", "subject_token", "subject_token_type"];
/// Parameters that are options of the request.
const OPTIONS: [&str; 4] = ["requested_token_type", "audience", "resource", "scope"];

const BOTH: &str =
    "An audience and an integration cannot both be set: an audience is the GUID of an integration.";

/// A further parameter whose name ends in one of these is a secret: OAuth sends secrets by these names.
const SECRET_PARAMS: [&str; 6] = ["token", "secret", "password", "assertion", "code", "key"];

/// The parameters of an exchange. An absent one is not sent.
///
/// Clones share one copy: a request and all cache keys that come from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ExchangeParams(Option<Arc<Params>>);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Params {
    audience: Option<String>,
    /// As it was asked for: a name, a template or a GUID. Never set together with an audience.
    integration: Option<String>,
    resource: Option<String>,
    scope: Option<String>,
    further: Vec<(String, Secret)>,
    /// Of all the above; 0 when all are absent.
    hash: u64,
}

impl ExchangeParams {
    /// No parameter. The header of the C ABI must not contain it.
    ///
    /// cbindgen:ignore
    pub const NOTHING: Self = Self(None);

    /// Sets the GUID of the integration to use.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) when an integration is set.
    pub fn set_audience(&mut self, audience: Option<String>) -> Result<(), Error> {
        if audience.is_some() && self.integration().is_some() {
            return Err(Error::invalid_argument(BOTH));
        }
        self.change(|params| params.audience = audience);
        Ok(())
    }

    /// Sets the integration to use, by its name, its template or its GUID.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) when an audience is set.
    pub fn set_integration(&mut self, integration: Option<String>) -> Result<(), Error> {
        let has_audience = self.0.as_ref().is_some_and(|params| params.audience.is_some());
        if integration.is_some() && has_audience {
            return Err(Error::invalid_argument(BOTH));
        }
        self.change(|params| params.integration = integration);
        Ok(())
    }

    /// Returns the integration as it was asked for.
    pub fn integration(&self) -> Option<&str> {
        self.0.as_ref()?.integration.as_deref()
    }

    /// Returns the integration when it is not a GUID: it has to be looked up.
    pub fn integration_to_look_up(&self) -> Option<&str> {
        self.integration().filter(|integration| !is_guid(integration))
    }

    /// Returns whether neither an integration nor an audience was chosen.
    pub fn leaves_integration_open(&self) -> bool {
        let open = |params: &Arc<Params>| params.integration.is_none() && params.audience.is_none();
        self.0.as_ref().is_none_or(open)
    }

    pub fn set_resource(&mut self, resource: Option<String>) {
        self.change(|params| params.resource = resource);
    }

    pub fn set_scope(&mut self, scope: Option<String>) {
        self.change(|params| params.scope = scope);
    }

    /// Sets the further form parameter `name` and replaces an earlier value; `None` removes it.
    pub fn set_param(&mut self, name: &str, value: Option<&str>) -> Result<(), Error> {
        let refuse = |why: &str| {
            let what = format!("The parameter {name} {why}.");
            Err(Error::invalid_argument(what))
        };
        if OPTIONS.contains(&name) {
            return refuse("is an option of the request: set that option instead");
        }
        if EXCHANGE_PARAMS.contains(&name) {
            return refuse("is set by the library and cannot be changed");
        }
        self.change(|params| {
            let further = &mut params.further;
            let place = further.iter().position(|(known, _)| known == name);
            match (place, value) {
                (Some(at), Some(value)) => further[at].1 = Secret::new(value),
                (Some(at), None) => drop(further.remove(at)),
                (None, Some(value)) => further.push((name.to_owned(), Secret::new(value))),
                (None, None) => {}
            }
        });
        Ok(())
    }

    pub fn scope(&self) -> Option<&str> {
        self.0.as_ref()?.scope.as_deref()
    }

    /// Returns names and values, in the order in which they are sent.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.0.iter().flat_map(|params| params.pairs())
    }

    /// Returns the values of further parameters that are secrets, which no message may contain.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let is_secret = |name: &str| {
            let name = name.to_ascii_lowercase();
            SECRET_PARAMS.iter().any(|end| name.ends_with(end))
        };
        let further = self.0.iter().flat_map(|params| &params.further);
        further
            .filter(move |(name, _)| is_secret(name))
            .map(|(_, value)| value.expose())
    }

    pub fn hash(&self) -> u64 {
        self.0.as_ref().map_or(0, |params| params.hash)
    }

    /// Changes a copy of the parameters when others share them.
    fn change(&mut self, change: impl FnOnce(&mut Params)) {
        let params = Arc::make_mut(self.0.get_or_insert_default());
        change(params);
        let integration = params.integration.as_deref().map(|name| ("integration", name));
        let all = params.pairs().chain(integration);
        let mut is_empty = true;
        let hash = all.fold(0, |so_far, (name, value)| {
            is_empty = false;
            combine([so_far, hash(name.as_bytes()), hash(value.as_bytes())])
        });
        params.hash = hash;
        if is_empty {
            self.0 = None;
        }
    }
}

impl Params {
    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        let guid = self
            .integration
            .as_deref()
            .filter(|integration| is_guid(integration));
        let options = [
            ("audience", self.audience.as_deref().or(guid)),
            ("resource", self.resource.as_deref()),
            ("scope", self.scope.as_deref()),
        ];
        let further = self
            .further
            .iter()
            .map(|(name, value)| (name.as_str(), value.expose()));
        options
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .chain(further)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_that_is_removed_leaves_no_trace() {
        let mut params = ExchangeParams::default();
        params.set_param("p", Some("1")).unwrap();
        params.set_scope(Some("s".to_owned()));
        assert_ne!(params.hash(), 0);
        params.set_param("p", None).unwrap();
        params.set_scope(None);
        assert_eq!(params, ExchangeParams::NOTHING);
    }

    #[test]
    fn a_clone_keeps_its_parameters_when_the_original_changes() {
        let mut params = ExchangeParams::default();
        params.set_scope(Some("s".to_owned()));
        let clone = params.clone();
        params.set_scope(Some("t".to_owned()));
        assert_eq!((clone.scope(), params.scope()), (Some("s"), Some("t")));
        assert_ne!(clone, params);
        assert_ne!(clone.hash(), params.hash());
    }

    #[test]
    fn different_parameters_have_different_hashes() {
        let hash_of = |change: fn(&mut ExchangeParams)| {
            let mut params = ExchangeParams::default();
            change(&mut params);
            params.hash()
        };
        let hashes = [
            hash_of(|params| params.set_scope(Some("x".to_owned()))),
            hash_of(|params| params.set_resource(Some("x".to_owned()))),
            hash_of(|params| params.set_integration(Some("x".to_owned())).unwrap()),
            hash_of(|params| params.set_audience(Some("x".to_owned())).unwrap()),
            hash_of(|params| params.set_param("x", Some("y")).unwrap()),
            hash_of(|params| params.set_param("y", Some("x")).unwrap()),
        ];
        let different: std::collections::HashSet<_> = hashes.iter().collect();
        assert_eq!(different.len(), hashes.len());
    }

    #[test]
    fn an_integration_is_part_of_the_key_and_only_a_guid_is_sent_as_it_is() {
        const GUID: &str = "22644575-7b3c-4d0e-9f2a-1c5d8e7f6a90";
        let asked = |integration: &str| {
            let mut params = ExchangeParams::default();
            params.set_integration(Some(integration.to_owned())).unwrap();
            params
        };
        let (name, guid) = (asked("warehouse"), asked(GUID));
        assert_ne!((&name, name.hash()), (&guid, guid.hash()));
        assert_ne!(name, ExchangeParams::NOTHING);
        assert_eq!(name.pairs().count(), 0);
        assert_eq!(name.integration_to_look_up(), Some("warehouse"));
        assert_eq!(guid.pairs().collect::<Vec<_>>(), [("audience", GUID)]);
        assert_eq!(guid.integration_to_look_up(), None);
        assert!(!name.leaves_integration_open() && ExchangeParams::NOTHING.leaves_integration_open());
    }

    #[test]
    fn an_audience_and_an_integration_exclude_one_another_until_one_is_removed() {
        let mut params = ExchangeParams::default();
        let some = || Some("x".to_owned());
        params.set_integration(some()).unwrap();
        assert!(params.set_audience(some()).is_err());
        assert!(params.set_audience(None).is_ok() && params.set_integration(None).is_ok());
        params.set_audience(some()).unwrap();
        assert!(params.set_integration(some()).is_err());
        assert_eq!(params.integration(), None);
    }

    #[test]
    fn a_parameter_of_the_exchange_or_an_option_cannot_be_a_further_parameter() {
        for name in EXCHANGE_PARAMS.iter().chain(&OPTIONS) {
            assert!(
                ExchangeParams::default().set_param(name, Some("x")).is_err(),
                "{name}"
            );
        }
    }

    #[test]
    fn a_parameter_is_a_secret_by_the_end_of_its_name() {
        let mut params = ExchangeParams::default();
        params.set_param("actor_token", Some("actor")).unwrap();
        params.set_param("Client_Secret", Some("client")).unwrap();
        params.set_param("actor_token_type", Some("type")).unwrap();
        assert_eq!(params.secrets().collect::<Vec<_>>(), ["actor", "client"]);
    }
}
