"""The viewer's session token is read from what web frameworks give their programs."""

from __future__ import annotations

import sys
import threading
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
from support import run as run_program

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


def _dash_application() -> Any:
    """A Dash application whose layout, and a callback, show the viewer's session token."""
    dash: Any = pytest.importorskip("dash")
    application = dash.Dash("test")
    # Dash calls the function at once, too, without a request.
    application.layout = lambda: dash.html.Div(f"layout {sessions.from_dash()!r}", id="shown")

    @application.callback(dash.Output("shown", "children"), dash.Input("shown", "id"))  # type: ignore[untyped-decorator, unused-ignore]
    def update(value: str) -> str:
        return f"callback {sessions.from_dash()!r}"

    return application


CALLBACK = {
    "output": "shown.children",
    "outputs": {"id": "shown", "property": "children"},
    "inputs": [{"id": "shown", "property": "id", "value": "shown"}],
    "changedPropIds": ["shown.id"],
}


def test_dash_layouts_and_callbacks() -> None:
    client = _dash_application().server.test_client()
    assert "layout 'of-alice'" in client.get("/_dash-layout", headers=HEADERS).text
    assert "layout ''" in client.get("/_dash-layout").text
    assert "callback 'of-alice'" in client.post("/_dash-update-component", json=CALLBACK, headers=HEADERS).text
    assert sessions.from_dash() is None


def test_dash_viewers_on_a_threaded_server_see_their_own() -> None:
    requests = pytest.importorskip("requests")
    serving = pytest.importorskip("werkzeug.serving")
    server = serving.make_server("127.0.0.1", 0, _dash_application().server, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        seen: dict[str, list[str]] = {}

        def view(name: str) -> None:
            headers = {"Posit-Connect-User-Session-Token": name}
            with requests.Session() as session:
                session.trust_env = False
                seen[name] = [
                    part
                    for _ in range(10)
                    for part in (
                        session.get(f"{url}/_dash-layout", headers=headers, timeout=30).text,
                        session.post(f"{url}/_dash-update-component", json=CALLBACK, headers=headers, timeout=30).text,
                    )
                ]

        viewers = [threading.Thread(target=view, args=(name,)) for name in ("alice", "bob")]
        for each in viewers:
            each.start()
        for each in viewers:
            each.join(60)
        assert len(seen) == 2
        for name, parts in seen.items():
            assert all(f"'{name}'" in part for part in parts), (name, parts)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_dash_from_before_callbacks_had_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    _module(monkeypatch, "dash", callback_context=object())
    _module(monkeypatch, "dash.exceptions", MissingCallbackContextException=type("Missing", (Exception,), {}))
    assert sessions.from_dash() is None
    with flask.Flask("test").test_request_context(headers=HEADERS):
        assert sessions.from_dash() == "of-alice"


# Gradio leaves sockets open.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_gradio_requests() -> None:
    gradio: Any = pytest.importorskip("gradio")
    with gradio.Blocks() as blocks:
        button, shown = gradio.Button(), gradio.Textbox()

        def show(request: Any) -> str:
            return repr(sessions.from_gradio(request))

        # Gradio passes the request to an argument of this type.
        show.__annotations__["request"] = gradio.Request
        button.click(show, None, shown, api_name="show")
    client = starlette.testclient.TestClient(gradio.routes.App.create_app(blocks))
    answer = client.post("/gradio_api/run/show", json={"data": []}, headers=HEADERS)
    assert answer.json()["data"] == ["'of-alice'"]
    assert client.post("/gradio_api/run/show", json={"data": []}).json()["data"] == ["''"]
    assert sessions.from_gradio(None) is None


def test_a_wsgi_environ_and_an_asgi_scope() -> None:
    environ = {"REQUEST_METHOD": "GET", "HTTP_POSIT_CONNECT_USER_SESSION_TOKEN": "of-alice"}
    assert sessions.from_headers(environ) == "of-alice"
    assert (
        sessions.from_headers([(b"accept", b"*/*"), (b"posit-connect-user-session-token", b"of-alice")]) == "of-alice"
    )
    assert sessions.from_headers([("Accept", "*/*")]) == ""


def test_the_real_streamlit() -> None:
    testing: Any = pytest.importorskip("streamlit.testing.v1")

    def script() -> None:
        import streamlit

        from connectcreds import sessions

        streamlit.text(repr(sessions.from_streamlit()))

    run = testing.AppTest.from_function(script).run(timeout=60)
    assert not run.exception
    assert run.text[0].value == "''"
    assert sessions.from_streamlit() is None


def test_modules_are_attributes_after_a_plain_import() -> None:
    printed = run_program(
        """
        import connectcreds
        print(connectcreds.sessions.HEADER, connectcreds.auth.RequestsAuth.__name__)
        try:
            connectcreds.session
        except AttributeError as why:
            print(why)
        print("sessions" in dir(connectcreds))
        """
    )
    assert printed.splitlines() == [
        "Posit-Connect-User-Session-Token RequestsAuth",
        "module 'connectcreds' has no attribute 'session'",
        "True",
    ]
