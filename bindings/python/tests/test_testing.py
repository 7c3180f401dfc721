"""Mocks answer in the server's place, in the tests of other programs."""

from __future__ import annotations

import gc
import os
import threading
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from support import RESOURCE, Standin

import connectcreds
from connectcreds import _callbacks, aio, testing
from connectcreds.testing import Response, mock_failure, mock_function, mock_responses, mock_token


def test_a_mocked_token_answers_every_question_without_an_environment() -> None:
    with mock_token("the-token") as mock:
        assert connectcreds.running_on_connect()
        assert connectcreds.service_account_token(resource=RESOURCE).authorization == "Bearer the-token"
        assert connectcreds.viewer_token(None).access_token == "the-token"
        assert connectcreds.workload_token().issued_token_type == connectcreds.TokenType.ID_TOKEN
        assert connectcreds.has_viewer_token("session")
        assert mock.request_count == 4
        connectcreds.service_account_token(resource=RESOURCE)
        assert mock.request_count == 4, "there is a cache"
        assert "POSIT_PRODUCT" not in os.environ
    assert not connectcreds.running_on_connect()


def test_a_mocked_failure_is_that_of_content_without_an_integration() -> None:
    with mock_failure():
        assert not connectcreds.has_service_account_token()
        with pytest.raises(connectcreds.RefusedError) as raised:
            connectcreds.service_account_token(scope="s")
        assert (raised.value.http_status, raised.value.connect_code) == (400, 212)


def test_mocked_responses_come_one_after_the_other_and_then_503() -> None:
    answers: list[testing.Answers] = [
        {"access_token": "first"},
        Response('{"access_token": "second"}'),
        '{"access_token": "third"}',
        Response({"error": "invalid_request", "error_description": "why not"}, status=400),
        Response("<h1>", status=502, content_type="text/html"),
    ]
    with mock_responses(answers) as mock:
        for text in ("first", "second", "third"):
            assert connectcreds.service_account_token(scope=text).access_token == text
        with pytest.raises(connectcreds.RefusedError, match="why not"):
            connectcreds.service_account_token(scope="4")
        for scope, status in (("5", 502), ("6", 503), ("7", 503)):
            with pytest.raises(connectcreds.ConnectCredentialsError) as raised:
                connectcreds.service_account_token(scope=scope)
            assert raised.value.http_status == status
        assert mock.request_count == 7
    with mock_responses([]), pytest.raises(connectcreds.ConnectCredentialsError):
        connectcreds.service_account_token()


def test_a_mock_function_sees_the_request_and_answers_on_the_thread_that_asked() -> None:
    seen: list[testing.Request] = []
    threads: list[int] = []

    def answer(request: testing.Request) -> dict[str, object]:
        seen.append(request)
        threads.append(threading.get_ident())
        return {"access_token": request.params["scope"].upper()}

    with mock_function(answer) as mock:
        assert connectcreds.viewer_token(None, scope="a scope", params={"tenant": "ä&b="}).access_token == "A SCOPE"
        assert mock.request_count == 1
        thread = threading.Thread(target=lambda: connectcreds.workload_token(scope="other"))
        thread.start()
        ident = thread.ident
        thread.join()
    assert threads == [threading.get_ident(), ident]
    request = seen[0]
    assert (request.method, request.url) == (
        "POST",
        "http://localhost:3030/__api__/v1/oauth/integrations/credentials",
    )
    assert request.headers["authorization"] == "Key key"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.params == {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token_type": connectcreds.TokenType.USER_SESSION,
        "subject_token": "user-token",
        "scope": "a scope",
        "tenant": "ä&b=",
    }
    assert "user-token" not in repr(request)


def test_a_mock_function_can_let_a_request_out(connect: Standin) -> None:
    environment = connect.environment
    with mock_function(lambda request: None) as mock:
        token = connectcreds.service_account_token(
            server_url=environment["CONNECT_SERVER"],
            api_key=environment["CONNECT_API_KEY"],
            content_token=environment["CONNECT_CONTENT_SESSION_TOKEN"],
        )
        assert token.access_token
        assert mock.request_count == connect.exchanges == 1


def test_what_a_mock_function_raises_the_call_raises() -> None:
    def answer(request: testing.Request) -> Any:
        raise LookupError("of the function")

    with mock_function(answer):
        for call in (connectcreds.service_account_token, connectcreds.has_workload_token):
            with pytest.raises(LookupError, match="of the function"):
                call()


@pytest.mark.parametrize("wrong", [5, Response(status=99), Response(status=600), Response("nul\0"), [("a", "b")]])
def test_what_is_no_answer_is_an_error_of_the_call(wrong: Any) -> None:
    with mock_function(lambda request: wrong), pytest.raises((TypeError, connectcreds.InvalidArgumentError)):
        connectcreds.service_account_token()
    with pytest.raises((TypeError, connectcreds.InvalidArgumentError)):
        mock_responses([wrong])
    assert not connectcreds.running_on_connect()


def test_the_same_question_inside_a_mock_function_is_an_error_and_no_deadlock() -> None:
    def answer(request: testing.Request) -> Any:
        with pytest.raises(connectcreds.InternalError):
            connectcreds.service_account_token()
        return {"access_token": connectcreds.service_account_token(scope="another").access_token}

    def first(request: testing.Request) -> Any:
        return answer(request) if "scope" not in request.params else {"access_token": "inner"}

    with mock_function(first):
        assert connectcreds.service_account_token().access_token == "inner"


def test_mocks_nest_and_end_in_any_order() -> None:
    outer, inner = mock_token("outer"), mock_token("inner")
    assert connectcreds.service_account_token().access_token == "inner"
    outer.end()
    assert connectcreds.service_account_token().access_token == "inner"
    inner.end()
    inner.end()
    assert not connectcreds.running_on_connect()
    with pytest.raises(RuntimeError, match="the mock has ended"):
        _ = inner.request_count
    with pytest.raises(RuntimeError, match="the mock has ended"):
        inner.advance_time(1)


def test_no_token_crosses_the_border_of_a_mock(connect: Standin) -> None:
    real = connectcreds.service_account_token()
    with mock_token("mocked"):
        assert connectcreds.service_account_token().access_token == "mocked"
    assert connectcreds.service_account_token() == real
    assert connect.exchanges == 1


def test_time_can_be_moved_until_a_token_expires() -> None:
    with mock_responses([{"access_token": "old", "expires_in": 600}, {"access_token": "new"}]) as mock:
        token = connectcreds.service_account_token()
        assert token.expires_at is not None
        assert token.expires_at - datetime.now(timezone.utc) <= timedelta(minutes=10)
        mock.advance_time(300)
        assert connectcreds.service_account_token() == token
        mock.advance_time(timedelta(minutes=6))
        assert connectcreds.service_account_token().access_token == "new"
        with pytest.raises(connectcreds.InvalidArgumentError):
            mock.advance_time(2**63)
        with pytest.raises(connectcreds.InvalidArgumentError):
            mock.advance_time(-1)
        wrong: Any = "60"
        with pytest.raises(TypeError, match="a number of seconds or a timedelta"):
            mock.advance_time(wrong)


def test_a_mock_ends_with_its_block_whatever_happens_in_it() -> None:
    with pytest.raises(ZeroDivisionError), mock_token("t"):
        _ = 1 / 0
    assert not connectcreds.running_on_connect()


def test_a_mock_that_can_not_be_started_is_none() -> None:
    for bad in ("", "line\nfeed", "nul\0"):
        with pytest.raises(connectcreds.InvalidArgumentError):
            mock_token(bad)
    assert not connectcreds.running_on_connect()
    assert not _callbacks.mocks


def test_a_forked_child_has_the_mock() -> None:
    with mock_token("the-token"):
        child = os.fork()
        if child == 0:
            os._exit(connectcreds.service_account_token().access_token != "the-token")
        assert os.waitpid(child, 0)[1] == 0


def test_asynchronous_calls_are_mocked_too() -> None:
    import asyncio

    with mock_function(lambda request: {"access_token": "the-token"}):
        assert asyncio.run(aio.service_account_token()).access_token == "the-token"


def forget() -> None:
    mock_token("forgotten")
    gc.collect()


def test_a_mock_that_nothing_refers_to_ends_with_a_warning() -> None:
    with pytest.warns(ResourceWarning, match=r"a mock was not ended: use mock_token\(\) in a `with` statement"):
        forget()
    assert not connectcreds.running_on_connect()


def test_a_mock_that_is_held_or_ended_gives_no_warning() -> None:
    mock = mock_token("held")
    gc.collect()
    assert connectcreds.running_on_connect()
    mock.end()
    del mock
    gc.collect()  # A warning would be an error.


def test_a_number_of_the_response_is_a_number() -> None:
    with mock_function(lambda request: {"access_token": "t", "expires_in": 3600, "other": 1}):
        token = connectcreds.service_account_token()
    assert token["expires_in"] == 3600
    assert dict(token) == {"access_token": "t", "expires_in": 3600, "other": "1", "token_type": "Bearer"}
    assert token.fields["expires_in"] == "3600"


def test_a_mock_function_answers_with_headers() -> None:
    def answer(request: testing.Request) -> testing.Response:
        return testing.Response("slow down", status=503, headers={"Retry-After": "30"})

    with testing.mock_function(answer), pytest.raises(connectcreds.BadResponseError) as raised:
        connectcreds.service_account_token()
    assert raised.value.retry_after_ms == 30_000
    with pytest.raises(TypeError, match="headers"):
        testing.mock_responses([testing.Response(headers={"a": "b"})])


def test_a_mocks_environment_can_be_changed() -> None:
    with testing.mock_token("t") as mock:
        mock.set_environment("CONNECT_API_KEY", None)
        with pytest.raises(connectcreds.NoApiKeyError):
            connectcreds.service_account_token()
        mock.set_environment("RSTUDIO_PRODUCT", None)
        assert not connectcreds.running_on_connect()
        with pytest.raises(connectcreds.InvalidArgumentError, match="PATH"):
            mock.set_environment("PATH", "/")


def test_a_mock_may_have_no_viewer() -> None:
    with testing.mock_token("t") as mock:
        assert connectcreds.has_viewer_token(None)
        mock.set_user_session_token(None)
        with pytest.raises(connectcreds.NoSessionError):
            connectcreds.viewer_token(None)


def test_cancel_is_asked_in_a_mock_too() -> None:
    with testing.mock_token("t"), pytest.raises(connectcreds.CancelledError):
        connectcreds.service_account_token(cancel=lambda: True)


def test_a_mock_function_that_waits_keeps_no_other_thread_back() -> None:
    entered, go_on = threading.Event(), threading.Event()

    def answer(request: testing.Request) -> dict[str, object]:
        entered.set()
        assert go_on.wait(30)
        return {"access_token": "t"}

    with testing.mock_function(answer):
        threads = [threading.Thread(target=connectcreds.service_account_token) for _ in range(4)]
        for thread in threads:
            thread.start()
        assert entered.wait(30)
        # The others wait for the first one's exchange; a call for another token, too, would reach the function.
        go_on.set()
        for thread in threads:
            thread.join(30)
        assert not any(thread.is_alive() for thread in threads)
