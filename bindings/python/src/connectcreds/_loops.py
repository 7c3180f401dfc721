"""How the calls of `aio` wait: on the loop for a call's descriptor, or for a thread."""

from __future__ import annotations

import asyncio
import contextvars
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Optional, TypeVar

from . import _abi, _calls, _threads, errors
from ._calls import Call, Kind
from ._handles import ResultPair
from ._requests import Values, request_for
from ._token import Token

__tracebackhide__ = True

_T = TypeVar("_T")


async def on_thread(call: Callable[..., _T], work: Callable[[], _T]) -> _T:
    if _trio() is not None:
        return await _trio().to_thread.run_sync(work, abandon_on_cancel=True)  # type: ignore[no-any-return]
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[_T] = loop.create_future()

    def tell(settle: Callable[[Any], None], value: Any) -> None:
        def settled() -> None:
            if not answer.done():
                settle(value)

        with suppress(RuntimeError):  # The loop is closed, and nothing waits.
            loop.call_soon_threadsafe(settled)

    def run() -> None:
        try:
            value = work()
        except StopIteration as why:
            # A future takes none: it would end the coroutine that awaits it. Generators raise this in its place.
            other = RuntimeError(f"{getattr(call, '__name__', 'the call')}() raised StopIteration")
            other.__cause__ = why
            tell(answer.set_exception, other)
        except BaseException as why:
            tell(answer.set_exception, why)
        else:
            tell(answer.set_result, value)

    _threads.run(partial(contextvars.copy_context().run, run))
    return await answer


def _trio() -> Any:
    """Returns trio if this is one of its tasks."""
    trio: Any = sys.modules.get("trio")
    if trio is not None:
        with suppress(RuntimeError):  # It is not.
            trio.lowlevel.current_task()
            return trio
    return None


async def _outcome(kind: Kind, options: Values, subject: tuple[Optional[bytes], ...], answer: ResultPair) -> int:
    """Makes a call; returns its status."""
    cancel = _calls.cancel_of(options)
    call = Call()
    if _calls.in_mock():
        _calls.check_cancel(kind, cancel)  # In a mock nothing waits.
    status = _calls.start(kind, request_for(options), subject, call, answer)
    if call[0] is None:
        return status
    try:
        trio = _trio()
        readable = _readable_asyncio if trio is None else partial(_readable_trio, trio)
        while not _abi.cc_call_is_done(call[0]):
            _calls.check_cancel(kind, cancel)
            await readable(_abi.cc_call_fd(call[0]), None if cancel is None else _calls.TICK_S)
        return _calls.finish(call, answer)
    finally:
        call.free()


async def _readable_asyncio(descriptor: int, at_most_s: Optional[float]) -> None:
    """Waits until a descriptor is readable, but no longer than that; a moment where there is none."""
    if descriptor < 0:
        await asyncio.sleep(_calls.WITHOUT_DESCRIPTOR_S)
        return
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def settle() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(descriptor, settle)
    timer = None if at_most_s is None else loop.call_later(at_most_s, settle)
    try:
        await ready
    finally:
        if timer is not None:
            timer.cancel()
        with suppress(RuntimeError):  # The loop is closed.
            loop.remove_reader(descriptor)


async def _readable_trio(trio: Any, descriptor: int, at_most_s: Optional[float]) -> None:
    """Does the same in trio."""
    if descriptor < 0:
        await trio.sleep(_calls.WITHOUT_DESCRIPTOR_S)
        return
    with trio.move_on_after(float("inf") if at_most_s is None else at_most_s):
        await trio.lowlevel.wait_readable(descriptor)


async def token(kind: Kind, options: Values, *subject: Optional[bytes]) -> Token:
    answer = ResultPair()
    try:
        status = await _outcome(kind, options, subject, answer)
    except StopIteration as why:  # Out of a mock function: it would end the coroutine without a result.
        raise RuntimeError("the call raised StopIteration") from why
    if status:
        raise answer.failure(status)
    return Token(answer)


async def has(kind: Kind, options: Values, *subject: Optional[bytes]) -> bool:
    try:
        return await _outcome(kind, options, subject, ResultPair()) == 0
    except errors.CancelledError:
        return False
