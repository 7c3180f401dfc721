//! What a token is wanted for: the parameters of an exchange beyond its tokens and their types.

#![forbid(unsafe_code)]

use crate::error::Error;
use crate::text::hash::{combine, hash};
use crate::text::secret::Secret;

/// Parameters that say what an exchange is; none of them can be a further one.
const EXCHANGE_PARAMS: [&str; 3] = ["grant_type", "subject_token", "subject_token_type"];
/// Parameters that have a setter of their own.
const OWN_SETTER: [&str; 4] = ["requested_token_type", "audience", "resource", "scope"];

/// Further parameters by whose names, or the ends of them, OAuth sends secrets.
const SECRET_PARAMS: [&str; 6] = ["token", "secret", "password", "assertion", "code", "key"];

/// What a token is wanted for. What is absent is not sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ExchangeParams {
    audience: Option<String>,
    resource: Option<String>,
    scope: Option<String>,
    params: Vec<(String, Secret)>,
    /// Of all the above; 0 when nothing is wanted.
    hash: u64,
}

impl ExchangeParams {
    pub const NOTHING: Self = Self {
        audience: None,
        resource: None,
        scope: None,
        params: Vec::new(),
        hash: 0,
    };

    pub fn set_audience(&mut self, audience: Option<String>) {
        self.audience = audience;
        self.hash_again();
    }

    pub fn set_resource(&mut self, resource: Option<String>) {
        self.resource = resource;
        self.hash_again();
    }

    pub fn set_scope(&mut self, scope: Option<String>) {
        self.scope = scope;
        self.hash_again();
    }

    /// Sets the further form parameter `name`, in place of an earlier value; `None` takes it away.
    pub fn set_param(&mut self, name: &str, value: Option<&str>) -> Result<(), Error> {
        let refuse = |why: &str| Err(Error::invalid_argument(format!("The parameter {name} {why}.")));
        if OWN_SETTER.contains(&name) {
            return refuse("has a setter of its own");
        }
        if EXCHANGE_PARAMS.contains(&name) {
            return refuse("is set by the exchange itself");
        }
        let place = self.params.iter().position(|(known, _)| known == name);
        match (place, value) {
            (Some(at), Some(value)) => self.params[at].1 = Secret::new(value),
            (Some(at), None) => drop(self.params.remove(at)),
            (None, Some(value)) => self.params.push((name.to_owned(), Secret::new(value))),
            (None, None) => {}
        }
        self.hash_again();
        Ok(())
    }

    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// Names and values, in the order in which they are sent.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        let own = [
            ("audience", self.audience.as_deref()),
            ("resource", self.resource.as_deref()),
            ("scope", self.scope.as_deref()),
        ];
        let further = self
            .params
            .iter()
            .map(|(name, value)| (name.as_str(), value.expose()));
        own.into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .chain(further)
    }

    /// The values of further parameters that must not stand in any message.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let secret = |name: &str| {
            let name = name.to_ascii_lowercase();
            SECRET_PARAMS.iter().any(|end| name.ends_with(end))
        };
        let further = self.params.iter().filter(move |(name, _)| secret(name));
        further.map(|(_, value)| value.expose())
    }

    pub fn hash(&self) -> u64 {
        self.hash
    }

    fn hash_again(&mut self) {
        self.hash = self.pairs().fold(0, |so_far, (name, value)| {
            combine([so_far, hash(name.as_bytes()), hash(value.as_bytes())])
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_that_is_taken_away_leaves_no_trace() {
        let mut wanted = ExchangeParams::default();
        wanted.set_param("p", Some("1")).unwrap();
        wanted.set_scope(Some("s".to_owned()));
        assert_ne!(wanted.hash(), 0);
        wanted.set_param("p", None).unwrap();
        wanted.set_scope(None);
        assert_eq!(wanted, ExchangeParams::NOTHING);
    }

    #[test]
    fn what_is_wanted_is_told_apart_by_its_hash() {
        let wanted = |change: fn(&mut ExchangeParams)| {
            let mut wanted = ExchangeParams::default();
            change(&mut wanted);
            wanted.hash()
        };
        let hashes = [
            wanted(|wanted| wanted.set_scope(Some("x".to_owned()))),
            wanted(|wanted| wanted.set_resource(Some("x".to_owned()))),
            wanted(|wanted| wanted.set_param("x", Some("y")).unwrap()),
            wanted(|wanted| wanted.set_param("y", Some("x")).unwrap()),
        ];
        let different: std::collections::HashSet<_> = hashes.iter().collect();
        assert_eq!(different.len(), hashes.len());
    }

    #[test]
    fn what_an_exchange_is_made_of_can_not_be_a_further_parameter() {
        for name in EXCHANGE_PARAMS.iter().chain(&OWN_SETTER) {
            assert!(
                ExchangeParams::default().set_param(name, Some("x")).is_err(),
                "{name}"
            );
        }
    }

    #[test]
    fn a_parameter_with_the_name_of_a_secret_is_one() {
        let mut wanted = ExchangeParams::default();
        wanted.set_param("actor_token", Some("actor")).unwrap();
        wanted.set_param("Client_Secret", Some("client")).unwrap();
        wanted.set_param("actor_token_type", Some("type")).unwrap();
        assert_eq!(wanted.secrets().collect::<Vec<_>>(), ["actor", "client"]);
    }
}
