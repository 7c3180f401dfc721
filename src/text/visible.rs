//! Characters that a terminal or a log would act upon, written as escapes.

#![forbid(unsafe_code)]

use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// Returns whether a person sees `character`, by its Unicode general category.
///
/// Control characters, format characters (bidirectional, zero-width), separators of lines and paragraphs, and code
/// points without an agreed meaning (private use, unassigned) are not visible: they turn a line around, break it or
/// hide in it.
pub(crate) fn is_visible(character: char) -> bool {
    if character.is_ascii() {
        return !character.is_ascii_control();
    }
    match character.general_category_group() {
        GeneralCategoryGroup::Other => false,
        GeneralCategoryGroup::Separator => character.general_category() == GeneralCategory::SpaceSeparator,
        _ => true,
    }
}

/// Appends `character` to `out`, as an escape when it is not visible.
pub(crate) fn push_visible(out: &mut String, character: char) {
    if is_visible(character) {
        out.push(character);
    } else {
        out.extend(character.escape_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visible(text: &str) -> String {
        let mut shown = String::new();
        text.chars().for_each(|each| push_visible(&mut shown, each));
        shown
    }

    #[test]
    fn text_in_any_script_stays_as_it_is() {
        for text in [
            "",
            "plain ~",
            "é e\u{301}",
            "日本語\u{3000}字",
            "עברית",
            "ไทย",
            "🙂",
            "a\u{a0}b",
        ] {
            assert_eq!(visible(text), text);
        }
    }

    #[test]
    fn characters_that_act_on_a_line_are_escaped_whatever_their_block() {
        for (text, shown) in [
            ("a\r\n\t\0", r"a\r\n\t\u{0}"),
            ("\u{1b}[2J\u{7f}\u{9b}", r"\u{1b}[2J\u{7f}\u{9b}"),
            (
                "\u{202e}\u{2066}\u{200e}\u{61c}",
                r"\u{202e}\u{2066}\u{200e}\u{61c}",
            ),
            (
                "\u{200b}\u{200d}\u{2060}\u{feff}\u{ad}",
                r"\u{200b}\u{200d}\u{2060}\u{feff}\u{ad}",
            ),
            ("\u{2028}\u{2029}", r"\u{2028}\u{2029}"),
            (
                "\u{180e}\u{fff9}\u{1d173}\u{e0041}",
                r"\u{180e}\u{fff9}\u{1d173}\u{e0041}",
            ),
            ("\u{e000}\u{10ffff}", r"\u{e000}\u{10ffff}"),
        ] {
            assert_eq!(visible(text), shown);
        }
    }
}
