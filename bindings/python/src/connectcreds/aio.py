"""The calls for asyncio: the same functions, to be awaited. The event loop goes on while a call waits.

A call runs on another thread. Cancelling its task ends it within 100 ms.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Optional, TypeVar, Union

from . import _credentials as _sync
from . import _threads
from ._credentials import NOT_GIVEN, NotGiven
from ._hidden import clear
from ._token import AwsCredentials, Token

__tracebackhide__ = True

_T = TypeVar("_T")
_F = TypeVar("_F", bound=Callable[..., Any])


async def off_loop(call: Callable[..., _T], *args: Any, **options: Any) -> _T:
    """Calls `call(*args, **options)` on another thread; one of this package's ends when the task is cancelled."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[_T] = loop.create_future()
    work = partial(call, *args, **options)
    left = False
    if getattr(work.func, "__module__", None) == _sync.__name__:
        given = work.keywords.get("cancel")

        def cancelled() -> bool:
            return left or (given is not None and bool(given()))

        work = partial(work, cancel=cancelled)

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
    try:
        return await answer
    except BaseException as why:
        del work, args, options
        clear(why)
        raise
    finally:
        left = True


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
    try:
        return await off_loop(
            _sync.service_account_token,
            resource=resource,
            scope=scope,
            audience=audience,
            requested_token_type=requested_token_type,
            content_token=content_token,
            server_url=server_url,
            api_key=api_key,
            params=params,
            timeout_ms=timeout_ms,
            min_validity_s=min_validity_s,
            force_refresh=force_refresh,
            on_connect=on_connect,
            cancel=cancel,
        )
    except BaseException as why:
        del content_token, api_key, params
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
    try:
        return await off_loop(
            _sync.viewer_token,
            session_token,
            resource=resource,
            scope=scope,
            audience=audience,
            requested_token_type=requested_token_type,
            content_token=content_token,
            server_url=server_url,
            api_key=api_key,
            params=params,
            timeout_ms=timeout_ms,
            min_validity_s=min_validity_s,
            force_refresh=force_refresh,
            on_connect=on_connect,
            cancel=cancel,
        )
    except BaseException as why:
        del session_token, content_token, api_key, params
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
    try:
        return await off_loop(
            _sync.workload_token,
            resource=resource,
            scope=scope,
            audience=audience,
            requested_token_type=requested_token_type,
            content_token=content_token,
            server_url=server_url,
            api_key=api_key,
            params=params,
            timeout_ms=timeout_ms,
            min_validity_s=min_validity_s,
            force_refresh=force_refresh,
            on_connect=on_connect,
            cancel=cancel,
        )
    except BaseException as why:
        del content_token, api_key, params
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
    try:
        return await off_loop(
            _sync.exchange_token,
            subject_token,
            subject_token_type,
            resource=resource,
            scope=scope,
            audience=audience,
            requested_token_type=requested_token_type,
            content_token=content_token,
            server_url=server_url,
            api_key=api_key,
            params=params,
            timeout_ms=timeout_ms,
            min_validity_s=min_validity_s,
            force_refresh=force_refresh,
            on_connect=on_connect,
            cancel=cancel,
        )
    except BaseException as why:
        del subject_token, content_token, api_key, params
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
    try:
        return await off_loop(
            _sync.aws_credentials,
            session_token=session_token,
            resource=resource,
            scope=scope,
            audience=audience,
            requested_token_type=requested_token_type,
            content_token=content_token,
            server_url=server_url,
            api_key=api_key,
            params=params,
            timeout_ms=timeout_ms,
            min_validity_s=min_validity_s,
            force_refresh=force_refresh,
            on_connect=on_connect,
            cancel=cancel,
        )
    except BaseException as why:
        del session_token, content_token, api_key, params
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
    try:
        return await off_loop(
            _sync.has_service_account_token,
            resource=resource,
            scope=scope,
            audience=audience,
            requested_token_type=requested_token_type,
            content_token=content_token,
            server_url=server_url,
            api_key=api_key,
            params=params,
            timeout_ms=timeout_ms,
            min_validity_s=min_validity_s,
            force_refresh=force_refresh,
            on_connect=on_connect,
            cancel=cancel,
        )
    except BaseException as why:
        del content_token, api_key, params
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
    try:
        return await off_loop(
            _sync.has_viewer_token,
            session_token,
            resource=resource,
            scope=scope,
            audience=audience,
            requested_token_type=requested_token_type,
            content_token=content_token,
            server_url=server_url,
            api_key=api_key,
            params=params,
            timeout_ms=timeout_ms,
            min_validity_s=min_validity_s,
            force_refresh=force_refresh,
            on_connect=on_connect,
            cancel=cancel,
        )
    except BaseException as why:
        del session_token, content_token, api_key, params
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
    try:
        return await off_loop(
            _sync.has_workload_token,
            resource=resource,
            scope=scope,
            audience=audience,
            requested_token_type=requested_token_type,
            content_token=content_token,
            server_url=server_url,
            api_key=api_key,
            params=params,
            timeout_ms=timeout_ms,
            min_validity_s=min_validity_s,
            force_refresh=force_refresh,
            on_connect=on_connect,
            cancel=cancel,
        )
    except BaseException as why:
        del content_token, api_key, params
        clear(why)
        raise
