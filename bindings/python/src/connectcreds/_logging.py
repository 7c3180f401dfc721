"""The library's log, told to Python's `logging`.

The library tells a line on a thread that is in a call. As in `_callbacks`, no Python function may be what it calls: on
the main thread a signal's handler could raise at its entry. What it calls here is code of the interpreter up to a
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

_LOGGER = logging.getLogger("connectcreds")
_LOGGER.addHandler(logging.NullHandler())

#: The library's levels, and Python's.
_LEVELS = {1: logging.ERROR, 2: logging.WARNING, 3: logging.INFO, 4: logging.DEBUG}


def _lines() -> Generator[int, Any, None]:
    """Is sent a callback's arguments one by one: level, message, user data. It gives numbers, which max() compares."""
    while True:
        try:
            while True:
                level = yield 0
                message: bytes = yield 0
                yield 0
                _LOGGER.log(_LEVELS.get(level, logging.DEBUG), "%s", message.decode(errors="replace"))
        except GeneratorExit:
            return
        except BaseException as why:
            # Raised by the call that the line is of.
            _callbacks.keep(why)


class _Teller(threading.local):
    """What the library calls."""

    def __init__(self) -> None:
        lines = _lines()
        next(lines)
        # Hands its arguments to its key, one by one.
        self.tell = partial(max, key=lines.send)

    #: Looked up without a line of Python.
    __call__ = property(attrgetter("tell"))


_CALLBACK = _abi.LogFn(_Teller())
_is_enabled = False


def enable_logging(level: int = logging.DEBUG) -> None:
    """Has the library's log told to the logger "connectcreds", up to this level of `logging`.

    It is the log of the whole process, in place of the callback that another binding may have set; each line costs a
    call of Python, and a cached token has one at DEBUG. Lines come on the thread whose call they are of, while it
    waits. No secret stands in them.
    """
    global _is_enabled
    most = max((ours for ours, theirs in _LEVELS.items() if theirs >= level), default=0)
    _is_enabled = True
    _abi.cc_log_set_callback(most, _CALLBACK, None)
    _callbacks.raise_kept()


def disable_logging() -> None:
    """Takes back what `enable_logging()` did; without effect when it was not called."""
    global _is_enabled
    if _is_enabled:
        _is_enabled = False
        _abi.cc_log_set_callback(0, _abi.LogFn(), None)
        _callbacks.raise_kept()


# A daemon thread must not be in the callback while the interpreter goes.
atexit.register(disable_logging)
