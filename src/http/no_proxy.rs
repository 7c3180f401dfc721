//! Which servers `NO_PROXY` exempts from proxies. Pure.
//!
//! curl and Go read the list differently; an entry exempts a server when one of them would say so. From curl come blanks
//! between entries and a dot at a name's end, from Go ports, `*.host` and `*` beside other entries.

#![forbid(unsafe_code)]

use std::net::IpAddr;

use ipnet::IpNet;
use url::{Host, Url};

/// Returns the entry of `list` that exempts `url` from proxies. Entries that are not UTF-8 are skipped.
pub(super) fn exempting_entry<'a>(list: &'a [u8], url: &Url) -> Option<&'a str> {
    let entries = list.split(|byte| *byte == b',' || byte.is_ascii_whitespace());
    let mut entries = entries.filter_map(|entry| std::str::from_utf8(entry).ok());
    entries.find(|entry| exempts(entry, url))
}

fn exempts(entry: &str, url: &Url) -> bool {
    if entry == "*" {
        return true;
    }
    let (host, port) = host_and_port(entry);
    if port.is_some() && port != url.port_or_known_default() {
        return false;
    }
    match url.host() {
        Some(Host::Domain(name)) => matches_name(host, name),
        Some(Host::Ipv4(address)) => matches_address(host, address.into()),
        Some(Host::Ipv6(address)) => matches_address(host, address.into()),
        None => false,
    }
}

/// Splits `host:port` and `[address]:port`; an IPv6 address without brackets has no port.
fn host_and_port(entry: &str) -> (&str, Option<u16>) {
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port.parse().ok()),
        _ => (entry, None),
    };
    let host = if port.is_some() { host } else { entry };
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    (address.unwrap_or(host), port)
}

fn matches_address(entry: &str, address: IpAddr) -> bool {
    let address = address.to_canonical();
    match (entry.parse::<IpAddr>(), entry.parse::<IpNet>()) {
        (Ok(exempt), _) => exempt.to_canonical() == address,
        (_, Ok(network)) => network.contains(&address),
        _ => false,
    }
}

/// Whether `entry` is `name` or one of its parents; for `*.host`, a parent only.
fn matches_name(entry: &str, name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let (entry, itself) = match entry.strip_prefix("*.") {
        Some(parent) => (parent, false),
        None => (entry.strip_prefix('.').unwrap_or(entry), true),
    };
    // As the URL's host: in lower case, and in ASCII (IDNA).
    let Ok(Host::Domain(entry)) = Host::parse(entry.strip_suffix('.').unwrap_or(entry)) else {
        return false;
    };
    match name.strip_suffix(entry.as_str()) {
        Some("") => itself,
        Some(subdomain) => subdomain.ends_with('.'),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exempt(url: &str, list: &[u8]) -> bool {
        exempting_entry(list, &Url::parse(url).unwrap()).is_some()
    }

    #[test]
    fn a_name_exempts_itself_and_its_subdomains() {
        for (url, list, expected) in [
            ("http://h.example", "h.example", true),
            ("http://a.h.example", "h.example", true),
            ("http://h.example", ".h.example", true),
            ("http://a.h.example", ".h.example", true),
            ("http://ah.example", "h.example", false),
            ("http://h.example", "a.h.example", false),
            ("http://h.example", "H.Example", true),
            ("http://h.example", "h.example.", true),
            ("http://h.example.", "h.example", true),
            ("http://h.example", "h.example..", false),
            ("http://h.example", "..h.example", false),
            ("http://b\u{fc}cher.example", "b\u{fc}cher.example", true),
            ("http://xn--bcher-kva.example", "B\u{dc}CHER.example", true),
            ("http://h.example", "http://h.example", false),
            ("http://h.example", "", false),
        ] {
            assert_eq!(exempt(url, list.as_bytes()), expected, "{url} {list}");
        }
    }

    #[test]
    fn a_star_exempts_every_host_and_before_a_name_its_subdomains() {
        for (url, list, expected) in [
            ("http://h.example", "*", true),
            ("http://10.1.2.3", "x, *", true),
            ("http://[::2]", "*", true),
            ("http://a.h.example", "*.h.example", true),
            ("http://a.b.h.example", "*.h.example", true),
            ("http://h.example", "*.h.example", false),
            ("http://h.example", "*h.example", false),
            ("http://h.example", "*.", false),
        ] {
            assert_eq!(exempt(url, list.as_bytes()), expected, "{url} {list}");
        }
    }

    #[test]
    fn an_address_exempts_itself_and_a_network_its_addresses() {
        for (url, list, expected) in [
            ("http://10.1.2.3", "10.1.2.3", true),
            ("http://10.1.2.3", "10.0.0.0/8", true),
            ("http://11.1.2.3", "10.0.0.0/8", false),
            ("http://10.1.2.3", "2.3", false),
            ("http://10.1.2.3", "10.1.2.3/99", false),
            ("http://[::2]", "::2", true),
            ("http://[::2]", "[::2]", true),
            ("http://[::2]", "0:0::2", true),
            ("http://[fe80::1]", "fe80::/10", true),
            ("http://[::ffff:10.1.2.3]", "10.1.2.3", true),
            ("http://[::2]", "[::2", false),
        ] {
            assert_eq!(exempt(url, list.as_bytes()), expected, "{url} {list}");
        }
    }

    #[test]
    fn a_port_narrows_an_entry() {
        for (url, list, expected) in [
            ("http://h.example", "h.example:80", true),
            ("https://h.example", "h.example:443", true),
            ("https://h.example", "h.example:80", false),
            ("http://h.example:3939", "h.example:3939", true),
            ("http://a.h.example:3939", ".h.example:3939", true),
            ("http://a.h.example:3939", "*.h.example:3939", true),
            ("http://10.1.2.3:3939", "10.1.2.3:3939", true),
            ("http://[::2]:3939", "[::2]:3939", true),
            ("http://[::2]:3939", "[::2]:3940", false),
            ("http://h.example", "h.example:", false),
            ("http://h.example", ":80", false),
            ("http://h.example", "h.example:99999", false),
        ] {
            assert_eq!(exempt(url, list.as_bytes()), expected, "{url} {list}");
        }
    }

    #[test]
    fn the_first_entry_that_matches_is_named_whatever_stands_beside_it() {
        let url = Url::parse("http://a.h.example").unwrap();
        for (list, expected) in [
            (&b" x , h.example,*"[..], Some("h.example")),
            (b"x y\th.example z", Some("h.example")),
            (b"\xff,h.example", Some("h.example")),
            (b"h.ex\xffmple , .h.example", Some(".h.example")),
            (b"x;h.example", None),
            (b",, ,", None),
        ] {
            assert_eq!(exempting_entry(list, &url), expected, "{list:?}");
        }
    }
}
