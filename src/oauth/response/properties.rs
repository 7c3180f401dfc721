//! A property of every response: it becomes a token or an error, and the error reveals no secret of the request, neither
//! in its message nor in its codes nor in a debug print.

use proptest::prelude::*;
use zeroize::Zeroizing;

use super::ServerResponse;
use crate::error::{Error, ErrorKind};
use crate::text::redact::Redactor;
use crate::text::redact::properties::{reveals, secrets};

/// A piece of what a server writes.
#[derive(Debug, Clone)]
enum Piece {
    Text(String),
    /// The request's secret of this number, as a JSON string may write it.
    Secret(usize, Escape),
}

#[derive(Debug, Clone, Copy)]
enum Escape {
    Plain,
    /// Each character as `\uXXXX`, which a reader of JSON undoes.
    Unicode,
    Percent,
}

const NAMES: [&str; 12] = [
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
    "payload",
];

impl Piece {
    fn write(&self, secrets: &[String; 2]) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Secret(number, escape) => {
                let secret = &secrets[*number];
                match escape {
                    Escape::Plain => secret.clone(),
                    Escape::Unicode => secret
                        .encode_utf16()
                        .map(|unit| format!("\\u{unit:04x}"))
                        .collect(),
                    Escape::Percent => secret.bytes().map(|byte| format!("%{byte:02X}")).collect(),
                }
            }
        }
    }
}

fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    let text = prop_oneof!["[ -~&&[^\"\\\\<>]]{0,12}", ".{0,6}"].prop_map(Piece::Text);
    let escape = prop::sample::select(vec![Escape::Plain, Escape::Unicode, Escape::Percent]);
    let secret = (0..2_usize, escape).prop_map(|(number, escape)| Piece::Secret(number, escape));
    prop::collection::vec(prop_oneof![text, secret], 0..6)
}

#[derive(Debug, Clone)]
enum Body {
    Any(Vec<Piece>),
    Members(Vec<(&'static str, Value)>),
}

#[derive(Debug, Clone)]
enum Value {
    String(Vec<Piece>),
    Other(&'static str),
}

fn bodies() -> impl Strategy<Value = Body> {
    let other = prop::sample::select(vec![
        "null", "0", "-1", "3600", "1e400", "true", "{}", "[1]", "\"\"",
    ]);
    let value = prop_oneof![
        3 => pieces().prop_map(Value::String),
        1 => other.prop_map(Value::Other),
    ];
    let member = (prop::sample::select(&NAMES[..]), value);
    prop_oneof![
        pieces().prop_map(Body::Any),
        prop::collection::vec(member, 0..6).prop_map(Body::Members),
    ]
}

impl Body {
    fn write(&self, secrets: &[String; 2]) -> String {
        let joined = |pieces: &[Piece]| {
            pieces
                .iter()
                .map(|piece| piece.write(secrets))
                .collect::<String>()
        };
        match self {
            Self::Any(pieces) => joined(pieces),
            Self::Members(members) => {
                let members = members.iter().map(|(name, value)| match value {
                    Value::String(pieces) => format!("\"{name}\":\"{}\"", joined(pieces)),
                    Value::Other(json) => format!("\"{name}\":{json}"),
                });
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            }
        }
    }
}

/// Everything that a host can read of an error.
fn told(error: &Error) -> String {
    let code = error.oauth_code().unwrap_or_default();
    format!("{error}\n{}\n{error:?}\n{code}", error.message())
}

proptest! {
    #[test]
    fn no_response_reveals_a_secret_of_the_request(
        secrets in [secrets(), secrets()],
        status in prop_oneof![Just(200), Just(400), 100..600_u16],
        body in bodies(),
        headers in prop::array::uniform3(prop::option::of(pieces())),
        json in any::<bool>(),
    ) {
        let header = |pieces: &Option<Vec<Piece>>| {
            let pieces = pieces.as_ref()?;
            Some(pieces.iter().map(|piece| piece.write(&secrets)).collect::<String>())
        };
        let body = body.write(&secrets);
        let response = ServerResponse {
            status,
            content_type: if json { Some("application/json".to_owned()) } else { header(&headers[0]) },
            retry_after: header(&headers[1]),
            request_id: header(&headers[2]),
            location: None,
            body: Zeroizing::new(body.clone().into_bytes()),
        };
        let redactor = Redactor::new(secrets.iter().map(String::as_str));
        let errors = [
            response.read(1_000_000, &redactor).err(),
            response.read_integrations(1_000_000, &redactor).err(),
        ];
        for error in errors.into_iter().flatten() {
            prop_assert!(matches!(error.kind(), ErrorKind::Refused | ErrorKind::BadResponse));
            let told = told(&error);
            for secret in &secrets {
                prop_assert!(!reveals(&told, secret), "{secret:?} in {told:?}");
            }
        }
    }
}
