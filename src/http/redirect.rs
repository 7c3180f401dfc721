//! Which redirects keep a POST, its body and its key: those that stay on the host (RFC 9110, section 15.4). Pure.

#![forbid(unsafe_code)]

use url::Url;

/// The number of redirects that are followed.
pub(crate) const MOST: usize = 5;

/// What a redirect asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Redirect {
    /// The same request at another address of the same server.
    Follow(Url),
    /// A request to another server, which must not see the key.
    Elsewhere(Url),
    /// Another request: a GET in place of the POST.
    Changed(Url),
    /// No address, or an invalid one.
    Nowhere,
}

/// Whether `status` asks for a request at another address.
pub(crate) fn is_redirect(status: u16) -> bool {
    matches!(status, 301..=303 | 307 | 308)
}

/// Returns what a redirect from `from` to `location` asks for.
pub(crate) fn redirect(from: &Url, status: u16, location: Option<&str>) -> Redirect {
    let Some(to) = location.and_then(|location| from.join(location).ok()) else {
        return Redirect::Nowhere;
    };
    // RFC 9110, section 15.4.4: always a GET.
    if status == 303 {
        return Redirect::Changed(to);
    }
    let has_user = !to.username().is_empty() || to.password().is_some();
    let same_host = to.host().is_some() && from.host() == to.host();
    let same_port = from.port_or_known_default() == to.port_or_known_default();
    let same_server = match (from.scheme(), to.scheme()) {
        ("http", "https") => true,
        (before, after) => before == after && same_port,
    };
    if same_host && same_server && !has_user {
        Redirect::Follow(to)
    } else {
        Redirect::Elsewhere(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leads(from: &str, location: &str) -> Redirect {
        redirect(&Url::parse(from).unwrap(), 307, Some(location))
    }

    #[test]
    fn a_redirect_on_the_same_host_is_followed() {
        for (from, location, to) in [
            ("http://h/a", "https://h/a", "https://h/a"),
            ("http://h:3939/a", "https://h:8443/a", "https://h:8443/a"),
            ("http://h/a", "/b", "http://h/b"),
            ("https://h/a/b", "c?d", "https://h/a/c?d"),
            ("https://h/a", "https://H:443/b", "https://h/b"),
        ] {
            assert_eq!(
                leads(from, location),
                Redirect::Follow(Url::parse(to).unwrap()),
                "{from} {location}"
            );
        }
    }

    #[test]
    fn a_redirect_that_would_take_the_key_elsewhere_is_not() {
        for (from, location) in [
            ("https://h/a", "http://h/a"),
            ("https://h/a", "https://other/a"),
            ("https://h/a", "//other/a"),
            ("https://h/a", "https://h:8443/a"),
            ("http://h/a", "http://h:8080/a"),
            ("http://h/a", "https://user:password@h/a"),
            ("http://h/a", "ftp://h/a"),
            ("http://h/a", "file:///etc/passwd"),
        ] {
            assert!(
                matches!(leads(from, location), Redirect::Elsewhere(_)),
                "{from} {location}"
            );
        }
    }

    #[test]
    fn a_redirect_to_nothing_leads_nowhere() {
        assert_eq!(
            redirect(&Url::parse("http://h").unwrap(), 307, None),
            Redirect::Nowhere
        );
        assert_eq!(leads("http://h", "https://["), Redirect::Nowhere);
    }

    #[test]
    fn a_redirect_that_makes_a_get_of_a_post_is_not_followed() {
        let here = Url::parse("http://h/a").unwrap();
        assert_eq!(redirect(&here, 303, Some("/a")), Redirect::Changed(here.clone()));
        let statuses: Vec<_> = (300..400).filter(|status| is_redirect(*status)).collect();
        assert_eq!(statuses, [301, 302, 303, 307, 308]);
    }
}
