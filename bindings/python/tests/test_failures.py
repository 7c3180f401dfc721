"""Who gets no token learns why: an exception of its own for each status, with all that the library knows."""

from __future__ import annotations

import pickle
import re
from typing import Any, Callable

import pytest
from support import REPOSITORY, Standin

import connectcreds

VARIABLES = {"CONNECT_SERVER": connectcreds.NoServerError, "CONNECT_API_KEY": connectcreds.NoApiKeyError}


def test_elsewhere_than_on_connect_there_is_no_token() -> None:
    calls: list[Callable[[], Any]] = [
        connectcreds.service_account_token,
        lambda: connectcreds.viewer_token("session"),
        connectcreds.workload_token,
        connectcreds.aws_credentials,
    ]
    for call in calls:
        with pytest.raises(connectcreds.NotOnConnectError, match="only available when running on Connect") as raised:
            call()
        assert raised.value.status is connectcreds.Status.NOT_ON_CONNECT
    assert not connectcreds.running_on_connect()
    assert not connectcreds.has_service_account_token()


def test_without_a_session_there_is_no_viewer(connect: Standin) -> None:
    assert connectcreds.running_on_connect()
    with pytest.raises(connectcreds.NoSessionError):
        connectcreds.viewer_token(None)
    with pytest.raises(connectcreds.NotSupportedError):
        connectcreds.viewer_token("")
    assert connect.exchanges == 0


@pytest.mark.parametrize("missing", VARIABLES)
def test_what_is_missing_is_named(connect: Standin, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.delenv(missing)
    with pytest.raises(VARIABLES[missing], match=missing):
        connectcreds.service_account_token()


def test_a_refusal_tells_what_the_server_said(connect: Standin) -> None:
    connect.order({"order": "oauth_error", "status": 400, "error": "invalid_request", "description": "{1+1} %s %n"})
    with pytest.raises(connectcreds.RefusedError) as raised:
        connectcreds.service_account_token()
    error = raised.value
    assert (error.status, error.http_status, error.oauth_code) == (30, 400, "invalid_request")
    assert (error.connect_code, error.is_retryable, error.retry_after_ms) == (None, False, None)
    assert error.message == str(error)
    assert error.message.startswith("Cannot fetch service account credentials from the Connect server.\n")
    assert "{1+1} %s %n" in error.message, "a server's words are data"


def test_connects_own_code_is_told(connect: Standin) -> None:
    connect.order({"order": "old_connect_error", "status": 400, "error_code": 212, "error_message": "No integrations."})
    with pytest.raises(connectcreds.RefusedError) as raised:
        connectcreds.service_account_token()
    assert raised.value.connect_code == 212
    assert raised.value.oauth_code is None


def test_how_long_the_server_asks_to_wait_is_told(connect: Standin) -> None:
    connect.order({"order": "retry_after", "status": 503, "value": "3600"})
    with pytest.raises(connectcreds.ConnectCredentialsError) as raised:
        connectcreds.service_account_token()
    assert raised.value.is_retryable
    assert raised.value.retry_after_ms == 3_600_000


def test_an_answer_that_is_not_understood_is_a_bad_response(connect: Standin) -> None:
    connect.order({"order": "raw", "status": 200, "headers": [["content-type", "text/html"]], "body": "<h1>"})
    with pytest.raises(connectcreds.BadResponseError):
        connectcreds.service_account_token()


def test_a_server_that_is_not_there_is_a_network_error(connect: Standin) -> None:
    with pytest.raises(connectcreds.NetworkError) as raised:
        connectcreds.service_account_token(server_url="http://127.0.0.1:1", timeout_ms=2000)
    assert raised.value.http_status is None
    assert raised.value.is_retryable


def test_a_silent_server_is_a_timeout(silent: object) -> None:
    # Python's own name for it works, too.
    with pytest.raises(TimeoutError) as raised:
        connectcreds.service_account_token(timeout_ms=200)
    assert isinstance(raised.value, connectcreds.TimeoutError)
    assert isinstance(raised.value, connectcreds.ConnectCredentialsError)


def test_an_exception_can_be_pickled(connect: Standin) -> None:
    connect.order({"order": "oauth_error", "status": 400, "error": "invalid_request"})
    with pytest.raises(connectcreds.RefusedError) as raised:
        connectcreds.service_account_token()
    copy = pickle.loads(pickle.dumps(raised.value))
    assert type(copy) is connectcreds.RefusedError
    assert (str(copy), copy.status) == (str(raised.value), raised.value.status)
    assert vars(copy) == vars(raised.value)


def test_no_secret_stands_in_a_message(connect: Standin) -> None:
    secrets = [connect.environment[name] for name in ("CONNECT_API_KEY", "CONNECT_CONTENT_SESSION_TOKEN")]
    connect.order({"order": "raw", "status": 400, "body": f"<p>{' '.join(secrets)}"})
    with pytest.raises(connectcreds.ConnectCredentialsError) as raised:
        connectcreds.service_account_token()
    for secret in secrets:
        assert secret not in repr(raised.value) + str(raised.value) + repr(vars(raised.value))


def test_the_last_line_of_a_message_names_the_keyword_and_the_variable(
    connect: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    def last_line(call: Callable[[], Any]) -> str:
        with pytest.raises(connectcreds.ConnectCredentialsError) as raised:
            call()
        return str(raised.value).splitlines()[-1]

    ask = connectcreds.service_account_token
    assert "session_token=" in last_line(lambda: connectcreds.viewer_token(None))
    monkeypatch.delenv("CONNECT_API_KEY")
    assert last_line(ask) == "Pass api_key=, or set the environment variable CONNECT_API_KEY."
    monkeypatch.delenv("CONNECT_SERVER")
    assert last_line(ask) == "Pass server_url=, or set the environment variable CONNECT_SERVER."
    monkeypatch.delenv("POSIT_PRODUCT")
    assert "off_connect=" in last_line(ask)


def test_no_message_names_a_c_function(connect: Standin, monkeypatch: pytest.MonkeyPatch) -> None:
    for missing in ("CONNECT_API_KEY", "CONNECT_SERVER", "POSIT_PRODUCT"):
        monkeypatch.delenv(missing)
        for call in (connectcreds.service_account_token, connectcreds.workload_token):
            with pytest.raises(connectcreds.ConnectCredentialsError) as raised:
                call()
            assert "cc_" not in str(raised.value)
            assert len(str(raised.value).splitlines()) == len({*str(raised.value).splitlines()}), "one hint"


def test_every_option_that_a_message_names_has_a_hint() -> None:
    source = (REPOSITORY / "src/ffi/error.rs").read_text()
    assert set(re.findall(r'HostOption::\w+ => c"(\w+)"', source)) == set(connectcreds.errors.OPTION_HINTS)


def test_every_hint_names_a_keyword_that_exists() -> None:
    keywords = {*connectcreds.Options.__annotations__, "ca_bundle", "session_token", "off_connect"}
    for hint in [*connectcreds.errors.HINTS.values(), *connectcreds.errors.OPTION_HINTS.values()]:
        named = re.findall(r"\b([a-z_]+)=", hint)
        assert named
        assert set(named) <= keywords
