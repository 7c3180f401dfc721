//! JSON objects and arrays of bounded length, with their values in order and as they were written.

#![forbid(unsafe_code)]

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

/// The most members that an object may have, and the most elements of an array. A token is cached with all of its members,
/// so that their number bounds what one response can cost.
const MOST: usize = 1000;

/// The members of a JSON object. The values are borrowed from the text: no secret is copied.
pub(crate) struct JsonObject<'a> {
    members: Vec<(String, &'a RawValue)>,
    has_too_many: bool,
}

impl<'a> JsonObject<'a> {
    /// Reads `json`.
    ///
    /// # Errors
    ///
    /// The predicate of a sentence about `json`, which says why it was not read and quotes nothing of it.
    pub fn parse(json: &'a [u8]) -> Result<Self, &'static str> {
        match parse::<Self>(json, "is JSON, but not an object")? {
            object if object.has_too_many => Err("has more than 1,000 members"),
            object => Ok(object),
        }
    }

    /// Returns names and values in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.members.iter().map(|(name, value)| (name.as_str(), *value))
    }

    /// Returns the value of the first member with this name.
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.iter()
            .find_map(|(known, value)| (known == name).then_some(value))
    }

    /// Returns how many members have this name.
    pub fn count(&self, name: &str) -> usize {
        self.iter().filter(|(known, _)| *known == name).count()
    }
}

impl<'de> Deserialize<'de> for JsonObject<'de> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = JsonObject<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while members.len() < MOST {
                    match map.next_entry()? {
                        Some(member) => members.push(member),
                        None => break,
                    }
                }
                let mut has_too_many = false;
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                    has_too_many = true;
                }
                Ok(JsonObject {
                    members,
                    has_too_many,
                })
            }
        }
        json.deserialize_map(Object)
    }
}

/// The elements of a JSON array, borrowed from the text.
pub(crate) struct JsonArray<'a> {
    pub elements: Vec<&'a RawValue>,
    has_too_many: bool,
}

impl<'a> JsonArray<'a> {
    /// Reads `json`; errors are those of [`JsonObject::parse`].
    pub fn parse(json: &'a [u8]) -> Result<Self, &'static str> {
        match parse::<Self>(json, "is JSON, but not an array")? {
            array if array.has_too_many => Err("has more than 1,000 elements"),
            array => Ok(array),
        }
    }
}

impl<'de> Deserialize<'de> for JsonArray<'de> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Array;
        impl<'de> Visitor<'de> for Array {
            type Value = JsonArray<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a JSON array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
                let mut elements = Vec::new();
                while elements.len() < MOST {
                    match array.next_element()? {
                        Some(element) => elements.push(element),
                        None => break,
                    }
                }
                let mut has_too_many = false;
                while array.next_element::<IgnoredAny>()?.is_some() {
                    has_too_many = true;
                }
                Ok(JsonArray {
                    elements,
                    has_too_many,
                })
            }
        }
        json.deserialize_seq(Array)
    }
}

fn parse<'a, T: Deserialize<'a>>(json: &'a [u8], other: &'static str) -> Result<T, &'static str> {
    serde_json::from_slice(json).map_err(|why| match why.classify() {
        serde_json::error::Category::Data => other,
        _ if json.trim_ascii().is_empty() => "is empty",
        _ => "is not JSON",
    })
}

/// Returns the text of a JSON string.
pub(crate) fn string_value(raw: &RawValue) -> Option<Zeroizing<String>> {
    serde_json::from_str(raw.get()).ok().map(Zeroizing::new)
}

/// Returns a JSON integer that fits.
pub(crate) fn integer_value(raw: &RawValue) -> Option<i32> {
    serde_json::from_str(raw.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_members(count: usize) -> String {
        let members: Vec<_> = (0..count)
            .map(|number| format!(r#""{number}":{number}"#))
            .collect();
        format!("{{{}}}", members.join(","))
    }

    #[test]
    fn members_keep_their_order_and_their_text() {
        let object = JsonObject::parse(br#"{"b": 1.50, "a": "x", "b": [ 2 ]}"#).unwrap();
        let members: Vec<_> = object.iter().map(|(name, raw)| (name, raw.get())).collect();
        assert_eq!(members, [("b", "1.50"), ("a", "\"x\""), ("b", "[ 2 ]")]);
        assert_eq!(object.count("b"), 2);
        assert_eq!(object.get("b").map(RawValue::get), Some("1.50"));
    }

    #[test]
    fn an_object_has_at_most_a_thousand_members() {
        assert_eq!(
            JsonObject::parse(with_members(1000).as_bytes())
                .unwrap()
                .iter()
                .count(),
            1000
        );
        for count in [1001, 200_000] {
            let refused = JsonObject::parse(with_members(count).as_bytes()).err();
            assert_eq!(refused, Some("has more than 1,000 members"));
        }
    }

    #[test]
    fn an_array_has_at_most_a_thousand_elements() {
        let array = |count| format!("[{}]", vec!["1"; count].join(", "));
        assert_eq!(
            JsonArray::parse(array(1000).as_bytes()).unwrap().elements.len(),
            1000
        );
        let refused = JsonArray::parse(array(1001).as_bytes()).err();
        assert_eq!(refused, Some("has more than 1,000 elements"));
        assert_eq!(JsonArray::parse(b"{}").err(), Some("is JSON, but not an array"));
    }

    #[test]
    fn anything_but_an_object_is_named_without_being_quoted() {
        for (json, why) in [
            ("", "is empty"),
            (" \n", "is empty"),
            ("hush", "is not JSON"),
            (r#"{"hush":1"#, "is not JSON"),
            ("[1]", "is JSON, but not an object"),
        ] {
            assert_eq!(JsonObject::parse(json.as_bytes()).err(), Some(why), "{json}");
        }
    }
}
