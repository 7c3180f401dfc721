"""The calls for asyncio: the same functions, to be awaited. The event loop goes on while a call waits.

A call runs on another thread. When its task is cancelled, it ends within 100 ms.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from . import _credentials as _sync
from . import _threads
from ._credentials import NOT_GIVEN, NotGiven
from ._requests import Options
from ._token import AwsCredentials, Token

if TYPE_CHECKING:
    from typing_extensions import Unpack

_T = TypeVar("_T")


async def off_loop(call: Callable[..., _T], *args: Any, **options: Any) -> _T:
    """`call(*args, **options)` on another thread; one of this package's ends when the task is cancelled."""
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

        with suppress(RuntimeError):  # The loop is closed: nobody waits.
            loop.call_soon_threadsafe(settled)

    def run() -> None:
        try:
            value = work()
        except BaseException as why:
            tell(answer.set_exception, why)
        else:
            tell(answer.set_result, value)

    _threads.run(partial(contextvars.copy_context().run, run))
    try:
        return await answer
    finally:
        left = True


async def service_account_token(**options: Unpack[Options]) -> Token:
    """As `connectcreds.service_account_token()`."""
    return await off_loop(_sync.service_account_token, **options)


async def viewer_token(session_token: str | None, **options: Unpack[Options]) -> Token:
    """As `connectcreds.viewer_token()`."""
    return await off_loop(_sync.viewer_token, session_token, **options)


async def workload_token(**options: Unpack[Options]) -> Token:
    """As `connectcreds.workload_token()`."""
    return await off_loop(_sync.workload_token, **options)


async def exchange_token(subject_token: str, subject_token_type: str, **options: Unpack[Options]) -> Token:
    """As `connectcreds.exchange_token()`."""
    return await off_loop(_sync.exchange_token, subject_token, subject_token_type, **options)


async def aws_credentials(
    *, session_token: str | NotGiven | None = NOT_GIVEN, **options: Unpack[Options]
) -> AwsCredentials:
    """As `connectcreds.aws_credentials()`."""
    return await off_loop(_sync.aws_credentials, session_token=session_token, **options)


async def has_service_account_token(**options: Unpack[Options]) -> bool:
    """As `connectcreds.has_service_account_token()`."""
    return await off_loop(_sync.has_service_account_token, **options)


async def has_viewer_token(session_token: str | None, **options: Unpack[Options]) -> bool:
    """As `connectcreds.has_viewer_token()`."""
    return await off_loop(_sync.has_viewer_token, session_token, **options)


async def has_workload_token(**options: Unpack[Options]) -> bool:
    """As `connectcreds.has_workload_token()`."""
    return await off_loop(_sync.has_workload_token, **options)
