//! What a server wrote, made fit for a message: its words are data, and may repeat the request's secrets.

#![forbid(unsafe_code)]

/// Stands where a secret was.
const REDACTED: &str = "<redacted>";

/// A secret that an answer was cut in the middle of is known from this many of its bytes on.
const CUT_SECRET: usize = 4;

/// Repeats what a server wrote, without the secrets of the request.
pub(crate) struct Redactor<'a> {
    secrets: Vec<&'a str>,
}

impl<'a> Redactor<'a> {
    pub fn new(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut secrets: Vec<_> = secrets.into_iter().filter(|secret| !secret.is_empty()).collect();
        // Of two that begin alike the longer one is taken out whole.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self { secrets }
    }

    /// At most `limit` characters of `text`, secrets taken out as they are and URL-encoded, control characters
    /// made visible.
    pub fn redact(&self, text: &str, limit: usize) -> String {
        let mut quoted = String::new();
        let mut length = 0;
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            let (shown, taken) = match self.secret_at_start(rest.as_bytes()) {
                Some(taken) => (REDACTED.to_owned(), taken),
                None => (visible(character), character.len_utf8()),
            };
            length += shown.chars().count();
            if length > limit {
                quoted.push('…');
                break;
            }
            quoted.push_str(&shown);
            rest = rest.get(taken..).unwrap_or_default();
        }
        quoted
    }

    fn secret_at_start(&self, text: &[u8]) -> Option<usize> {
        self.secrets
            .iter()
            .find_map(|secret| length_of_secret(secret.as_bytes(), text))
    }
}

/// How many bytes of `text` are `secret`, each of its bytes as it is or URL-encoded; `None` when `text` does not
/// begin with it. A text that ends within the secret is taken for it.
fn length_of_secret(secret: &[u8], text: &[u8]) -> Option<usize> {
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

/// The character itself, or its escape when it is one that a terminal or a log would act upon.
fn visible(character: char) -> String {
    // Bidirectional overrides and separators turn a line around or break it, though they are not "control".
    let acts =
        character.is_control() || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if acts {
        character.escape_default().to_string()
    } else {
        character.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redact(secrets: &[&str], text: &str) -> String {
        Redactor::new(secrets.iter().copied()).redact(text, 200)
    }

    #[test]
    fn a_secret_is_taken_out_however_it_is_encoded() {
        let secret = "a+/ é=%";
        for echoed in [
            "a+/ é=%",
            "a%2B%2F+%C3%A9%3D%25",
            "a%2b%2f%20%c3%a9%3d%25",
            "a%2B/ é=%",
            "%61+/+é=%25",
        ] {
            assert_eq!(
                redact(&[secret], &format!("key {echoed}, {echoed}")),
                "key <redacted>, <redacted>"
            );
        }
    }

    #[test]
    fn a_secret_that_the_text_ends_in_is_taken_out() {
        assert_eq!(redact(&["0123456789"], "Key 01234"), "Key <redacted>");
        assert_eq!(redact(&["0123456789"], "Key 0123%3"), "Key <redacted>");
        assert_eq!(redact(&["0123456789"], "Up to 012"), "Up to 012");
    }

    #[test]
    fn the_longest_secret_goes_first() {
        assert_eq!(
            redact(&["", "abc", "abcdef"], "abcdef abc"),
            "<redacted> <redacted>"
        );
    }

    #[test]
    fn a_secret_at_the_limit_is_not_cut_in_two() {
        let redactor = Redactor::new(["secret-key"]);
        assert_eq!(redactor.redact("123 secret-key", 8), "123 …");
    }

    #[test]
    fn control_characters_are_made_visible() {
        assert_eq!(
            redact(&[], "a\r\n\u{1b}[31m\u{202e}\0é"),
            "a\\r\\n\\u{1b}[31m\\u{202e}\\u{0}é"
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
