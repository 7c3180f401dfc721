"""Every argument reaches the library, and one that cannot be used is refused before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest
from support import RESOURCE, Standin

import connectcreds
from connectcreds import TokenType, _requests

TEXTS = ["resource", "scope", "audience", "requested_token_type", "content_token", "server_url", "api_key"]
CALL: Any = connectcreds.service_account_token
HAS: Any = connectcreds.has_service_account_token


def test_every_argument_is_sent_or_used(connect: Standin, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {name: connect.environment[name] for name in connect.environment}
    for name in given:
        if name != "POSIT_PRODUCT":
            monkeypatch.delenv(name)
    connectcreds.service_account_token(
        server_url=given["CONNECT_SERVER"],
        api_key=given["CONNECT_API_KEY"],
        content_token=given["CONNECT_CONTENT_SESSION_TOKEN"],
        resource=RESOURCE,
        scope="a b",
        audience=connect.integration,
        requested_token_type=TokenType.ACCESS_TOKEN,
        params={"tenant": "t", "left_out": None},
        timeout_ms=10_000,
        min_validity_s=1,
        force_refresh=True,
        on_connect=True,
        cancel=lambda: False,
    )
    form = connect.form()
    assert form.pop("subject_token") == given["CONNECT_CONTENT_SESSION_TOKEN"]
    assert form == {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token_type": TokenType.CONTENT_SESSION,
        "resource": RESOURCE,
        "scope": "a b",
        "audience": connect.integration,
        "requested_token_type": TokenType.ACCESS_TOKEN,
        "tenant": "t",
    }


def test_every_option_has_a_setter() -> None:
    assert set(_requests.Options.__annotations__) == set(_requests._SETTERS)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ({"timeout_ms": 1000}, {"timeout_ms": 1000.0}),
        ({"min_validity_s": 1}, {"min_validity_s": True}),
        ({"force_refresh": True}, {"force_refresh": 1}),
        ({"on_connect": False}, {"on_connect": 0}),
    ],
)
def test_a_value_that_equals_a_good_one_but_is_of_another_type_is_refused(
    connect: Standin, good: dict[str, Any], bad: dict[str, Any]
) -> None:
    for _ in range(2):
        CALL(**good)
        with pytest.raises(TypeError, match=next(iter(bad))):
            CALL(**bad)


def test_none_and_the_empty_string_mean_not_given(connect: Standin) -> None:
    nothing: dict[str, Any] = dict.fromkeys(_requests._SETTERS)
    CALL(**nothing)
    CALL(**dict.fromkeys(TEXTS, ""))
    assert connect.exchanges == 1, "all three are the same question"
    CALL()
    assert connect.exchanges == 1


def test_the_same_arguments_make_one_request_of_the_library(connect: Standin) -> None:
    kept = _requests._kept
    kept.clear()
    for _ in range(3):
        connectcreds.service_account_token(resource=RESOURCE, scope="s")
        connectcreds.service_account_token(resource=RESOURCE, params={"a": "b"})
    assert list(kept) == [(RESOURCE, "s", *[None] * (len(_requests.NAMES) - 2))]
    assert connect.exchanges == 2


def test_requests_with_secrets_are_not_kept(connect: Standin) -> None:
    kept = _requests._kept
    kept.clear()
    connectcreds.service_account_token(api_key=connect.environment["CONNECT_API_KEY"])
    connectcreds.service_account_token(content_token=connect.environment["CONNECT_CONTENT_SESSION_TOKEN"])
    assert not kept


def test_no_more_requests_are_kept_than_some(connect: Standin) -> None:
    token = connectcreds.service_account_token(resource="0")
    for index in range(_requests._MOST_KEPT + 50):
        connectcreds.has_service_account_token(min_validity_s=index)
        assert len(_requests._kept) <= _requests._MOST_KEPT
    assert connectcreds.service_account_token(resource="0") == token


@pytest.mark.parametrize("name", TEXTS)
def test_text_that_can_not_be_used_is_refused(connect: Standin, name: str) -> None:
    for bad in ("line\nfeed", "nul\0", "lone \ud800 surrogate"):
        for call in (CALL, HAS):
            with pytest.raises(connectcreds.InvalidArgumentError) as raised:
                call(**{name: bad})
            assert all(word in str(raised.value).lower() for word in name.split("_"))
    with pytest.raises(TypeError, match=f"{name} is a string or None, not bytes"):
        CALL(**{name: b"bytes"})
    assert connect.exchanges == 0


@pytest.mark.parametrize("name", ["timeout_ms", "min_validity_s"])
def test_numbers_that_do_not_fit_are_refused(connect: Standin, name: str) -> None:
    for bad in (-1, 2**32, 2**70):
        with pytest.raises(connectcreds.InvalidArgumentError, match="between 0 and 4294967295"):
            CALL(**{name: bad})
    for wrong in (1.5, "1", True):
        with pytest.raises(TypeError, match=f"{name} is an int or None"):
            CALL(**{name: wrong})
    assert connect.exchanges == 0


@pytest.mark.parametrize(
    ("argument", "why"),
    [
        ({"params": ["a"]}, "params is a mapping or None"),
        ({"params": {"a": 1}}, "parameter's value is a string or None"),
        ({"force_refresh": "yes"}, "force_refresh is a bool or None"),
        ({"cancel": True}, "cancel is a callable or None"),
        ({"rescource": "x"}, "unexpected keyword argument 'rescource'"),
    ],
)
def test_what_is_of_another_type_is_refused(connect: Standin, argument: dict[str, Any], why: str) -> None:
    with pytest.raises(TypeError, match=why):
        CALL(**argument)
    assert connect.exchanges == 0


def test_parameters_with_a_setter_of_their_own_are_refused(connect: Standin) -> None:
    for name in ("", "grant_type", "subject_token", "resource"):
        with pytest.raises(connectcreds.InvalidArgumentError):
            connectcreds.service_account_token(params={name: "x"})
    assert connect.exchanges == 0


def test_subjects_that_can_not_be_used_are_refused(connect: Standin) -> None:
    for bad in ("a\nb", "a\0b", "\ud800"):
        with pytest.raises(connectcreds.InvalidArgumentError):
            connectcreds.viewer_token(bad)
        with pytest.raises(connectcreds.InvalidArgumentError):
            connectcreds.exchange_token(bad, TokenType.USER_SESSION)
    with pytest.raises(connectcreds.InvalidArgumentError):
        connectcreds.exchange_token("", "")
    wrong: Any = b"session"
    with pytest.raises(TypeError, match="session_token is a string or None"):
        connectcreds.viewer_token(wrong)
    assert connect.exchanges == 0


def test_on_connect_takes_the_process_for_content(connect: Standin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POSIT_PRODUCT")
    assert not connectcreds.has_service_account_token()
    assert connectcreds.service_account_token(on_connect=True).access_token


def test_type_checkers_know_the_arguments(connect: Standin) -> None:
    # mypy, which checks this file, complains of an `ignore` that is not needed.
    with pytest.raises(TypeError):
        connectcreds.service_account_token(rescource="x")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        connectcreds.viewer_token("session", timeout_ms="1")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        connectcreds.viewer_token()  # type: ignore[call-arg]
    assert connect.exchanges == 0
