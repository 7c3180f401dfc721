//! How a server is reached: directly, or through a proxy that the environment names.

#![forbid(unsafe_code)]

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode;
use reqwest::header::HeaderValue;
use url::{Host, Url};
use zeroize::Zeroizing;

use super::no_proxy::exempting_entry;
use crate::env::{
    ALL_PROXY, ALL_PROXY_LOWER, EnvSnapshot, HTTP_PROXY, HTTP_PROXY_LOWER, HTTPS_PROXY, HTTPS_PROXY_LOWER,
    NO_PROXY, NO_PROXY_LOWER, REQUEST_METHOD, Variable,
};
use crate::error::{Error, ErrorKind};
use crate::log;
use crate::oauth::endpoint::address;
use crate::text::secret::Secret;

const HTTPS: &[Variable] = &[HTTPS_PROXY, HTTPS_PROXY_LOWER, ALL_PROXY, ALL_PROXY_LOWER];
const HTTP: &[Variable] = &[HTTP_PROXY, HTTP_PROXY_LOWER, ALL_PROXY, ALL_PROXY_LOWER];
/// In a CGI program `HTTP_PROXY` is a header of the request: its sender would choose the proxy.
const HTTP_IN_CGI: &[Variable] = &[HTTP_PROXY_LOWER, ALL_PROXY, ALL_PROXY_LOWER];

const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];

/// How a server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    Direct,
    Proxied(Proxy),
}

/// A proxy and its credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proxy {
    /// With scheme, host and port; a SOCKS proxy's also with user and password.
    url: Secret,
    /// Of an HTTP proxy: the value of `Proxy-Authorization`.
    authorization: Option<Secret>,
    /// Host and port, for a message.
    address: String,
    secure: bool,
}

impl Route {
    /// Returns how `url` is reached. Servers on this machine are reached directly.
    ///
    /// # Errors
    ///
    /// [`Network`](ErrorKind::Network) for a variable that does not hold the address of a proxy: a request that is meant
    /// for a proxy is not sent without it.
    pub fn to(url: &Url, env: &EnvSnapshot) -> Result<Self, Error> {
        let variables = match url.scheme() {
            "https" => HTTPS,
            _ if env.get(REQUEST_METHOD).is_empty() => HTTP,
            _ => HTTP_IN_CGI,
        };
        let Some((variable, proxy)) = env.first_set(variables) else {
            return Ok(Self::Direct);
        };
        let direct = |why: &dyn Fn() -> String| {
            let (to, name) = (address(url), variable.name());
            log::debug!(
                "{to} is reached directly, not through the proxy of {name}: {}.",
                why()
            );
            Ok(Self::Direct)
        };
        if is_loopback(url) {
            return direct(&|| "it is on this machine".to_owned());
        }
        if let Some((list, entries)) = env.first_set(&[NO_PROXY, NO_PROXY_LOWER])
            && let Some(entry) = exempting_entry(entries, url)
        {
            return direct(&|| format!("the entry {entry:?} of {} exempts it", list.name()));
        }
        match Proxy::parse(proxy) {
            Ok(proxy) => Ok(Self::Proxied(proxy)),
            Err(why) => {
                let what = format!(
                    "The environment variable {} does not hold the address of a proxy: {why}.",
                    variable.name()
                );
                Err(Error::new(ErrorKind::Network, what)
                    .because("Write it as http://user:password@host:port."))
            }
        }
    }

    /// Whether reaching a `scheme` server needs TLS.
    pub fn needs_tls(&self, scheme: &str) -> bool {
        scheme == "https" || matches!(self, Self::Proxied(proxy) if proxy.secure)
    }

    /// Returns what follows "to host" in a message.
    pub fn describe(&self) -> String {
        match self {
            Self::Direct => String::new(),
            Self::Proxied(proxy) => format!(" through the proxy {}", proxy.address),
        }
    }
}

impl Proxy {
    /// Reads `scheme://user:password@host:port`; the scheme is http when there is none. A user and password in percent
    /// encoding may be any bytes but control characters, as curl sends them.
    ///
    /// # Errors
    ///
    /// Describes the fault without quoting the URL, which may contain a password.
    fn parse(value: &[u8]) -> Result<Self, &'static str> {
        let value = std::str::from_utf8(value).map_err(|_| "it is not valid UTF-8")?;
        if value.contains(|char: char| char.is_control() || char == ' ') {
            return Err("it contains a space or a control character");
        }
        let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
        let scheme = scheme.to_ascii_lowercase();
        if !SCHEMES.contains(&scheme.as_str()) {
            return Err("its scheme is not http, https or socks");
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        // The last one: a password may contain others.
        let (credentials, host) = match authority.rsplit_once('@') {
            Some((credentials, host)) => (Some(Credentials::parse(credentials)?), host),
            None => (None, authority),
        };
        let mut url =
            Url::parse(&format!("{scheme}://{host}/")).map_err(|_| "its host or port is invalid")?;
        if url.host_str().is_none_or(str::is_empty) {
            return Err("it names no host");
        }
        let address = address(&url);
        let is_http = scheme.starts_with("http");
        let mut authorization = None;
        match credentials {
            Some(credentials) if is_http => authorization = Some(credentials.basic()),
            Some(credentials) => credentials.add_to(&mut url)?,
            None => {}
        }
        Ok(Self {
            url: Secret::new(url.as_str()),
            authorization,
            address,
            secure: scheme == "https",
        })
    }

    /// Makes the HTTP client's form of it.
    pub fn proxy(&self) -> Result<reqwest::Proxy, Error> {
        let refused = || {
            let what = format!("The proxy {} cannot be used.", self.address);
            Error::new(ErrorKind::Network, what)
        };
        let proxy = reqwest::Proxy::all(self.url.expose()).map_err(|_| refused())?;
        let Some(authorization) = &self.authorization else {
            return Ok(proxy);
        };
        let mut value: HeaderValue = authorization.expose().parse().map_err(|_| refused())?;
        value.set_sensitive(true);
        Ok(proxy.custom_http_auth(value))
    }
}

/// A proxy's user and password, decoded.
struct Credentials {
    user: Zeroizing<Vec<u8>>,
    password: Zeroizing<Vec<u8>>,
}

impl Credentials {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let (user, password) = text.split_once(':').unwrap_or((text, ""));
        let decode = |text: &str| {
            let bytes = Zeroizing::new(percent_decode(text.as_bytes()).collect::<Vec<_>>());
            match bytes.iter().any(u8::is_ascii_control) {
                true => Err("its user or password contains a control character"),
                false => Ok(bytes),
            }
        };
        Ok(Self {
            user: decode(user)?,
            password: decode(password)?,
        })
    }

    /// RFC 7617, section 2.
    fn basic(&self) -> Secret {
        let plain = Zeroizing::new([&**self.user, b":", &**self.password].concat());
        let encoded = Zeroizing::new(BASE64_STANDARD.encode(plain.as_slice()));
        let mut value = Zeroizing::new(String::with_capacity("Basic ".len() + encoded.len()));
        value.push_str("Basic ");
        value.push_str(&encoded);
        Secret::new(&value)
    }

    /// Puts them into a SOCKS proxy's URL. The HTTP client takes them as text.
    fn add_to(&self, url: &mut Url) -> Result<(), &'static str> {
        let text = |bytes| std::str::from_utf8(bytes).map_err(|_| "its user or password is not valid UTF-8");
        let refused = "its host takes no user and password";
        url.set_username(text(&self.user)?).map_err(|()| refused)?;
        url.set_password(Some(text(&self.password)?))
            .map_err(|()| refused)
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

    fn route(url: &str, variables: &[(Variable, &str)]) -> Result<Route, Error> {
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, value)| (*name, value.as_bytes()))
            .collect();
        Route::to(&Url::parse(url).unwrap(), &EnvSnapshot::with(&variables))
    }

    /// The proxy's address on the way to `url`; "" when it is reached directly, "!" for an error.
    fn way(url: &str, variables: &[(Variable, &str)]) -> String {
        match route(url, variables) {
            Ok(Route::Direct) => String::new(),
            Ok(Route::Proxied(proxy)) => proxy.address,
            Err(_) => "!".to_owned(),
        }
    }

    /// The user and password that an HTTP proxy gets.
    fn credentials(proxy: &str) -> Option<Vec<u8>> {
        let through = Proxy::parse(proxy.as_bytes()).unwrap();
        let value = through.authorization?;
        let encoded = value.expose().strip_prefix("Basic ").unwrap().to_owned();
        Some(BASE64_STANDARD.decode(encoded).unwrap())
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
    fn each_scheme_has_its_proxy_and_both_share_one() {
        let both = [(HTTP_PROXY, "http://a:1"), (HTTPS_PROXY_LOWER, "b:2")];
        assert_eq!(way("http://h", &both), "a:1");
        assert_eq!(way("https://h", &both), "b:2");
        assert_eq!(way("https://h", &[(HTTP_PROXY, "a:1")]), "");
        for all in [ALL_PROXY, ALL_PROXY_LOWER] {
            assert_eq!(way("http://h", &[(all, "socks5h://c:3")]), "c:3");
            assert_eq!(way("https://h", &[(HTTPS_PROXY, ""), (all, "c:3")]), "c:3");
        }
    }

    #[test]
    fn an_empty_list_of_exceptions_is_as_if_not_set() {
        for (upper, lower, expected) in [("", "h", ""), ("h", "", ""), ("x", "h", "p:1"), ("", "", "p:1")] {
            let variables = [(HTTP_PROXY, "p:1"), (NO_PROXY, upper), (NO_PROXY_LOWER, lower)];
            assert_eq!(way("http://h", &variables), expected, "{upper:?} {lower:?}");
        }
    }

    #[test]
    fn this_machine_is_reached_directly() {
        assert_eq!(way("http://127.0.0.1:3939", &[(ALL_PROXY, "p:1")]), "");
    }

    #[test]
    fn nonsense_in_place_of_a_proxy_is_an_error_and_not_the_direct_way() {
        for value in [
            "http://",
            "::",
            "http://[",
            "gopher://h",
            "http://user:p/q@p:1",
            "http://user:p?q@p:1",
            "http://user:p#q@p:1",
            "http://user:p q@p:1",
            "http://user:p%00q@p:1",
            "http://user:p%0Aq@p:1",
            " http://p:1",
            "http:p:1",
            "http://p:99999",
            "http://user:password@",
            "socks5://user:%E4@p:1",
        ] {
            assert_eq!(way("https://h", &[(HTTPS_PROXY, value)]), "!", "{value}");
        }
        let env = EnvSnapshot::with(&[(HTTP_PROXY, b"http://hunter2\xff@p:1")]);
        let why = Route::to(&Url::parse("http://h").unwrap(), &env).unwrap_err();
        assert_eq!(why.kind(), ErrorKind::Network);
        let message = why.message();
        assert!(
            message.contains("HTTP_PROXY") && message.contains("UTF-8"),
            "{message}"
        );
        assert!(!message.contains("hunter2"), "{message}");
    }

    #[test]
    fn a_request_of_a_cgi_program_does_not_choose_the_proxy() {
        let variables = [(REQUEST_METHOD, "GET"), (HTTP_PROXY, "evil:1")];
        assert_eq!(way("http://h", &variables), "");
    }

    #[test]
    fn a_proxy_gets_the_bytes_of_its_user_and_password() {
        for (proxy, expected) in [
            ("http://u:p%E4ss@p:1", &b"u:p\xe4ss"[..]),
            ("http://u:p%40ss@p:1", b"u:p@ss"),
            ("http://u:p@ss@p:1", b"u:p@ss"),
            ("http://u:p%zz%@p:1", b"u:p%zz%"),
            ("http://u:a:b@p:1", b"u:a:b"),
            ("http://u%3Ax:p@p:1", b"u:x:p"),
            ("http://u:p\u{e4}@p:1", "u:p\u{e4}".as_bytes()),
            ("https://u:p[x\\@p:1", b"u:p[x\\"),
            ("http://u@p:1", b"u:"),
            ("http://:p@p:1", b":p"),
            ("u:p@p:1", b"u:p"),
        ] {
            assert_eq!(credentials(proxy).as_deref(), Some(expected), "{proxy}");
            assert_eq!(way("http://h", &[(HTTP_PROXY, proxy)]), "p:1", "{proxy}");
        }
        assert_eq!(credentials("HTTP://p:1/path?query"), None);
    }

    #[test]
    fn a_socks_proxys_credentials_are_part_of_its_url() {
        let through = Proxy::parse(b"socks5://u:p%40s@s@p:1").unwrap();
        let url = Url::parse(through.url.expose()).unwrap();
        assert_eq!((url.username(), url.password()), ("u", Some("p%40s%40s")));
        assert_eq!(through.authorization, None);
    }

    #[test]
    fn a_proxys_password_is_never_printed() {
        for proxy in [
            "http://user:hunter2@p:1",
            "socks5://user:hunter2@p:1",
            "https://user:hunter2@p:1",
        ] {
            let route = route("http://h", &[(ALL_PROXY, proxy)]).unwrap();
            let Route::Proxied(through) = &route else {
                panic!("{route:?}")
            };
            assert!(through.proxy().is_ok(), "{proxy}");
            for shown in [format!("{route:?}"), route.describe()] {
                assert!(!shown.contains("hunter2"), "{shown}");
            }
        }
    }
}
