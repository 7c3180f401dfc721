"""All calls of a process share the library's cache."""

from __future__ import annotations

import inspect
import threading
from pathlib import Path
from typing import Any

import pytest
from support import RESOURCE, Standin

import connectcreds


def test_the_same_question_is_answered_from_the_cache(connect: Standin) -> None:
    before = connectcreds.cache_stats()
    tokens = [connectcreds.service_account_token(resource=RESOURCE) for _ in range(5)]
    assert len({token.access_token for token in tokens}) == 1
    after = connectcreds.cache_stats()
    assert (after.misses - before.misses, after.hits - before.hits) == (1, 4)
    assert after.exchanges - before.exchanges == connect.exchanges == 1
    assert after.entries == 1


def test_many_threads_make_one_exchange(connect: Standin) -> None:
    connect.order({"order": "delay", "milliseconds": 300})
    texts = []
    threads = [
        threading.Thread(target=lambda: texts.append(connectcreds.service_account_token().access_token))
        for _ in range(24)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(texts), len(set(texts))) == (24, 1)
    assert connect.exchanges == 1


def test_an_invalidated_token_is_not_given_again(connect: Standin) -> None:
    token = connectcreds.service_account_token()
    assert token.invalidate()
    assert not token.invalidate(), "it is gone"
    assert connectcreds.service_account_token() != token


def test_a_viewer_who_leaves_is_forgotten(connect: Standin) -> None:
    alice, bob = connect.viewer("alice"), connect.viewer("bob")
    for viewer in (alice, bob):
        connectcreds.viewer_token(viewer)
    connectcreds.forget_session(alice)
    connectcreds.forget_session(None)
    for viewer in (alice, bob):
        connectcreds.viewer_token(viewer)
    assert [form["subject_token"] for form in connect.forms()] == [alice, bob, alice]


def test_a_cleared_cache_is_empty(connect: Standin) -> None:
    connectcreds.service_account_token()
    connectcreds.clear_cache()
    assert connectcreds.cache_stats().entries == 0
    connectcreds.service_account_token()
    assert connect.exchanges == 2


@pytest.fixture
def _configured() -> Any:
    yield
    names = inspect.signature(connectcreds.configure).parameters
    every: Any = dict.fromkeys(names)
    connectcreds.configure(**every)


@pytest.mark.usefixtures("_configured")
def test_the_process_is_configured(connect: Standin) -> None:
    connectcreds.configure(cache_capacity=1, background_refresh=False, default_lifetime_s=5)
    connectcreds.service_account_token(scope="1")
    connectcreds.service_account_token(scope="2")
    assert connectcreds.cache_stats().entries == 1
    connectcreds.configure(cache_capacity=None, background_refresh=None)
    connectcreds.service_account_token(scope="1")
    assert connectcreds.cache_stats().entries == 2


@pytest.mark.usefixtures("_configured")
def test_the_configured_time_out_holds_for_all_calls(silent: object) -> None:
    connectcreds.configure(timeout_ms=200, attempt_timeout_ms=150, connect_timeout_ms=100, max_attempts=1)
    with pytest.raises(connectcreds.TimeoutError):
        connectcreds.service_account_token()


@pytest.mark.usefixtures("_configured")
def test_a_bundle_without_certificates_is_refused(tmp_path: Any) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    for path in (str(empty), str(tmp_path / "missing.pem"), "nul\0"):
        with pytest.raises(connectcreds.InvalidArgumentError):
            connectcreds.configure(ca_bundle=path)


@pytest.mark.parametrize("bad", [{"timeout_ms": -1}, {"max_attempts": 2**32}, {"cache_capacity": -1}])
def test_a_configuration_that_does_not_fit_is_refused(bad: Any) -> None:
    with pytest.raises(connectcreds.InvalidArgumentError, match=next(iter(bad))):
        connectcreds.configure(**bad)


@pytest.mark.parametrize("wrong", [{"timeout_ms": "1"}, {"background_refresh": 1}, {"ca_bundle": b"x"}])
def test_a_configuration_of_another_type_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match=next(iter(wrong))):
        connectcreds.configure(**wrong)


def test_a_bundle_is_named_by_a_path_object(tmp_path: Path) -> None:
    bundle = tmp_path / "none.pem"
    bundle.write_text("no certificate")
    with pytest.raises(connectcreds.InvalidArgumentError, match=r"none\.pem"):
        connectcreds.configure(ca_bundle=bundle)
