"""Python under a call of the library: what a cancel or mock callback raises, and signals.

A signal's Python handler runs on the main thread, between two bytecodes. While a call waits there are none but those of
the cancel callback, which the library asks at least every 100 ms on the thread that calls: on the main thread there is
always one. Three traps:

* What leaves a ctypes callback as an exception is printed and forgotten. Here it is kept, the call is ended, and then
  it is raised.
* A handler may run, and raise, at the entry of a Python function already, before its first `try`. A generator that is
  resumed is inside its `try` already: the callback is a generator's `send`.
* A thread that asks for the interpreter when it is shutting down is ended where it stands, over the library's frames.
  Daemon threads that wait with a callback are therefore ended before that, `at_exit`.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import Any

from . import _abi

#: What callbacks raised, by the thread whose call it is.
kept: dict[int, BaseException] = {}


def keep(why: BaseException) -> None:
    """Keeps an exception until the call that this thread is in has ended."""
    kept.setdefault(get_ident(), why)


def raise_kept() -> None:
    """Raises what a callback of this thread's call raised."""
    why = kept.pop(get_ident(), None)
    if why is not None:
        try:
            raise why
        finally:
            del why  # Its traceback holds this frame.


def _polls(cancelled: Callable[[], object] | None) -> Generator[bool, Any, None]:
    """Says, each time it is resumed, whether the call ends. Signal handlers run in here."""
    ended = False
    while True:
        # Twice, since between a handler's end and the inner `try` there may be the next signal.
        try:
            while True:
                try:
                    while True:
                        yield ended
                        ended = _is_left() or (cancelled is not None and bool(cancelled()))
                except GeneratorExit:
                    return
                except BaseException as why:
                    keep(why)
                    ended = True
        except BaseException as why:
            keep(why)
            ended = True


def _is_left() -> bool:
    """Whether this is a daemon thread of a process that ends."""
    return _closing and get_ident() != main.ident


class Poll:
    """A cancel callback."""

    __slots__ = ("_generator", "callback")

    def __init__(self, cancelled: Callable[[], object] | None = None) -> None:
        self._generator: Any = _polls(cancelled)
        next(self._generator)
        #: For cc_request_set_cancel(), with NULL for the user data.
        self.callback = _abi.CancelFn(self._generator.send)

    @property
    def is_running(self) -> bool:
        """Whether a signal handler that it runs is asking."""
        return bool(self._generator.gi_running)


class MainThread:
    """Which thread runs signal handlers, and the callback that lets it."""

    __slots__ = ("ident", "poll")

    def __init__(self) -> None:
        self.ident = threading.main_thread().ident
        self.poll = Poll()


_closing = False
_waiting: set[object] = set()


@contextmanager
def waiting() -> Iterator[None]:
    """Around a call with a callback on any thread but the main one."""
    here = object()
    _waiting.add(here)
    try:
        yield
    finally:
        _waiting.discard(here)
        if _is_left():
            # There is nobody to tell what came of the call.
            threading.Event().wait()


def _at_exit() -> None:
    global _closing
    _closing = True
    # The library asks every 100 ms; one whose callback itself hangs is not waited for for ever.
    patience = time.monotonic() + 2
    while _waiting and time.monotonic() < patience:
        time.sleep(0.005)


def _after_fork_in_child() -> None:
    # The thread that forked is the main one here, and no other is left.
    main.ident = get_ident()
    _waiting.clear()


main = MainThread()
atexit.register(_at_exit)
os.register_at_fork(after_in_child=_after_fork_in_child)
