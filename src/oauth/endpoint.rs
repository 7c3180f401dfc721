//! The address of a Connect server, in every form in which people write it, and of the endpoints below it.

#![forbid(unsafe_code)]

use url::Url;

use crate::error::Error;

/// The path of Connect's API below a server's address.
const API: &str = "/__api__/v1";
/// The path of the credential endpoint below that.
const CREDENTIALS: &str = "/oauth/integrations/credentials";

/// The address of a server's credential endpoint: of a server URL that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialEndpoint(Url);

impl CredentialEndpoint {
    /// Reads a server URL: `http` or `https`, with or without a path, trailing slashes or `/__api__`.
    ///
    /// `source` says where the URL came from. The message of an error never repeats the URL: it may contain a password,
    /// and where that is in a malformed URL cannot be told.
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
            return Err(wrong("must not contain a user name or a password"));
        }
        if parsed.query().is_some() {
            return Err(wrong("must not have a query (the part after ?)"));
        }
        if parsed.fragment().is_some() {
            return Err(wrong("must not have a fragment (the part after #)"));
        }
        let path = parsed.path().trim_end_matches('/');
        let path = path.strip_suffix("/__api__").unwrap_or(path);
        let endpoint = format!("{}{API}{CREDENTIALS}", path.trim_end_matches('/'));
        parsed.set_path(&endpoint);
        Ok(Self(parsed))
    }

    /// Returns host and port, for a message.
    pub(crate) fn address(&self) -> String {
        address(&self.0)
    }

    /// Returns the address of the credential endpoint.
    pub(crate) fn endpoint(&self) -> &Url {
        &self.0
    }

    /// Returns the address of the list of a content item's integrations. `content` is a GUID of the environment's, which
    /// becomes one segment of the path, whatever is in it.
    pub(crate) fn associations(&self, content: &str) -> Url {
        let mut url = self.0.clone();
        let api = self.0.path().strip_suffix(CREDENTIALS).unwrap_or_default();
        url.set_path(api);
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(["content", content, "oauth", "integrations", "associations"]);
        }
        url
    }
}

/// Returns host and port, for a message.
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
    fn every_form_of_a_server_url_leads_to_its_endpoint() {
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
    fn the_integrations_of_a_content_item_are_listed_below_the_same_server() {
        let associations = |url: &str, content: &str| {
            let server = CredentialEndpoint::parse(url, "a test").unwrap();
            server.associations(content).to_string()
        };
        assert_eq!(
            associations("https://h/rsc/__api__/", "22644575-7b3c"),
            "https://h/rsc/__api__/v1/content/22644575-7b3c/oauth/integrations/associations"
        );
        assert_eq!(
            associations("http://h:3939", "a/../b?c#d e"),
            "http://h:3939/__api__/v1/content/a%2F..%2Fb%3Fc%23d%20e/oauth/integrations/associations"
        );
    }

    #[test]
    fn a_server_url_that_cannot_be_used_is_rejected_without_its_password() {
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
