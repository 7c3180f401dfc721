"""Authentication for HTTP clients: a token in each request, and another when the service answers 401.

    session = requests.Session()
    session.auth = RequestsAuth(connectcreds.service_account_token, resource="https://example.snowflakecomputing.com")

    client = httpx.Client(auth=HttpxAuth(connectcreds.viewer_token, session_token, scope="…"))
    client = httpx.AsyncClient(auth=HttpxAuth(connectcreds.viewer_token, session_token, scope="…"))

Both take one of this package's functions that give a token, and its arguments. The function is asked before each
request; the cache answers. A 401 makes both drop the token from the cache, ask again and, when there is another token,
send the request once more. Neither client is imported before its class is used.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from ._bearer import UNAUTHORIZED, header
from ._token import Token

if TYPE_CHECKING:
    import requests
    from typing_extensions import ParamSpec

    from ._httpx import HttpxAuth

    _P = ParamSpec("_P")

__all__ = ["HttpxAuth", "RequestsAuth"]


class RequestsAuth:
    """Authentication for requests: `requests.get(url, auth=RequestsAuth(...))`."""

    def __init__(self, ask: Callable[_P, Token], *args: _P.args, **kwargs: _P.kwargs) -> None:
        self._ask: Callable[[], Token] = partial(ask, *args, **kwargs)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        token = self._ask()
        request.headers["Authorization"] = header(token)
        request.hooks["response"].append(partial(self._answered, token, _start(request.body)))
        return request

    def _answered(self, token: Token, start: Any, response: requests.Response, **kwargs: Any) -> requests.Response:
        request = response.request
        # A redirect to another host comes here too, without the header: that host gets no token.
        refused = response.status_code == UNAUTHORIZED and request.headers.get("Authorization") == header(token)
        if not refused:
            return response
        token.invalidate()
        other = self._ask()
        if other == token or not _rewound(request.body, start):
            return response

        _ = response.content  # Read to its end, so that the connection can be used again.
        response.close()
        again = request.copy()
        again.headers["Authorization"] = header(other)
        answer: requests.Response = response.connection.send(again, **kwargs)
        answer.history.append(response)
        answer.request = again
        return answer


def _start(body: Any) -> Any:
    """Where a file stands, from where it is sent again; None for what can not be rewound, a pipe for one."""
    try:
        return body.tell()
    except (AttributeError, OSError):
        return None


def _rewound(body: Any, start: Any) -> bool:
    """Puts a body back to its beginning; False when it can not be sent again."""
    if body is None or isinstance(body, (str, bytes)):
        return True
    if start is None:
        return False
    body.seek(start)
    return True


def __getattr__(name: str) -> Any:
    if name == "HttpxAuth":
        from ._httpx import HttpxAuth

        return HttpxAuth
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
