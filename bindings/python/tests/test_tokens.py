"""Tokens come as the server gives them, for what was asked."""

from __future__ import annotations

import copy
import gc
import pickle
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from support import RESOURCE, Standin

import connectcreds
from connectcreds import TokenType

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"


def test_a_service_account_token_is_asked_for_with_the_content_session_token(connect: Standin) -> None:
    token = connectcreds.service_account_token()
    assert token.authorization == f"Bearer {token.access_token}"
    assert connect.form() == {
        "grant_type": GRANT,
        "subject_token_type": TokenType.CONTENT_SESSION,
        "subject_token": connect.environment["CONNECT_CONTENT_SESSION_TOKEN"],
    }


def test_a_viewer_token_is_asked_for_with_the_user_session_token(connect: Standin) -> None:
    connectcreds.viewer_token(connect.viewer("alice"), resource=RESOURCE, scope="a b")
    assert connect.form() == {
        "grant_type": GRANT,
        "subject_token_type": TokenType.USER_SESSION,
        "subject_token": connect.viewer("alice"),
        "resource": RESOURCE,
        "scope": "a b",
    }


def test_a_workload_token_is_an_id_token(connect: Standin) -> None:
    token = connectcreds.workload_token(audience=connect.integration)
    assert token.issued_token_type == TokenType.ID_TOKEN
    form = connect.form()
    assert (form["requested_token_type"], form["audience"]) == (TokenType.ID_TOKEN, connect.integration)


def test_any_exchange_can_be_made(connect: Standin) -> None:
    connectcreds.exchange_token(connect.viewer("alice"), TokenType.USER_SESSION)
    assert connect.form()["subject_token"] == connect.viewer("alice")


def test_whether_there_is_a_token_is_asked_with_the_same_arguments(connect: Standin) -> None:
    assert connectcreds.has_service_account_token(resource=RESOURCE)
    assert connectcreds.has_viewer_token(connect.viewer("alice"), scope="s")
    assert connectcreds.has_workload_token(audience=connect.integration)
    service, viewer, workload = connect.forms()
    assert service["resource"] == RESOURCE
    assert viewer["scope"] == "s"
    assert workload["audience"] == connect.integration
    assert not connectcreds.has_workload_token(audience="another")
    assert not connectcreds.has_viewer_token(None)
    assert not connectcreds.has_viewer_token("")


def test_a_token_tells_when_it_expires(connect: Standin) -> None:
    expires_at = connectcreds.service_account_token().expires_at
    assert expires_at is not None
    assert expires_at.tzinfo is timezone.utc
    assert timedelta(minutes=50) < expires_at - datetime.now(timezone.utc) <= timedelta(hours=1)
    connect.order({"order": "success", "json": {"access_token": "t"}})
    assert connectcreds.service_account_token(force_refresh=True).expires_at is None


def test_a_token_is_a_mapping_of_what_the_server_said(connect: Standin) -> None:
    answer = '{"access_token": "töken", "n": 1.50, "deep": {"a": [null]}, "empty": ""}'
    connect.order({"order": "raw", "status": 200, "headers": [["content-type", "application/json"]], "body": answer})
    token = connectcreds.service_account_token()
    # As code that was written for posit-sdk reads it.
    assert token["access_token"] == "töken"
    assert token["token_type"] == "Bearer"
    assert token.get("refresh_token") is None
    wrong: Any
    for wrong in ("refresh_token", "access_token\0", "\ud800", "", None, 5):
        with pytest.raises(KeyError):
            token[wrong]
        assert wrong not in token
    assert dict(token) == {
        "access_token": "töken",
        "n": "1.50",
        "deep": '{"a": [null]}',
        "empty": "",
        "token_type": "Bearer",
    }
    assert len(token) == 5
    assert list(token.fields) == ["access_token", "n", "deep", "empty"]


def test_a_token_of_another_type_is_no_bearer(connect: Standin) -> None:
    token = connectcreds.service_account_token(requested_token_type=TokenType.AWS_CREDENTIALS)
    assert token.token_type == "aws_credentials"
    with pytest.raises(ValueError, match="'aws_credentials' is not presented in the header Authorization"):
        _ = token.authorization


def test_secrets_are_not_printed(connect: Standin) -> None:
    token = connectcreds.service_account_token()
    for shown in (repr(token), str(token), f"{token}", f"{[token]}"):
        assert token.access_token not in shown
        assert "REDACTED" in shown
    credentials = connectcreds.aws_credentials()
    for shown in (repr(credentials), str(credentials)):
        assert credentials.access_key_id in shown
        assert credentials.secret_access_key not in shown
        assert credentials.session_token is not None
        assert credentials.session_token not in shown


def test_aws_credentials_are_read_out_of_the_token(connect: Standin) -> None:
    credentials = connectcreds.aws_credentials(audience=connect.integration, requested_token_type=None)
    assert all((credentials.access_key_id, credentials.secret_access_key, credentials.session_token))
    assert credentials.expires_at is not None
    assert credentials.expires_at > datetime.now(timezone.utc)
    assert connect.form()["requested_token_type"] == TokenType.AWS_CREDENTIALS
    assert connect.form()["subject_token_type"] == TokenType.CONTENT_SESSION
    with pytest.raises(AttributeError, match="immutable"):
        credentials.access_key_id = "another"
    with pytest.raises(AttributeError, match="immutable"):
        del credentials.access_key_id


def test_aws_credentials_can_be_the_viewers(connect: Standin) -> None:
    connectcreds.aws_credentials(session_token=connect.viewer("alice"))
    assert connect.form()["subject_token_type"] == TokenType.USER_SESSION
    with pytest.raises(connectcreds.NoSessionError):
        connectcreds.aws_credentials(session_token=None)


def test_a_token_without_aws_credentials_says_so(connect: Standin) -> None:
    with pytest.raises(connectcreds.BadResponseError):
        connectcreds.service_account_token().aws_credentials()


def test_tokens_are_equal_when_their_text_is(connect: Standin) -> None:
    connect.order(
        {"order": "success", "json": {"access_token": "same", "expires_in": 3600}},
        {"order": "success", "json": {"access_token": "same", "expires_in": 3599}},
    )
    one, same = connectcreds.service_account_token(), connectcreds.service_account_token(force_refresh=True)
    assert one.fields != same.fields
    other = connectcreds.service_account_token(force_refresh=True)
    assert one == same
    assert len({one, same, other}) == 2
    assert one != other
    assert one != dict(one)
    assert copy.copy(one) is one
    assert copy.deepcopy(one) is one


def test_secrets_are_not_pickled(connect: Standin) -> None:
    for secret in (connectcreds.service_account_token(), connectcreds.aws_credentials()):
        with pytest.raises(TypeError, match="is a secret and is not pickled"):
            pickle.dumps(secret)


def test_a_token_outlives_the_cache_and_credentials_their_token(connect: Standin) -> None:
    token = connectcreds.service_account_token()
    text = str(token.access_token)
    connectcreds.clear_cache()
    gc.collect()
    assert token.access_token == text
    aws = connectcreds.service_account_token(requested_token_type=TokenType.AWS_CREDENTIALS)
    credentials = aws.aws_credentials()
    del aws
    gc.collect()
    assert credentials.secret_access_key


def test_code_for_posit_sdk_reads_the_same_from_a_token(connect: Standin) -> None:
    client_module = pytest.importorskip("posit.connect")
    client = client_module.Client()
    # It would ask the server for it.
    client._ctx.version = "2026.02.0"
    theirs = client.oauth.get_credentials(connect.viewer("alice"))
    ours = connectcreds.viewer_token(connect.viewer("alice"))
    for name in ("access_token", "issued_token_type", "token_type"):
        assert ours[name] == theirs[name]
