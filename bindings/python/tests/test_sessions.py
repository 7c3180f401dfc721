"""The viewer's session token is read from what web frameworks give their programs."""

from __future__ import annotations

import sys
import types
from typing import Any

import flask
import pytest
import starlette.applications
import starlette.requests
import starlette.responses
import starlette.routing
import starlette.testclient
import starlette.websockets
from support import Standin

import connectcreds
from connectcreds import sessions

HEADERS = {"posit-connect-user-session-token": "of-alice", "accept": "*/*"}


@pytest.mark.parametrize("name", ["Posit-Connect-User-Session-Token", "posit-connect-user-session-token"])
def test_names_of_headers_are_compared_without_regard_to_case(name: str) -> None:
    assert sessions.from_headers({"accept": "*/*", name: "of-alice"}) == "of-alice"
    assert sessions.from_headers({"accept": "*/*"}) == ""


def test_a_token_that_connect_did_not_send_is_told_from_a_viewer_who_is_not_there(connect: Standin) -> None:
    with pytest.raises(connectcreds.NotSupportedError):
        connectcreds.viewer_token(sessions.from_headers({}))
    with pytest.raises(connectcreds.NoSessionError):
        connectcreds.viewer_token(sessions.from_flask())


def test_starlette_and_fastapi_requests_and_web_sockets() -> None:
    def page(request: starlette.requests.Request) -> starlette.responses.Response:
        return starlette.responses.PlainTextResponse(sessions.from_starlette(request))

    async def socket(websocket: starlette.websockets.WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(sessions.from_starlette(websocket))
        await websocket.close()

    routes = [starlette.routing.Route("/", page), starlette.routing.WebSocketRoute("/socket", socket)]
    client = starlette.testclient.TestClient(starlette.applications.Starlette(routes=routes))
    assert client.get("/", headers=HEADERS).text == "of-alice"
    assert client.get("/").text == ""
    with client.websocket_connect("/socket", headers=HEADERS) as websocket:
        assert websocket.receive_text() == "of-alice"


def test_flask_requests_the_current_one_and_another() -> None:
    application = flask.Flask("test")

    @application.route("/")
    def page() -> str:
        return f"{sessions.from_flask()!r} {sessions.from_flask(flask.request)!r}"

    client = application.test_client()
    assert client.get("/", headers=HEADERS).text == "'of-alice' 'of-alice'"
    assert client.get("/").text == "'' ''"
    assert sessions.from_flask() is None


def test_shiny_sessions_of_an_application_and_of_its_modules() -> None:
    shiny: Any = pytest.importorskip("shiny")
    seen: list[Any] = []

    def module(input: Any, output: Any, session: Any) -> None:  # noqa: A002 - Shiny's name
        seen.append(sessions.from_shiny(session))
        seen.append(sessions.from_shiny())

    def server(input: Any, output: Any, session: Any) -> None:  # noqa: A002 - Shiny's name
        seen.append(sessions.from_shiny(session))
        seen.append(sessions.from_shiny())
        shiny.module.server(module)("a_module")

    application = shiny.App(shiny.ui.page_fluid("a page"), server)
    client = starlette.testclient.TestClient(application.starlette_app)
    with client.websocket_connect("/websocket/", headers=HEADERS) as websocket:
        websocket.send_text('{"method": "init", "data": {".clientdata_url_hash": ""}}')
        while len(seen) < 4:
            websocket.receive_text()
    assert seen == ["of-alice"] * 4
    assert sessions.from_shiny() is None


def test_shiny_express_has_no_viewer_while_it_renders_the_page() -> None:
    stub = pytest.importorskip("shiny.express._stub_session").ExpressStubSession()
    assert sessions.from_shiny(stub) is None


def _module(monkeypatch: pytest.MonkeyPatch, name: str, **members: Any) -> None:
    module = types.ModuleType(name)
    vars(module).update(members)
    monkeypatch.setitem(sys.modules, name, module)


def test_streamlit_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    # As Streamlit has them: `streamlit.context.headers`, a mapping, empty where no script runs.
    context: dict[str, Any] = {"current": object()}
    headers: dict[str, str] = {"Posit-Connect-User-Session-Token": "of-alice"}
    _module(monkeypatch, "streamlit", context=types.SimpleNamespace(headers=headers))
    _module(monkeypatch, "streamlit.runtime")
    _module(
        monkeypatch,
        "streamlit.runtime.scriptrunner",
        get_script_run_ctx=lambda suppress_warning=False: context["current"],
    )
    assert sessions.from_streamlit() == "of-alice"
    headers.clear()
    assert sessions.from_streamlit() == ""
    context["current"] = None
    assert sessions.from_streamlit() is None


class _CallbackContext:
    """As Dash has it: what is asked of it outside a callback raises."""

    current: Any = None

    @property
    def headers(self) -> Any:
        if self.current is None:
            raise sys.modules["dash.exceptions"].MissingCallbackContextException
        return self.current


def test_dash_callbacks_and_layouts(monkeypatch: pytest.MonkeyPatch) -> None:
    context = _CallbackContext()
    _module(monkeypatch, "dash", callback_context=context)
    _module(monkeypatch, "dash.exceptions", MissingCallbackContextException=type("Missing", (Exception,), {}))
    context.current = {"Posit-Connect-User-Session-Token": "of-alice"}
    assert sessions.from_dash() == "of-alice"
    context.current = {"Accept": "*/*"}
    assert sessions.from_dash() == ""
    context.current = None
    assert sessions.from_dash() is None
    with flask.Flask("test").test_request_context(headers={"Posit-Connect-User-Session-Token": "of-bob"}):
        assert sessions.from_dash() == "of-bob"
    _module(monkeypatch, "dash", callback_context=object())
    assert sessions.from_dash() is None
