"""`connectcreds.sessions.from_starlette`, apart from the rest: FastAPI evaluates its annotation."""

# No `from __future__ import annotations`: FastAPI needs Starlette's class, and not its name.

from starlette.requests import HTTPConnection

from .sessions import from_headers

__tracebackhide__ = True


def from_starlette(request: HTTPConnection) -> str:
    """Returns the session token of a `Request` or `WebSocket` of Starlette or FastAPI.

    With FastAPI it is a dependency, too: `Depends(connectcreds.sessions.from_starlette)`.
    """
    return from_headers(request.headers)


# Where users find it.
from_starlette.__module__ = "connectcreds.sessions"
