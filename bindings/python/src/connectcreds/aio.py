"""The calls for asyncio and trio: the same functions, to be awaited. The event loop goes on while a call waits.

A cached token is returned at once, without a thread. Otherwise the loop waits for the call's descriptor. Cancelling the
task frees the call. asyncio, uvloop, trio, and anyio on either.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Optional, TypeVar, Union

from . import _abi, _calls, _threads, errors
from . import _credentials as _sync
from ._calls import Call, Kind
from ._credentials import NOT_GIVEN, NotGiven
from ._handles import ResultPair, encoded
from ._hidden import clear
from ._requests import Values, request_for
from ._token import AwsCredentials, Token, TokenType

__tracebackhide__ = True

_T = TypeVar("_T")
_F = TypeVar("_F", bound=Callable[..., Any])


async def off_loop(call: Callable[..., _T], *args: Any, **options: Any) -> _T:
    """Calls `call(*args, **options)` without blocking the loop: one of this package's here, another on a thread."""
    work = partial(call, *args, **options)
    try:
        if getattr(work.func, "__module__", None) == _sync.__name__:
            here: Callable[..., Any] = globals()[work.func.__name__]
            result: _T = await here(*work.args, **work.keywords)
            return result
        return await _on_thread(call, work)
    except BaseException as why:
        del work, args, options
        clear(why)
        raise


async def _on_thread(call: Callable[..., _T], work: Callable[[], _T]) -> _T:
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


async def _token(kind: Kind, options: Values, *subject: Optional[bytes]) -> Token:
    answer = ResultPair()
    try:
        status = await _outcome(kind, options, subject, answer)
    except StopIteration as why:  # Out of a mock function: it would end the coroutine without a result.
        raise RuntimeError("the call raised StopIteration") from why
    if status:
        raise answer.failure(status)
    return Token(answer)


async def _has(kind: Kind, options: Values, *subject: Optional[bytes]) -> bool:
    try:
        return await _outcome(kind, options, subject, ResultPair()) == 0
    except errors.CancelledError:
        return False


def _awaitable(function: _F) -> _F:
    """Gives a coroutine function the docstring of the function that it awaits."""
    documentation = getattr(_sync, function.__name__).__doc__
    if documentation is not None:
        function.__doc__ = (
            f"Awaits `connectcreds.{function.__name__}()` without blocking the event loop.\n\n    {documentation}"
        )
    return function


@_awaitable
async def service_account_token(
    *,
    resource: Optional[str] = None,
    scope: Optional[str] = None,
    audience: Optional[str] = None,
    requested_token_type: Optional[str] = None,
    content_token: Optional[str] = None,
    server_url: Optional[str] = None,
    api_key: Optional[str] = None,
    params: Optional[Mapping[str, Optional[str]]] = None,
    timeout_ms: Optional[int] = None,
    min_validity_s: Optional[int] = None,
    force_refresh: Optional[bool] = None,
    on_connect: Optional[bool] = None,
    cancel: Optional[Callable[[], object]] = None,
) -> Token:
    options = (
        resource,
        scope,
        audience,
        requested_token_type,
        content_token,
        server_url,
        api_key,
        params,
        timeout_ms,
        min_validity_s,
        force_refresh,
        on_connect,
        cancel,
    )
    try:
        return await _token(_calls.SERVICE_ACCOUNT, options)
    except BaseException as why:
        del content_token, api_key, params, options
        clear(why)
        raise


@_awaitable
async def viewer_token(
    session_token: Optional[str],
    *,
    resource: Optional[str] = None,
    scope: Optional[str] = None,
    audience: Optional[str] = None,
    requested_token_type: Optional[str] = None,
    content_token: Optional[str] = None,
    server_url: Optional[str] = None,
    api_key: Optional[str] = None,
    params: Optional[Mapping[str, Optional[str]]] = None,
    timeout_ms: Optional[int] = None,
    min_validity_s: Optional[int] = None,
    force_refresh: Optional[bool] = None,
    on_connect: Optional[bool] = None,
    cancel: Optional[Callable[[], object]] = None,
) -> Token:
    options = (
        resource,
        scope,
        audience,
        requested_token_type,
        content_token,
        server_url,
        api_key,
        params,
        timeout_ms,
        min_validity_s,
        force_refresh,
        on_connect,
        cancel,
    )
    try:
        return await _token(_calls.VIEWER, options, encoded("session_token", session_token))
    except BaseException as why:
        del session_token, content_token, api_key, params, options
        clear(why)
        raise


@_awaitable
async def workload_token(
    *,
    resource: Optional[str] = None,
    scope: Optional[str] = None,
    audience: Optional[str] = None,
    requested_token_type: Optional[str] = None,
    content_token: Optional[str] = None,
    server_url: Optional[str] = None,
    api_key: Optional[str] = None,
    params: Optional[Mapping[str, Optional[str]]] = None,
    timeout_ms: Optional[int] = None,
    min_validity_s: Optional[int] = None,
    force_refresh: Optional[bool] = None,
    on_connect: Optional[bool] = None,
    cancel: Optional[Callable[[], object]] = None,
) -> Token:
    options = (
        resource,
        scope,
        audience,
        requested_token_type,
        content_token,
        server_url,
        api_key,
        params,
        timeout_ms,
        min_validity_s,
        force_refresh,
        on_connect,
        cancel,
    )
    try:
        return await _token(_calls.WORKLOAD, options)
    except BaseException as why:
        del content_token, api_key, params, options
        clear(why)
        raise


@_awaitable
async def exchange_token(
    subject_token: str,
    subject_token_type: str,
    *,
    resource: Optional[str] = None,
    scope: Optional[str] = None,
    audience: Optional[str] = None,
    requested_token_type: Optional[str] = None,
    content_token: Optional[str] = None,
    server_url: Optional[str] = None,
    api_key: Optional[str] = None,
    params: Optional[Mapping[str, Optional[str]]] = None,
    timeout_ms: Optional[int] = None,
    min_validity_s: Optional[int] = None,
    force_refresh: Optional[bool] = None,
    on_connect: Optional[bool] = None,
    cancel: Optional[Callable[[], object]] = None,
) -> Token:
    options = (
        resource,
        scope,
        audience,
        requested_token_type,
        content_token,
        server_url,
        api_key,
        params,
        timeout_ms,
        min_validity_s,
        force_refresh,
        on_connect,
        cancel,
    )
    try:
        return await _token(
            _calls.EXCHANGE,
            options,
            encoded("subject_token", subject_token),
            encoded("subject_token_type", subject_token_type),
        )
    except BaseException as why:
        del subject_token, content_token, api_key, params, options
        clear(why)
        raise


@_awaitable
async def aws_credentials(
    *,
    session_token: Union[str, NotGiven, None] = NOT_GIVEN,
    resource: Optional[str] = None,
    scope: Optional[str] = None,
    audience: Optional[str] = None,
    requested_token_type: Optional[str] = None,
    content_token: Optional[str] = None,
    server_url: Optional[str] = None,
    api_key: Optional[str] = None,
    params: Optional[Mapping[str, Optional[str]]] = None,
    timeout_ms: Optional[int] = None,
    min_validity_s: Optional[int] = None,
    force_refresh: Optional[bool] = None,
    on_connect: Optional[bool] = None,
    cancel: Optional[Callable[[], object]] = None,
) -> AwsCredentials:
    options = (
        resource,
        scope,
        audience,
        requested_token_type or TokenType.AWS_CREDENTIALS,
        content_token,
        server_url,
        api_key,
        params,
        timeout_ms,
        min_validity_s,
        force_refresh,
        on_connect,
        cancel,
    )
    try:
        if session_token is NOT_GIVEN:
            token = await _token(_calls.SERVICE_ACCOUNT, options)
        else:
            token = await _token(_calls.VIEWER, options, encoded("session_token", session_token))
        return token.aws_credentials()
    except BaseException as why:
        del session_token, content_token, api_key, params, options
        clear(why)
        raise


@_awaitable
async def has_service_account_token(
    *,
    resource: Optional[str] = None,
    scope: Optional[str] = None,
    audience: Optional[str] = None,
    requested_token_type: Optional[str] = None,
    content_token: Optional[str] = None,
    server_url: Optional[str] = None,
    api_key: Optional[str] = None,
    params: Optional[Mapping[str, Optional[str]]] = None,
    timeout_ms: Optional[int] = None,
    min_validity_s: Optional[int] = None,
    force_refresh: Optional[bool] = None,
    on_connect: Optional[bool] = None,
    cancel: Optional[Callable[[], object]] = None,
) -> bool:
    options = (
        resource,
        scope,
        audience,
        requested_token_type,
        content_token,
        server_url,
        api_key,
        params,
        timeout_ms,
        min_validity_s,
        force_refresh,
        on_connect,
        cancel,
    )
    try:
        return await _has(_calls.SERVICE_ACCOUNT, options)
    except BaseException as why:
        del content_token, api_key, params, options
        clear(why)
        raise


@_awaitable
async def has_viewer_token(
    session_token: Optional[str],
    *,
    resource: Optional[str] = None,
    scope: Optional[str] = None,
    audience: Optional[str] = None,
    requested_token_type: Optional[str] = None,
    content_token: Optional[str] = None,
    server_url: Optional[str] = None,
    api_key: Optional[str] = None,
    params: Optional[Mapping[str, Optional[str]]] = None,
    timeout_ms: Optional[int] = None,
    min_validity_s: Optional[int] = None,
    force_refresh: Optional[bool] = None,
    on_connect: Optional[bool] = None,
    cancel: Optional[Callable[[], object]] = None,
) -> bool:
    options = (
        resource,
        scope,
        audience,
        requested_token_type,
        content_token,
        server_url,
        api_key,
        params,
        timeout_ms,
        min_validity_s,
        force_refresh,
        on_connect,
        cancel,
    )
    try:
        return await _has(_calls.VIEWER, options, encoded("session_token", session_token))
    except BaseException as why:
        del session_token, content_token, api_key, params, options
        clear(why)
        raise


@_awaitable
async def has_workload_token(
    *,
    resource: Optional[str] = None,
    scope: Optional[str] = None,
    audience: Optional[str] = None,
    requested_token_type: Optional[str] = None,
    content_token: Optional[str] = None,
    server_url: Optional[str] = None,
    api_key: Optional[str] = None,
    params: Optional[Mapping[str, Optional[str]]] = None,
    timeout_ms: Optional[int] = None,
    min_validity_s: Optional[int] = None,
    force_refresh: Optional[bool] = None,
    on_connect: Optional[bool] = None,
    cancel: Optional[Callable[[], object]] = None,
) -> bool:
    options = (
        resource,
        scope,
        audience,
        requested_token_type,
        content_token,
        server_url,
        api_key,
        params,
        timeout_ms,
        min_validity_s,
        force_refresh,
        on_connect,
        cancel,
    )
    try:
        return await _has(_calls.WORKLOAD, options)
    except BaseException as why:
        del content_token, api_key, params, options
        clear(why)
        raise
