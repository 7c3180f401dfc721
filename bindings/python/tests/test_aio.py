"""asyncio and trio: the loop goes on while a call waits, and a task that is cancelled frees its call."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import os
import signal
import threading
from typing import Any

import pytest
from support import RESOURCE, Silent, Standin, ended, program, run

import connectcreds
from connectcreds import _abi, aio
from connectcreds.testing import mock_function


def test_every_call_has_an_asynchronous_one_with_the_same_arguments() -> None:
    calls = {
        name: call for name, call in vars(aio).items() if inspect.iscoroutinefunction(call) and not name.startswith("_")
    }
    del calls["off_loop"]
    assert set(calls) == {
        name for name in connectcreds.__all__ if name.endswith(("_token", "_credentials")) or name == "integrations"
    }
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


def test_a_cancelled_task_leaves_its_exchange(silent: Silent) -> None:
    async def ask() -> None:
        task = asyncio.create_task(aio.service_account_token())
        await asyncio.get_running_loop().run_in_executor(None, silent.wait_for_request)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(task, 0.05)

    asyncio.run(ask())
    (connection,) = silent._connections
    connection.settimeout(10)
    # Nobody waits for the exchange any more: the library closes its connection. Its own deadline is 20 s.
    while connection.recv(4096):
        pass


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


def test_a_hit_yields_nothing_and_starts_no_thread(connect: Standin) -> None:
    connectcreds.service_account_token()
    threads = threading.active_count()
    coroutine = aio.service_account_token()
    with pytest.raises(StopIteration) as returned:  # Without a loop: there is nothing to wait for.
        coroutine.send(None)
    assert returned.value.value == connectcreds.service_account_token()

    async def ask() -> None:
        await aio.workload_token()
        assert threading.active_count() == threads

    asyncio.run(ask())


LOOPS: dict[str, str] = {
    "asyncio": "import asyncio; run = asyncio.run",
    "uvloop": "import uvloop; run = uvloop.run",
    "trio": "import trio; run = lambda main: trio.run(lambda: main)",
    "anyio on asyncio": "import anyio; run = lambda main: anyio.run(lambda: main, backend='asyncio')",
    "anyio on trio": "import anyio; run = lambda main: anyio.run(lambda: main, backend='trio')",
}


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> str:
    for module in ("uvloop", "trio", "anyio"):
        if module in request.param:
            pytest.importorskip(module)
    source: str = LOOPS[request.param]
    return source


def test_every_loop_waits_and_goes_on(loop: str, connect: Standin) -> None:
    connect.order({"order": "delay", "milliseconds": 500})
    printed = run(
        f"""
        {loop}
        import anyio, logging, threading
        import connectcreds
        from connectcreds import aio
        from connectcreds.testing import mock_function

        async def main():
            # Python's development mode reports steps over 0.1 s; a debug build may take longer for its first client.
            logging.getLogger("asyncio").setLevel(logging.ERROR)
            done = []

            async def ask():
                done.append((await aio.service_account_token()).token_type)

            async def tick():
                done.append("ticked")

            async with anyio.create_task_group() as group:
                group.start_soon(ask)
                group.start_soon(tick)
            print(done, await aio.has_workload_token())
            with mock_function(lambda request: {{"access_token": str(threading.get_ident())}}):
                assert (await aio.service_account_token()).access_token == str(threading.get_ident())
            assert await aio.off_loop(threading.get_ident) != threading.get_ident()
            try:
                await aio.viewer_token(None)
            except connectcreds.NoSessionError:
                print("no session")

        run(main())
        """
    )
    assert printed == "['ticked', 'Bearer'] True\nno session\n"


def test_every_loop_frees_the_call_of_a_cancelled_task(loop: str, silent: Silent) -> None:
    printed = run(
        f"""
        {loop}
        import anyio, logging, os
        import connectcreds
        from connectcreds import aio

        async def main():
            logging.getLogger("asyncio").setLevel(logging.ERROR)  # As above.
            await aio.has_service_account_token(cancel=lambda: True)  # Starts the library's thread.
            eventfds = lambda: sum(
                "eventfd" in os.readlink(f"/proc/self/fd/{{fd}}") for fd in os.listdir("/proc/self/fd") if
                os.path.islink(f"/proc/self/fd/{{fd}}")
            )
            before = eventfds()
            with anyio.move_on_after(0.3) as scope:
                await aio.service_account_token()
            print(scope.cancelled_caught, eventfds() - before)
            asked = []
            try:
                await aio.service_account_token(cancel=lambda: asked.append(1) or len(asked) == 3)
            except connectcreds.CancelledError as why:
                print(len(asked), str(why).splitlines()[-1], eventfds() - before)

        run(main())
        """
    )
    assert printed == "True 0\n3 The call was cancelled. 0\n"


def test_a_loop_in_a_forked_child_waits_for_calls_of_its_own(connect: Standin) -> None:
    connect.order({"order": "delay", "milliseconds": 300}, {"order": "delay", "milliseconds": 300})

    async def ask() -> None:
        task = asyncio.create_task(aio.service_account_token())
        await asyncio.sleep(0.05)
        child = os.fork()
        if child == 0:
            asyncio._set_running_loop(None)
            try:
                assert asyncio.run(aio.service_account_token()).access_token
                os._exit(0)
            finally:
                os._exit(1)
        assert (await task).access_token
        assert os.waitpid(child, 0)[1] == 0

    asyncio.run(ask())


def test_a_call_without_a_descriptor_is_asked_until_it_is_done(
    connect: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_abi, "cc_call_fd", lambda call: -1)
    connect.order(*({"order": "delay", "milliseconds": 100} for _ in range(2)))
    assert asyncio.run(aio.service_account_token()).access_token
    assert connectcreds.workload_token().access_token


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
