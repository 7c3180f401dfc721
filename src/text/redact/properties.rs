//! Properties of redaction: whatever a server writes around a request's secrets, and however it encodes them, none of
//! them is in the result.

use percent_encoding::percent_decode_str;
use proptest::prelude::*;

use super::{CUT_SECRET, REDACTED, Redactor};
use crate::text::visible::is_visible;

/// How one byte of a secret is written.
#[derive(Debug, Clone, Copy)]
enum Written {
    Plain,
    UpperHex,
    LowerHex,
    Form,
}

/// Secrets as Connect issues them and as callers may set them: from eight characters on, in any script. `<`, `>` and
/// backslashes are left out, which redaction itself writes.
pub(crate) fn secrets() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z0-9_-]{8,40}",
        "[A-Za-z0-9+/=%& .]{8,40}",
        "[ab]{8,12}",
        "[\\PC&&[^<>\\\\]]{8,20}",
    ]
}

/// Text without the beginning of a secret.
fn prose() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[ .,:;\"'{}=&]{0,20}",
        ".{0,20}",
        "\\PC{0,20}"
    ]
}

fn written() -> impl Strategy<Value = Vec<Written>> {
    let how = prop::sample::select(vec![
        Written::Plain,
        Written::UpperHex,
        Written::LowerHex,
        Written::Form,
    ]);
    prop_oneof![
        Just(vec![Written::Plain]),
        Just(vec![Written::Form]),
        prop::collection::vec(how, 1..40),
    ]
}

fn hex(each: char, upper: bool) -> String {
    let mut bytes = [0; 4];
    let bytes = each.encode_utf8(&mut bytes).bytes();
    let encoded = bytes.map(|byte| {
        if upper {
            format!("%{byte:02X}")
        } else {
            format!("%{byte:02x}")
        }
    });
    encoded.collect()
}

/// Writes `secret`, one character after the other in the ways of `how`.
fn encode(secret: &str, how: &[Written]) -> String {
    let ways = how.iter().cycle();
    let encoded = secret.chars().zip(ways).map(|(each, way)| match way {
        Written::UpperHex => hex(each, true),
        Written::LowerHex => hex(each, false),
        Written::Form if each == ' ' => "+".to_owned(),
        Written::Form if !each.is_ascii_alphanumeric() => hex(each, true),
        _ => each.to_string(),
    });
    encoded.collect()
}

/// Whether somebody who reads `text`, and decodes it as a URL or a form, finds `secret`.
pub(crate) fn reveals(text: &str, secret: &str) -> bool {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    text.contains(secret)
        || decoded(text).contains(secret)
        || decoded(&text.replace('+', " ")).contains(secret)
}

proptest! {
    #[test]
    fn no_encoding_of_a_secret_gets_through(
        secret in secrets(),
        how in written(),
        (before, after) in (prose(), prose()),
    ) {
        // The prose alone must not contain it, not even by chance.
        prop_assume!(!reveals(&format!("{before}{after}"), &secret));
        let text = format!("{before}{}{after}", encode(&secret, &how));
        let redacted = Redactor::new([secret.as_str()]).redact(&text, 1000);
        prop_assert!(!reveals(&redacted, &secret), "{redacted:?}");
        prop_assert!(redacted.contains(REDACTED), "{redacted:?}");
    }

    #[test]
    fn none_of_several_secrets_gets_through(
        secrets in prop::collection::vec(secrets(), 1..5),
        order in prop::collection::vec(any::<prop::sample::Index>(), 1..8),
        between in "[ ,;&=]{1,3}",
    ) {
        let texts: Vec<_> = order.iter().map(|index| secrets[index.index(secrets.len())].as_str()).collect();
        let redacted = Redactor::new(secrets.iter().map(String::as_str)).redact(&texts.join(&between), 2000);
        for secret in &secrets {
            prop_assert!(!redacted.contains(secret.as_str()), "{secret:?} in {redacted:?}");
        }
    }

    #[test]
    fn no_beginning_of_a_secret_that_the_text_cuts_gets_through(
        secret in "[A-Za-z0-9_-]{8,40}",
        before in "[ .,:;=&]{0,20}",
        kept in CUT_SECRET..40,
    ) {
        let cut = &secret[..kept.min(secret.len() - 1)];
        let redacted = Redactor::new([secret.as_str()]).redact(&format!("{before}{cut}"), 1000);
        prop_assert_eq!(redacted, format!("{before}{REDACTED}"));
    }

    #[test]
    fn the_result_is_visible_and_as_short_as_it_was_asked_to_be(
        secret in secrets(),
        text in ".{0,60}",
        also in any::<String>(),
        limit in 0..100_usize,
    ) {
        let redacted = Redactor::new([secret.as_str()]).redact(&format!("{text}{secret}{also}"), limit);
        prop_assert!(redacted.chars().all(is_visible), "{redacted:?}");
        // The ellipsis of a text that was cut comes on top.
        prop_assert!(redacted.chars().count() <= limit + 1, "{redacted:?}");
    }

    #[test]
    fn text_without_a_secret_stays_as_it_is(
        secret in "[A-Z]{8,20}",
        text in "[a-z0-9 .,:;/?&=-]{0,100}",
    ) {
        prop_assert_eq!(Redactor::new([secret.as_str()]).redact(&text, 1000), text);
    }
}
