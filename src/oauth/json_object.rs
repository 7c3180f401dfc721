//! The members of a JSON object, in their order and as they were written.

#![forbid(unsafe_code)]

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

/// A JSON object's members. The values stay where they were read from: nothing secret is copied.
pub(crate) struct JsonObject<'a>(Vec<(String, &'a RawValue)>);

impl<'a> JsonObject<'a> {
    /// Reads `body`; the error says what it is instead of a JSON object, and repeats nothing of it.
    pub fn parse(body: &'a [u8]) -> Result<Self, String> {
        serde_json::from_slice(body).map_err(|why| match why.classify() {
            serde_json::error::Category::Data => "it is JSON, but not an object".to_owned(),
            _ if body.trim_ascii().is_empty() => "it is empty".to_owned(),
            _ => "it is not JSON".to_owned(),
        })
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }

    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.iter()
            .find_map(|(known, value)| (known == name).then_some(value))
    }

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
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(JsonObject(members))
            }
        }
        json.deserialize_map(Object)
    }
}

/// The text of a JSON string.
pub(crate) fn string_of(raw: &RawValue) -> Option<Zeroizing<String>> {
    serde_json::from_str(raw.get()).ok().map(Zeroizing::new)
}

/// A JSON integer that fits.
pub(crate) fn integer_of(raw: &RawValue) -> Option<i32> {
    serde_json::from_str(raw.get()).ok()
}
