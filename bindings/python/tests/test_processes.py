"""Threads, forked children, pools of processes, and the end of the interpreter."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
from support import Silent, Standin, ended, program, run

import connectcreds


def test_a_call_on_one_thread_lets_the_others_run(silent: Silent) -> None:
    over = threading.Event()
    asks = threading.Thread(target=lambda: connectcreds.has_service_account_token(cancel=over.is_set))
    asks.start()
    silent.wait_for_request()
    assert asks.is_alive(), "this thread has run meanwhile"
    over.set()
    asks.join()


CHANGES_THE_ENVIRONMENT = """
    import contextlib, os, sys, threading, time
    import connectcreds

    end = time.monotonic() + float(sys.argv[1])
    asked = [0] * 4

    def ask(number):
        while time.monotonic() < end:
            for _ in range(100):
                connectcreds.running_on_connect()
            assert not connectcreds.has_service_account_token(on_connect=True)
            with contextlib.suppress(connectcreds.NoServerError):
                connectcreds.integrations()
            asked[number] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(asked))]
    for thread in threads:
        thread.start()
    # Each new name moves the array of variables, and what is allocated next writes over the old one.
    number = 0
    over = [b""] * 64
    while time.monotonic() < end:
        number += 1
        os.environ[f"VARIABLE_{number}"] = "value"
        for each in range(len(over)):
            over[each] = b"\\1" * (8 * len(os.environ) + 8 * (each % 8))
        if number % 500 == 0:
            for each in range(number - 499, number + 1):
                del os.environ[f"VARIABLE_{each}"]
    for thread in threads:
        thread.join()
    print(all(asked))
"""


def test_the_environment_may_change_while_other_threads_ask() -> None:
    # CONNECTCREDS_TEST_SECONDS=60 is the long version.
    seconds = os.environ.get("CONNECTCREDS_TEST_SECONDS", "2")
    assert run(CHANGES_THE_ENVIRONMENT, seconds) == "True\n"


def test_a_child_that_a_handler_forks_in_a_wait_gets_its_token_too(connect: Standin) -> None:
    connect.order(*({"order": "delay", "milliseconds": 600} for _ in range(2)))
    printed = run(
        """
        import os, signal
        import connectcreds

        children = []
        signal.signal(signal.SIGALRM, lambda number, frame: children.append(os.fork()))
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        token = connectcreds.service_account_token()
        if children == [0]:
            os._exit(7 if token.access_token else 1)
        print(os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]))
        """
    )
    assert printed == "7\n"


def test_a_process_that_can_start_no_thread_gets_tokens(connect: Standin) -> None:
    printed = run(
        """
        import threading
        import connectcreds
        from connectcreds import _calls, _requests

        network = connectcreds.Status.NETWORK
        # The error of a start where the system refuses a thread; root may start any number of them.
        kind = _calls.SERVICE_ACCOUNT._replace(start=lambda *arguments: network)
        print(_calls.token(kind, (None,) * len(_requests.NAMES)).token_type, threading.active_count())
        """
    )
    assert printed == "Bearer 1\n"


def test_calls_on_threads_need_no_main_thread(connect: Standin) -> None:
    tokens: list[Any] = []

    def ask() -> None:
        tokens.append(connectcreds.service_account_token())
        with pytest.raises(connectcreds.NoSessionError):
            connectcreds.viewer_token(None)
        with pytest.raises(connectcreds.CancelledError):
            connectcreds.service_account_token(force_refresh=True, cancel=lambda: True)

    connect.order({"order": "token", "expires_in": 3600}, {"order": "silent"})
    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert connectcreds.service_account_token() == tokens[0]


def test_what_a_callback_raises_is_raised_on_its_own_thread(silent: Silent) -> None:
    raised: dict[int, BaseException] = {}

    def ask(number: int) -> None:
        def fails() -> bool:
            raise LookupError(number)

        try:
            connectcreds.service_account_token(scope=str(number), cancel=fails)
        except LookupError as why:
            raised[number] = why

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {number: why.args for number, why in raised.items()} == {number: (number,) for number in range(8)}


def test_a_forked_child_has_the_parents_tokens_and_gets_its_own(connect: Standin) -> None:
    printed = run(
        """
        import os, sys, threading
        import connectcreds

        held = connectcreds.service_account_token()

        def child(deep):
            assert connectcreds.service_account_token() == held, "inherited"
            assert connectcreds.viewer_token("user-session-YWRh", force_refresh=True).access_token
            assert held.authorization
            if deep:
                fork(False)

        def fork(deep):
            process = os.fork()
            if process == 0:
                try:
                    child(deep)
                    os._exit(0)
                finally:
                    os._exit(1)
            assert os.waitpid(process, 0)[1] == 0

        fork(True)
        # From a thread that is not the main one here, but is there.
        thread = threading.Thread(target=fork, args=(True,))
        thread.start()
        thread.join()
        print("done")
        """
    )
    assert printed == "done\n"


FORKS_ON_A_THREAD = """
    import os, signal, sys, threading, time
    import connectcreds

    def wait():
        if sys.argv[1:] == ["in Python alone"]:
            until = time.monotonic() + 3
            while time.monotonic() < until:
                pass
        else:
            connectcreds.service_account_token()

    def fork():
        process = os.fork()
        if process == 0:
            try:
                os.write(1, b"waits\\n")
                wait()
            except KeyboardInterrupt:
                os._exit(42)
            os._exit(1)
        os.write(1, b"%d\\n" % process)
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))

    thread = threading.Thread(target=fork)
    thread.start()
    thread.join()
"""


def interrupted_child(*arguments: str, waits: Callable[[], None] = lambda: None) -> str:
    """How a child ends that a thread forked and that gets a SIGINT: 42 when the signal's handler ran."""
    forks = program(FORKS_ON_A_THREAD, *arguments)
    assert forks.stdout is not None
    lines = {forks.stdout.readline(), forks.stdout.readline()} - {"waits\n"}
    waits()
    os.kill(int(lines.pop()), signal.SIGINT)
    # The library's own deadline is 20 s.
    status, out, err = ended(forks, timeout=12)
    assert (status, err) == (0, "")
    return out.strip()


def test_a_child_that_another_thread_forked_can_be_interrupted(silent: Silent) -> None:
    if interrupted_child("in Python alone") != "42":
        pytest.skip("this Python does not interrupt its own code there, as 3.13.0 does not")
    assert interrupted_child(waits=silent.wait_for_request) == "42"


def ask_in_pool(viewer: str) -> Any:
    token = connectcreds.viewer_token(viewer)
    try:
        connectcreds.viewer_token(None)
    except connectcreds.NoSessionError as why:
        return token.access_token, why
    return None


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_pools_of_processes_ask_and_fail_as_their_parent_does(connect: Standin, method: str) -> None:
    connectcreds.service_account_token()
    viewer = connect.viewer("alice")
    with multiprocessing.get_context(method).Pool(2) as pool:
        answers = pool.map_async(ask_in_pool, [viewer] * 6, chunksize=1).get(timeout=60)
    text = connectcreds.viewer_token(viewer).access_token
    for given, why in answers:
        assert given == text
        assert isinstance(why, connectcreds.NoSessionError)


def test_the_interpreter_ends_while_daemon_threads_wait(silent: Silent) -> None:
    leaves = program(
        """
        import sys, threading, time, types
        import connectcreds

        class Slow:
            # The interpreter takes its time to go, in which callbacks would be asked.
            def __del__(self, sleep=time.sleep, print=print):
                sleep(0.5)
                print("the very end", flush=True)

        # In a module that no thread holds.
        sys.modules["slow"] = types.ModuleType("slow")
        sys.modules["slow"].slow = Slow()
        del Slow
        calls = [
            dict(scope="plain"),
            dict(scope="with a callback", cancel=lambda: False),
            dict(scope="another", cancel=lambda: False, force_refresh=True),
        ]
        for options in calls:
            def ask(options=options):
                connectcreds.service_account_token(**options)
            threading.Thread(target=ask, daemon=True).start()
        sys.stdin.readline()
        print("the end", flush=True)
        """,
        stdin=-1,
    )
    for _ in range(3):
        silent.wait_for_request()
    assert leaves.stdin is not None
    leaves.stdin.write("\n")
    leaves.stdin.flush()
    # The library's own deadline is 20 s: nobody waits for it.
    assert ended(leaves, timeout=15) == (0, "the end\nthe very end\n", "")


def test_tokens_that_are_held_to_the_end_do_not_disturb_it(connect: Standin) -> None:
    printed = run(
        """
        import atexit, builtins, os, sys
        import connectcreds

        builtins.held = connectcreds.service_account_token()
        sys.held = connectcreds.aws_credentials()
        class Late:
            token = connectcreds.workload_token()
            def __del__(self, write=os.write):
                write(1, f"{len(self.token.access_token) > 10}\\n".encode())
        late = Late()
        # Registered before, or after, this package's own.
        atexit.register(lambda: print(connectcreds.service_account_token(scope="at the end").token_type, flush=True))
        """
    )
    assert printed == "Bearer\nTrue\n"


def test_a_call_at_exit_waits_as_any_other(connect: Standin) -> None:
    connect.order({"order": "delay", "milliseconds": 400})
    printed = run(
        """
        import atexit
        atexit.register(lambda: print(connectcreds.service_account_token().token_type))
        import connectcreds
        """
    )
    assert printed == "Bearer\n"


def test_importing_starts_no_thread_and_no_framework() -> None:
    printed = run(
        """
        import sys, os
        import connectcreds, connectcreds.auth, connectcreds.aio, connectcreds.sessions, connectcreds.testing
        import connectcreds_pytest
        print(len(os.listdir("/proc/self/task")))
        print(sorted({"requests", "httpx", "shiny", "streamlit", "flask", "dash", "starlette"} & set(sys.modules)))
        """
    )
    assert printed == "1\n[]\n"
