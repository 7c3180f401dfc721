"""Authentication for HTTP clients: a token with each request, and another one when the service answers 401.

    session = requests.Session()
    session.auth = RequestsAuth(connectcreds.service_account_token, resource="https://example.snowflakecomputing.com")

    client = httpx.Client(auth=HttpxAuth(connectcreds.viewer_token, session_token, scope="…"))
    client = httpx.AsyncClient(auth=HttpxAuth(connectcreds.viewer_token, session_token, scope="…"))

    client = openai.OpenAI(api_key=token_provider(connectcreds.service_account_token))

All take one of this package's functions that return a token, and its arguments, and call it before each request; the
cache answers. On a 401, `RequestsAuth` and `HttpxAuth` drop the token from the cache, ask again and, when there is
another token, send the request once more. `off_connect=` says what to use where the process does not run on Connect: a
token, a function that returns one, or None for a request without a token. Neither client is imported before its class
is used.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from ._adapters import UNAUTHORIZED, AnyToken, OffConnect, Source
from ._credentials import NOT_GIVEN
from ._requests import Options
from ._token import Token
from ._typing import Unpack

if TYPE_CHECKING:
    import requests

    from ._httpx import HttpxAuth

__all__ = ["HttpxAuth", "RequestsAuth", "async_token_provider", "token_provider"]

__tracebackhide__ = True


class RequestsAuth:
    """Authentication for requests: `requests.get(url, auth=RequestsAuth(...))`."""

    def __init__(
        self,
        ask: Callable[..., Token],
        *args: Any,
        off_connect: OffConnect = NOT_GIVEN,
        **options: Unpack[Options],
    ) -> None:
        self._source = Source(ask, args, options, off_connect)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        token = self._source.token()
        if token is not None:
            request.headers["Authorization"] = token.authorization
            request.hooks["response"].append(partial(self._answered, token, _start(request.body)))
        return request

    def _answered(self, token: AnyToken, start: Any, response: requests.Response, **kwargs: Any) -> requests.Response:
        request = response.request
        # A redirect to another host comes here too, without the header: that host gets no token.
        is_rejected = (
            response.status_code == UNAUTHORIZED and request.headers.get("Authorization") == token.authorization
        )
        if not is_rejected:
            return response
        other = self._source.replacement(token)
        if other is None or not _rewound(request.body, start):
            return response

        _ = response.content  # Read to its end, so that the connection can be used again.
        response.close()
        again = request.copy()
        again.headers["Authorization"] = other.authorization
        answer: requests.Response = response.connection.send(again, **kwargs)
        answer.history.append(response)
        answer.request = again
        return answer


def _start(body: Any) -> Any:
    """Returns the position of a file, from which it is sent again; None for a pipe and what else has none."""
    try:
        return body.tell()
    except (AttributeError, OSError):
        return None


def _rewound(body: Any, start: Any) -> bool:
    """Moves a body back to its beginning; returns False when it cannot be sent again."""
    if body is None or isinstance(body, (str, bytes)):
        return True
    if start is None:
        return False
    body.seek(start)
    return True


def token_provider(
    ask: Callable[..., Token],
    *args: Any,
    off_connect: OffConnect = NOT_GIVEN,
    **options: Unpack[Options],
) -> Callable[[], str]:
    """Returns a function without arguments that returns the current access token.

    For clients that take a callable, such as openai's `api_key=` and `azure_ad_token_provider=`, and azure-identity's
    `ClientAssertionCredential(func=)`.

    Raises:
        ValueError: out of the returned function, when `off_connect` gives no token.
    """
    source = Source(ask, args, options, off_connect)

    def current_token() -> str:
        return _text(source.token())

    return current_token


def async_token_provider(
    ask: Callable[..., Token],
    *args: Any,
    off_connect: OffConnect = NOT_GIVEN,
    **options: Unpack[Options],
) -> Callable[[], Awaitable[str]]:
    """Returns `token_provider()` as a coroutine function, which does not block the event loop."""
    source = Source(ask, args, options, off_connect)

    async def current_token() -> str:
        return _text(await source.token_async())

    return current_token


def _text(token: AnyToken | None) -> str:
    if token is None:
        raise ValueError("off_connect gave no token, and this client needs one.")
    return token.access_token


def __getattr__(name: str) -> Any:
    if name == "HttpxAuth":
        from ._httpx import HttpxAuth

        return HttpxAuth
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
