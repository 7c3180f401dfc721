//! Any HTTP response is a token or an error whose message contains no secret of the request.

#![no_main]

use arbitrary::Arbitrary;
use connectcreds::{AwsCredentials, ErrorKind, Mock, MockResponse, Request, viewer_token};
use libfuzzer_sys::fuzz_target;

/// Long enough not to appear in a message by chance, and with a character that a form encodes.
const API_KEY: &str = "a-key+that-is-secret";
const SESSION_TOKEN: &str = "a-session-token/that-is-secret";

#[derive(Arbitrary, Debug)]
struct Answer {
    status: u16,
    content_type: String,
    body: Body,
}

#[derive(Arbitrary, Debug)]
enum Body {
    Bytes(Vec<u8>),
    /// JSON, to get beyond the first checks of the parser.
    Members(Vec<(Name, String)>),
    /// The request, repeated as a proxy may do.
    Echo(String, Vec<u8>),
}

#[derive(Arbitrary, Debug)]
enum Name {
    Known(u8),
    Any(String),
}

const NAMES: [&str; 11] = [
    "access_token",
    "token_type",
    "issued_token_type",
    "expires_in",
    "refresh_token",
    "error",
    "error_description",
    "error_uri",
    "error_code",
    "error_message",
    "code",
];

impl Body {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            // Values are written as they are, valid JSON or not.
            Self::Members(members) => {
                let members = members.iter().map(|(name, value)| match name {
                    Name::Known(number) => {
                        format!("\"{}\":{value}", NAMES[usize::from(*number) % NAMES.len()])
                    }
                    Name::Any(name) => format!("{name:?}:{value}"),
                });
                format!("{{{}}}", members.collect::<Vec<_>>().join(",")).into_bytes()
            }
            Self::Echo(before, after) => {
                // In a mock, secrets are taken out where a header or a form repeats them, and not out of prose.
                let echo = format!("{before} Authorization: Key {API_KEY} subject_token={SESSION_TOKEN} ");
                let mut echoed = echo.into_bytes();
                echoed.extend_from_slice(after);
                echoed
            }
        }
    }
}

fuzz_target!(|answer: Answer| {
    let body = answer.body.bytes();
    let echoes = usize::from(matches!(answer.body, Body::Echo(..)));
    let is_in_prose = |secret: &str| {
        let times = body
            .windows(secret.len())
            .filter(|part| *part == secret.as_bytes())
            .count();
        times > echoes || answer.content_type.contains(secret)
    };
    if [API_KEY, SESSION_TOKEN].into_iter().any(is_in_prose) {
        return;
    }
    let Ok(response) = MockResponse::new(answer.status, &answer.content_type, body) else {
        return;
    };
    let mut request = Request::new();
    request.set_api_key(API_KEY).expect("a key");
    let _mock = Mock::responses([response]);
    match viewer_token(Some(SESSION_TOKEN), &request) {
        Ok(token) => {
            assert!((200..300).contains(&answer.status));
            assert!(!token.access_token().is_empty() && !token.access_token().chars().any(char::is_control));
            let bearer = token.authorization().map(|value| value.strip_prefix("Bearer "));
            assert!(bearer.is_none_or(|bearer| bearer == Some(token.access_token())));
            assert!(
                token
                    .fields()
                    .any(|(name, value)| (name, value) == ("access_token", token.access_token()))
            );
            let _ = AwsCredentials::from_token(&token);
        }
        Err(why) => {
            assert!(
                matches!(why.kind(), ErrorKind::Refused | ErrorKind::BadResponse),
                "{why:?}"
            );
            for secret in [API_KEY, SESSION_TOKEN] {
                assert!(!why.message().contains(secret), "{why}");
            }
        }
    }
});
