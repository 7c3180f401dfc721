//! A request as a mock sees it: what would have been sent.

#![forbid(unsafe_code)]

use std::fmt;

use url::form_urlencoded;

use crate::backend::exchange::ServerExchange;
use crate::oauth::token_exchange::{ACCEPTED_TYPE, FORM_TYPE, FormBody, USER_AGENT, authorization};
use crate::text::secret::Secret;

/// A request that a [`Mock`](crate::Mock)'s function is asked to answer, as it would have been sent.
pub struct MockRequest {
    url: Secret,
    headers: Vec<Pair>,
    params: Vec<Pair>,
}

/// A name and its value.
type Pair = (Secret, Secret);

impl MockRequest {
    pub(crate) fn new(ask: &ServerExchange, form: &FormBody) -> Self {
        let pair = |name: &str, value: &str| (Secret::new(name), Secret::new(value));
        let key = ask.api_key.as_ref();
        let key = key.map(|key| (Secret::new("Authorization"), authorization(key)));
        let others = [
            ("Accept", ACCEPTED_TYPE),
            ("Content-Type", FORM_TYPE),
            ("User-Agent", USER_AGENT),
        ];
        Self {
            url: Secret::new(ask.server.endpoint().as_str()),
            headers: key
                .into_iter()
                .chain(others.map(|(name, value)| pair(name, value)))
                .collect(),
            params: form_urlencoded::parse(form)
                .map(|(name, value)| pair(&name, &value))
                .collect(),
        }
    }

    /// The address of the credential endpoint.
    pub fn url(&self) -> &str {
        self.url.expose()
    }

    /// Always POST.
    pub fn method(&self) -> &str {
        without_nul(self.method_with_nul())
    }

    /// The value of a header, whose name is compared without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.header_with_nul(name).map(without_nul)
    }

    /// The headers that the library sets itself: names and values.
    pub fn headers(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        exposed(&self.headers)
    }

    /// The value of a form parameter, decoded; `None` when it is not sent.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.param_with_nul(name).map(without_nul)
    }

    /// The form's parameters in their order, names and values decoded.
    pub fn params(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        exposed(&self.params)
    }

    pub(crate) fn url_with_nul(&self) -> &str {
        self.url.with_nul()
    }

    pub(crate) fn method_with_nul(&self) -> &'static str {
        "POST\0"
    }

    pub(crate) fn header_with_nul(&self, name: &str) -> Option<&str> {
        let same = |(known, _): &&Pair| known.expose().eq_ignore_ascii_case(name);
        self.headers.iter().find(same).map(|(_, value)| value.with_nul())
    }

    /// Name and value of the header at `index`.
    pub(crate) fn header_at_with_nul(&self, index: usize) -> Option<(&str, &str)> {
        self.headers.get(index).map(with_nul)
    }

    pub(crate) fn param_with_nul(&self, name: &str) -> Option<&str> {
        let same = |(known, _): &&Pair| known.expose() == name;
        self.params.iter().find(same).map(|(_, value)| value.with_nul())
    }

    /// Name and value of the parameter at `index`.
    pub(crate) fn param_at_with_nul(&self, index: usize) -> Option<(&str, &str)> {
        self.params.get(index).map(with_nul)
    }
}

/// Names only: values are secrets.
impl fmt::Debug for MockRequest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |pairs: &[Pair]| -> Vec<_> {
            let names = pairs.iter().map(|(name, _)| name.expose().to_owned());
            names.collect()
        };
        out.debug_struct("MockRequest")
            .field("url", &self.url())
            .field("headers", &names(&self.headers))
            .field("params", &names(&self.params))
            .finish()
    }
}

fn exposed(pairs: &[Pair]) -> impl ExactSizeIterator<Item = (&str, &str)> {
    pairs.iter().map(|(name, value)| (name.expose(), value.expose()))
}

fn with_nul((name, value): &Pair) -> (&str, &str) {
    (name.with_nul(), value.with_nul())
}

fn without_nul(text: &str) -> &str {
    &text[..text.len() - 1]
}
