"""requests and httpx send a token with each request, and another one once when the service answers 401."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import pickle
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable

import httpx
import pytest
import requests
from services import Tokens, in_fork, in_threads
from support import Silent, Standin

import connectcreds
from connectcreds._adapters import Source
from connectcreds.auth import HttpxAuth, RequestsAuth, async_token_provider, token_provider


class Service:
    """A service that takes tokens: what it was sent, and which tokens it refuses."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str | None, bytes]] = []
        self.refused: set[str | None] = set()
        self.refuses_all = False
        self.redirect: str | None = None
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                if self.headers.get("Transfer-Encoding") == "chunked":
                    body = b""
                    while size := int(self.rfile.readline(), 16):
                        body += self.rfile.read(size)
                        self.rfile.readline()
                    self.rfile.readline()
                else:
                    body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                authorization = self.headers.get("Authorization")
                service.seen.append((self.path, authorization, body))
                if service.redirect is not None and self.path == "/redirect":
                    self.send_response(307)
                    self.send_header("Location", service.redirect)
                elif service.refuses_all or authorization in service.refused:
                    self.send_response(401)
                else:
                    self.send_response(200)
                self.send_header("Content-Length", "4")
                self.end_headers()
                self.wfile.write(b"body")

            do_GET = do_POST  # noqa: N815 - http.server's name

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def service() -> Iterator[Service]:
    with contextlib.closing(Service()) as server:
        yield server


Send = Callable[..., tuple[int, str]]


def with_requests(url: str, ask: Any, *args: Any, content: Any = None, **options: Any) -> tuple[int, str]:
    with requests.Session() as session:
        session.trust_env = False
        session.auth = RequestsAuth(ask, *args, **options)
        answer = session.post(url, data=content, timeout=30)
        return answer.status_code, answer.text


def with_httpx(url: str, ask: Any, *args: Any, content: Any = None, **options: Any) -> tuple[int, str]:
    auth = HttpxAuth(ask, *args, **options)
    with httpx.Client(auth=auth, trust_env=False, follow_redirects=True) as client:
        answer = client.post(url, content=content)
        return answer.status_code, answer.text


def with_httpx_async(url: str, ask: Any, *args: Any, content: Any = None, **options: Any) -> tuple[int, str]:
    async def send() -> tuple[int, str]:
        auth = HttpxAuth(ask, *args, **options)
        async with httpx.AsyncClient(auth=auth, trust_env=False, follow_redirects=True) as client:
            answer = await client.post(url, content=content)
            return answer.status_code, answer.text

    return asyncio.run(send())


ALL = pytest.mark.parametrize("send", [with_requests, with_httpx, with_httpx_async])


@ALL
def test_each_request_carries_the_token(connect: Standin, service: Service, send: Send) -> None:
    viewer = connect.viewer("alice")
    for _ in range(2):
        assert send(service.url, connectcreds.viewer_token, viewer, scope="s", content=b"x") == (200, "body")
    authorization = connectcreds.viewer_token(viewer, scope="s").authorization
    assert service.seen == [("/", authorization, b"x")] * 2
    assert connect.exchanges == 1


@ALL
def test_after_a_401_the_request_goes_once_more_with_another_token(
    connect: Standin, service: Service, send: Send
) -> None:
    first = connectcreds.service_account_token().authorization
    service.refused.add(first)
    assert send(service.url, connectcreds.service_account_token, content=b"x" * 1000) == (200, "body")
    second = connectcreds.service_account_token().authorization
    assert second != first
    assert service.seen == [("/", first, b"x" * 1000), ("/", second, b"x" * 1000)]
    assert connect.exchanges == 2


@ALL
def test_a_service_that_refuses_every_token_is_asked_twice(connect: Standin, service: Service, send: Send) -> None:
    service.refuses_all = True
    assert send(service.url, connectcreds.service_account_token) == (401, "body")
    assert len(service.seen) == 2
    assert connect.exchanges == 2


@ALL
def test_a_401_is_handed_on_when_there_is_no_other_token(connect: Standin, service: Service, send: Send) -> None:
    # A viewer's token stays the same until it expires.
    service.refuses_all = True
    assert send(service.url, connectcreds.viewer_token, connect.viewer("alice")) == (401, "body")
    assert len(service.seen) == 1
    assert connect.exchanges == 2


@ALL
def test_a_body_that_can_not_be_read_again_is_not_sent_again(connect: Standin, service: Service, send: Send) -> None:
    service.refuses_all = True

    def parts() -> Iterator[bytes]:
        yield b"once"

    async def async_parts() -> Any:
        yield b"once"

    body = async_parts() if send is with_httpx_async else parts()
    assert send(service.url, connectcreds.service_account_token, content=body) == (401, "body")
    assert [each[2] for each in service.seen] == [b"once"]


def test_requests_sends_a_file_again_from_where_it_stood(connect: Standin, service: Service) -> None:
    service.refused.add(connectcreds.service_account_token().authorization)
    file = io.BytesIO(b"skipped and sent")
    file.seek(len(b"skipped "))
    assert with_requests(service.url, connectcreds.service_account_token, content=file) == (200, "body")
    assert [each[2] for each in service.seen] == [b"and sent"] * 2


def test_requests_does_not_send_a_pipe_again(connect: Standin, service: Service) -> None:
    service.refuses_all = True
    reading, writing = os.pipe()
    os.write(writing, b"once")
    os.close(writing)
    with open(reading, "rb", buffering=0) as pipe:
        assert with_requests(service.url, connectcreds.service_account_token, content=pipe) == (401, "body")
    assert [each[2] for each in service.seen] == [b"once"]


@ALL
def test_no_token_goes_where_a_redirect_to_another_host_points(connect: Standin, service: Service, send: Send) -> None:
    with contextlib.closing(Service()) as other:
        other.refuses_all = True
        service.redirect = other.url.replace("127.0.0.1", "localhost") + "/other"
        assert send(service.url + "/redirect", connectcreds.service_account_token)[0] == 401
        assert other.seen
        assert {authorization for _, authorization, _ in other.seen} == {None}


@ALL
def test_why_there_is_no_token_is_raised_before_anything_is_sent(service: Service, send: Send) -> None:
    with pytest.raises(connectcreds.NotOnConnectError):
        send(service.url, connectcreds.service_account_token)
    assert service.seen == []


@ALL
def test_a_token_that_is_no_bearer_is_not_sent(connect: Standin, service: Service, send: Send) -> None:
    aws = connectcreds.TokenType.AWS_CREDENTIALS
    with pytest.raises(ValueError, match="'aws_credentials' is not presented"):
        send(service.url, connectcreds.service_account_token, requested_token_type=aws)
    assert service.seen == []


@ALL
def test_any_function_that_gives_a_token_can_be_asked(connect: Standin, service: Service, send: Send) -> None:
    assert send(service.url, lambda: connectcreds.workload_token()) == (200, "body")


def test_httpx_does_not_block_the_loop(silent: Silent, service: Service) -> None:
    async def send() -> None:
        auth = HttpxAuth(connectcreds.service_account_token)
        async with httpx.AsyncClient(auth=auth, trust_env=False) as client:
            request = asyncio.create_task(client.get(service.url))
            await asyncio.get_running_loop().run_in_executor(None, silent.wait_for_request)
            assert not request.done(), "this task has run meanwhile"
            request.cancel()

    asyncio.run(send())
    assert service.seen == []


@ALL
def test_off_connect_another_token_or_none_is_sent(service: Service, send: Send) -> None:
    ask = connectcreds.service_account_token
    assert send(service.url, ask, off_connect="mine") == (200, "body")
    assert send(service.url, ask, off_connect=lambda: "called") == (200, "body")
    assert send(service.url, ask, off_connect=None) == (200, "body")
    assert [each[1] for each in service.seen] == ["Bearer mine", "Bearer called", None]
    service.refuses_all = True
    assert send(service.url, ask, off_connect="mine") == (401, "body")
    assert len(service.seen) == 4, "there is no other token"
    wrong: Any = lambda: 1  # noqa: E731
    with pytest.raises(TypeError, match="off_connect gives a string, a Token or None, not int"):
        send(service.url, ask, off_connect=wrong)


@ALL
def test_on_connect_the_other_token_is_not_used(connect: Standin, service: Service, send: Send) -> None:
    def other() -> str:
        raise AssertionError

    assert send(service.url, connectcreds.workload_token, off_connect=other) == (200, "body")
    assert service.seen[0][1] == connectcreds.workload_token().authorization


@ALL
def test_a_401_is_handed_on_when_connect_fails_afterwards(
    connect: Standin, service: Service, send: Send, caplog: pytest.LogCaptureFixture
) -> None:
    service.refuses_all = True
    token = connectcreds.service_account_token()
    connect.order({"always": {"order": "oauth_error", "status": 400, "error": "invalid_request"}})
    assert send(service.url, connectcreds.service_account_token) == (401, "body")
    assert "there is no other one: Cannot fetch service account credentials" in caplog.text
    assert token.access_token not in caplog.text


def test_arguments_that_do_not_fit_are_refused_where_the_adapter_is_made() -> None:
    with pytest.raises(TypeError, match="session_token"):
        RequestsAuth(connectcreds.viewer_token)
    with pytest.raises(TypeError, match="rescource"):
        HttpxAuth(connectcreds.service_account_token, rescource="r")  # type: ignore[call-arg]
    token: Any = "a token"
    with pytest.raises(TypeError, match="a function that returns a token, not str"):
        RequestsAuth(token)


def test_adapters_work_in_threads_and_forks(connect: Standin, service: Service) -> None:
    auth = RequestsAuth(connectcreds.service_account_token)

    def send() -> str | None:
        with requests.Session() as session:
            session.trust_env = False
            session.get(service.url, auth=auth, timeout=30)
        return service.seen[-1][1]

    assert len(set(in_threads(send))) == 1
    # The child's request comes to the service of this process.
    in_fork(lambda: bool(requests.get(service.url, auth=auth, timeout=30)))
    assert len({each[1] for each in service.seen}) == 1
    assert connect.exchanges == 1


def test_token_providers_give_the_current_token(tokens: Tokens) -> None:
    provider = token_provider(connectcreds.viewer_token, "session", scope="s")
    asynchronous = async_token_provider(connectcreds.viewer_token, "session", scope="s")
    assert [provider(), provider()] == ["token-1"] * 2
    connectcreds.clear_cache()
    assert provider() == "token-2"

    async def ask() -> str:
        return await asynchronous()

    assert asyncio.run(ask()) == "token-2"
    assert in_threads(provider) == ["token-2"] * 2
    assert in_fork(provider) == "token-2"


def test_token_providers_off_connect() -> None:
    ask = connectcreds.service_account_token
    assert token_provider(ask, off_connect="mine")() == "mine"
    with pytest.raises(connectcreds.NotOnConnectError, match="off_connect= of the adapters"):
        token_provider(ask)()
    with pytest.raises(ValueError, match="off_connect gave no token"):
        token_provider(ask, off_connect=None)()

    async def asynchronous(**options: Any) -> str:
        return await async_token_provider(ask, **options)()

    assert asyncio.run(asynchronous(off_connect=lambda: "called")) == "called"
    with pytest.raises(connectcreds.NotOnConnectError):
        asyncio.run(asynchronous())


def test_a_substitute_is_a_secret_too() -> None:
    substitute: Any = Source(connectcreds.service_account_token, (), {}, "mine").token()
    assert repr(substitute) == "<Substitute, access_token REDACTED>"
    assert substitute == Source(connectcreds.service_account_token, (), {}, "mine").token()
    assert len({substitute, substitute}) == 1
    assert not substitute.invalidate()
    assert substitute.expires_at is None
    with pytest.raises(AttributeError):
        substitute.access_token = "other"
    with pytest.raises(TypeError, match="is a secret and is not pickled"):
        pickle.dumps(substitute)
    assert "secret" not in repr(Source(connectcreds.viewer_token, ("secret",), {"api_key": "secret"}))


def test_there_is_nothing_else_in_the_module() -> None:
    import connectcreds.auth

    with pytest.raises(AttributeError, match="has no attribute 'HttpAuth'"):
        connectcreds.auth.HttpAuth  # noqa: B018
