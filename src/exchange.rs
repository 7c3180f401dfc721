//! The token exchange of RFC 8693, section 2.1, as Connect's credential endpoint takes it: from a question to a
//! form body. Pure: nothing is sent from here.

#![forbid(unsafe_code)]

use std::borrow::Cow;

use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::secret::Secret;

/// The `grant_type` of a token exchange (RFC 8693, section 2.1).
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// The URNs of token types that Connect's credential endpoint knows.
pub mod token_type {
    /// An OAuth access token: what is issued when no type is requested.
    pub const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
    /// An OpenID Connect id token: a workload identity.
    pub const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
    /// AWS credentials, see [`AwsCredentials`](crate::AwsCredentials).
    pub const AWS_CREDENTIALS: &str = "urn:ietf:params:aws:token-type:credentials";
    /// A Connect API key: what identity federation issues.
    pub const API_KEY: &str = "urn:posit:connect:api-key";
    /// A content session token, the subject of service account and workload exchanges.
    pub const CONTENT_SESSION: &str = "urn:posit:connect:content-session-token";
    /// A user session token, the subject of viewer exchanges.
    pub const USER_SESSION: &str = "urn:posit:connect:user-session-token";
}

/// Parameters that say what an exchange is; none of them can be a further one.
const EXCHANGE_PARAMS: [&str; 3] = ["grant_type", "subject_token", "subject_token_type"];
/// Parameters that [`Wanted`] has a place for.
const WANTED_PARAMS: [&str; 4] = ["requested_token_type", "audience", "resource", "scope"];

/// What the token is wanted for: everything of an exchange but the subject. What is absent is not sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub requested_token_type: Option<Cow<'static, str>>,
    pub audience: Option<String>,
    pub resource: Option<String>,
    pub scope: Option<String>,
    params: Vec<(String, Secret)>,
}

impl Wanted {
    /// Sets the further form parameter `name`, in place of an earlier value; `None` takes it away.
    pub fn set_param(&mut self, name: &str, value: Option<&str>) -> Result<(), Error> {
        if WANTED_PARAMS.contains(&name) {
            return Err(Error::invalid_argument(format!(
                "The parameter {name} has a setter of its own."
            )));
        }
        if EXCHANGE_PARAMS.contains(&name) {
            return Err(Error::invalid_argument(format!(
                "The parameter {name} is set by the exchange itself."
            )));
        }
        let place = self.params.iter().position(|(known, _)| known == name);
        match (place, value) {
            (Some(at), Some(value)) => self.params[at].1 = Secret::new(value),
            (Some(at), None) => drop(self.params.remove(at)),
            (None, Some(value)) => self.params.push((name.to_owned(), Secret::new(value))),
            (None, None) => {}
        }
        Ok(())
    }
}

/// A token exchange: whose token, and what for.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub subject_token: Secret,
    pub subject_token_type: Cow<'static, str>,
    pub wanted: Wanted,
}

impl Exchange {
    /// The body, `application/x-www-form-urlencoded`, in the order in which posit-sdk and connectcreds write it.
    pub fn form(&self) -> Zeroizing<Vec<u8>> {
        let wanted = &self.wanted;
        let optional = [
            ("requested_token_type", wanted.requested_token_type.as_deref()),
            ("audience", wanted.audience.as_deref()),
            ("resource", wanted.resource.as_deref()),
            ("scope", wanted.scope.as_deref()),
        ];
        let pairs = [
            ("grant_type", TOKEN_EXCHANGE),
            ("subject_token_type", &self.subject_token_type),
            ("subject_token", self.subject_token.expose()),
        ]
        .into_iter()
        .chain(
            optional
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .chain(
            wanted
                .params
                .iter()
                .map(|(name, value)| (name.as_str(), value.expose())),
        );

        // Three bytes at most for one, `=` and `&`: room for all, so that nothing is left behind by growing.
        let room = pairs
            .clone()
            .map(|(name, value)| 3 * (name.len() + value.len()) + 2)
            .sum();
        let mut form = form_urlencoded::Serializer::new(String::with_capacity(room));
        form.extend_pairs(pairs);
        Zeroizing::new(form.finish().into_bytes())
    }

    /// What of this exchange must not stand in any message: the subject, and further parameters by whose name
    /// OAuth sends secrets.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let sensitive = |name: &str| {
            ["token", "secret", "password", "assertion", "code", "key"]
                .iter()
                .any(|end| name.to_ascii_lowercase().ends_with(end))
        };
        let params = &self.wanted.params;
        std::iter::once(&self.subject_token)
            .chain(
                params
                    .iter()
                    .filter(move |(name, _)| sensitive(name))
                    .map(|(_, value)| value),
            )
            .map(Secret::expose)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(wanted: Wanted) -> Exchange {
        Exchange {
            subject_token: Secret::new("a+/ =é"),
            subject_token_type: token_type::CONTENT_SESSION.into(),
            wanted,
        }
    }

    fn form(wanted: Wanted) -> String {
        String::from_utf8(exchange(wanted).form().to_vec()).unwrap()
    }

    #[test]
    fn what_was_not_given_is_not_sent() {
        assert_eq!(
            form(Wanted::default()),
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange\
             &subject_token_type=urn%3Aposit%3Aconnect%3Acontent-session-token\
             &subject_token=a%2B%2F+%3D%C3%A9"
        );
    }

    #[test]
    fn everything_given_is_sent_once_in_its_order() {
        let mut wanted = Wanted {
            requested_token_type: Some("t".into()),
            audience: Some("a".into()),
            resource: Some("https://r/?x=1&y".into()),
            scope: Some("s1 s2".into()),
            ..Wanted::default()
        };
        for (name, value) in [
            ("p&", Some("1")),
            ("q", Some("2")),
            ("p&", Some("3")),
            ("r", None),
        ] {
            wanted.set_param(name, value).unwrap();
        }
        let end = "&requested_token_type=t&audience=a&resource=https%3A%2F%2Fr%2F%3Fx%3D1%26y&scope=s1+s2&p%26=3&q=2";
        assert!(form(wanted.clone()).ends_with(end), "{}", form(wanted));
    }

    #[test]
    fn a_parameter_that_is_taken_away_is_not_sent() {
        let mut wanted = Wanted::default();
        wanted.set_param("p", Some("1")).unwrap();
        wanted.set_param("p", None).unwrap();
        assert_eq!(wanted, Wanted::default());
    }

    #[test]
    fn what_an_exchange_is_made_of_can_not_be_a_further_parameter() {
        for name in EXCHANGE_PARAMS.iter().chain(&WANTED_PARAMS) {
            assert!(Wanted::default().set_param(name, Some("x")).is_err(), "{name}");
        }
    }

    #[test]
    fn the_secrets_of_an_exchange_are_its_tokens_and_not_its_other_parameters() {
        let mut wanted = Wanted::default();
        wanted.set_param("actor_token", Some("actor")).unwrap();
        wanted.set_param("Client_Secret", Some("client")).unwrap();
        wanted.set_param("actor_token_type", Some("type")).unwrap();
        assert_eq!(
            exchange(wanted).secrets().collect::<Vec<_>>(),
            ["a+/ =é", "actor", "client"]
        );
    }
}
