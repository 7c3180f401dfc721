"""Exceptions of cancel and mock callbacks, and signals, during a call of the library.

A signal's Python handler runs on the main thread, between two bytecodes. While a call waits, the only bytecodes are
those of the cancel callback, which the library calls at least every 100 ms on the calling thread. On the main thread
each call therefore has one. Three traps:

* ctypes prints and drops an exception that leaves a callback. Here it is kept, the call ends, and then it is raised.
* A handler may run, and raise, at the entry of a Python function, before its first `try`. A generator that is resumed
  is inside its `try` already: the callback is a generator's `send`.
* Python ends a thread that asks for the interpreter during shutdown, with the library's frames on its stack. Daemon
  threads that wait with a callback are therefore ended before that, `at_exit`.
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

__tracebackhide__ = True

#: Exceptions that callbacks raised, by the thread that makes the call.
kept: dict[int, BaseException] = {}


def keep(why: BaseException) -> None:
    """Keeps an exception until this thread's call has ended."""
    kept.setdefault(get_ident(), why)


def raise_kept() -> None:
    """Raises the exception that a callback of this thread's call raised."""
    why = kept.pop(get_ident(), None)
    if why is not None:
        try:
            raise why
        finally:
            del why  # Its traceback holds this frame.


def _polls(cancelled: Callable[[], object] | None) -> Generator[bool, Any, None]:
    """Yields, each time it is resumed, whether the call ends. Signal handlers run in here."""
    ended = False
    closed = is_closed  # When the interpreter shuts down, the module may be empty already.
    while True:
        # Twice, since the next signal may arrive between a handler's end and the inner `try`.
        try:
            while True:
                try:
                    while True:
                        yield ended
                        ended = _is_left() or (cancelled is not None and bool(cancelled()))
                except GeneratorExit as why:
                    if closed(why):
                        return
                    keep(why)
                    ended = True
                except BaseException as why:
                    keep(why)
                    ended = True
        except BaseException as why:
            keep(why)
            ended = True


def is_closed(why: GeneratorExit) -> bool:
    """Returns whether a generator's own close() raised this in it, and not a function that it called."""
    return why.__traceback__ is None or why.__traceback__.tb_next is None


def _is_left() -> bool:
    """Returns whether this is a daemon thread of a process that is ending."""
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
        """Whether the generator is running: then a signal handler makes the call."""
        return bool(self._generator.gi_running)


class MainThread:
    """The thread that runs signal handlers, and its callback, in which they run."""

    __slots__ = ("ident", "poll")

    def __init__(self) -> None:
        self.ident = threading.main_thread().ident
        self.poll = Poll()


_closing = False
_waiting: set[object] = set()


@contextmanager
def waiting() -> Iterator[None]:
    """Surrounds a call with a callback on a thread other than the main one."""
    here = object()
    _waiting.add(here)
    try:
        yield
    finally:
        _waiting.discard(here)
        if _is_left():
            # Nothing is left that could use the result of the call.
            threading.Event().wait()


def _at_exit() -> None:
    global _closing
    _closing = True
    # The library calls back every 100 ms. The wait is bounded in case a callback hangs.
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
