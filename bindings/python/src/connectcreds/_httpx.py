"""`connectcreds.auth.HttpxAuth`, apart from the rest: its class needs httpx."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from functools import partial
from typing import TYPE_CHECKING

import httpx

from ._bearer import UNAUTHORIZED, header
from ._token import Token
from .aio import off_loop

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    _P = ParamSpec("_P")


class HttpxAuth(httpx.Auth):
    """Authentication for `httpx.Client` and for `httpx.AsyncClient`, whose event loop, asyncio's, goes on."""

    def __init__(self, ask: Callable[_P, Token], *args: _P.args, **kwargs: _P.kwargs) -> None:
        self._ask: Callable[[], Token] = partial(ask, *args, **kwargs)

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sends the request with a token, and on 401 once more with another."""
        token = self._ask()
        request.headers["Authorization"] = header(token)
        response = yield request
        if response.status_code == UNAUTHORIZED:
            token.invalidate()
            other = self._ask()
            if other != token and _can_be_sent_again(request):
                response.read()  # To its end, so that the connection can be used again.
                request.headers["Authorization"] = header(other)
                yield request

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """The same, off the loop."""
        token = await off_loop(self._ask)
        request.headers["Authorization"] = header(token)
        response = yield request
        if response.status_code == UNAUTHORIZED:
            token.invalidate()
            other = await off_loop(self._ask)
            if other != token and _can_be_sent_again(request):
                await response.aread()
                request.headers["Authorization"] = header(other)
                yield request


def _can_be_sent_again(request: httpx.Request) -> bool:
    """Whether the body is in memory, and not a stream that has been read."""
    try:
        _ = request.content
    except httpx.RequestNotRead:
        return False
    return True
