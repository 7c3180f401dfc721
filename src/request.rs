//! What a caller asks for, beyond whose credentials.

#![forbid(unsafe_code)]

use std::time::Duration;

use crate::error::Error;
use crate::exchange::Wanted;
use crate::secret::Secret;
use crate::server::Server;
use crate::text;

/// What is asked for, and of whom. What is not set comes from the environment, or is not sent.
///
/// Every setter replaces what was set before; an empty string takes it away. A value that holds a control
/// character or is otherwise unusable is refused ([`InvalidArgument`](crate::ErrorKind::InvalidArgument)), and the
/// request stays as it was.
///
/// ```
/// # fn main() -> Result<(), connectcreds::Error> {
/// let mut request = connectcreds::Request::new();
/// request.set_resource("https://example.cloud.databricks.com")?.set_scope("sql offline_access")?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Request {
    pub(crate) wanted: Wanted,
    pub(crate) content_token: Option<Secret>,
    pub(crate) server: Option<Server>,
    pub(crate) api_key: Option<Secret>,
    pub(crate) timeout: Option<Duration>,
}

impl Request {
    /// A request in which nothing is set.
    pub fn new() -> Self {
        Self::default()
    }

    /// The service the token is for, by its URL (RFC 8693, `resource`).
    pub fn set_resource(&mut self, resource: &str) -> Result<&mut Self, Error> {
        self.wanted.resource = accept(resource, "resource")?;
        Ok(self)
    }

    /// The scopes wanted, separated by spaces (RFC 8693, `scope`).
    pub fn set_scope(&mut self, scope: &str) -> Result<&mut Self, Error> {
        self.wanted.scope = accept(scope, "scope")?;
        Ok(self)
    }

    /// The GUID of one of the integrations associated with the content; Connect 2025.07 and later.
    pub fn set_audience(&mut self, audience: &str) -> Result<&mut Self, Error> {
        self.wanted.audience = accept(audience, "audience")?;
        Ok(self)
    }

    /// The type of token wanted, see [`token_type`](crate::token_type); an access token when not set.
    pub fn set_requested_token_type(&mut self, token_type: &str) -> Result<&mut Self, Error> {
        self.wanted.requested_token_type = accept(token_type, "requested token type")?.map(Into::into);
        Ok(self)
    }

    /// The content session token to exchange, in place of the one Connect gave the process.
    pub fn set_content_token(&mut self, token: &str) -> Result<&mut Self, Error> {
        self.content_token = accept(token, "content session token")?.map(|token| Secret::new(&token));
        Ok(self)
    }

    /// The Connect server, in place of `CONNECT_SERVER`: `http` or `https`, with or without a path.
    pub fn set_server_url(&mut self, url: &str) -> Result<&mut Self, Error> {
        self.server = text::accept(url.as_bytes(), "server URL")?
            .map(|url| Server::parse(url, "of the request"))
            .transpose()?;
        Ok(self)
    }

    /// The Connect API key, in place of `CONNECT_API_KEY`.
    pub fn set_api_key(&mut self, key: &str) -> Result<&mut Self, Error> {
        self.api_key = accept(key, "API key")?.map(|key| Secret::new(&key));
        Ok(self)
    }

    /// Any further form parameter. One that has a setter here, or that the exchange itself sets, is refused.
    pub fn set_param(&mut self, name: &str, value: &str) -> Result<&mut Self, Error> {
        let name = text::accept(name.as_bytes(), "parameter's name")?
            .ok_or_else(|| Error::invalid_argument("A parameter needs a name."))?;
        let value = text::accept(value.as_bytes(), "parameter's value")?;
        self.wanted.set_param(name, value)?;
        Ok(self)
    }

    /// How long a call may take; zero: the default, 20 seconds.
    pub fn set_timeout(&mut self, timeout: Duration) -> &mut Self {
        self.timeout = Some(timeout).filter(|timeout| !timeout.is_zero());
        self
    }
}

fn accept(value: &str, what: &str) -> Result<Option<String>, Error> {
    Ok(text::accept(value.as_bytes(), what)?.map(ToOwned::to_owned))
}
