"""Sends the library's log to Python's `logging`.

The library delivers a line on a thread that is in a call. As in `_callbacks`, its callback cannot be a Python function:
on the main thread a signal's handler could raise at its entry. The callback is code of the interpreter, up to a
generator that is resumed inside its `try`, one for each thread.
"""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Generator
from functools import partial
from operator import attrgetter
from typing import Any

from . import _abi, _callbacks
from ._library import LOGGER

__tracebackhide__ = True

#: The library's levels, and Python's.
_LEVELS = {1: logging.ERROR, 2: logging.WARNING, 3: logging.INFO, 4: logging.DEBUG}


def _lines() -> Generator[int, Any, None]:
    """Receives a callback's arguments one by one: level, message, user data. Yields numbers, which max() compares.

    A signal's handler may raise in place of any of them, so their types tell which they are: the user data is None.
    """
    is_closed = _callbacks.is_closed  # When the interpreter shuts down, the module may be empty already.
    level = 0
    message: bytes | None = None
    while True:
        try:
            while True:
                value = yield 0
                if isinstance(value, int):
                    level, message = value, None
                elif value is not None:
                    message = value
                elif message is not None:
                    text, message = message.decode(errors="replace"), None
                    LOGGER.log(_LEVELS.get(level, logging.DEBUG), "%s", text)
        except GeneratorExit as why:
            if is_closed(why):
                return
            _callbacks.keep(why)
        except BaseException as why:
            # The call that the line belongs to raises it.
            _callbacks.keep(why)


class _Teller(threading.local):
    """The callback of the library."""

    def __init__(self) -> None:
        lines = _lines()
        next(lines)
        # Hands its arguments to its key, one by one.
        self.tell = partial(max, key=lines.send)

    #: Looked up without a line of Python.
    __call__ = property(attrgetter("tell"))


_CALLBACK = _abi.LogFn(_Teller())
_is_enabled = False
#: Added when the program has set up no logging of its own.
_handler: logging.Handler | None = None
_level_before = logging.NOTSET


def enable_logging(level: int = logging.DEBUG) -> None:
    """Sends the library's log to the logger "connectcreds", up to this level of `logging`.

    Where the program has set up no handler that would show the lines, they go to standard error. The log is that of the
    whole process and replaces a callback that another binding has set. Each line costs a call of Python; a cache hit
    logs one at DEBUG. Lines arrive on the thread that makes the call. They contain no secret.
    """
    global _is_enabled, _level_before
    most = max((ours for ours, theirs in _LEVELS.items() if theirs >= level), default=0)
    if not _is_enabled:
        _level_before = LOGGER.level
    _is_enabled = True
    LOGGER.setLevel(level)
    _show()
    _abi.cc_log_set_callback(most, _CALLBACK, None)
    _callbacks.raise_kept()


def _show() -> None:
    """Adds a handler for standard error unless a logger between this one and the root has one already."""
    global _handler
    logger: logging.Logger | None = LOGGER
    while logger is not None:
        if any(not isinstance(each, logging.NullHandler) for each in logger.handlers):
            return
        logger = logger.parent if logger.propagate else None
    _handler = logging.StreamHandler()
    _handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    LOGGER.addHandler(_handler)


def disable_logging() -> None:
    """Undoes `enable_logging()`; has no effect when that was not called."""
    global _is_enabled, _handler
    if _is_enabled:
        _is_enabled = False
        LOGGER.setLevel(_level_before)
        if _handler is not None:
            LOGGER.removeHandler(_handler)
            _handler = None
        _abi.cc_log_set_callback(0, _abi.LogFn(), None)
        _callbacks.raise_kept()


# A daemon thread must not be in the callback while the interpreter shuts down.
atexit.register(disable_logging)
