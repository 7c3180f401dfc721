"""Exceptions of mock functions and log handlers, which the library calls.

ctypes prints and drops an exception that leaves a callback. Here it is kept, the call ends, and then it is raised.
"""

from __future__ import annotations

import weakref
from threading import get_ident
from typing import Any

__tracebackhide__ = True

#: Exceptions that callbacks raised, by the thread that makes the call.
kept: dict[int, BaseException] = {}

#: The mocks that have not ended.
mocks: weakref.WeakSet[Any] = weakref.WeakSet()


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


def is_closed(why: GeneratorExit) -> bool:
    """Returns whether a generator's own close() raised this in it, and not a function that it called."""
    return why.__traceback__ is None or why.__traceback__.tb_next is None
