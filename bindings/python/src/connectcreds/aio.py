"""The calls for asyncio and trio: the same functions, to be awaited. The event loop goes on while a call waits.

A cached token is returned at once, without a thread. Otherwise the loop waits for the call's descriptor. Cancelling the
task frees the call. asyncio, uvloop, trio, and anyio on either. `integrations()` alone waits on a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Optional, TypeVar, Union

from . import _calls, _integrations
from . import _credentials as _sync
from ._credentials import NOT_GIVEN, NotGiven
from ._handles import encoded
from ._hidden import clear
from ._integrations import Integration
from ._integrations import integrations as _sync_integrations
from ._loops import has as _has
from ._loops import on_thread as _on_thread
from ._loops import token as _token
from ._requests import Request, values
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


def _awaitable(function: _F) -> _F:
    """Gives a coroutine function the docstring of the function that it awaits."""
    awaited = getattr(_sync, function.__name__, None) or getattr(_integrations, function.__name__)
    documentation = awaited.__doc__
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
    integration: Optional[str] = None,
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
    asked = (resource, scope, audience, integration, requested_token_type, content_token)
    options = (*asked, server_url, api_key, params, timeout_ms, min_validity_s, force_refresh, on_connect, cancel)
    try:
        return await _token(_calls.SERVICE_ACCOUNT, options)
    except BaseException as why:
        del content_token, api_key, params, asked, options
        clear(why)
        raise


@_awaitable
async def viewer_token(
    session_token: Optional[str],
    *,
    resource: Optional[str] = None,
    scope: Optional[str] = None,
    audience: Optional[str] = None,
    integration: Optional[str] = None,
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
    asked = (resource, scope, audience, integration, requested_token_type, content_token)
    options = (*asked, server_url, api_key, params, timeout_ms, min_validity_s, force_refresh, on_connect, cancel)
    try:
        return await _token(_calls.VIEWER, options, encoded("session_token", session_token))
    except BaseException as why:
        del session_token, content_token, api_key, params, asked, options
        clear(why)
        raise


@_awaitable
async def workload_token(
    *,
    resource: Optional[str] = None,
    scope: Optional[str] = None,
    audience: Optional[str] = None,
    integration: Optional[str] = None,
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
    asked = (resource, scope, audience, integration, requested_token_type, content_token)
    options = (*asked, server_url, api_key, params, timeout_ms, min_validity_s, force_refresh, on_connect, cancel)
    try:
        return await _token(_calls.WORKLOAD, options)
    except BaseException as why:
        del content_token, api_key, params, asked, options
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
    integration: Optional[str] = None,
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
    asked = (resource, scope, audience, integration, requested_token_type, content_token)
    options = (*asked, server_url, api_key, params, timeout_ms, min_validity_s, force_refresh, on_connect, cancel)
    try:
        return await _token(
            _calls.EXCHANGE,
            options,
            encoded("subject_token", subject_token),
            encoded("subject_token_type", subject_token_type),
        )
    except BaseException as why:
        del subject_token, content_token, api_key, params, asked, options
        clear(why)
        raise


@_awaitable
async def aws_credentials(
    *,
    session_token: Union[str, NotGiven, None] = NOT_GIVEN,
    resource: Optional[str] = None,
    scope: Optional[str] = None,
    audience: Optional[str] = None,
    integration: Optional[str] = None,
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
    asked = (resource, scope, audience, integration, requested_token_type or TokenType.AWS_CREDENTIALS, content_token)
    options = (*asked, server_url, api_key, params, timeout_ms, min_validity_s, force_refresh, on_connect, cancel)
    try:
        if session_token is NOT_GIVEN:
            token = await _token(_calls.SERVICE_ACCOUNT, options)
        else:
            token = await _token(_calls.VIEWER, options, encoded("session_token", session_token))
        return token.aws_credentials()
    except BaseException as why:
        del session_token, content_token, api_key, params, asked, options
        clear(why)
        raise


@_awaitable
async def has_service_account_token(
    *,
    resource: Optional[str] = None,
    scope: Optional[str] = None,
    audience: Optional[str] = None,
    integration: Optional[str] = None,
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
    asked = (resource, scope, audience, integration, requested_token_type, content_token)
    options = (*asked, server_url, api_key, params, timeout_ms, min_validity_s, force_refresh, on_connect, cancel)
    try:
        return await _has(_calls.SERVICE_ACCOUNT, options)
    except BaseException as why:
        del content_token, api_key, params, asked, options
        clear(why)
        raise


@_awaitable
async def has_viewer_token(
    session_token: Optional[str],
    *,
    resource: Optional[str] = None,
    scope: Optional[str] = None,
    audience: Optional[str] = None,
    integration: Optional[str] = None,
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
    asked = (resource, scope, audience, integration, requested_token_type, content_token)
    options = (*asked, server_url, api_key, params, timeout_ms, min_validity_s, force_refresh, on_connect, cancel)
    try:
        return await _has(_calls.VIEWER, options, encoded("session_token", session_token))
    except BaseException as why:
        del session_token, content_token, api_key, params, asked, options
        clear(why)
        raise


@_awaitable
async def has_workload_token(
    *,
    resource: Optional[str] = None,
    scope: Optional[str] = None,
    audience: Optional[str] = None,
    integration: Optional[str] = None,
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
    asked = (resource, scope, audience, integration, requested_token_type, content_token)
    options = (*asked, server_url, api_key, params, timeout_ms, min_validity_s, force_refresh, on_connect, cancel)
    try:
        return await _has(_calls.WORKLOAD, options)
    except BaseException as why:
        del content_token, api_key, params, asked, options
        clear(why)
        raise


@_awaitable
async def integrations(
    *,
    server_url: Optional[str] = None,
    api_key: Optional[str] = None,
    timeout_ms: Optional[int] = None,
    force_refresh: Optional[bool] = None,
    cancel: Optional[Callable[[], object]] = None,
) -> list[Integration]:
    has_left = False

    def leaves() -> bool:
        return has_left or (cancel is not None and bool(cancel()))

    options = values(
        server_url=server_url, api_key=api_key, timeout_ms=timeout_ms, force_refresh=force_refresh, cancel=cancel
    )
    try:
        request = Request()
        request.set(options)
        if _calls.in_mock():  # Nothing waits, and the mock's function runs on the loop.
            return _integrations.listed(request, cancel)
        return await _on_thread(_sync_integrations, partial(_integrations.listed, request, leaves))
    except BaseException as why:
        has_left = True  # The thread may go on.
        del api_key, options
        clear(why)
        raise
