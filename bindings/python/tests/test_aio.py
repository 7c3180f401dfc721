"""asyncio: the loop goes on while a call waits, and a task that is cancelled leaves its call."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import os
import signal
import threading
import time
from typing import Any

import pytest
from support import RESOURCE, Silent, Standin, ended, program

import connectcreds
from connectcreds import _threads, aio
from connectcreds.testing import mock_function


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
        # So does its thread, though the server is silent.
        deadline = time.monotonic() + 10
        while connectcreds._callbacks._waiting:
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


def test_a_cancel_callback_is_asked_beside_the_tasks(silent: Silent) -> None:
    async def ask() -> None:
        with pytest.raises(connectcreds.CancelledError):
            await aio.service_account_token(cancel=lambda: True)

    asyncio.run(ask())


def test_calls_that_wait_keep_none_back_that_the_cache_answers(connect: Standin, silent: Silent) -> None:
    # `silent` has set the environment last.
    known: Any = {
        "server_url": connect.environment["CONNECT_SERVER"],
        "api_key": connect.environment["CONNECT_API_KEY"],
        "content_token": connect.environment["CONNECT_CONTENT_SESSION_TOKEN"],
    }

    async def ask() -> None:
        waiting = [asyncio.create_task(aio.service_account_token(scope=str(number))) for number in range(50)]
        for _ in waiting:
            await asyncio.get_running_loop().run_in_executor(None, silent.wait_for_request)
        assert (await aio.service_account_token(**known)).access_token
        assert not any(task.done() for task in waiting)
        for task in waiting:
            task.cancel()

    asyncio.run(ask())


def test_threads_are_used_again_and_go_when_there_is_no_work(connect: Standin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_threads, "_PATIENCE_S", 0.2)
    monkeypatch.setattr(_threads, "_threads", _threads._Threads())
    before = threading.active_count()

    async def ask() -> None:
        for _ in range(100):
            await aio.service_account_token()
        # One that has answered may not wait for work yet when the next call comes.
        assert threading.active_count() < before + 50
        await asyncio.gather(*(aio.has_workload_token() for _ in range(20)))

    asyncio.run(ask())
    deadline = time.monotonic() + 30
    while threading.active_count() > before:
        assert time.monotonic() < deadline, "threads stay"
        time.sleep(0.01)
    assert asyncio.run(aio.service_account_token()).access_token


def test_context_variables_are_those_of_the_task() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")

    async def ask() -> None:
        variable.set("of the task")
        with mock_function(lambda request: {"access_token": variable.get()}):
            assert (await aio.service_account_token()).access_token == "of the task"

    asyncio.run(ask())


def test_a_forked_child_asks_as_its_parent_does(connect: Standin) -> None:
    asyncio.run(aio.service_account_token())
    child = os.fork()
    if child == 0:
        try:
            asyncio.run(aio.workload_token())
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


def test_the_interpreter_ends_while_a_loop_on_a_daemon_thread_waits(silent: Silent) -> None:
    leaves = program(
        """
        import asyncio, sys, threading
        from connectcreds import aio

        threading.Thread(target=lambda: asyncio.run(aio.service_account_token()), daemon=True).start()
        sys.stdin.readline()
        """,
        stdin=-1,
    )
    silent.wait_for_request()
    assert leaves.stdin is not None
    leaves.stdin.write("\n")
    leaves.stdin.flush()
    # The library's own deadline is 20 s: nobody waits for it.
    assert ended(leaves, timeout=12) == (0, "", "")


@pytest.mark.parametrize("stopped", [StopIteration, StopAsyncIteration, GeneratorExit])
def test_an_exception_that_a_coroutine_cannot_raise_ends_the_task_all_the_same(stopped: type[BaseException]) -> None:
    def answer(request: Any) -> Any:
        raise stopped("out of a mock function")

    async def ask() -> None:
        await asyncio.wait_for(aio.service_account_token(), 20)

    with mock_function(answer), pytest.raises((RuntimeError, stopped)) as raised:
        asyncio.run(ask())
    assert not isinstance(raised.value, asyncio.TimeoutError)
    if stopped is StopIteration:
        assert isinstance(raised.value, RuntimeError)
        assert isinstance(raised.value.__cause__, StopIteration)


def test_a_cancel_function_that_raises_stop_iteration_ends_the_task(silent: Silent) -> None:
    def cancelled() -> bool:
        raise StopIteration

    async def ask() -> None:
        await asyncio.wait_for(aio.service_account_token(cancel=cancelled), 20)

    with pytest.raises(RuntimeError, match="raised StopIteration"):
        asyncio.run(ask())
