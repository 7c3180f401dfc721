"""The fixtures, as the tests of another program use them."""

from __future__ import annotations

import importlib.metadata

import pytest

TESTS = """
import connectcreds
import pytest


def test_token(connect_token):
    assert connectcreds.service_account_token().access_token == "mocked-token"
    assert connect_token.request_count == 1


def test_failure(connect_failure):
    with pytest.raises(connectcreds.RefusedError):
        connectcreds.workload_token()


def test_mocks(connect_mocks):
    outer = connect_mocks.failure()
    connect_mocks.responses([{"access_token": "response"}])
    assert connectcreds.service_account_token().access_token == "response"
    connect_mocks.function(lambda request: {"access_token": "function"})
    assert connectcreds.service_account_token().access_token == "function"
    mock = connect_mocks.token("token")
    assert connectcreds.service_account_token().access_token == "token"
    mock.end()
    assert connectcreds.service_account_token().access_token == "function"
    assert outer.request_count == 0


def test_nothing():
    assert not connectcreds.running_on_connect()
"""


def test_fixtures_start_mocks_that_end_with_the_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS)
    # Where the package is installed pytest finds the plugin by itself; from its source it has to be named.
    entries = [entry for each in importlib.metadata.distributions() for entry in each.entry_points]
    installed = any((entry.group, entry.name) == ("pytest11", "connectcreds") for entry in entries)
    plugin = () if installed else ("-p", "connectcreds_pytest")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *plugin)
    result.assert_outcomes(passed=4)


def test_tests_of_other_projects_start_where_the_library_cannot_be_loaded(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECTCREDS_LIB", "/nowhere/libconnectcreds.so")
    pytester.makepyfile(
        """
        import sys

        def test_of_a_program_that_needs_no_token():
            assert "connectcreds" not in sys.modules

        def test_of_a_program_that_needs_one(connect_token):
            pass
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "connectcreds_pytest")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*CONNECTCREDS_LIB names a library that cannot be loaded*"])
