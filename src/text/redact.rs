//! Redaction: text that a server wrote, made fit for a message. The text is data, and may repeat the request's secrets.

#![forbid(unsafe_code)]

use std::cmp::Reverse;

use super::visible::push_visible;

/// Replaces a secret.
const REDACTED: &str = "<redacted>";

/// A secret that the end of the text cuts in two is recognised by this many of its bytes.
const CUT_SECRET: usize = 4;

/// A secret with fewer characters may be a word that the server's prose needs.
const SHORT_SECRET: usize = 8;

/// Takes the secrets of one request out of text from a server.
pub(crate) struct Redactor<'a> {
    /// The longest first: of two that begin alike, the longer one is taken out whole.
    secrets: Vec<RequestSecret<'a>>,
}

struct RequestSecret<'a> {
    text: &'a str,
    /// Whether it may be a word. Such a secret is taken out only where a header or a form repeats it.
    may_be_word: bool,
}

impl<'a> Redactor<'a> {
    /// Creates the redactor of a request with these secrets. A secret of fewer than eight characters is taken out only
    /// where a header or a form repeats it: `Authorization: Key abc`, `subject_token=abc`.
    pub fn new(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        Self::with_words(secrets, |secret| secret.chars().count() < SHORT_SECRET)
    }

    /// Creates the redactor of a mocked request. A mock's secrets are words such as `key`, so that each is taken out
    /// only where a header or a form repeats it.
    pub fn for_mock(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        Self::with_words(secrets, |_| true)
    }

    fn with_words(secrets: impl IntoIterator<Item = &'a str>, may_be_word: impl Fn(&str) -> bool) -> Self {
        let secrets = secrets.into_iter().filter(|secret| !secret.trim().is_empty());
        let mut secrets: Vec<_> = secrets
            .map(|secret| RequestSecret {
                // A body loses the blanks around it, and with them those of a secret.
                text: secret.trim(),
                may_be_word: may_be_word(secret),
            })
            .collect();
        secrets.sort_by_key(|secret| Reverse(secret.text.len()));
        Self { secrets }
    }

    /// Returns at most `limit` characters of `text`. Secrets are taken out, also where they are URL-encoded, and
    /// characters that are not visible are escaped.
    pub fn redact(&self, text: &str, limit: usize) -> String {
        let mut redacted = String::new();
        let mut length = 0;
        let mut at = 0;
        while let Some(character) = text.get(at..).and_then(|rest| rest.chars().next()) {
            let end = redacted.len();
            at += match self.secret_at(text, at) {
                Some(taken) => {
                    redacted.push_str(REDACTED);
                    taken
                }
                None => {
                    push_visible(&mut redacted, character);
                    character.len_utf8()
                }
            };
            length += redacted[end..].chars().count();
            if length > limit {
                redacted.truncate(end);
                redacted.push('…');
                break;
            }
        }
        redacted
    }

    /// Returns how many bytes of `text` from byte `at` on are a secret.
    fn secret_at(&self, text: &str, at: usize) -> Option<usize> {
        let (before, rest) = (&text[..at], &text.as_bytes()[at..]);
        self.secrets.iter().find_map(|secret| {
            let taken = length_of_secret(secret.text.as_bytes(), rest)?;
            let is_secret =
                !secret.may_be_word || (is_where_a_value_begins(before) && !goes_on(&rest[taken..]));
            is_secret.then_some(taken)
        })
    }
}

/// Returns how many bytes of `text` are `secret`, each of whose bytes may be URL-encoded; `None` when `text` does not
/// begin with it. A text that ends inside the secret counts as the secret.
fn length_of_secret(secret: &[u8], text: &[u8]) -> Option<usize> {
    // First as it is: a secret may itself look URL-encoded.
    if text.starts_with(secret) {
        return Some(secret.len());
    }
    let mut at = 0;
    for (matched, &byte) in secret.iter().enumerate() {
        at += match &text[at..] {
            cut @ ([] | [b'%'] | [b'%', _]) => return (matched >= CUT_SECRET).then_some(at + cut.len()),
            [b'%', high, low, ..] if hex(*high, *low) == Some(byte) => 3,
            [b'+', ..] if byte == b' ' => 1,
            [same, ..] if *same == byte => 1,
            _ => return None,
        };
    }
    Some(at)
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// Returns whether the value of a form parameter or of the header `Authorization` follows: `name=`, `Authorization: Key`.
fn is_where_a_value_begins(before: &str) -> bool {
    let unquoted = before.strip_suffix(['"', '\'']).unwrap_or(before);
    if ["=", "%3D", "%3d"].iter().any(|sign| unquoted.ends_with(sign)) {
        return true;
    }
    let scheme = ["Key ", "Key+", "Key%20"]
        .iter()
        .find_map(|scheme| before.strip_suffix(scheme));
    scheme.is_some_and(|before| {
        let name = before.trim_end_matches(|each: char| !each.is_ascii_alphabetic());
        let begins = name.len().saturating_sub("authorization".len());
        name.get(begins..)
            .is_some_and(|end| end.eq_ignore_ascii_case("authorization"))
    })
}

/// Returns whether the word before `rest` goes on in it.
fn goes_on(rest: &[u8]) -> bool {
    matches!(rest, [next, ..] if next.is_ascii_alphanumeric() || matches!(next, b'_' | b'-' | 0x80..))
}

#[cfg(test)]
pub(crate) mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    fn redact(secrets: &[&str], text: &str) -> String {
        Redactor::new(secrets.iter().copied()).redact(text, 200)
    }

    fn redact_in_mock(secrets: &[&str], text: &str) -> String {
        Redactor::for_mock(secrets.iter().copied()).redact(text, 200)
    }

    #[test]
    fn a_secret_is_taken_out_however_it_is_encoded() {
        let secret = "a+/ é=%0";
        for echoed in [
            "a+/ é=%0",
            "a%2B%2F+%C3%A9%3D%250",
            "a%2b%2f%20%c3%a9%3d%250",
            "a%2B/ é=%0",
            "%61+/+é=%250",
        ] {
            assert_eq!(
                redact(&[secret], &format!("key {echoed}, {echoed}")),
                "key <redacted>, <redacted>"
            );
        }
    }

    #[test]
    fn a_secret_that_the_end_of_the_text_cuts_is_taken_out() {
        assert_eq!(redact(&["0123456789"], "Key 01234"), "Key <redacted>");
        assert_eq!(redact(&["0123456789"], "Key 0123%3"), "Key <redacted>");
        assert_eq!(redact(&["0123456789"], "Up to 012"), "Up to 012");
    }

    #[test]
    fn a_plus_stands_for_a_blank_of_a_secret_and_for_nothing_else() {
        assert_eq!(redact(&["a secret"], "a+secret."), "<redacted>.");
        assert_eq!(redact(&["a-secret"], "a+secret."), "a+secret.");
    }

    #[test]
    fn the_longest_secret_goes_first() {
        assert_eq!(
            redact(&["", "abcabcabc", "abcabcabcdef"], "abcabcabcdef abcabcabc"),
            "<redacted> <redacted>"
        );
    }

    #[test]
    fn a_secret_at_the_limit_is_not_cut_in_two() {
        let redactor = Redactor::new(["secret-key"]);
        assert_eq!(redactor.redact("123 secret-key", 8), "123 …");
    }

    #[test]
    fn a_short_secret_stays_in_prose() {
        for prose in [
            "The API key has expired",
            "Key key",
            "Unknown key: key",
            "a=keyring&b=key-1",
        ] {
            assert_eq!(redact(&["key"], prose), prose);
        }
        assert_eq!(
            redact(&["1234567", "12345678"], "1234567 12345678"),
            "1234567 <redacted>"
        );
    }

    #[test]
    fn a_short_secret_is_taken_out_of_headers_and_forms() {
        for (echo, redacted) in [
            ("Authorization: Key key", "Authorization: Key <redacted>"),
            (
                r#"{"authorization":["Key key"]}"#,
                r#"{"authorization":["Key <redacted>"]}"#,
            ),
            ("subject_token=key&scope=s", "subject_token=<redacted>&scope=s"),
            ("subject_token='key'", "subject_token='<redacted>'"),
            ("body: subject_token%3Dk%65y", "body: subject_token%3D<redacted>"),
        ] {
            assert_eq!(redact(&["key"], echo), redacted);
        }
    }

    #[test]
    fn a_mocks_secrets_stay_in_prose_whatever_their_length() {
        let secrets = ["key", "session-token"];
        let prose = "The session-token has expired, the key has not.";
        assert_eq!(redact_in_mock(&secrets, prose), prose);
        assert_eq!(
            redact_in_mock(&secrets, "subject_token=session-token&x=1"),
            "subject_token=<redacted>&x=1"
        );
    }

    #[test]
    fn characters_that_are_not_visible_are_escaped() {
        assert_eq!(
            redact(&[], "a\r\n\u{1b}[31m\u{202e}\u{200b}\0é"),
            "a\\r\\n\\u{1b}[31m\\u{202e}\\u{200b}\\u{0}é"
        );
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(
            Redactor::new([]).redact(&"é".repeat(300), 200),
            "é".repeat(200) + "…"
        );
        assert_eq!(Redactor::new([]).redact(&"é".repeat(200), 200), "é".repeat(200));
    }
}
