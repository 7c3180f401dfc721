//! A request as a mock sees it: what would have been sent.

#![forbid(unsafe_code)]

use std::ffi::CStr;
use std::fmt;

use url::{Url, form_urlencoded};

use crate::backend::exchange::ServerExchange;
use crate::backend::integration_lists::ListKey;
use crate::oauth::token_exchange::{ACCEPTED_TYPE, FORM_TYPE, FormBody, USER_AGENT, authorization};
use crate::text::secret::Secret;

/// A request that a [`Mock`](crate::Mock)'s function is asked to answer, as it would have been sent.
pub struct MockRequest {
    method: &'static CStr,
    url: Secret,
    headers: Vec<Pair>,
    params: Vec<Pair>,
}

/// A name and its value.
type Pair = (Secret, Secret);

impl MockRequest {
    pub(crate) fn new(ask: &ServerExchange, form: &FormBody) -> Self {
        Self::of(
            c"POST",
            ask.server.endpoint(),
            ask.api_key.as_ref(),
            &[("Accept", ACCEPTED_TYPE), ("Content-Type", FORM_TYPE)],
            form,
        )
    }

    /// A request for the list of the content's integrations.
    pub(crate) fn list(key: &ListKey) -> Self {
        let accept = ("Accept", ACCEPTED_TYPE);
        Self::of(c"GET", &key.url, Some(&key.api_key), &[accept], &[])
    }

    fn of(
        method: &'static CStr,
        url: &Url,
        api_key: Option<&Secret>,
        headers: &[(&str, &str)],
        form: &[u8],
    ) -> Self {
        let pair = |name: &str, value: &str| (Secret::new(name), Secret::new(value));
        let key = api_key.map(|key| (Secret::new("Authorization"), authorization(key)));
        let others = headers.iter().chain(&[("User-Agent", USER_AGENT)]);
        Self {
            method,
            url: Secret::new(url.as_str()),
            headers: key
                .into_iter()
                .chain(others.map(|(name, value)| pair(name, value)))
                .collect(),
            params: form_urlencoded::parse(form)
                .map(|(name, value)| pair(&name, &value))
                .collect(),
        }
    }

    /// The address of the credential endpoint, or of the list of the content's integrations.
    pub fn url(&self) -> &str {
        self.url.expose()
    }

    /// `POST` for an exchange, `GET` for the list of the content's integrations.
    pub fn method(&self) -> &str {
        self.method.to_str().unwrap_or_default()
    }

    /// The value of a header, whose name is compared without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.find_header(name).map(Secret::expose)
    }

    /// The headers that the library sets itself: names and values.
    pub fn headers(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        exposed(&self.headers)
    }

    /// The value of a form parameter, decoded; `None` when it is not sent.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.find_param(name).map(Secret::expose)
    }

    /// The form's parameters in their order, names and values decoded.
    pub fn params(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        exposed(&self.params)
    }

    pub(crate) fn url_c_str(&self) -> &CStr {
        self.url.as_c_str()
    }

    pub(crate) fn method_c_str(&self) -> &'static CStr {
        self.method
    }

    pub(crate) fn header_c_str(&self, name: &str) -> Option<&CStr> {
        self.find_header(name).map(Secret::as_c_str)
    }

    /// Name and value of the header at `index`.
    pub(crate) fn header_at_c_str(&self, index: usize) -> Option<(&CStr, &CStr)> {
        self.headers.get(index).map(c_strs)
    }

    pub(crate) fn param_c_str(&self, name: &str) -> Option<&CStr> {
        self.find_param(name).map(Secret::as_c_str)
    }

    /// Name and value of the parameter at `index`.
    pub(crate) fn param_at_c_str(&self, index: usize) -> Option<(&CStr, &CStr)> {
        self.params.get(index).map(c_strs)
    }

    fn find_header(&self, name: &str) -> Option<&Secret> {
        let same = |(known, _): &&Pair| known.expose().eq_ignore_ascii_case(name);
        self.headers.iter().find(same).map(|(_, value)| value)
    }

    fn find_param(&self, name: &str) -> Option<&Secret> {
        let same = |(known, _): &&Pair| known.expose() == name;
        self.params.iter().find(same).map(|(_, value)| value)
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

fn c_strs((name, value): &Pair) -> (&CStr, &CStr) {
    (name.as_c_str(), value.as_c_str())
}
