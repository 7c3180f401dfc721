"""The library's log comes to Python's `logging`."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from support import Silent, Standin, ended, program, run
from test_abi import CODE

import connectcreds
from connectcreds import _callbacks, _logging


@pytest.fixture(autouse=True)
def _off() -> Iterator[None]:
    yield
    connectcreds.disable_logging()


def test_the_levels_are_those_of_the_header() -> None:
    declared = {name: int(value) for name, value in re.findall(r"#define CC_LOG_(\w+) (\d+)", CODE)}
    ours = {logging.getLevelName(theirs): number for number, theirs in connectcreds._logging._LEVELS.items()}
    assert ours == declared


def test_lines_are_records_of_the_thread_whose_call_they_are_of(
    connect: Standin, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "connectcreds")
    connectcreds.enable_logging()
    thread = threading.Thread(target=connectcreds.service_account_token, name="asks")
    thread.start()
    thread.join()
    records = caplog.records
    assert records
    assert {record.threadName for record in records} == {"asks"}
    assert {record.name for record in records} == {"connectcreds"}
    assert any("/__api__/v1/oauth/integrations/credentials" in record.getMessage() for record in records)
    for record in records:
        for name in ("CONNECT_API_KEY", "CONNECT_CONTENT_SESSION_TOKEN"):
            assert connect.environment[name] not in record.getMessage()


def test_lines_above_the_level_are_not_told(connect: Standin, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "connectcreds")
    connectcreds.enable_logging(logging.ERROR)
    connectcreds.service_account_token()
    assert [record for record in caplog.records if record.levelno < logging.ERROR] == []
    connectcreds.enable_logging(logging.CRITICAL)
    connectcreds.service_account_token(scope="s")
    assert caplog.records == []


def test_after_it_is_disabled_nothing_is_told(connect: Standin, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "connectcreds")
    connectcreds.enable_logging()
    connectcreds.enable_logging()
    connectcreds.disable_logging()
    connectcreds.disable_logging()
    connectcreds.service_account_token()
    assert caplog.records == []


def test_a_servers_words_are_data(connect: Standin, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "connectcreds")
    connectcreds.enable_logging()
    connect.order({"order": "oauth_error", "status": 400, "error": "invalid_request", "description": "%s {0} %(x)d"})
    with pytest.raises(connectcreds.RefusedError):
        connectcreds.service_account_token()
    assert caplog.records
    assert all(record.getMessage() for record in caplog.records)


class _Fails(logging.Filter):
    def filter(self, record: Any) -> bool:
        raise LookupError("of the filter")


def test_what_a_filter_raises_the_call_raises(connect: Standin, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "connectcreds")
    connectcreds.enable_logging()
    logger, fails = logging.getLogger("connectcreds"), _Fails()
    logger.addFilter(fails)
    try:
        for _ in range(2):
            with pytest.raises(LookupError, match="of the filter"):
                connectcreds.service_account_token()
    finally:
        logger.removeFilter(fails)
    assert connectcreds.service_account_token().access_token


class _Sets(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        connectcreds.enable_logging(logging.INFO)
        connectcreds.disable_logging()


def test_a_handler_may_set_the_level_and_end_the_log(connect: Standin, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "connectcreds")
    connectcreds.enable_logging()
    logger, sets = logging.getLogger("connectcreds"), _Sets()
    logger.addHandler(sets)
    try:
        assert connectcreds.service_account_token().access_token
    finally:
        logger.removeHandler(sets)
    assert len(caplog.records) == 1


def test_lines_come_while_the_call_waits(silent: Silent) -> None:
    tells = program(
        """
        import logging, sys
        import connectcreds

        logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, format="%(name)s %(levelname)s")
        connectcreds.enable_logging()
        try:
            connectcreds.service_account_token()
        except KeyboardInterrupt:
            print("interrupted")
        """
    )
    silent.wait_for_request()
    assert tells.stdout is not None
    assert tells.stdout.readline().startswith("connectcreds ")
    tells.send_signal(2)
    status, out, err = ended(tells)
    assert (status, err) == (0, "")
    assert out.endswith("interrupted\n")


def test_a_signal_in_a_wait_is_raised_by_the_call_with_the_log_on_too(connect: Standin) -> None:
    connect.order({"order": "delay", "milliseconds": 35, "times": 20})
    printed = run(
        """
        import logging, signal
        import connectcreds

        class Raised(Exception):
            pass

        def handler(number, frame):
            raise Raised

        logging.basicConfig(level=logging.DEBUG, filename="/dev/null")
        connectcreds.enable_logging()
        signal.signal(signal.SIGALRM, handler)
        count = 0
        for number in range(20):
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.015)
                # Each another token: an exchange that was left may answer the next call for the same one.
                connectcreds.service_account_token(scope=str(number))
                signal.setitimer(signal.ITIMER_REAL, 0)
            except Raised:
                count += 1
        print(count)
        """
    )
    assert printed == "20\n"


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_signal_while_a_line_is_told_does_not_mix_up_the_next_line(
    caplog: pytest.LogCaptureFixture, lost: int
) -> None:
    lines = _logging._lines()
    next(lines)
    for index, argument in enumerate((logging.DEBUG, b"first", None)):
        if index == lost:
            # As the handler does when Python is about to take the argument.
            lines.throw(KeyboardInterrupt())
        else:
            lines.send(argument)
    with pytest.raises(KeyboardInterrupt):
        _callbacks.raise_kept()
    with caplog.at_level(logging.DEBUG, "connectcreds"):
        for argument in (1, b"second", None):
            lines.send(argument)
    _callbacks.raise_kept()
    assert [(each.levelno, each.getMessage()) for each in caplog.records][-1] == (logging.ERROR, "second")


def test_the_interpreter_ends_while_daemon_threads_tell_lines(connect: Standin) -> None:
    printed = run(
        """
        import logging, threading, time
        import connectcreds

        logging.basicConfig(level=logging.DEBUG, filename="/dev/null")
        connectcreds.enable_logging()

        def ask():
            while True:
                connectcreds.has_service_account_token()

        for _ in range(4):
            threading.Thread(target=ask, daemon=True).start()
        connectcreds.service_account_token()
        print("the end")
        """
    )
    assert printed == "the end\n"


def test_lines_are_shown_where_the_program_has_set_up_no_logging(connect: Standin) -> None:
    process = program(
        """
        import logging
        import connectcreds
        connectcreds.enable_logging(logging.INFO)
        connectcreds.enable_logging()
        connectcreds.service_account_token()
        connectcreds.disable_logging()
        connectcreds.service_account_token(scope="s")
        assert logging.getLogger("connectcreds").level == logging.NOTSET
        assert logging.getLogger().handlers == []
        """
    )
    status, out, err = ended(process)
    assert (status, out) == (0, "")
    lines = err.splitlines()
    assert len([line for line in lines if " connectcreds DEBUG " in line and "/credentials" in line]) >= 1, err
    assert len(lines) == len(set(lines)), "each line once"


def test_where_the_program_has_handlers_they_alone_show_the_lines(connect: Standin) -> None:
    process = program(
        """
        import logging
        import connectcreds
        logging.basicConfig(format="mine %(message)s")
        connectcreds.enable_logging()
        connectcreds.service_account_token()
        """
    )
    status, _, err = ended(process)
    assert status == 0
    assert err
    assert all(line.startswith("mine ") for line in err.splitlines())
