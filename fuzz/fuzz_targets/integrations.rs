//! Any response to a request for the list of integrations is a list or an error, and the error reveals no secret; any
//! name finds one of the list or none.

#![no_main]

use arbitrary::Arbitrary;
use connectcreds::{ErrorKind, Mock, MockResponse, Request, integrations, viewer_token};
use libfuzzer_sys::fuzz_target;

/// Long enough not to appear in a message by chance, and with a character that a form encodes.
const API_KEY: &str = "a-key+that-is-secret";

#[derive(Arbitrary, Debug)]
struct Plan {
    status: u16,
    body: Body,
    name: String,
}

#[derive(Arbitrary, Debug)]
enum Body {
    Bytes(Vec<u8>),
    /// Lists with known members, to get beyond the first checks of the parser.
    Entries(Vec<Vec<(u8, Value)>>),
    Echo(String),
}

#[derive(Arbitrary, Debug)]
enum Value {
    Text(String),
    Guid(u8),
    Json(String),
    Null,
}

const MEMBERS: [&str; 7] = [
    "app_guid",
    "oauth_integration_guid",
    "oauth_integration_name",
    "oauth_integration_description",
    "oauth_integration_template",
    "oauth_integration_auth_type",
    "created_time",
];

impl Body {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Entries(entries) => {
                let entries = entries.iter().map(|members| {
                    let members = members.iter().map(|(member, value)| {
                        let value = match value {
                            Value::Text(text) => format!("{text:?}"),
                            Value::Guid(number) => {
                                format!("\"00000000-0000-4000-8000-0000000000{number:02x}\"")
                            }
                            Value::Json(json) => json.clone(),
                            Value::Null => "null".to_owned(),
                        };
                        format!("\"{}\":{value}", MEMBERS[usize::from(*member) % MEMBERS.len()])
                    });
                    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
                });
                format!("[{}]", entries.collect::<Vec<_>>().join(",")).into_bytes()
            }
            // In a mock, secrets are taken out where a header or a form repeats them, and not out of prose.
            Self::Echo(before) => format!("{before} Authorization: Key {API_KEY} ").into_bytes(),
        }
    }
}

fn assert_no_secret(why: &connectcreds::Error) {
    assert!(!format!("{why}{why:?}").contains(API_KEY), "{why}");
}

fuzz_target!(|plan: Plan| {
    let times = |text: &[u8]| {
        text.windows(API_KEY.len())
            .filter(|part| *part == API_KEY.as_bytes())
            .count()
    };
    let echoes = usize::from(matches!(plan.body, Body::Echo(_)));
    if plan.name.contains(API_KEY) || times(&plan.body.bytes()) > echoes {
        return;
    }
    let Ok(list) = MockResponse::new(plan.status, "application/json", plan.body.bytes()) else {
        return;
    };
    let mut request = Request::new();
    request.set_api_key(API_KEY).expect("a key");
    let _mock = Mock::function(move |request| {
        if request.method() == "GET" {
            return Some(list.clone());
        }
        let token = request.param("audience").unwrap_or("none");
        MockResponse::json(200, &format!(r#"{{"access_token":"t-{token}"}}"#)).ok()
    });
    let listed = integrations(&request);
    match &listed {
        Ok(list) => {
            assert!((200..300).contains(&plan.status));
            for entry in list {
                assert!(!entry.guid.is_empty(), "{entry:?}");
            }
        }
        Err(why) => {
            assert!(
                matches!(why.kind(), ErrorKind::Refused | ErrorKind::BadResponse),
                "{why:?}"
            );
            assert_no_secret(why);
        }
    }
    if request.set_integration(&plan.name).is_err() {
        return;
    }
    match viewer_token(None, &request) {
        // The audience is that of an integration of the list, or a GUID that was given as one.
        Ok(token) => {
            let audience = token.access_token().strip_prefix("t-").expect("it is the mock's");
            let is_listed = listed
                .iter()
                .flatten()
                .any(|entry| entry.guid.eq_ignore_ascii_case(audience));
            assert!(
                plan.name.is_empty() || is_listed || audience == plan.name,
                "{audience} for {:?}",
                plan.name
            );
        }
        Err(why) => {
            assert_ne!(why.kind(), ErrorKind::Internal, "{why:?}");
            assert_no_secret(&why);
        }
    }
});
