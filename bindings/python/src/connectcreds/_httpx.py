"""`connectcreds.auth.HttpxAuth`, apart from the rest: its class needs httpx."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

import httpx

from ._adapters import UNAUTHORIZED, OffConnect, Source
from ._credentials import NOT_GIVEN
from ._requests import Options
from ._token import Token
from ._typing import Unpack

__tracebackhide__ = True


class HttpxAuth(httpx.Auth):
    """Authentication for `httpx.Client`, and for `httpx.AsyncClient` without blocking asyncio's event loop."""

    def __init__(
        self,
        ask: Callable[..., Token],
        *args: Any,
        off_connect: OffConnect = NOT_GIVEN,
        **options: Unpack[Options],
    ) -> None:
        self._source = Source(ask, args, options, off_connect)

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sends the request with a token, and after a 401 once more with another."""
        token = self._source.token()
        if token is None:
            yield request
            return
        request.headers["Authorization"] = token.authorization
        response = yield request
        if response.status_code == UNAUTHORIZED:
            other = self._source.replacement(token)
            if other is not None and _can_be_sent_again(request):
                response.read()  # To its end, so that the connection can be used again.
                request.headers["Authorization"] = other.authorization
                yield request

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Does the same without blocking the event loop."""
        token = await self._source.token_async()
        if token is None:
            yield request
            return
        request.headers["Authorization"] = token.authorization
        response = yield request
        if response.status_code == UNAUTHORIZED:
            other = await self._source.replacement_async(token)
            if other is not None and _can_be_sent_again(request):
                await response.aread()
                request.headers["Authorization"] = other.authorization
                yield request


def _can_be_sent_again(request: httpx.Request) -> bool:
    """Returns whether the body is in memory, and not a stream that has been read."""
    try:
        _ = request.content
    except httpx.RequestNotRead:
        return False
    return True
