"""asyncio: the loop goes on while a call waits, and a task that is cancelled leaves its call."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
import threading
import time

import pytest
from support import RESOURCE, Silent, Standin, ended, program

import connectcreds
from connectcreds import aio


def test_every_call_has_an_asynchronous_one_with_the_same_arguments() -> None:
    calls = {name: call for name, call in vars(aio).items() if inspect.iscoroutinefunction(call)}
    del calls["off_loop"]
    assert set(calls) == {name for name in connectcreds.__all__ if name.endswith(("_token", "_credentials"))}
    for name, call in calls.items():
        assert str(inspect.signature(call)) == str(inspect.signature(getattr(connectcreds, name)))


def test_tokens_are_those_of_the_synchronous_calls(connect: Standin) -> None:
    async def ask() -> None:
        assert await aio.service_account_token(resource=RESOURCE) == connectcreds.service_account_token(
            resource=RESOURCE
        )
        viewer = connect.viewer("alice")
        assert await aio.viewer_token(viewer) == connectcreds.viewer_token(viewer)
        assert await aio.has_viewer_token(viewer)
        assert await aio.workload_token() == connectcreds.workload_token()
        assert await aio.has_workload_token()
        assert await aio.has_service_account_token(resource=RESOURCE)
        subject = (viewer, connectcreds.TokenType.USER_SESSION)
        assert await aio.exchange_token(*subject) == connectcreds.exchange_token(*subject)
        one = await aio.aws_credentials()
        assert one.secret_access_key == connectcreds.aws_credentials().secret_access_key
        with pytest.raises(connectcreds.NoSessionError):
            await aio.viewer_token(None)

    asyncio.run(ask())


def test_the_loop_goes_on_while_calls_wait(silent: Silent) -> None:
    async def ask() -> None:
        calls = [asyncio.create_task(call()) for call in (aio.service_account_token, aio.workload_token)]
        for _ in calls:
            await asyncio.get_running_loop().run_in_executor(None, silent.wait_for_request)
        assert not any(call.done() for call in calls), "this task has run meanwhile"
        for call in calls:
            call.cancel()

    asyncio.run(ask())


def test_a_cancelled_task_leaves_its_call(silent: Silent) -> None:
    async def ask() -> None:
        task = asyncio.create_task(aio.service_account_token())
        await asyncio.get_running_loop().run_in_executor(None, silent.wait_for_request)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(task, 0.05)
        # Its thread, too: another waits for nothing.
        deadline = time.monotonic() + 10
        while any(_waits(thread) for thread in threading.enumerate()):
            assert time.monotonic() < deadline, "the call goes on"
            await asyncio.sleep(0.01)

    asyncio.run(ask())


def test_ctrl_c_ends_a_program_whose_tasks_wait(silent: Silent) -> None:
    waits = program(
        """
        import asyncio
        from connectcreds import aio

        async def main():
            await asyncio.gather(aio.service_account_token(), aio.workload_token())

        try:
            asyncio.run(main())
        except KeyboardInterrupt:
            print("interrupted")
        """
    )
    for _ in range(2):
        silent.wait_for_request()
    waits.send_signal(signal.SIGINT)
    # The library's own deadline is 20 s.
    assert ended(waits, timeout=12) == (0, "interrupted\n", "")


def _waits(thread: threading.Thread) -> bool:
    return thread.name.startswith("connectcreds") and bool(connectcreds._callbacks._waiting)


def test_a_cancel_callback_is_asked_beside_the_tasks(silent: Silent) -> None:
    async def ask() -> None:
        with pytest.raises(connectcreds.CancelledError):
            await aio.service_account_token(cancel=lambda: True)

    asyncio.run(ask())


def test_a_forked_child_has_threads_of_its_own(connect: Standin) -> None:
    asyncio.run(aio.service_account_token())
    child = os.fork()
    if child == 0:
        try:
            asyncio.run(aio.workload_token())
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
