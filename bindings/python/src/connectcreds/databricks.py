"""Tokens for databricks-sdk and databricks-sql-connector.

    from databricks.sdk import WorkspaceClient
    from connectcreds.databricks import databricks_config

    config = databricks_config(connectcreds.viewer_token, session_token, host="https://example.cloud.databricks.com")
    client = WorkspaceClient(config=config)

The SDK asks before each request. It does not ask again after a 401: it raises `Unauthenticated`; `invalidate()` of the
strategy drops the token, and the next request carries another one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Optional, Union

from databricks.sdk.config import Config
from databricks.sdk.credentials_provider import CredentialsStrategy, DefaultCredentials, OAuthCredentialsProvider
from databricks.sdk.oauth import Token as DatabricksToken
from databricks.sdk.oidc import IdToken, IdTokenSource

from . import errors
from ._adapters import AnyToken, OffConnect, Source
from ._credentials import NOT_GIVEN
from ._requests import Options
from ._token import Token
from ._typing import Unpack

__all__ = ["ConnectIdTokenSource", "ConnectStrategy", "databricks_config"]

__tracebackhide__ = True

_AUTH_TYPE = "posit-connect"


class ConnectStrategy(CredentialsStrategy):
    """A credentials strategy for `databricks.sdk.config.Config(credentials_strategy=…)`.

    Also for `databricks.sql.connect(credentials_provider=…)`. The SQL connector keeps the token of a connection until
    the token expires.

    Args:
        ask: a function of this package that returns a token; its arguments follow.
        off_connect: what to use where the process does not run on Connect: a token, a function that returns one,
            another strategy of the SDK, or None for the SDK's default authentication.
        options: keyword arguments of `ask`.
    """

    def __init__(
        self,
        ask: Callable[..., Token],
        *args: Any,
        off_connect: Union[OffConnect, CredentialsStrategy] = NOT_GIVEN,
        **options: Unpack[Options],
    ) -> None:
        self._other: Optional[Any] = None
        if off_connect is None:
            self._other = DefaultCredentials()
        elif callable(off_connect) and hasattr(off_connect, "auth_type"):
            # One of the SDK's own: a CredentialsStrategy, or a function with its decorator.
            self._other = off_connect
            off_connect = None
        self._source = Source(ask, args, options, off_connect)
        self._used = False
        self._sent: Optional[AnyToken] = None

    def auth_type(self) -> str:
        """Returns the name that the SDK shows for this strategy."""
        if self._used and self._other is not None:
            return str(self._other.auth_type())
        return _AUTH_TYPE

    def __call__(self, cfg: Optional[Config] = None) -> Any:
        """Returns what the SDK calls before each request; without `cfg`, what the SQL connector calls."""
        if self._other is not None and self._source.is_off_connect:
            if cfg is None:
                raise errors.NotOnConnectError(
                    "The SQL connector takes a token off Connect.\n"
                    "Pass off_connect= a token or a function that returns one."
                )
            self._used = True
            return self._other(cfg)
        return OAuthCredentialsProvider(self._headers, self.oauth_token)

    def _current(self) -> AnyToken:
        token = self._source.token()
        if token is None:
            raise ValueError("off_connect gave no token, and Databricks needs one.")
        self._sent = token
        return token

    def _headers(self) -> dict[str, str]:
        return {"Authorization": self._current().authorization}

    def oauth_token(self) -> DatabricksToken:
        """Returns the current token as the SDK's own type."""
        token = self._current()
        # The SDK compares times without a time zone, in local time.
        expiry = None if token.expires_at is None else datetime.fromtimestamp(token.expires_at.timestamp())
        return DatabricksToken(access_token=token.access_token, token_type="Bearer", expiry=expiry)

    def invalidate(self) -> bool:
        """Drops the token of the last request from the cache, after a 401; returns whether it was dropped."""
        return self._sent is not None and self._sent.invalidate()


def databricks_config(
    ask: Callable[..., Token],
    *args: Any,
    host: Optional[str] = None,
    config: Optional[Mapping[str, Any]] = None,
    off_connect: Union[OffConnect, CredentialsStrategy] = None,
    **options: Unpack[Options],
) -> Config:
    """Returns a `Config` that takes tokens from Connect, and elsewhere authenticates as the SDK does by default.

    Args:
        ask: a function of this package that returns a token; its arguments follow.
        host: URL of the workspace or the account. Default: the SDK's own, DATABRICKS_HOST.
        config: further arguments of `databricks.sdk.config.Config`.
        off_connect: as `ConnectStrategy` takes it.
        options: keyword arguments of `ask`.
    """
    strategy = ConnectStrategy(ask, *args, off_connect=off_connect, **options)
    return Config(host=host, credentials_strategy=strategy, **(config or {}))


class ConnectIdTokenSource(IdTokenSource):
    """A source of id tokens for the SDK's workload identity federation; `ask` is `connectcreds.workload_token`.

    Pass it to `databricks.sdk.credentials_provider.oidc_credentials_provider()`, or `oidc.DatabricksOidcTokenSource`.
    """

    def __init__(
        self,
        ask: Callable[..., Token],
        *args: Any,
        off_connect: OffConnect = NOT_GIVEN,
        **options: Unpack[Options],
    ) -> None:
        self._source = Source(ask, args, options, off_connect)

    def id_token(self) -> IdToken:
        """Returns the current id token."""
        token = self._source.token()
        if token is None:
            raise ValueError("off_connect gave no token, and Databricks needs one.")
        return IdToken(jwt=token.access_token)
