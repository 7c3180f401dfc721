"""Ctrl-C under web servers, while a viewer's call waits for a silent Connect server."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import Silent

#: Outlasts the test: a program that waits for its calls fails it.
FOREVER_MS = 600_000

SHINY = f"""
from shiny import App, reactive, render, ui
from connectcreds import aio

def server(input, output, session):
    @reactive.extended_task
    async def ask():
        return await aio.viewer_token("session", timeout_ms={FOREVER_MS})

    @reactive.effect
    def start():
        ask()

    @render.text
    def out():
        return str(ask.result().expires_at)

app = App(ui.page_fluid(ui.output_text("out")), server)
"""

STARLETTE = f"""
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from connectcreds import aio

async def page(request):
    token = await aio.viewer_token("session", timeout_ms={FOREVER_MS})
    return PlainTextResponse(token.token_type)

app = Starlette(routes=[Route("/", page)])
"""

VIEWER = """
import sys, websockets.sync.client
with websockets.sync.client.connect(f"ws://127.0.0.1:{sys.argv[1]}/websocket/") as page:
    page.send('{"method": "init", "data": {".clientdata_output_out_hidden": false}}')
    for _ in page:
        pass
"""


@contextlib.contextmanager
def serving(directory: Path, source: str, *command: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    (directory / "app.py").write_text(source)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", *command, "--port", str(port)],
        cwd=directory,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            assert process.poll() is None
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.05)
        yield process, port
    finally:
        process.kill()
        process.wait()


def test_ctrl_c_ends_shiny_while_an_extended_task_waits(tmp_path: Path, silent: Silent) -> None:
    pytest.importorskip("shiny")
    with serving(tmp_path, SHINY, "shiny", "run", "app.py") as (process, port):
        viewer = subprocess.Popen([sys.executable, "-c", VIEWER, str(port)], stderr=subprocess.DEVNULL)
        try:
            silent.wait_for_request()
            os.killpg(process.pid, signal.SIGINT)
            process.wait(60)
        finally:
            viewer.kill()
            viewer.wait()


def test_ctrl_c_ends_uvicorn_after_its_graceful_timeout(tmp_path: Path, silent: Silent) -> None:
    pytest.importorskip("uvicorn")
    command = ("uvicorn", "app:app", "--timeout-graceful-shutdown", "1")
    with (
        serving(tmp_path, STARLETTE, *command) as (process, port),
        socket.create_connection(("127.0.0.1", port)) as viewer,
    ):
        viewer.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        silent.wait_for_request()
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)
