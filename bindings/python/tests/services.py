"""What the tests of adapters share: a service on loopback, and ways to ask from two threads and from a fork."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from connectcreds.testing import Mock, mock_function


@dataclass
class Seen:
    """A request that the service got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = field(repr=False)

    @property
    def bearer(self) -> str | None:
        """The token of the header Authorization."""
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        return token if kind == "Bearer" else None


#: A status, headers and a body; the body is text or becomes JSON.
Reply = tuple[int, dict[str, str], Any]


class Service:
    """An HTTP service whose `answer` makes a reply of each request; it keeps what it saw."""

    def __init__(self, answer: Callable[[Seen], Reply], tls: ssl.SSLContext | None = None) -> None:
        self.seen: list[Seen] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                seen = Seen(self.command, self.path, headers, body)
                service.seen.append(seen)
                status, more, reply = answer(seen)
                data = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
                if isinstance(reply, str):
                    data = reply.encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **more}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            do_GET = do_PUT = do_HEAD = do_DELETE = do_POST  # noqa: N815 - http.server's names

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def bearers(self) -> list[str | None]:
        return [each.bearer for each in self.seen]


@contextlib.contextmanager
def serving(answer: Callable[[Seen], Reply], tls: ssl.SSLContext | None = None) -> Iterator[Service]:
    """Runs a service while the block runs."""
    with contextlib.closing(Service(answer, tls)) as service:
        yield service


class Tokens:
    """A mock that numbers the tokens it gives, `token-1` and on, and remembers the forms."""

    def __init__(self, expires_in: int | None = 3600) -> None:
        self.forms: list[dict[str, str]] = []
        self.expires_in = expires_in
        self._lock = threading.Lock()

    def answer(self, request: Any) -> dict[str, object]:
        with self._lock:
            self.forms.append(dict(request.params))
            body: dict[str, object] = {"access_token": f"token-{len(self.forms)}"}
        if self.expires_in is not None:
            body["expires_in"] = self.expires_in
        return body

    def mock(self) -> Mock:
        self._mock = mock_function(self.answer)
        return self._mock

    def advance_time(self, seconds: int) -> None:
        """Moves the clock of the mock."""
        self._mock.advance_time(seconds)


@pytest.fixture
def tokens() -> Iterator[Tokens]:
    """A mock in which each exchange gives another token."""
    made = Tokens()
    with made.mock():
        yield made


def in_threads(call: Callable[[], Any], count: int = 2) -> list[Any]:
    """Calls on threads at the same time."""
    barrier = threading.Barrier(count)

    def together() -> Any:
        barrier.wait(timeout=30)
        return call()

    with ThreadPoolExecutor(count) as pool:
        return [each.result(timeout=60) for each in [pool.submit(together) for _ in range(count)]]


def in_fork(call: Callable[[], Any]) -> Any:
    """Calls in a forked child; returns the result, which is JSON."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        status = 1
        try:
            os.write(writing, json.dumps(call()).encode())
            status = 0
        except BaseException as why:
            os.write(writing, json.dumps(repr(why)).encode())
        finally:
            os._exit(status)
    os.close(writing)
    with open(reading, "rb") as pipe:
        result = json.loads(pipe.read() or b"null")
    _, status = os.waitpid(child, 0)
    assert status == 0, result
    return result
