"""Reads the viewer's session token from the objects of web frameworks, as `connectcreds.viewer_token()` takes it.

Connect sends it with each request for the content, in the header Posit-Connect-User-Session-Token. Each function here
returns the header's value; "" when the request lacks it (Connect sent no token); None when there is no viewer's
request. A framework is imported only by the function that is named after it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Optional, Protocol, Union

if TYPE_CHECKING:
    # With FastAPI it is used as it is, `Depends(from_starlette)`: its annotation has to be Starlette's class.
    from ._starlette import from_starlette

__all__ = [
    "HEADER",
    "from_dash",
    "from_flask",
    "from_gradio",
    "from_headers",
    "from_shiny",
    "from_starlette",
    "from_streamlit",
]

__tracebackhide__ = True

#: The header's name.
HEADER = "Posit-Connect-User-Session-Token"

# In lower case, as a header and as a variable of WSGI and CGI.
_NAMES = frozenset((HEADER.lower(), "http_" + HEADER.lower().replace("-", "_")))


class HasHeaders(Protocol):
    """A request of any framework."""

    @property
    def headers(self) -> Any:
        """The headers of the request."""


def from_headers(headers: Union[Mapping[str, Any], Iterable[tuple[Any, Any]]]) -> str:
    """Returns the session token in headers of any framework, a WSGI environ, or the pairs of an ASGI scope.

    Names are compared without regard to case.
    """
    pairs = headers.items() if isinstance(headers, Mapping) or hasattr(headers, "items") else headers
    for name, value in pairs:
        if _text(name).lower() in _NAMES:
            return _text(value)
    return ""


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def from_shiny(session: Optional[Any] = None) -> Optional[str]:
    """Returns the session token of a Shiny for Python session, a module's too; None: of the current session, if any."""
    if session is None:
        from shiny.session import get_current_session

        session = get_current_session()
    if session is None:
        return None
    # While Shiny Express renders a page, its session is a substitute without a connection.
    connection: Any = getattr(session.root_scope(), "http_conn", None)
    return None if connection is None else from_headers(connection.headers)


def from_streamlit() -> Optional[str]:
    """Returns the session token of the Streamlit session whose script is running. Streamlit 1.37 and later."""
    import streamlit
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    if get_script_run_ctx(suppress_warning=True) is None:
        return None
    return from_headers(streamlit.context.headers)


def from_gradio(request: Optional[HasHeaders]) -> Optional[str]:
    """Returns the session token of a `gradio.Request`, an argument of event handlers; None when Gradio passes none."""
    headers = None if request is None else getattr(request, "headers", None)
    return None if headers is None else from_headers(headers)


def from_flask(request: Optional[HasHeaders] = None) -> Optional[str]:
    """Returns the session token of a Flask request; None: of the request that is current, if any."""
    if request is not None:
        return from_headers(request.headers)
    import flask

    return from_headers(flask.request.headers) if flask.has_request_context() else None


def from_dash() -> Optional[str]:
    """Returns the session token of the request for which Dash runs a callback, also in the background, or a layout.

    None where there is no request, such as while the application assigns a layout.
    """
    import dash
    from dash.exceptions import MissingCallbackContextException

    try:
        headers: Optional[Mapping[str, str]] = dash.callback_context.headers
    # Outside a callback, in a layout for one, Dash raises either of these; old versions have no headers.
    except (MissingCallbackContextException, LookupError, AttributeError):
        headers = None
    if headers:
        return from_headers(headers)
    return from_flask() if "flask" in sys.modules else None


def __getattr__(name: str) -> Any:
    if name == "from_starlette":
        from ._starlette import from_starlette

        return from_starlette
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
