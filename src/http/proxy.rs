//! Which way leads to a server: straight, or through a proxy that the environment names.

#![forbid(unsafe_code)]

use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use reqwest::Proxy;
use url::{Host, Url};

use crate::env::{
    ALL_PROXY, ALL_PROXY_LOWER, EnvSnapshot, HTTP_PROXY, HTTP_PROXY_LOWER, HTTPS_PROXY, HTTPS_PROXY_LOWER,
    NO_PROXY, NO_PROXY_LOWER, REQUEST_METHOD,
};
use crate::error::{Error, ErrorKind};
use crate::text::secret::Secret;

/// The way to a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    Straight,
    Through(Through),
}

/// A proxy, and what it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Through {
    /// With scheme, host and port; a SOCKS proxy's also with user and password.
    url: Secret,
    /// Of an HTTP proxy: the value of `Proxy-Authorization`.
    authorization: Option<Secret>,
    /// Host and port, for a message.
    address: String,
    secure: bool,
}

impl Route {
    /// The way to `url`. What is on this machine is not reached through a proxy.
    ///
    /// # Errors
    ///
    /// [`Network`](ErrorKind::Network) for a variable that does not hold the address of a proxy: what is meant to take
    /// that way is not sent straight.
    pub fn to(url: &Url, env: &EnvSnapshot) -> Result<Self, Error> {
        Self::by(url, |name| {
            let variables = [
                HTTPS_PROXY,
                HTTPS_PROXY_LOWER,
                HTTP_PROXY,
                HTTP_PROXY_LOWER,
                ALL_PROXY,
                ALL_PROXY_LOWER,
                NO_PROXY,
                NO_PROXY_LOWER,
                REQUEST_METHOD,
            ];
            let variable = variables.into_iter().find(|variable| variable.name() == name)?;
            String::from_utf8(env.get(variable).to_vec()).ok()
        })
    }

    fn by(url: &Url, variable: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let set = |name: &&str| variable(name).is_some_and(|value| !value.is_empty());
        if is_loopback(url) {
            return Ok(Self::Straight);
        }
        let names: &[&str] = match url.scheme() {
            "https" => &["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
            // In a CGI program that name is a header of the request's: whoever sends it would choose the proxy.
            _ if set(&"REQUEST_METHOD") => &["http_proxy", "ALL_PROXY", "all_proxy"],
            _ => &["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
        };
        let Some(&name) = names.iter().find(|name| set(name)) else {
            return Ok(Self::Straight);
        };
        let no_proxy = ["NO_PROXY", "no_proxy"].into_iter().find_map(&variable);
        let (proxy, no_proxy) = (variable(name).unwrap_or_default(), no_proxy.unwrap_or_default());
        // `*` is every host, as curl has it; the matcher takes it for names only.
        if no_proxy.split(',').any(|host| host.trim() == "*") {
            return Ok(Self::Straight);
        }
        let unusable = || {
            let what = format!("The environment variable {name} does not hold the address of a proxy.");
            Error::new(ErrorKind::Network, what).because("It is written http://user:password@host:port.")
        };
        let target = url.as_str().parse().map_err(|_| unusable())?;
        let through = |matcher: Matcher| matcher.intercept(&target);
        let found = through(Matcher::builder().all(proxy.as_str()).build()).ok_or_else(unusable)?;
        match through(Matcher::builder().all(proxy).no(no_proxy).build()) {
            None => Ok(Self::Straight),
            Some(_) => Through::of(&found).map(Self::Through).ok_or_else(unusable),
        }
    }

    /// Whether the way to a `scheme` server needs TLS.
    pub fn needs_tls(&self, scheme: &str) -> bool {
        scheme == "https" || matches!(self, Self::Through(proxy) if proxy.secure)
    }

    /// For the end of a message's "to host".
    pub fn words(&self) -> String {
        match self {
            Self::Straight => String::new(),
            Self::Through(proxy) => format!(" through the proxy {}", proxy.address),
        }
    }
}

impl Through {
    fn of(proxy: &Intercept) -> Option<Self> {
        let mut url = Url::parse(&proxy.uri().to_string()).ok()?;
        let address = crate::oauth::endpoint::address(&url);
        let secure = url.scheme() == "https";
        if let Some((user, password)) = proxy.raw_auth() {
            url.set_username(user).ok()?;
            url.set_password(Some(password)).ok()?;
        }
        let authorization = match proxy.basic_auth() {
            Some(value) => Some(Secret::new(value.to_str().ok()?)),
            None => None,
        };
        Some(Self {
            url: Secret::new(url.as_str()),
            authorization,
            address,
            secure,
        })
    }

    /// As the client takes it.
    pub fn proxy(&self) -> Result<Proxy, Error> {
        let refused = || {
            let what = format!("The proxy {} can not be used.", self.address);
            Error::new(ErrorKind::Network, what)
        };
        let proxy = Proxy::all(self.url.expose()).map_err(|_| refused())?;
        let Some(authorization) = &self.authorization else {
            return Ok(proxy);
        };
        let mut value = authorization.expose().parse().map_err(|_| refused())?;
        reqwest::header::HeaderValue::set_sensitive(&mut value, true);
        Ok(proxy.custom_http_auth(value))
    }
}

/// Whether `url` is on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The proxy's address on the way to `url`; "" for the straight way, "!" for an error.
    fn way(url: &str, variables: &[(&str, &str)]) -> String {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        match Route::by(&Url::parse(url).unwrap(), variable) {
            Ok(Route::Straight) => String::new(),
            Ok(Route::Through(proxy)) => proxy.address,
            Err(_) => "!".to_owned(),
        }
    }

    #[test]
    fn loopback_is_known_in_all_its_forms() {
        for (url, expected) in [
            ("http://localhost:1", true),
            ("http://localhost.:1", true),
            ("http://x.localhost", true),
            ("http://127.1.2.3", true),
            ("http://[::1]", true),
            ("http://[::ffff:127.0.0.1]", true),
            ("http://10.0.0.1", false),
            ("http://localhost.example.com", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }

    #[test]
    fn each_scheme_has_its_proxy_and_both_have_one() {
        let both = [("HTTP_PROXY", "http://a:1"), ("https_proxy", "b:2")];
        assert_eq!(way("http://h", &both), "a:1");
        assert_eq!(way("https://h", &both), "b:2");
        assert_eq!(way("https://h", &[("HTTP_PROXY", "a:1")]), "");
        for all in ["ALL_PROXY", "all_proxy"] {
            assert_eq!(way("http://h", &[(all, "socks5h://c:3")]), "c:3");
            assert_eq!(way("https://h", &[("HTTPS_PROXY", ""), (all, "c:3")]), "c:3");
        }
    }

    #[test]
    fn no_proxy_is_for_names_their_suffixes_addresses_and_everyone() {
        let no = |hosts| [("ALL_PROXY", "p:1"), ("NO_PROXY", hosts)];
        for (url, hosts, expected) in [
            ("http://h.example", "h.example", ""),
            ("http://a.h.example", "h.example", ""),
            ("http://a.h.example", ".h.example", ""),
            ("http://ah.example", "h.example", "p:1"),
            ("http://10.1.2.3", "10.0.0.0/8", ""),
            ("http://10.1.2.3", "x, *", ""),
            ("http://h.example", "*", ""),
            ("http://h.example", "", "p:1"),
        ] {
            assert_eq!(way(url, &no(hosts)), expected, "{url} {hosts}");
        }
        assert_eq!(way("http://h", &[("HTTP_PROXY", "p:1"), ("no_proxy", "h")]), "");
    }

    #[test]
    fn this_machine_is_reached_straight() {
        assert_eq!(way("http://127.0.0.1:3939", &[("ALL_PROXY", "p:1")]), "");
    }

    #[test]
    fn a_proxy_that_is_none_is_an_error_and_not_the_straight_way() {
        for value in ["http://", "::", "http://[", "gopher://h"] {
            assert_eq!(way("https://h", &[("HTTPS_PROXY", value)]), "!", "{value}");
        }
    }

    #[test]
    fn a_request_of_a_cgi_program_does_not_choose_the_proxy() {
        let variables = [("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "evil:1")];
        assert_eq!(way("http://h", &variables), "");
    }

    #[test]
    fn a_proxys_password_is_never_printed() {
        for proxy in [
            "http://user:hunter2@p:1",
            "socks5://user:hunter2@p:1",
            "https://user:hunter2@p:1",
        ] {
            let variable = |name: &str| (name == "ALL_PROXY").then(|| proxy.to_owned());
            let route = Route::by(&Url::parse("http://h").unwrap(), variable).unwrap();
            let Route::Through(through) = &route else {
                panic!("{route:?}")
            };
            assert!(through.proxy().is_ok(), "{proxy}");
            for shown in [format!("{route:?}"), route.words()] {
                assert!(!shown.contains("hunter2"), "{shown}");
            }
        }
    }
}
