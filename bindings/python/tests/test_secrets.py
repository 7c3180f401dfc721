"""No secret is in what error reporters show: the events of sentry-sdk with its defaults, and pytest's reports."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import pkgutil
import subprocess
import sys
import types
from pathlib import Path
from typing import Any, Callable

import pytest
import requests
import sentry_sdk
from support import Standin

import connectcreds
from connectcreds import aio
from connectcreds.auth import HttpxAuth, RequestsAuth
from connectcreds.testing import mock_function

SECRETS = ("secret-session", "secret-key", "secret-content", "secret-parameter", "secret-subject")
SESSION, KEY, CONTENT, PARAMETER, SUBJECT = SECRETS
OPTIONS: dict[str, Any] = {"api_key": KEY, "content_token": CONTENT, "params": {"name": PARAMETER}}


class _Transport(sentry_sdk.transport.Transport):
    """Keeps events in place of sending them."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[str] = []

    def capture_envelope(self, envelope: Any) -> None:
        self.events += [json.dumps(item.payload.json) for item in envelope.items if item.payload.json]


@pytest.fixture
def sentry() -> Any:
    transport = _Transport()
    client = sentry_sdk.Client(dsn="http://key@127.0.0.1:9/1", transport=transport, integrations=[])
    with sentry_sdk.isolation_scope() as scope:
        scope.set_client(client)
        yield transport
    client.close(timeout=0)


def calls(**more: Any) -> list[Callable[[], Any]]:
    """Returns every way in, called so that it fails."""
    options = {**OPTIONS, **more}
    asynchronous: list[Callable[[], Any]] = [
        lambda: aio.service_account_token(**options),
        lambda: aio.viewer_token(SESSION, **options),
        lambda: aio.workload_token(**options),
        lambda: aio.exchange_token(SUBJECT, "type", **options),
        lambda: aio.aws_credentials(session_token=SESSION, **options),
    ]
    auth = RequestsAuth(connectcreds.viewer_token, SESSION, **options)
    httpx_auth = HttpxAuth(connectcreds.viewer_token, SESSION, **options)

    def run(call: Callable[[], Any]) -> Callable[[], Any]:
        # A frame of the test, without the secrets.
        return lambda: asyncio.run(call())

    return [
        lambda: connectcreds.service_account_token(**options),
        lambda: connectcreds.viewer_token(SESSION, **options),
        lambda: connectcreds.workload_token(**options),
        lambda: connectcreds.exchange_token(SUBJECT, "type", **options),
        lambda: connectcreds.aws_credentials(session_token=SESSION, **options),
        lambda: requests.get("http://127.0.0.1:9", auth=auth, timeout=5),
        lambda: next(httpx_auth.sync_auth_flow(types.SimpleNamespace(headers={}))),  # type: ignore[arg-type]
        *map(run, asynchronous),
    ]


def locals_of_ours(why: BaseException) -> dict[str, Any]:
    """Returns the local variables of this package's frames, in the whole chain of exceptions."""
    found: dict[str, Any] = {}
    chain: list[BaseException | None] = [why]
    while chain:
        each = chain.pop()
        if each is None:
            continue
        chain += each.__cause__, each.__context__
        traceback = each.__traceback__
        while traceback is not None:
            if traceback.tb_frame.f_globals.get("__name__", "").startswith("connectcreds"):
                found.update(traceback.tb_frame.f_locals)
            traceback = traceback.tb_next
    return found


FAILURES: list[dict[str, Any]] = [
    {},
    {"server_url": "http://127.0.0.1:9", "on_connect": True, "timeout_ms": 500},
    {"resource": b"wrong"},
    {"timeout_ms": -1},
    {"scope": "line\nfeed"},
]


@pytest.mark.parametrize("more", FAILURES)
def test_an_event_of_sentry_holds_no_secret(sentry: _Transport, more: dict[str, Any]) -> None:
    every = calls(**more)
    for call in every:
        try:
            call()
        except Exception as why:
            held = locals_of_ours(why)
            sentry_sdk.capture_exception(why)
        else:
            pytest.fail("it does not fail")
        for secret in SECRETS:
            assert secret not in repr(held), held
    assert len(sentry.events) == len(every)
    for event in sentry.events:
        # The frames of this test are the user's: they have the options as a variable of their own.
        frames = [
            frame
            for value in json.loads(event)["exception"]["values"]
            for frame in value["stacktrace"]["frames"]
            if "test_secrets" not in frame["module"]
        ]
        assert frames
        ours = [frame for frame in frames if frame["module"].startswith("connectcreds")]
        assert ours, "the frames are there, and lead to the line"
        for secret in SECRETS:
            assert secret not in json.dumps(ours)


def test_what_a_callback_raises_carries_no_secret_and_keeps_its_place(sentry: _Transport, connect: Standin) -> None:
    def answer(request: Any) -> Any:
        raise ZeroDivisionError

    with mock_function(answer):
        for call in calls():
            try:
                call()
            except ZeroDivisionError as why:
                names = []
                traceback = why.__traceback__
                while traceback is not None:
                    names.append(traceback.tb_frame.f_code.co_name)
                    traceback = traceback.tb_next
                held = locals_of_ours(why)
            else:
                pytest.fail("it does not fail")
            assert names[-1] == "answer"
            for secret in SECRETS:
                assert secret not in repr(held)


def test_signals_still_interrupt_after_a_callback_has_raised(connect: Standin) -> None:
    # Clearing the frame of the generator that runs signal handlers would end it.
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            connectcreds.service_account_token(cancel=lambda: 1 / 0, force_refresh=True, **_delayed(connect))
    assert connectcreds.service_account_token()


def _delayed(connect: Standin) -> dict[str, Any]:
    connect.order({"order": "delay", "milliseconds": 1000, "then": {"order": "reset_before_answer"}})
    return {"timeout_ms": 5000}


def test_a_token_in_a_variable_is_shown_by_its_redacted_form(sentry: _Transport, connect: Standin) -> None:
    token = connectcreds.service_account_token()
    credentials = connectcreds.aws_credentials()
    nested = {"in": [token, credentials]}
    try:
        raise ValueError(len(nested))
    except ValueError as why:
        sentry_sdk.capture_exception(why)
    (event,) = sentry.events
    assert token.access_token not in event
    assert credentials.secret_access_key not in event
    assert "access_token REDACTED" in event


# The secrets come from the environment: the source of the test, which pytest shows, has none.
TESTS = """
import asyncio
import json
import os

import connectcreds
from connectcreds import aio


def secret(index):
    return json.loads(os.environ["SECRETS"])[index]


def options():
    return {"api_key": secret(1), "content_token": secret(2), "params": {"name": secret(3)}}


def test_call():
    connectcreds.viewer_token(secret(0), **options())


def test_awaited():
    asyncio.run(aio.exchange_token(secret(4), "type", **options()))
"""


@pytest.mark.parametrize("arguments", [(), ("--full-trace",), ("-l", "--tb=long"), ("-l", "--full-trace")])
def test_a_report_of_pytest_shows_no_frame_of_ours_and_no_secret(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:dash", "-q", *arguments]
    environment = {**os.environ, "SECRETS": json.dumps(SECRETS)}
    result = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert "2 failed" in result.stdout, result.stdout + result.stderr
    assert "NotOnConnectError" in result.stdout
    for secret in SECRETS:
        assert secret not in result.stdout
    if "--full-trace" not in arguments:
        assert "def viewer_token(" not in result.stdout
        assert "raise answer.failure" not in result.stdout


def test_every_module_hides_its_frames_from_pytest() -> None:
    for module in pkgutil.iter_modules(connectcreds.__path__, "connectcreds."):
        if module.name.rpartition(".")[2] not in {"__main__", "_abi", "_library", "_typing", "_version", "errors"}:
            assert vars(importlib.import_module(module.name)).get("__tracebackhide__") is True, module.name
