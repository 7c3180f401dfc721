"""Fixtures: this process as content on a server."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

import pytest
from services import tokens
from support import Silent, Standin

import connectcreds

__all__ = ["tokens"]

# A shell's background jobs ignore it, and what they start does too. Programs that are started here do not.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standin]:
    server = Standin(tmp_path_factory.mktemp("standin"))
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test sees this machine's environment or another test's tokens."""
    for name in os.environ:
        if name.startswith(("CONNECT_", "POSIT_", "RSTUDIO_")):
            monkeypatch.delenv(name)
    connectcreds.clear_cache()
    yield
    connectcreds.clear_cache()


@pytest.fixture
def connect(standin: Standin, monkeypatch: pytest.MonkeyPatch) -> Iterator[Standin]:
    """This process as content on a Connect server."""
    standin.reset()
    for name, value in standin.environment.items():
        monkeypatch.setenv(name, value)
    yield standin
    standin.reset()


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Silent]:
    """This process as content on a server that takes requests and never answers."""
    with contextlib.closing(Silent()) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server
