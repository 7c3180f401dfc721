"""What tests share: a stand-in for Connect, and programs that are run beside it.

CONNECTCREDS_LIB names the library and CONNECTCREDS_STANDIN the stand-in, in crates/connect-standin.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shlex
import socket
import subprocess
import sys
import textwrap
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest

PACKAGE = Path(__file__).resolve().parent.parent
REPOSITORY = PACKAGE.parent.parent
RESOURCE = "https://example.snowflakecomputing.com"


class Standin:
    """A stand-in for a Connect server, in a separate process; see crates/connect-standin/README.md."""

    def __init__(self, directory: Path) -> None:
        path = directory / "environment"
        program = os.environ["CONNECTCREDS_STANDIN"]
        self._process = subprocess.Popen([program, "--env-file", str(path)], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while not path.exists() or not path.read_text().endswith("\n"):
            assert self._process.poll() is None, "the stand-in ended"
            assert time.monotonic() < deadline, "the stand-in does not start"
            time.sleep(0.01)
        lines = (shlex.split(line)[1] for line in path.read_text().splitlines())
        variables = dict(line.split("=", 1) for line in lines)
        self.url = variables["STANDIN_URL"]
        self.integration = variables["STANDIN_INTEGRATION"]
        self.environment = {name: each for name, each in variables.items() if not name.startswith("STANDIN_")}

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()

    def _ask(self, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.url}/__standin__/{path}", data=data, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def order(self, *orders: dict[str, Any]) -> None:
        """What comes next, in place of ordinary answers."""
        self._ask("order", list(orders))

    def reset(self) -> None:
        """Forgets requests and counts, and what a test has set up."""
        self._ask("reset", {})
        self.order({"always": None})
        self.set_integrations({"name": "Stand-in", "guid": self.integration, "template": "custom"}, listing="allowed")

    def set_integrations(self, *integrations: dict[str, str], listing: str = "allowed") -> None:
        """The content's integrations, and whether they are listed: "allowed", "forbidden" or "missing"."""
        self._ask("integrations", {"integrations": integrations, "listing": listing})

    def _requests(self, method: str) -> list[dict[str, str]]:
        return [each for each in self._ask("requests") if each["method"] == method]

    def forms(self) -> list[dict[str, str]]:
        """The forms of all exchanges."""
        return [dict(urllib.parse.parse_qsl(each["body"])) for each in self._requests("POST")]

    def form(self) -> dict[str, str]:
        """The form of the only exchange."""
        (form,) = self.forms()
        return form

    @property
    def exchanges(self) -> int:
        return len(self._requests("POST"))

    @property
    def lists(self) -> int:
        """How often the integrations were listed."""
        return len(self._requests("GET"))

    @staticmethod
    def viewer(name: str) -> str:
        """The session token of a viewer."""
        return "user-session-" + base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


class Silent:
    """A server that reads requests and never answers."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._asked = threading.Semaphore(0)
        self._connections: list[socket.socket] = []
        self._is_closed = False
        port = self._listener.getsockname()[1]
        self.environment = {
            "POSIT_PRODUCT": "CONNECT",
            "CONNECT_SERVER": f"http://127.0.0.1:{port}",
            "CONNECT_API_KEY": "key",
            "CONNECT_CONTENT_SESSION_TOKEN": "content-session",
        }
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                if self._is_closed:
                    connection.close()
                connection.recv(1)
                self._asked.release()

    def wait_for_request(self) -> None:
        assert self._asked.acquire(timeout=30), "nobody asks"

    def close(self) -> None:
        self._is_closed = True
        # An accept() that waits is not woken by close().
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            connection.close()


def program(source: str, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    """Starts a Python program."""
    # Python 3.12 and later warn of each fork beside threads.
    warnings = ["-W", "error", "-W", "ignore:This process:DeprecationWarning"]
    command = [sys.executable, "-X", "dev", *warnings, "-c", textwrap.dedent(source), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def ended(process: subprocess.Popen[str], timeout: float = 60) -> tuple[int, str, str]:
    """Waits for a program: its exit status, and what it wrote to its standard output and error."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        pytest.fail(f"the program hangs\n{out}\n{err}")
    return process.returncode, out, err


def run(source: str, *arguments: str, **options: Any) -> str:
    """Runs a Python program that has nothing to complain of, and gives what it printed."""
    status, out, err = ended(program(source, *arguments, **options))
    assert (status, err) == (0, ""), f"{status}\n{out}\n{err}"
    return out
