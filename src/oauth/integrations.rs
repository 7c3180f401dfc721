//! The integrations that are associated with a content item, as Connect lists them. Pure.
//!
//! `integration_choice` picks one of them by name.

#![forbid(unsafe_code)]

use crate::oauth::json::{JsonArray, JsonObject, string_value};

/// An OAuth integration that is associated with the content.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Integration {
    /// The value of an exchange's `audience`.
    pub guid: String,
    /// The name that an administrator gave it. Names need not be unique.
    pub name: Option<String>,
    /// The administrator's description.
    pub description: Option<String>,
    /// The service: `databricks`, `aws`, `custom` and so on.
    pub template: Option<String>,
    /// Whose credentials it gives: `Viewer`, `Service Account` and so on. Older servers do not say.
    pub auth_type: Option<String>,
}

impl Integration {
    /// Reads the body of a list of associations. Unknown members are ignored. An error says why the list was not read and
    /// quotes nothing of it.
    pub(crate) fn parse_list(body: &[u8]) -> Result<Vec<Self>, String> {
        let list = JsonArray::parse(body).map_err(|why| format!("the body {why}"))?;
        let elements = list.elements.iter().enumerate();
        elements
            .map(|(index, element)| {
                Self::parse(element.get().as_bytes())
                    .map_err(|why| format!("element {} of the list {why}", index + 1))
            })
            .collect()
    }

    fn parse(json: &[u8]) -> Result<Self, &'static str> {
        let members = JsonObject::parse(json)?;
        let text = |name: &str| {
            let text = members.get(name).and_then(string_value)?;
            // C cannot be lent a text with a NUL in it.
            Some(text.replace('\0', "\\u{0}")).filter(|text| !text.is_empty())
        };
        Ok(Self {
            guid: text("oauth_integration_guid").ok_or("has no oauth_integration_guid")?,
            name: text("oauth_integration_name"),
            description: text("oauth_integration_description"),
            template: text("oauth_integration_template"),
            auth_type: text("oauth_integration_auth_type"),
        })
    }
}

/// Returns whether `text` is a GUID, which needs no look-up: it is an audience as it is.
pub(crate) fn is_guid(text: &str) -> bool {
    let groups: Vec<_> = text.split('-').collect();
    let is_hex = |group: &&str| group.bytes().all(|byte| byte.is_ascii_hexdigit());
    groups.iter().all(is_hex) && groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_with_whatever_a_server_leaves_out() {
        let body = br#"[
            {"app_guid": "c", "oauth_integration_guid": "g1", "oauth_integration_name": "Warehouse, \u00e9",
             "oauth_integration_description": "d", "oauth_integration_template": "databricks",
             "oauth_integration_auth_type": "Viewer", "created_time": "2026-01-01T00:00:00Z", "new": {"a": [1]}},
            {"oauth_integration_guid": "g2", "oauth_integration_name": null, "oauth_integration_template": 7},
            {"oauth_integration_guid": "g3", "oauth_integration_name": "a\u0000b", "oauth_integration_description": ""}
        ]"#;
        let list = Integration::parse_list(body).unwrap();
        let some = |text: &str| Some(text.to_owned());
        let bare = |guid: &str| Integration {
            guid: guid.to_owned(),
            name: None,
            description: None,
            template: None,
            auth_type: None,
        };
        assert_eq!(
            list,
            [
                Integration {
                    name: some("Warehouse, é"),
                    description: some("d"),
                    template: some("databricks"),
                    auth_type: some("Viewer"),
                    ..bare("g1")
                },
                bare("g2"),
                Integration {
                    name: some("a\\u{0}b"),
                    ..bare("g3")
                },
            ]
        );
        assert_eq!(Integration::parse_list(b"[]"), Ok(Vec::new()));
    }

    #[test]
    fn a_body_that_is_not_such_a_list_is_described_and_not_quoted() {
        for (body, why) in [
            ("", "the body is empty"),
            ("<p>hush", "the body is not JSON"),
            (r#"{"hush":1}"#, "the body is JSON, but not an array"),
            (
                r#"[{"oauth_integration_guid":"g"},"hush"]"#,
                "element 2 of the list is JSON, but not an object",
            ),
            (
                r#"[{"guid":"hush"}]"#,
                "element 1 of the list has no oauth_integration_guid",
            ),
            (
                r#"[{"oauth_integration_guid":null}]"#,
                "element 1 of the list has no oauth_integration_guid",
            ),
        ] {
            assert_eq!(
                Integration::parse_list(body.as_bytes()),
                Err(why.to_owned()),
                "{body}"
            );
        }
        let many = format!("[{}]", vec!["{}"; 1001].join(","));
        assert_eq!(
            Integration::parse_list(many.as_bytes()),
            Err("the body has more than 1,000 elements".to_owned())
        );
    }

    #[test]
    fn a_guid_is_told_from_a_name() {
        for guid in [
            "22644575-7b3c-4d0e-9f2a-1c5d8e7f6a90",
            "22644575-7B3C-4D0E-9F2A-1C5D8E7F6A90",
        ] {
            assert!(is_guid(guid), "{guid}");
        }
        for name in [
            "",
            "databricks",
            "22644575-7b3c-4d0e-9f2a",
            "22644575-7b3c-4d0e-9f2a-1c5d8e7f6a9g",
            "a-b-c-d-e",
        ] {
            assert!(!is_guid(name), "{name}");
        }
    }
}
