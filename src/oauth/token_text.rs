//! The texts of one token, in one piece of memory that is wiped when it is dropped.

#![forbid(unsafe_code)]

use std::ffi::CStr;
use std::num::NonZero;

use zeroize::Zeroizing;

use crate::text::secret::c_str;

/// The largest response, in bytes, that a token is read from: larger ones come from mocks alone. Every place in its texts
/// fits a [`Span`].
pub(crate) const LARGEST_RESPONSE: usize = 8 * 1024 * 1024;

/// Texts that most responses have: they are not copied into each token.
const KNOWN: [&str; 14] = [
    "access_token\0",
    "token_type\0",
    "issued_token_type\0",
    "expires_in\0",
    "refresh_token\0",
    "scope\0",
    "Bearer\0",
    "aws_credentials\0",
    "urn:ietf:params:oauth:token-type:access_token\0",
    "urn:ietf:params:oauth:token-type:id_token\0",
    "urn:ietf:params:aws:token-type:credentials\0",
    "urn:posit:connect:api-key\0",
    "urn:posit:connect:content-session-token\0",
    "urn:posit:connect:user-session-token\0",
];
const KNOWN_AT: u32 = 1 << 31;

/// Texts, each with a NUL behind it, so that the C ABI lends them without another copy. No text contains a NUL.
pub(super) struct TokenText(Zeroizing<String>);

/// Where a text is: a place in a [`TokenText`], or [`KNOWN_AT`] and the index of a known text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    start: u32,
    /// With the NUL behind it. It is never 0, so that a place that is not there takes no more memory.
    length_with_nul: NonZero<u32>,
}

/// Where a text begins, for texts that are seldom read: they end at their NUL.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start(u32);

impl TokenText {
    /// Creates an empty one with exactly the room for a joined text of `joined` bytes and for `pushed`. It never grows: a
    /// string that grows leaves copies that are not wiped.
    pub fn with_room_for<'a>(joined: usize, pushed: impl Iterator<Item = &'a str>) -> Self {
        let unknown = pushed.filter(|text| known(text).is_none());
        let room = joined + 1 + unknown.map(|text| text.len() + 1).sum::<usize>();
        Self(Zeroizing::new(String::with_capacity(room)))
    }

    /// Appends a text, unless it is known.
    pub fn push(&mut self, text: &str) -> Span {
        match known(text) {
            Some(index) => Span {
                start: KNOWN_AT + index as u32,
                length_with_nul: with_nul(text.len()),
            },
            None => self.join("", text),
        }
    }

    /// Appends `prefix` and `text` as one text.
    pub fn join(&mut self, prefix: &str, text: &str) -> Span {
        let start = self.0.len();
        let length = prefix.len() + text.len();
        debug_assert!(start + length < self.0.capacity());
        self.0.push_str(prefix);
        self.0.push_str(text);
        self.0.push('\0');
        Span {
            start: start as u32,
            length_with_nul: with_nul(length),
        }
    }

    pub fn str(&self, span: Span) -> &str {
        &self.at(span.start)[..span.length()]
    }

    pub fn c_str(&self, span: Span) -> &CStr {
        c_str(&self.at(span.start)[..=span.length()])
    }

    pub fn name(&self, start: Start) -> &str {
        let text = self.at(start.0);
        &text[..text.find('\0').unwrap_or_default()]
    }

    pub fn name_c_str(&self, start: Start) -> &CStr {
        CStr::from_bytes_until_nul(self.at(start.0).as_bytes()).unwrap_or_default()
    }

    /// Returns how many bytes of memory the texts take.
    pub fn heap_bytes(&self) -> usize {
        self.0.capacity()
    }

    fn at(&self, start: u32) -> &str {
        match start.checked_sub(KNOWN_AT) {
            Some(index) => KNOWN[index as usize],
            None => &self.0[start as usize..],
        }
    }
}

impl Span {
    /// Returns the rest of a joined text behind a prefix of `length` bytes.
    pub fn behind(self, length: usize) -> Self {
        Self {
            start: self.start + length as u32,
            length_with_nul: with_nul(self.length() - length),
        }
    }

    /// Returns the text together with all that precedes it; `None` for the first text.
    pub fn with_what_precedes(self) -> Option<Self> {
        let all = Self {
            start: 0,
            length_with_nul: self.length_with_nul.saturating_add(self.start),
        };
        (self.start > 0).then_some(all)
    }

    pub fn is_empty(self) -> bool {
        self.length() == 0
    }

    fn length(self) -> usize {
        self.length_with_nul.get() as usize - 1
    }
}

impl From<Span> for Start {
    fn from(span: Span) -> Self {
        Self(span.start)
    }
}

fn with_nul(length: usize) -> NonZero<u32> {
    NonZero::<u32>::MIN.saturating_add(length as u32)
}

/// Returns the index of a known text.
fn known(text: &str) -> Option<usize> {
    KNOWN
        .iter()
        .position(|known| known.strip_suffix('\0') == Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_as_they_were_and_fill_their_room() {
        let pushed = ["a", "scope", "", "é"];
        let mut texts = TokenText::with_room_for("Bearer x".len(), pushed.into_iter());
        let joined = texts.join("Bearer ", "x");
        let spans = pushed.map(|text| texts.push(text));
        assert_eq!(texts.str(joined), "Bearer x");
        assert_eq!(texts.c_str(joined.behind("Bearer ".len())), c"x");
        let precedes = joined.behind("Bearer ".len()).with_what_precedes();
        assert_eq!(precedes.map(|whole| texts.str(whole)), Some("Bearer x"));
        assert!(joined.with_what_precedes().is_none());
        assert_eq!(spans.map(|span| texts.str(span)), pushed);
        assert_eq!(spans.map(|span| texts.c_str(span).to_str().unwrap()), pushed);
        let starts = spans.map(Start::from);
        assert_eq!(starts.map(|start| texts.name(start)), pushed);
        assert_eq!(
            starts.map(|start| texts.name_c_str(start).to_str().unwrap()),
            pushed
        );
        assert_eq!(spans.map(Span::is_empty), [false, false, true, false]);
        assert_eq!(&*texts.0, "Bearer x\0a\0\0é\0", "a known text is not copied");
        assert_eq!(texts.0.len(), texts.heap_bytes());
    }

    #[test]
    fn the_urns_of_token_types_are_known() {
        use crate::oauth::token_exchange::token_type::*;
        let urns = [
            ACCESS_TOKEN,
            ID_TOKEN,
            AWS_CREDENTIALS,
            API_KEY,
            CONTENT_SESSION,
            USER_SESSION,
        ];
        assert!(urns.into_iter().all(|urn| known(urn).is_some()));
        assert!(KNOWN.iter().all(|text| text.find('\0') == Some(text.len() - 1)));
    }
}
