"""Fixtures for pytest, which finds them by itself; see `connectcreds.testing`.

This module is outside the package `connectcreds`, whose import loads the library. Every pytest run of an environment
imports this plugin, and must start where the library cannot be loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from connectcreds.testing import Answers, Mock, Request


class Mocks:
    """Starts mocks that end with the test."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def token(self, access_token: str) -> Mock:
        """As `connectcreds.testing.mock_token()`."""
        from connectcreds.testing import mock_token

        return self._stack.enter_context(mock_token(access_token))

    def failure(self) -> Mock:
        """As `connectcreds.testing.mock_failure()`."""
        from connectcreds.testing import mock_failure

        return self._stack.enter_context(mock_failure())

    def responses(self, responses: Iterable[Answers]) -> Mock:
        """As `connectcreds.testing.mock_responses()`."""
        from connectcreds.testing import mock_responses

        return self._stack.enter_context(mock_responses(responses))

    def function(self, answer: Callable[[Request], Answers | None]) -> Mock:
        """As `connectcreds.testing.mock_function()`."""
        from connectcreds.testing import mock_function

        return self._stack.enter_context(mock_function(answer))


@pytest.fixture
def connect_mocks() -> Iterator[Mocks]:
    """Starts mocks: `connect_mocks.token("…")`, `.failure()`, `.responses([…])`, `.function(…)`."""
    with ExitStack() as stack:
        yield Mocks(stack)


@pytest.fixture
def connect_token(connect_mocks: Mocks) -> Mock:
    """A mock in which every call gets the token "mocked-token"."""
    return connect_mocks.token("mocked-token")


@pytest.fixture
def connect_failure(connect_mocks: Mocks) -> Mock:
    """A mock in which no integration is associated with the content."""
    return connect_mocks.failure()
