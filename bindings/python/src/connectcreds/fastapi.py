"""Dependencies for FastAPI: the viewer's session token, and tokens of each request.

    from typing import Annotated

    from connectcreds.fastapi import SessionToken, viewer_token
    from fastapi import Depends, FastAPI

    app = FastAPI()
    warehouse = viewer_token(resource="https://example.snowflakecomputing.com")

    @app.get("/")
    async def page(token: Annotated[connectcreds.Token, Depends(warehouse)]): ...

The dependencies are coroutines: the event loop goes on while a call waits. What they raise,
`add_exception_handler()` answers with a status and without the details.
"""

# No `from __future__ import annotations`: FastAPI evaluates them.

from collections.abc import Coroutine
from typing import Annotated, Any, Callable, Optional, Union

from fastapi import Depends, FastAPI
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse

from . import _credentials, errors
from ._adapters import OffConnect, Source, Substitute
from ._credentials import NOT_GIVEN
from ._library import LOGGER
from ._requests import Options
from ._starlette import from_starlette
from ._token import Token
from ._typing import Unpack

__all__ = [
    "SessionToken",
    "add_exception_handler",
    "from_starlette",
    "service_account_token",
    "viewer_token",
    "workload_token",
]

__tracebackhide__ = True

#: The viewer's session token, as an argument's type: `def page(session_token: SessionToken)`.
SessionToken = Annotated[str, Depends(from_starlette)]

#: What the dependencies give: with `off_connect=`, also a substitute with the same attributes, or None.
_Given = Union[Token, Substitute, None]


def viewer_token(
    *, off_connect: OffConnect = NOT_GIVEN, **options: Unpack[Options]
) -> Callable[[HTTPConnection], Coroutine[Any, Any, Any]]:
    """Returns a dependency that gives the token of the person who made the request.

    Args:
        off_connect: what to use where the process does not run on Connect: a token, a function that returns one, or
            None to give None.
        options: keyword arguments of `connectcreds.viewer_token()`.
    """

    async def token_of_viewer(request: HTTPConnection) -> _Given:
        source = Source(_credentials.viewer_token, (from_starlette(request),), options, off_connect)
        return await source.token_async()

    return token_of_viewer


def service_account_token(
    *, off_connect: OffConnect = NOT_GIVEN, **options: Unpack[Options]
) -> Callable[[], Coroutine[Any, Any, Any]]:
    """Returns a dependency that gives the service account's token; arguments as of `viewer_token()`."""
    return _shared(Source(_credentials.service_account_token, (), options, off_connect))


def workload_token(
    *, off_connect: OffConnect = NOT_GIVEN, **options: Unpack[Options]
) -> Callable[[], Coroutine[Any, Any, Any]]:
    """Returns a dependency that gives the content's workload token; arguments as of `viewer_token()`."""
    return _shared(Source(_credentials.workload_token, (), options, off_connect))


def _shared(source: Source) -> Callable[[], Coroutine[Any, Any, Any]]:
    async def token() -> _Given:
        return await source.token_async()

    return token


#: Which status a failure is to the viewer: the request lacks a viewer's session, or what is behind it failed.
_STATUSES: dict[int, int] = {
    errors.Status.NO_SESSION: 401,
    errors.Status.NOT_SUPPORTED: 401,
    errors.Status.REFUSED: 403,
    errors.Status.TIMEOUT: 504,
}


def add_exception_handler(app: FastAPI) -> None:
    """Makes an application answer requests whose token cannot be had with a status; the log has the details.

    401 where the request has no viewer's session, 403 where Connect refused, 504 after a timeout, and 503 otherwise,
    with the header Retry-After when the server named a time.
    """

    async def answer(request: Request, why: Exception) -> JSONResponse:
        LOGGER.error("No token for %s %s: %s", request.method, request.url.path, why)
        status = _STATUSES.get(getattr(why, "status", errors.Status.INTERNAL), 503)
        retry_after_ms: Optional[int] = getattr(why, "retry_after_ms", None)
        headers = None if retry_after_ms is None else {"Retry-After": str(-(-retry_after_ms // 1000))}
        return JSONResponse({"detail": f"No token: {type(why).__name__}"}, status, headers)

    app.add_exception_handler(errors.ConnectCredentialsError, answer)
