//! The token exchange (RFC 8693) as Connect's endpoint performs it: its checks, their order, and its
//! error responses.

use crate::form::Form;
use crate::integrations::Associations;
use crate::refusal::Refusal;
use crate::server::Server;
use crate::vault::{Ask, Known, Vault};
use serde_json::{Map, Value};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";

/// The subject of a token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// The content itself.
    Content,
    /// A viewer of the content, by name.
    Viewer(String),
    /// The holder of another issuer's identity token, outside Connect.
    External,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Requested {
    AccessToken,
    IdToken,
    Aws,
    ApiKey,
}

impl Requested {
    const ALL: [Requested; 4] = [
        Requested::AccessToken,
        Requested::IdToken,
        Requested::Aws,
        Requested::ApiKey,
    ];

    pub(crate) fn urn(self) -> &'static str {
        match self {
            Requested::AccessToken => "urn:ietf:params:oauth:token-type:access_token",
            Requested::IdToken => ID_TOKEN,
            Requested::Aws => "urn:ietf:params:aws:token-type:credentials",
            Requested::ApiKey => "urn:posit:connect:api-key",
        }
    }
}

/// The kind of token that is requested.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Wanted {
    pub(crate) requested: Requested,
    pub(crate) audience: Option<String>,
    pub(crate) resource: Option<String>,
    pub(crate) scope: Option<String>,
}

/// An exchange that has passed all checks.
#[derive(Debug)]
pub(crate) struct Grant {
    subject: Subject,
    wanted: Wanted,
}

impl Grant {
    /// `authorization` is the value of the request's `Authorization` header.
    pub(crate) fn check(
        vault: &Vault,
        associations: &Associations,
        authorization: Option<&str>,
        body: &str,
    ) -> Result<Grant, Refusal> {
        let form = Form::parse(body);
        let subject_type = form.as_ref().ok().and_then(|form| form.get("subject_token_type"));
        authenticate(vault, authorization, subject_type)?;
        let form = form?;

        if form.require("grant_type")? != GRANT_TYPE {
            let description = format!("The only grant type here is {GRANT_TYPE}");
            return Err(Refusal::oauth(
                400,
                "unsupported_grant_type",
                Some(&description),
                None,
            ));
        }
        let subject_type = form.require("subject_token_type")?;
        let token = form.require("subject_token")?;
        let known = match subject_type {
            "urn:posit:connect:content-session-token" => vault.content_session(token),
            "urn:posit:connect:user-session-token" => Vault::viewer_session(token),
            ID_TOKEN if crate::identity::is_well_formed(token) => Known::Yes(Subject::External),
            ID_TOKEN => Known::No,
            _ => return Err(Refusal::invalid_request("Unknown subject_token_type")),
        };
        let requested = requested(form.get("requested_token_type"), subject_type)?;
        let subject = match known {
            Known::Yes(subject) => subject,
            Known::Retired => {
                return Err(Refusal::connect(
                    400,
                    4,
                    "The content session token is no longer valid.",
                ));
            }
            Known::No => return Err(Refusal::invalid_request("The subject token is invalid")),
        };

        let owned = |name| form.get(name).map(str::to_owned);
        let wanted = Wanted {
            requested,
            audience: owned("audience"),
            resource: owned("resource"),
            scope: owned("scope"),
        };
        // Identity federation concerns no integration.
        if subject != Subject::External {
            associations.check(wanted.audience.as_deref())?;
        }
        Ok(Grant { subject, wanted })
    }

    /// Returns the regular response, with the subject's token.
    pub(crate) fn answer(&self, server: &Server) -> Map<String, Value> {
        let ask = self.ask(server);
        server
            .vault
            .issue(&server.identity, &server.url(), &ask)
            .answer(ask.now)
    }

    /// Returns a response with a newly minted token and any `expires_in`.
    pub(crate) fn answer_with(&self, server: &Server, expires_in: Value) -> Map<String, Value> {
        server
            .vault
            .mint(&server.identity, &server.url(), &self.ask(server))
            .answer_with(expires_in)
    }

    /// Describes the exchange, for the status page.
    pub(crate) fn kind(&self) -> &'static str {
        match (self.wanted.requested, &self.subject) {
            (Requested::ApiKey, _) => "API key",
            (Requested::Aws, _) => "AWS credentials",
            (Requested::IdToken, _) => "workload identity",
            (Requested::AccessToken, Subject::Viewer(_)) => "viewer",
            (Requested::AccessToken, Subject::Content | Subject::External) => "service account",
        }
    }

    fn ask(&self, server: &Server) -> Ask<'_> {
        Ask {
            subject: &self.subject,
            wanted: &self.wanted,
            now: server.clock.now(),
            lifetime: server.lifetime,
        }
    }
}

/// An API key is required unless the subject token is an identity token.
fn authenticate(
    vault: &Vault,
    authorization: Option<&str>,
    subject_type: Option<&str>,
) -> Result<(), Refusal> {
    match authorization {
        Some(value) if value.strip_prefix("Key ") == Some(&vault.api_key) => Ok(()),
        None if subject_type == Some(ID_TOKEN) => Ok(()),
        _ => Err(Refusal::no_permission()),
    }
}

fn requested(urn: Option<&str>, subject_type: &str) -> Result<Requested, Refusal> {
    let requested = match urn {
        None => Some(Requested::AccessToken),
        Some(urn) => Requested::ALL
            .into_iter()
            .find(|requested| requested.urn() == urn),
    };
    match (requested, subject_type == ID_TOKEN) {
        (Some(Requested::ApiKey), true) => Ok(Requested::ApiKey),
        (_, true) => {
            let sentence = "Invalid requested_token_type. Expected 'urn:posit:connect:api-key'";
            Err(Refusal::connect(400, 4, sentence))
        }
        (Some(Requested::ApiKey) | None, false) => Err(Refusal::invalid_request(
            "The requested_token_type is not one for session tokens",
        )),
        (Some(requested), false) => Ok(requested),
    }
}
