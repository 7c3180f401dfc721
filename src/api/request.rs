//! The options of a call, other than the kind of credentials.

#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::oauth::endpoint::CredentialEndpoint;
use crate::oauth::params::ExchangeParams;
use crate::text::hash::Hashed;
use crate::text::validate::validate;

/// The options of a call. An option that is not set comes from the environment, or is not sent.
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
    pub(crate) params: ExchangeParams,
    pub(crate) requested_token_type: Option<String>,
    pub(crate) content_token: Option<Hashed>,
    /// As it was written; it can be parsed.
    pub(crate) server: Option<Hashed>,
    pub(crate) api_key: Option<Hashed>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) min_validity_ms: i64,
    pub(crate) force_refresh: bool,
    pub(crate) cancelled: Option<Cancelled>,
    pub(crate) on_connect: bool,
}

/// Asked while a call waits; true ends the call.
#[derive(Clone)]
pub(crate) struct Cancelled(pub(crate) Arc<dyn Fn() -> bool + Send + Sync>);

impl std::fmt::Debug for Cancelled {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Cancelled")
    }
}

impl Request {
    /// A request in which nothing is set.
    pub const fn new() -> Self {
        Self {
            params: ExchangeParams::NOTHING,
            requested_token_type: None,
            content_token: None,
            server: None,
            api_key: None,
            timeout: None,
            min_validity_ms: 0,
            force_refresh: false,
            cancelled: None,
            on_connect: false,
        }
    }

    /// The service the token is for, by its URL (RFC 8693, `resource`).
    pub fn set_resource(&mut self, resource: &str) -> Result<&mut Self, Error> {
        self.params.set_resource(owned(resource, "resource")?);
        Ok(self)
    }

    /// The scopes wanted, separated by spaces (RFC 8693, `scope`).
    pub fn set_scope(&mut self, scope: &str) -> Result<&mut Self, Error> {
        self.params.set_scope(owned(scope, "scope")?);
        Ok(self)
    }

    /// The GUID of one of the integrations associated with the content; Connect 2025.07 and later.
    ///
    /// It cannot be set together with [`set_integration`](Self::set_integration).
    pub fn set_audience(&mut self, audience: &str) -> Result<&mut Self, Error> {
        self.params.set_audience(owned(audience, "audience")?)?;
        Ok(self)
    }

    /// Sets which integration to use, where several are associated with the content: by its name, by its template
    /// (`databricks`) where only one has it, or by its GUID; Connect 2025.07 and later.
    ///
    /// A name matches exactly, otherwise without regard to case and surrounding space. Of two with one name, the one of
    /// the call's kind is used. A call looks a name up as part of its exchange; the list is kept for five minutes. A GUID
    /// is sent as the audience, without a lookup.
    ///
    /// It cannot be set together with [`set_audience`](Self::set_audience).
    pub fn set_integration(&mut self, name_or_guid: &str) -> Result<&mut Self, Error> {
        self.params.set_integration(owned(name_or_guid, "integration")?)?;
        Ok(self)
    }

    /// The type of token wanted, see [`token_type`](crate::token_type); an access token when not set.
    pub fn set_requested_token_type(&mut self, token_type: &str) -> Result<&mut Self, Error> {
        self.requested_token_type = owned(token_type, "requested token type")?;
        Ok(self)
    }

    /// The content session token to exchange, in place of the one Connect gave the process.
    pub fn set_content_token(&mut self, token: &str) -> Result<&mut Self, Error> {
        self.content_token = hashed(token, "content session token")?;
        Ok(self)
    }

    /// The Connect server, in place of `CONNECT_SERVER`: `http` or `https`, with or without a path.
    pub fn set_server_url(&mut self, url: &str) -> Result<&mut Self, Error> {
        let server = hashed(url, "server URL")?;
        if server.is_some() {
            CredentialEndpoint::parse(url, "of the request")?;
        }
        self.server = server;
        Ok(self)
    }

    /// The Connect API key, in place of `CONNECT_API_KEY`.
    pub fn set_api_key(&mut self, key: &str) -> Result<&mut Self, Error> {
        self.api_key = hashed(key, "API key")?;
        Ok(self)
    }

    /// Any further form parameter. One that has a setter here, or that the exchange itself sets, is refused.
    pub fn set_param(&mut self, name: &str, value: &str) -> Result<&mut Self, Error> {
        let name = validate(name.as_bytes(), "parameter's name")?
            .ok_or_else(|| Error::invalid_argument("A parameter needs a name."))?;
        let value = validate(value.as_bytes(), "parameter's value")?;
        self.params.set_param(name, value)?;
        Ok(self)
    }

    /// Sets how long a call may take. `None` restores the default,
    /// [`config::set_timeout`](crate::config::set_timeout) or 20 seconds.
    ///
    /// A call with a timeout of zero does not wait: it returns a cached token or an error
    /// ([`Timeout`](crate::ErrorKind::Timeout)).
    pub fn set_timeout(&mut self, timeout: impl Into<Option<Duration>>) -> &mut Self {
        self.timeout = timeout.into();
        self
    }

    /// Sets the minimum remaining validity of the token. When the server has none that is valid for so long, the call returns
    /// the one it gets: see [`Token::expires_at`](crate::Token::expires_at).
    pub fn set_min_validity(&mut self, min_validity: Duration) -> &mut Self {
        self.min_validity_ms = min_validity.as_millis().try_into().unwrap_or(i64::MAX);
        self
    }

    /// Exchange even if a good token is cached. On failure the cached token stays for other calls.
    pub fn set_force_refresh(&mut self, force_refresh: bool) -> &mut Self {
        self.force_refresh = force_refresh;
        self
    }

    /// Asked on the calling thread at least every 100 ms while a call waits; true ends the call with
    /// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled).
    pub fn set_cancelled(&mut self, cancelled: impl Fn() -> bool + Send + Sync + 'static) -> &mut Self {
        self.cancelled = Some(Cancelled(Arc::new(cancelled)));
        self
    }

    /// Whether calls go past the check that the process runs on Connect, as if it did: for tests that pretend to. What
    /// Connect would provide has to come from elsewhere.
    pub fn set_on_connect(&mut self, on_connect: bool) -> &mut Self {
        self.on_connect = on_connect;
        self
    }

    pub(crate) fn set_not_cancelled(&mut self) -> &mut Self {
        self.cancelled = None;
        self
    }
}

fn hashed(value: &str, what: &str) -> Result<Option<Hashed>, Error> {
    Ok(validate(value.as_bytes(), what)?.map(Hashed::new))
}

fn owned(value: &str, what: &str) -> Result<Option<String>, Error> {
    Ok(validate(value.as_bytes(), what)?.map(ToOwned::to_owned))
}
