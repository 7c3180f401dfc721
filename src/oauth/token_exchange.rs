//! The form of a token exchange (RFC 8693, section 2.1), as Connect's credential endpoint accepts it. Pure: nothing is
//! sent from here.

#![forbid(unsafe_code)]

use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::oauth::params::ExchangeParams;
use crate::text::secret::Secret;

/// The `grant_type` of a token exchange (RFC 8693, section 2.1).
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// The `grant_type` of a refresh (RFC 6749, section 6).
const REFRESH_TOKEN: &str = "refresh_token";

/// The headers of a request, in addition to `Authorization`.
pub(crate) const FORM_TYPE: &str = "application/x-www-form-urlencoded";
pub(crate) const ACCEPTED_TYPE: &str = "application/json";
pub(crate) const USER_AGENT: &str = concat!("connectcreds/", env!("CARGO_PKG_VERSION"));

/// A body, `application/x-www-form-urlencoded`.
pub(crate) type FormBody = Zeroizing<Vec<u8>>;

/// The URNs of the token types of Connect's credential endpoint.
pub mod token_type {
    /// An OAuth access token: the type that is issued when none is requested.
    pub const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
    /// An OpenID Connect id token: a workload identity.
    pub const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
    /// AWS credentials, see [`AwsCredentials`](crate::AwsCredentials).
    pub const AWS_CREDENTIALS: &str = "urn:ietf:params:aws:token-type:credentials";
    /// A Connect API key, which identity federation issues.
    pub const API_KEY: &str = "urn:posit:connect:api-key";
    /// A content session token, the subject of service account and workload exchanges.
    pub const CONTENT_SESSION: &str = "urn:posit:connect:content-session-token";
    /// A user session token, the subject of viewer exchanges.
    pub const USER_SESSION: &str = "urn:posit:connect:user-session-token";
}

/// A token exchange: the subject's token, and the token that is requested for it.
pub(crate) struct TokenExchange<'a> {
    pub subject_token: Secret,
    pub subject_token_type: &'a str,
    pub requested_token_type: Option<&'a str>,
    pub params: &'a ExchangeParams,
}

impl TokenExchange<'_> {
    /// Returns the body, in the order in which posit-sdk and connectcreds write it.
    pub fn form(&self) -> FormBody {
        let pairs = [
            ("grant_type", TOKEN_EXCHANGE),
            ("subject_token_type", self.subject_token_type),
            ("subject_token", self.subject_token.expose()),
        ];
        let requested = self
            .requested_token_type
            .map(|requested| ("requested_token_type", requested));
        encode(pairs.into_iter().chain(requested).chain(self.params.pairs()))
    }

    /// Returns the secrets of this exchange, which no message may contain.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.subject_token.expose()).chain(self.params.secrets())
    }
}

/// Returns `form` with the GUID of an integration as its audience.
pub(crate) fn with_audience(form: &FormBody, guid: &str) -> FormBody {
    let audience = encode(std::iter::once(("audience", guid)));
    let mut body = Zeroizing::new(Vec::with_capacity(form.len() + 1 + audience.len()));
    body.extend_from_slice(form);
    body.push(b'&');
    body.extend_from_slice(&audience);
    body
}

/// Returns the body of a refresh (RFC 6749, section 6).
pub(crate) fn refresh_form(refresh_token: &Secret, scope: Option<&str>) -> FormBody {
    let pairs = [
        ("grant_type", REFRESH_TOKEN),
        ("refresh_token", refresh_token.expose()),
    ];
    encode(pairs.into_iter().chain(scope.map(|scope| ("scope", scope))))
}

/// Returns the value of the header `Authorization`, whose scheme is Connect's own and not Bearer.
pub(crate) fn authorization(api_key: &Secret) -> Secret {
    Secret::joined("Key ", api_key.expose())
}

fn encode<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> FormBody {
    // At most three bytes for each, `=` and `&`. A body that grows would leave copies that are not wiped.
    let room = pairs
        .clone()
        .map(|(name, value)| 3 * (name.len() + value.len()) + 2)
        .sum();
    let mut form = form_urlencoded::Serializer::new(String::with_capacity(room));
    form.extend_pairs(pairs);
    Zeroizing::new(form.finish().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(params: &ExchangeParams, requested_token_type: Option<&str>) -> String {
        let exchange = TokenExchange {
            subject_token: Secret::new("a+/ =é"),
            subject_token_type: token_type::CONTENT_SESSION,
            requested_token_type,
            params,
        };
        String::from_utf8(exchange.form().to_vec()).unwrap()
    }

    #[test]
    fn an_option_that_is_not_set_is_not_sent() {
        assert_eq!(
            form(&ExchangeParams::NOTHING, None),
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange\
             &subject_token_type=urn%3Aposit%3Aconnect%3Acontent-session-token\
             &subject_token=a%2B%2F+%3D%C3%A9"
        );
    }

    #[test]
    fn every_option_is_sent_once_and_in_order() {
        let mut params = ExchangeParams::default();
        params.set_scope(Some("s1 s2".to_owned()));
        params.set_resource(Some("https://r/?x=1&y".to_owned()));
        params.set_audience(Some("a".to_owned())).unwrap();
        for (name, value) in [
            ("p&", Some("1")),
            ("q", Some("2")),
            ("p&", Some("3")),
            ("r", None),
        ] {
            params.set_param(name, value).unwrap();
        }
        let end = "&requested_token_type=t&audience=a&resource=https%3A%2F%2Fr%2F%3Fx%3D1%26y&scope=s1+s2&p%26=3&q=2";
        let form = form(&params, Some("t"));
        assert!(form.ends_with(end), "{form}");
    }

    #[test]
    fn an_audience_that_was_looked_up_is_added() {
        let form = with_audience(&Zeroizing::new(b"a=1".to_vec()), "g&");
        assert_eq!(form.as_slice(), b"a=1&audience=g%26");
    }

    #[test]
    fn a_refresh_sends_the_refresh_token_and_the_scope_of_the_request() {
        let form = |scope| String::from_utf8(refresh_form(&Secret::new("r&"), scope).to_vec()).unwrap();
        assert_eq!(form(None), "grant_type=refresh_token&refresh_token=r%26");
        assert_eq!(
            form(Some("a b")),
            "grant_type=refresh_token&refresh_token=r%26&scope=a+b"
        );
    }
}
