"""snowflake-connector-python, alone and below SQLAlchemy, with tokens from Connect, on loopback."""

from __future__ import annotations

import gzip
import json
import os
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from services import Reply, Seen, Service, Tokens, in_fork, in_threads, serving

import connectcreds

pytest.importorskip("snowflake.connector")

from snowflake.connector import DatabaseError

from connectcreds import snowflake

pytestmark = [
    # Of the connector itself.
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

EXPIRED, INVALID = "390318", "390303"


class Snowflake:
    """Logins, which it refuses for some tokens."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.code = INVALID
        self.expired = False
        self.logins: list[dict[str, Any]] = []
        self.service: Service

    def answer(self, seen: Seen) -> Reply:
        body = gzip.decompress(seen.body) if seen.headers.get("content-encoding") == "gzip" else seen.body
        if "login-request" in seen.path:
            login = json.loads(body)["data"]
            self.logins.append(login)
            if login.get("TOKEN") in self.refused:
                return 200, {}, {"success": False, "code": self.code, "message": "OAuth access token", "data": {}}
            return 200, {}, {"success": True, "code": None, "message": None, "data": SESSION}
        if "query-request" in seen.path:
            if self.expired:
                return 200, {}, {"success": False, "code": self.code, "message": "OAuth access token", "data": {}}
            return 200, {}, {"success": True, "code": None, "message": None, "data": RESULT}
        return 200, {}, {"success": True, "code": None, "message": None, "data": {}}

    @property
    def tokens(self) -> list[str | None]:
        return [login.get("TOKEN") for login in self.logins]

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "account": "account",
            "host": "127.0.0.1",
            "port": self.service.port,
            "protocol": "http",
            "login_timeout": 10,
            "network_timeout": 10,
        }


SESSION = {
    "token": "session",
    "masterToken": "master",
    "validityInSeconds": 3600,
    "masterValidityInSeconds": 14400,
    "displayUserName": "USER",
    "serverVersion": "9",
    "sessionId": 1,
    "parameters": [],
    "sessionInfo": {"databaseName": None, "schemaName": None, "warehouseName": None, "roleName": None},
}

RESULT = {
    "parameters": [],
    "rowtype": [{"name": name, "type": "text", "nullable": False, "length": 1, "byteLength": 1} for name in "AB"],
    "rowset": [["1", "2"]],
    "total": 1,
    "returned": 1,
    "queryId": "00000000-0000-0000-0000-000000000000",
    "queryResultFormat": "json",
    "finalDatabaseName": None,
    "finalSchemaName": None,
    "finalWarehouseName": None,
    "finalRoleName": None,
    "statementTypeId": 4096,
    "version": 1,
}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Snowflake]:
    for name in list(os.environ):
        if name.startswith("SNOWFLAKE_"):
            monkeypatch.delenv(name)
    made = Snowflake()
    with serving(made.answer) as server:
        made.service = server
        yield made


def connect(service: Snowflake, *args: Any, **options: Any) -> str | None:
    """Connects, and returns the token that the service saw."""
    snowflake.connect(service.parameters, *args or (connectcreds.service_account_token,), **options).close()
    return service.tokens[-1]


def test_each_connection_presents_the_current_token(service: Snowflake, tokens: Tokens) -> None:
    ask = (connectcreds.viewer_token, "session")
    assert [connect(service, *ask), connect(service, *ask)] == ["token-1", "token-1"]
    connectcreds.clear_cache()
    assert connect(service, *ask) == "token-2"
    assert {login["AUTHENTICATOR"].upper() for login in service.logins} == {"OAUTH"}
    assert tokens.forms[0]["subject_token"] == "session"
    assert snowflake.connect_args(*ask) == {"authenticator": "oauth", "token": "token-2"}


@pytest.mark.parametrize("code", [INVALID, EXPIRED])
def test_a_token_that_is_rejected_is_replaced_once(service: Snowflake, tokens: Tokens, code: str) -> None:
    service.code = code
    service.refused = {"token-1"}
    assert connect(service) == "token-2"
    assert service.tokens == ["token-1", "token-2"]
    service.refused = {f"token-{index}" for index in range(10)}
    with pytest.raises(DatabaseError, match=code):
        connect(service)
    assert service.tokens[2:] == ["token-2", "token-3"]


def test_another_failure_drops_no_token(service: Snowflake, tokens: Tokens) -> None:
    service.code = "390144"
    service.refused = {"token-1"}
    with pytest.raises(DatabaseError):
        connect(service)
    assert set(service.tokens) == {"token-1"}
    assert len(tokens.forms) == 1


def test_threads_and_forks_share_the_token(service: Snowflake, tokens: Tokens) -> None:
    in_threads(lambda: connect(service))
    assert service.tokens == ["token-1"] * 2
    # The connector's own core does not work in a child of a process that used it: the arguments are made there.
    arguments = in_fork(lambda: snowflake.connect_args(connectcreds.service_account_token))
    assert arguments["token"] == "token-1"
    assert len(tokens.forms) == 1


def test_off_connect(service: Snowflake) -> None:
    with pytest.raises(connectcreds.NotOnConnectError):
        connect(service)
    assert connect(service, off_connect="mine") == "mine"
    assert connect(service, off_connect=lambda: "called") == "called"
    parameters = {**service.parameters, "user": "me", "password": "my-password"}
    snowflake.connect(parameters, connectcreds.service_account_token, off_connect=None).close()
    assert service.logins[-1]["PASSWORD"] == "my-password"
    assert service.logins[-1].get("TOKEN") is None


@pytest.fixture
def engine(service: Snowflake) -> Iterator[Any]:
    pytest.importorskip("snowflake.sqlalchemy")
    sqlalchemy = pytest.importorskip("sqlalchemy")
    parameters = service.parameters
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = sqlalchemy.create_engine("snowflake://account/", connect_args=parameters)
    yield made
    made.dispose()


def test_a_pool_connects_with_the_current_token(service: Snowflake, tokens: Tokens, engine: Any) -> None:
    snowflake.listen(engine, connectcreds.service_account_token)
    for _ in range(2):
        engine.raw_connection().close()
    assert service.tokens == ["token-1"], "the connection is kept"
    connectcreds.clear_cache()
    engine.dispose()
    engine.raw_connection().close()
    assert service.tokens == ["token-1", "token-2"]
    service.refused = {"token-2"}
    engine.dispose()
    engine.raw_connection().close()
    assert service.tokens[2:] == ["token-2", "token-3"]


def test_a_connection_whose_token_is_rejected_later_leaves_the_pool(
    service: Snowflake, tokens: Tokens, engine: Any
) -> None:
    import sqlalchemy

    snowflake.listen(engine, connectcreds.service_account_token)
    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.text("select 1")).scalar() == "1"
    service.expired = True
    service.code = EXPIRED
    with engine.connect() as connection, pytest.raises(sqlalchemy.exc.DBAPIError) as raised:
        connection.execute(sqlalchemy.text("select 1"))
    assert raised.value.connection_invalidated
    service.expired = False
    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.text("select 1")).scalar() == "1"
    assert service.tokens == ["token-1", "token-2"]
