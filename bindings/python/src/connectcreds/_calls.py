"""Calls that are started, waited for and finished.

The library reads the environment when a call starts. That runs with the interpreter's lock held, under which
`os.environ` is changed: `getenv()` beside `setenv()` would be a crash. The wait is Python's own, on the call's
descriptor: other threads run, signal handlers do as in any wait of Python's, and gevent's hub goes on.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from ctypes import Array, c_void_p
from typing import Any, NamedTuple, Optional

from . import _abi, _callbacks, errors
from ._handles import ResultPair
from ._requests import CANCEL, Request, Values, request_for
from ._token import Token

__tracebackhide__ = True

_kept = _callbacks.kept
_error_out = ResultPair.error_out
_is_done = _abi.cc_call_is_done
_finish = _abi.cc_call_finish
_OK = errors.Status.OK
_NETWORK = errors.Status.NETWORK

#: How long a wait lasts before the caller's `cancel` is asked again, and before a fork is noticed.
TICK_S = 0.1
#: How often a call without a descriptor is asked whether it is done: the process has as many open as it may.
WITHOUT_DESCRIPTOR_S = 0.01


class Kind(NamedTuple):
    """A kind of call."""

    start: Callable[..., int]
    #: The same in one call, which needs no thread of the library.
    block: Callable[..., int]
    #: First line of the library's message for a call that ends without an answer.
    failure: str


_SERVICE = "Cannot fetch service account credentials from the Connect server."
_VIEWER = "Cannot fetch viewer-based credentials for the current session."
_WORKLOAD = "Cannot fetch workload identity token from the Connect server."
_EXCHANGE = "Cannot exchange the token at the Connect server."
SERVICE_ACCOUNT = Kind(_abi.cc_service_account_token_start, _abi.cc_service_account_token, _SERVICE)
VIEWER = Kind(_abi.cc_viewer_token_start, _abi.cc_viewer_token, _VIEWER)
WORKLOAD = Kind(_abi.cc_workload_token_start, _abi.cc_workload_token, _WORKLOAD)
EXCHANGE = Kind(_abi.cc_exchange_token_start, _abi.cc_exchange_token, _EXCHANGE)


class Call(Array[c_void_p]):
    """The out-parameter of a start, which owns the `cc_call`."""

    _type_ = c_void_p
    _length_ = 1

    def free(self, free: Callable[[Any], None] = _abi.cc_call_free) -> None:
        """Frees the call; one that is not done leaves its exchange."""
        address = self[0]
        if address is not None:
            self[0] = None
            free(address)

    # An exception, such as KeyboardInterrupt, may come before the `try` of a caller.
    __del__ = free


#: Counts forks: a call that the parent started is started again in the child, where nothing completes it.
_generation = 0


def _after_fork_in_child() -> None:
    global _generation
    _generation += 1


os.register_at_fork(after_in_child=_after_fork_in_child)


def start(kind: Kind, request: Request, subject: tuple[bytes | None, ...], call: Call, answer: ResultPair) -> int:
    """Starts a call, and finishes it if it is done. Leaves `call` empty unless it has to be waited for."""
    status = kind.start(*subject, request.address, call, _error_out(answer))
    if _kept:
        _callbacks.raise_kept()
    if status == _OK and _is_done(call[0]):
        return finish(call, answer)
    return status


def finish(call: Call, answer: ResultPair) -> int:
    """Finishes a call that is done."""
    status: int = _finish(call[0], answer, _error_out(answer))
    call.free()
    if _kept:
        _callbacks.raise_kept()
    return status


def in_mock() -> bool:
    """Returns whether a mock is active."""
    return bool(_callbacks.mocks)


def cancel_of(options: Values) -> Callable[[], object] | None:
    """Returns the caller's cancel callback."""
    cancel: Optional[Callable[[], object]] = options[CANCEL]
    return cancel


def check_cancel(kind: Kind, cancel: Callable[[], object] | None) -> None:
    """Raises `CancelledError` if the caller's callback says so."""
    if cancel is not None and cancel():
        raise errors.CancelledError(f"{kind.failure}\nThe call was cancelled.")


def outcome(kind: Kind, options: Values, subject: tuple[bytes | None, ...], answer: ResultPair) -> int:
    """Makes a call; returns its status."""
    request = request_for(options)
    call = Call()
    if _callbacks.mocks:
        check_cancel(kind, cancel_of(options))  # In a mock nothing waits.
    status = start(kind, request, subject, call, answer)
    if call[0] is None:
        # A start that fails so could start no thread of the library.
        return _blocking(kind, request, subject, answer) if status == _NETWORK else status
    try:
        cancel = cancel_of(options)
        while call[0] is not None:
            generation = _generation
            if _wait(kind, call, cancel, generation):
                return finish(call, answer)
            call.free()
            status = start(kind, request, subject, call, answer)
        return status
    finally:
        call.free()


def _wait(kind: Kind, call: Call, cancel: Callable[[], object] | None, generation: int) -> bool:
    """Waits until a call is done; false in a child that was forked meanwhile, by a signal's handler or `cancel`."""
    descriptor = _abi.cc_call_fd(call[0])
    wait: Callable[[], object]
    if descriptor < 0:

        def wait() -> None:
            time.sleep(WITHOUT_DESCRIPTOR_S)

    else:
        poll = select.poll()  # Looked up here: gevent replaces it.
        poll.register(descriptor, select.POLLIN)

        def wait() -> object:
            return poll.poll(TICK_S * 1000)

    while True:
        check_cancel(kind, cancel)
        wait()
        if _generation != generation:
            return False
        if _is_done(call[0]):
            return True


def _blocking(kind: Kind, request: Request, subject: tuple[bytes | None, ...], answer: ResultPair) -> int:
    """Makes a call in a process that can start no thread: the calling one drives the exchange. Signals wait."""
    answer.clear()
    status = kind.block(*subject, request.address, answer, _error_out(answer))
    if _kept:
        _callbacks.raise_kept()
    return status


def token(kind: Kind, options: Values, *subject: bytes | None) -> Token:
    """Returns a token, or raises."""
    answer = ResultPair()
    status = outcome(kind, options, subject, answer)
    if status:
        raise answer.failure(status)
    return Token(answer)


def has(kind: Kind, options: Values, *subject: bytes | None) -> bool:
    """Returns whether there is a token."""
    try:
        return outcome(kind, options, subject, ResultPair()) == _OK
    except errors.CancelledError:
        return False
