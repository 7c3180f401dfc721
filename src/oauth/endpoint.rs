//! The address of a Connect server, in the forms in which people write it.

#![forbid(unsafe_code)]

use url::Url;

use crate::error::Error;

/// Where the credential endpoint is below a server's address.
const ENDPOINT: &str = "/__api__/v1/oauth/integrations/credentials";

/// The server's address, checked, as the address of its credential endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialEndpoint(Url);

impl CredentialEndpoint {
    /// Reads a server URL: `http` or `https`, with or without a path, trailing slashes or `/__api__`.
    ///
    /// `source` says where the URL came from. The message of an error never repeats the URL: it may hold a
    /// password, at a place that a malformed URL does not tell.
    pub(crate) fn parse(url: &str, source: &str) -> Result<Self, Error> {
        let wrong = |what: &str| Error::invalid_argument(format!("The server URL ({source}) {what}."));
        let has_scheme = |scheme: &str| {
            url.get(..scheme.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        };
        if !has_scheme("http://") && !has_scheme("https://") {
            return Err(wrong("must begin with http:// or https://"));
        }
        let mut parsed = Url::parse(url).map_err(|why| wrong(&format!("is malformed: {why}")))?;
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(wrong("must not hold a user name or a password"));
        }
        if parsed.query().is_some() {
            return Err(wrong("must not have a query"));
        }
        if parsed.fragment().is_some() {
            return Err(wrong("must not have a fragment"));
        }
        let path = parsed.path().trim_end_matches('/');
        let path = path.strip_suffix("/__api__").unwrap_or(path);
        let endpoint = format!("{}{ENDPOINT}", path.trim_end_matches('/'));
        parsed.set_path(&endpoint);
        Ok(Self(parsed))
    }

    /// Host and port, for a message.
    pub(crate) fn address(&self) -> String {
        address(&self.0)
    }

    /// The credential endpoint's address.
    pub(crate) fn endpoint(&self) -> &Url {
        &self.0
    }
}

/// Host and port, for a message.
pub(crate) fn address(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str) -> String {
        CredentialEndpoint::parse(url, "a test")
            .unwrap()
            .endpoint()
            .to_string()
    }

    #[test]
    fn every_way_to_write_a_server_leads_to_its_endpoint() {
        const PATH: &str = "__api__/v1/oauth/integrations/credentials";
        for url in [
            "https://connect.example.com",
            "https://connect.example.com/",
            "https://connect.example.com///",
            "https://connect.example.com/__api__",
            "https://connect.example.com/__api__//",
            "HTTPS://CONNECT.example.com//__api__/",
        ] {
            assert_eq!(
                endpoint(url),
                format!("https://connect.example.com/{PATH}"),
                "{url}"
            );
        }
        for url in [
            "http://h:3939/rsc",
            "http://h:3939/rsc/",
            "http://h:3939/rsc/__api__/",
        ] {
            assert_eq!(endpoint(url), format!("http://h:3939/rsc/{PATH}"), "{url}");
        }
        assert_eq!(endpoint("http://[::1]:3939"), format!("http://[::1]:3939/{PATH}"));
    }

    #[test]
    fn a_server_that_can_not_be_used_is_refused_without_repeating_its_password() {
        for (url, why) in [
            ("connect.example.com", "http://"),
            ("hunter2@connect.example.com:3939", "http://"),
            ("ftp://u:hunter2@h", "http://"),
            ("https:/u:hunter2@h", "http://"),
            ("", "http://"),
            ("é", "http://"),
            ("https://u:hunter2@h", "password"),
            ("https://hunter2@h", "user name"),
            ("https://u:hunter2@h:99999", "malformed"),
            ("https://u:hunter2@", "malformed"),
            ("https://", "malformed"),
            ("https://h/?key=hunter2", "query"),
            ("https://h?", "query"),
            ("https://h/#hunter2", "fragment"),
        ] {
            let message = CredentialEndpoint::parse(url, "CONNECT_SERVER")
                .unwrap_err()
                .message();
            assert!(message.contains(why), "{url}: {message}");
            assert!(message.contains("CONNECT_SERVER"), "{url}: {message}");
            assert!(!message.contains("hunter2"), "{url}: {message}");
        }
    }
}
