"""Ctrl-C, and any other signal whose handler raises, ends a wait at once; one whose handler does not leaves it be."""

from __future__ import annotations

import signal
import time
from typing import Any

import pytest
from support import Silent, Standin, ended, program, run

import connectcreds

#: Waits for a signal in a call, and says how the wait ended.
WAITS = """
import signal, sys, time
import connectcreds
begin = time.monotonic()
try:
    {call}
except BaseException as why:
    print(type(why).__name__, why.args)
else:
    print("a token")
print(connectcreds._callbacks.kept, flush=True)
"""
CALLS = [
    "connectcreds.service_account_token()",
    "connectcreds.viewer_token('session', resource='r', params={'a': 'b'})",
    "connectcreds.has_workload_token()",
    "connectcreds.exchange_token('a', 'b', cancel=lambda: False)",
]


@pytest.mark.parametrize("call", CALLS)
def test_ctrl_c_ends_a_wait(silent: Silent, call: str) -> None:
    waiting = program(WAITS.format(call=call))
    silent.wait_for_request()
    sent = time.monotonic()
    waiting.send_signal(signal.SIGINT)
    status, out, err = ended(waiting)
    # The library's own deadline is 20 s.
    assert time.monotonic() - sent < 10
    assert (status, out, err) == (0, "KeyboardInterrupt ()\n{}\n", "")


def test_ctrl_c_that_nobody_catches_ends_the_program_as_python_does(silent: Silent) -> None:
    waiting = program("import connectcreds; connectcreds.service_account_token()")
    silent.wait_for_request()
    waiting.send_signal(signal.SIGINT)
    status, out, err = ended(waiting)
    assert status == -signal.SIGINT
    assert out == ""
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert err.count("Traceback") == 1, err
    assert "ctypes" not in err


def test_what_a_handler_raises_is_raised_by_the_call(silent: Silent) -> None:
    raises = """
def raises(number, frame):
    raise RuntimeError(signal.Signals(number).name)
signal.signal(signal.SIGTERM, raises)
begin"""
    waiting = program(WAITS.format(call=CALLS[0]).replace("\nbegin", raises))
    silent.wait_for_request()
    waiting.send_signal(signal.SIGTERM)
    assert ended(waiting) == (0, "RuntimeError ('SIGTERM',)\n{}\n", "")


def test_a_handler_runs_while_a_call_waits_and_may_call_the_library(connect: Standin) -> None:
    connect.order({"order": "delay", "milliseconds": 1500}, {"order": "delay", "milliseconds": 300})
    printed = run(
        """
        import signal
        import connectcreds

        def handler(number, frame):
            # Another question, which waits, too, in the callback of the first.
            print("handled", connectcreds.viewer_token("user-session-YWRh").token_type)

        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        connectcreds.service_account_token()
        print("a token")
        """
    )
    assert printed == "handled Bearer\na token\n"


def test_after_ctrl_c_the_next_calls_are_as_ever(silent: Silent, connect: Standin) -> None:
    server = silent.environment["CONNECT_SERVER"]
    printed = run(
        """
        import os, signal, sys, threading
        import connectcreds

        for turn in range(10):
            threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
            try:
                connectcreds.service_account_token(server_url=sys.argv[1])
            except KeyboardInterrupt:
                print("interrupted", connectcreds.service_account_token().token_type)
        """,
        server,
    )
    assert printed == "interrupted Bearer\n" * 10


def test_ctrl_c_while_a_mock_function_runs_is_raised_by_the_call() -> None:
    printed = run(
        """
        import os, signal
        import connectcreds
        from connectcreds.testing import mock_function

        def answer(request):
            os.kill(os.getpid(), signal.SIGINT)
            for _ in range(1000):
                pass

        with mock_function(answer):
            for call in (connectcreds.service_account_token, connectcreds.has_workload_token):
                try:
                    call()
                except KeyboardInterrupt:
                    print("interrupted")
        """
    )
    assert printed == "interrupted\n" * 2


def test_a_cancel_callback_ends_the_call_and_what_it_raises_is_raised(silent: Silent) -> None:
    with pytest.raises(connectcreds.CancelledError):
        connectcreds.service_account_token(cancel=lambda: True)

    def fails() -> Any:
        raise LookupError("of the callback")

    for call in (connectcreds.service_account_token, connectcreds.has_service_account_token):
        with pytest.raises(LookupError, match="of the callback"):
            call(cancel=fails)


def test_a_generator_exit_of_a_handler_is_raised_and_signals_still_end_waits(silent: Silent) -> None:
    waiting = program(
        """
        import signal
        import connectcreds

        def handler(number, frame):
            raise GeneratorExit("of a handler")

        signal.signal(signal.SIGUSR1, handler)
        for _ in range(2):
            try:
                connectcreds.service_account_token()
            except GeneratorExit as why:
                print(why, flush=True)
        try:
            connectcreds.service_account_token(cancel=lambda: (_ for _ in ()).throw(GeneratorExit("of cancel")))
        except GeneratorExit as why:
            print(why)
        """
    )
    for _ in range(2):
        silent.wait_for_request()
        waiting.send_signal(signal.SIGUSR1)
    assert ended(waiting) == (0, "of a handler\nof a handler\nof cancel\n", "")
