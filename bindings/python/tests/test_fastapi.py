"""FastAPI: dependencies that give a viewer's session token, and tokens."""

from __future__ import annotations

from typing import Any

import pytest
from services import Tokens
from support import Standin

from connectcreds import sessions
from connectcreds.testing import mock_failure

pytest.importorskip("fastapi")

from fastapi import Depends, FastAPI, WebSocket
from fastapi.testclient import TestClient

from connectcreds.fastapi import (
    SessionToken,
    add_exception_handler,
    service_account_token,
    viewer_token,
    workload_token,
)

HEADERS = {"Posit-Connect-User-Session-Token": "of-alice"}


def made(**dependencies: Any) -> TestClient:
    """An application with a page for each dependency, which answers with what it is given."""
    app = FastAPI()
    add_exception_handler(app)
    for name, dependency in dependencies.items():

        def page(given: object = Depends(dependency)) -> object:
            return getattr(given, "access_token", given)

        app.get(f"/{name}")(page)
    return TestClient(app, raise_server_exceptions=False)


def test_the_function_of_sessions_is_a_dependency() -> None:
    client = made(session=sessions.from_starlette)
    assert client.get("/session", headers=HEADERS).json() == "of-alice"
    assert client.get("/session").json() == ""


def test_the_session_token_is_the_type_of_an_argument() -> None:
    app = FastAPI()

    def page(session_token: SessionToken) -> str:
        return session_token

    async def socket(websocket: WebSocket, session_token: SessionToken) -> None:
        await websocket.accept()
        await websocket.send_text(session_token)
        await websocket.close()

    # The annotations of functions in this file are text: FastAPI finds the names in the module.
    app.get("/")(page)
    app.websocket("/socket")(socket)
    client = TestClient(app)
    assert client.get("/", headers=HEADERS).json() == "of-alice"
    with client.websocket_connect("/socket", headers=HEADERS) as websocket:
        assert websocket.receive_text() == "of-alice"


def test_tokens_are_dependencies(tokens: Tokens) -> None:
    client = made(
        viewer=viewer_token(resource="r"), account=service_account_token(scope="s"), workload=workload_token()
    )
    assert client.get("/viewer", headers=HEADERS).json() == "token-1"
    assert client.get("/viewer", headers=HEADERS).json() == "token-1"
    assert client.get("/viewer", headers={**HEADERS, "Posit-Connect-User-Session-Token": "bob"}).json() == "token-2"
    assert client.get("/account").json() == "token-3"
    assert client.get("/workload").json() == "token-4"
    assert [(form["subject_token"], form.get("resource")) for form in tokens.forms[:2]] == [
        ("of-alice", "r"),
        ("bob", "r"),
    ]


def test_off_connect() -> None:
    client = made(
        raises=viewer_token(), mine=viewer_token(off_connect="mine"), nothing=service_account_token(off_connect=None)
    )
    assert client.get("/raises", headers=HEADERS).status_code == 503
    assert client.get("/mine", headers=HEADERS).json() == "mine"
    assert client.get("/nothing").json() is None


def test_failures_are_statuses_without_details(connect: Standin) -> None:
    client = made(viewer=viewer_token(), account=service_account_token())
    answer = client.get("/viewer")
    assert (answer.status_code, answer.json()) == (401, {"detail": "No token: NotSupportedError"})
    connect.order({"always": {"order": "retry_after", "status": 503, "value": "5"}})
    answer = client.get("/account")
    assert answer.headers["Retry-After"] == "5"
    with mock_failure():
        assert client.get("/account").status_code == 403
