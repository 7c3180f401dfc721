"""The viewer's session token, read from the objects of web frameworks, as `connectcreds.viewer_token()` takes it.

Connect sends it with each request for the content, in the header Posit-Connect-User-Session-Token. Each function here
gives the header's value; "" when the request lacks it (Connect sent no token); None when there is no viewer's request.
No framework is imported that the program does not use.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import flask
    import shiny
    from starlette.requests import HTTPConnection

__all__ = [
    "HEADER",
    "from_dash",
    "from_flask",
    "from_headers",
    "from_shiny",
    "from_starlette",
    "from_streamlit",
]

#: The header's name.
HEADER = "Posit-Connect-User-Session-Token"


def from_headers(headers: Mapping[str, str]) -> str:
    """From a request's headers, whatever framework they come from; names are compared without regard to case."""
    value = headers.get(HEADER)
    if value is None:
        wanted = HEADER.lower()
        value = next((each for name, each in headers.items() if name.lower() == wanted), "")
    return value


def from_shiny(session: shiny.Session | None = None) -> str | None:
    """From a session of Shiny for Python, a module's too; None: the session that is current, if there is one."""
    if session is None:
        from shiny.session import get_current_session

        session = get_current_session()
    if session is None:
        return None
    # While Shiny Express renders a page there is a session that stands for none, without a connection.
    connection: Any = getattr(session.root_scope(), "http_conn", None)
    return None if connection is None else from_headers(connection.headers)


def from_streamlit() -> str | None:
    """From the Streamlit session whose script is running (`streamlit.context`). Streamlit 1.37 and later."""
    import streamlit
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    if get_script_run_ctx(suppress_warning=True) is None:
        return None
    return from_headers(streamlit.context.headers)


def from_starlette(request: HTTPConnection) -> str:
    """From a `Request` or `WebSocket` of FastAPI or Starlette."""
    return from_headers(request.headers)


def from_flask(request: flask.Request | None = None) -> str | None:
    """From a request of Flask; None: the one that is served on this thread, if there is one."""
    if request is not None:
        return from_headers(dict(request.headers.items()))
    import flask

    return from_headers(dict(flask.request.headers.items())) if flask.has_request_context() else None


def from_dash() -> str | None:
    """From the request for which Dash runs a callback, a background callback too, or makes a layout."""
    import dash
    from dash.exceptions import MissingCallbackContextException

    try:
        headers: Mapping[str, str] | None = dash.callback_context.headers
    except (MissingCallbackContextException, AttributeError):  # A layout; a Dash from before it had them.
        headers = None
    if headers:
        return from_headers(headers)
    return from_flask() if "flask" in sys.modules else None
