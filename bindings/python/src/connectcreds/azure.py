"""Credentials of azure-core with tokens from Connect, for the clients of Azure.

    from azure.storage.blob import BlobServiceClient
    from connectcreds.azure import ConnectCredential

    client = BlobServiceClient(url, credential=ConnectCredential(connectcreds.viewer_token, session_token))

The scopes that a client names are requested from Connect, unless `scope=` is given; `scope=""` requests none. For
workload identity federation, `connectcreds.auth.token_provider(connectcreds.workload_token)` is the `func=` of
azure-identity's `ClientAssertionCredential`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Optional

from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
from azure.core.exceptions import ClientAuthenticationError

from . import errors
from ._adapters import AnyToken, Source
from ._credentials import NOT_GIVEN
from ._requests import Options
from ._token import Token
from ._typing import Unpack

__all__ = ["AsyncConnectCredential", "ConnectCredential"]

__tracebackhide__ = True

#: azure-core delays a refresh by up to this.
_MOST_JITTER_S = 60
#: For tokens that do not say when they expire: azure-core asks again before every request.
_UNKNOWN_LIFETIME_S = 60


class _Base:
    def __init__(
        self,
        ask: Callable[..., Token],
        *args: Any,
        off_connect: Any = NOT_GIVEN,
        **options: Unpack[Options],
    ) -> None:
        self._other: Any = off_connect if hasattr(off_connect, "get_token") else None
        self._source = Source(ask, args, options, None if self._other is not None else off_connect)
        self._takes_scopes = options.get("scope") is None
        self._held: Optional[AnyToken] = None

    def _options(self, scopes: tuple[str, ...], claims: Optional[str]) -> dict[str, Any]:
        """Returns the further arguments of a call; drops the last token when a claims challenge rejected it."""
        if claims and self._held is not None:
            self._held.invalidate()
        return {"scope": " ".join(scopes)} if self._takes_scopes and scopes else {}

    def _info(self, token: Optional[AnyToken]) -> AccessTokenInfo:
        if token is None:
            raise ClientAuthenticationError("off_connect gave no token, and Azure needs one.")
        self._held = token
        now = int(time.time())
        expires_at = token.expires_at
        expires_on = now + _UNKNOWN_LIFETIME_S if expires_at is None else int(expires_at.timestamp())
        # azure-core keeps a token until refresh_on: it asks before each request, and the cache answers.
        return AccessTokenInfo(token.access_token, expires_on, token_type="Bearer", refresh_on=now - _MOST_JITTER_S)

    def invalidate(self) -> bool:
        """Drops the last token from the cache, after a 401; returns whether it was dropped."""
        return self._held is not None and self._held.invalidate()


class ConnectCredential(_Base):
    """A `TokenCredential` for the synchronous clients of Azure.

    A 401 with a claims challenge drops the token from the cache, and the client sends the request again with another.

    Args:
        ask: a function of this package that returns a token; its arguments follow.
        off_connect: what to use where the process does not run on Connect: a token, a function that returns one, or
            another credential, such as `azure.identity.DefaultAzureCredential()`.
        options: keyword arguments of `ask`.
    """

    def get_token(
        self,
        *scopes: str,
        claims: Optional[str] = None,
        tenant_id: Optional[str] = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken:
        """Returns the current token; azure-core calls it."""
        if self._other is not None and self._source.is_off_connect:
            return self._other.get_token(  # type: ignore[no-any-return]
                *scopes, claims=claims, tenant_id=tenant_id, enable_cae=enable_cae, **kwargs
            )
        info = self._current(scopes, claims)
        return AccessToken(info.token, info.expires_on)

    def get_token_info(self, *scopes: str, options: Optional[TokenRequestOptions] = None) -> AccessTokenInfo:
        """Returns the current token; azure-core calls it."""
        if self._other is not None and self._source.is_off_connect:
            return self._other.get_token_info(*scopes, options=options)  # type: ignore[no-any-return]
        return self._current(scopes, (options or {}).get("claims"))

    def _current(self, scopes: tuple[str, ...], claims: Optional[str]) -> AccessTokenInfo:
        try:
            return self._info(self._source.token(**self._options(scopes, claims)))
        except errors.ConnectCredentialsError as why:
            raise ClientAuthenticationError(str(why)) from why

    def close(self) -> None:
        """Closes the other credential of `off_connect`, if any."""
        if self._other is not None:
            self._other.close()

    def __enter__(self) -> ConnectCredential:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()


class AsyncConnectCredential(_Base):
    """An `AsyncTokenCredential` for the asynchronous clients of Azure; arguments as of `ConnectCredential`."""

    async def get_token(
        self,
        *scopes: str,
        claims: Optional[str] = None,
        tenant_id: Optional[str] = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken:
        """Returns the current token; azure-core calls it."""
        if self._other is not None and self._source.is_off_connect:
            return await self._other.get_token(  # type: ignore[no-any-return]
                *scopes, claims=claims, tenant_id=tenant_id, enable_cae=enable_cae, **kwargs
            )
        info = await self._current(scopes, claims)
        return AccessToken(info.token, info.expires_on)

    async def get_token_info(self, *scopes: str, options: Optional[TokenRequestOptions] = None) -> AccessTokenInfo:
        """Returns the current token; azure-core calls it."""
        if self._other is not None and self._source.is_off_connect:
            return await self._other.get_token_info(*scopes, options=options)  # type: ignore[no-any-return]
        return await self._current(scopes, (options or {}).get("claims"))

    async def _current(self, scopes: tuple[str, ...], claims: Optional[str]) -> AccessTokenInfo:
        try:
            return self._info(await self._source.token_async(**self._options(scopes, claims)))
        except errors.ConnectCredentialsError as why:
            raise ClientAuthenticationError(str(why)) from why

    async def close(self) -> None:
        """Closes the other credential of `off_connect`, if any."""
        if self._other is not None:
            await self._other.close()

    async def __aenter__(self) -> AsyncConnectCredential:
        return self

    async def __aexit__(self, *args: object) -> None:
        await self.close()
