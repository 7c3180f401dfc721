"""Engines of SQLAlchemy, and pyodbc's connections, with tokens from Connect. No database: a driver that records."""

from __future__ import annotations

import struct
import types
from typing import Any

import pytest
from services import Tokens, in_fork, in_threads

import connectcreds

pytest.importorskip("sqlalchemy")

import sqlalchemy.exc

from connectcreds import odbc
from connectcreds import sqlalchemy as fresh


class Driver(types.ModuleType):
    """A DB API module that records how it is asked to connect, and refuses some tokens."""

    paramstyle = "qmark"
    version = "5.2.0"
    threadsafety = 1
    SQL_DRIVER_NAME = 6

    class Error(Exception):
        """Of the DB API."""

    class InterfaceError(Error):
        """Of the DB API."""

    Cursor = type("Cursor", (), {"nextset": None})
    DatabaseError = OperationalError = ProgrammingError = IntegrityError = Error

    def __init__(self) -> None:
        super().__init__("driver")
        self.connections: list[dict[str, Any]] = []
        self.refused: set[str] = set()

    def connect(self, *args: Any, **parameters: Any) -> Any:
        self.connections.append(parameters)
        if token_of(parameters) in self.refused:
            raise self.InterfaceError("28000", "[28000] Login failed for user '<token-identified principal>'. (18456)")
        return types.SimpleNamespace(
            rollback=lambda: None,
            close=lambda: None,
            commit=lambda: None,
            getinfo=lambda code: "driver",
            add_output_converter=lambda code, function: None,
        )

    @property
    def tokens(self) -> list[str | None]:
        return [token_of(each) for each in self.connections]


def token_of(parameters: dict[str, Any]) -> str | None:
    if "attrs_before" in parameters:
        data = parameters["attrs_before"][odbc.SQL_COPT_SS_ACCESS_TOKEN]
        (length,) = struct.unpack("=I", data[:4])
        assert length == len(data) - 4
        return str(data[4:].decode("utf-16-le"))
    return parameters.get("password")


def engine(url: str = "mssql+pyodbc://server/database?driver=ODBC") -> tuple[Any, Driver]:
    driver = Driver()
    made = sqlalchemy.create_engine(url, module=driver)
    made.dialect.initialize = lambda connection: None  # type: ignore[method-assign]  # It would ask the server.
    return made, driver


def test_a_password_is_the_current_token(tokens: Tokens) -> None:
    made, driver = engine("mssql+pyodbc://user:unused@server/database?driver=ODBC")
    fresh.password(made, connectcreds.viewer_token, "session", scope="s")
    for _ in range(2):
        made.raw_connection().close()
    assert driver.tokens == ["token-1"]
    connectcreds.clear_cache()
    made.dispose()
    made.raw_connection().close()
    assert driver.tokens == ["token-1", "token-2"]
    assert (tokens.forms[0]["subject_token"], tokens.forms[0]["scope"]) == ("session", "s")


def test_a_password_can_have_another_name(tokens: Tokens) -> None:
    made, driver = engine()
    fresh.password(made, connectcreds.service_account_token, parameter="access_token")
    made.raw_connection().close()
    assert driver.connections[0]["access_token"] == "token-1"


def test_odbc_attributes_are_utf_16_with_a_length(tokens: Tokens) -> None:
    attributes = odbc.attrs_before(connectcreds.service_account_token)
    assert attributes == {1256: struct.pack("=I", 14) + "token-1".encode("utf-16-le")}


def test_odbc_connections_take_the_current_token(tokens: Tokens) -> None:
    made, driver = engine()
    odbc.listen(made, connectcreds.service_account_token)
    made.raw_connection().close()
    driver.refused = {"token-1"}
    made.dispose()
    made.raw_connection().close()
    assert driver.tokens == ["token-1", "token-1", "token-2"]
    driver.refused = {f"token-{index}" for index in range(10)}
    made.dispose()
    with pytest.raises(sqlalchemy.exc.DBAPIError):
        made.connect()
    assert driver.tokens[3:] == ["token-2", "token-3"], "once more"


def test_threads_and_forks_share_the_token(tokens: Tokens) -> None:
    made, driver = engine()
    odbc.listen(made, connectcreds.service_account_token)
    in_threads(lambda: made.raw_connection().close())
    assert set(driver.tokens) == {"token-1"}

    def in_child() -> Any:
        made.dispose(close=False)
        made.raw_connection().close()
        return driver.tokens[-1]

    assert in_fork(in_child) == "token-1"
    assert len(tokens.forms) == 1


def test_off_connect() -> None:
    ask = connectcreds.service_account_token
    made, driver = engine()
    fresh.password(made, ask)
    with pytest.raises(connectcreds.NotOnConnectError):
        made.raw_connection()
    assert driver.connections == []
    for other, seen in (("mine", "mine"), (lambda: "called", "called"), (None, None)):
        made, driver = engine()
        fresh.password(made, ask, off_connect=other)
        made.raw_connection().close()
        assert driver.tokens == [seen]
    assert odbc.attrs_before(ask, off_connect=None) == {}
    assert odbc.attrs_before(ask, off_connect="t")[1256][4:] == "t".encode("utf-16-le")


def test_pyodbc_takes_the_attributes(tokens: Tokens) -> None:
    pyodbc = pytest.importorskip("pyodbc", exc_type=ImportError)
    # There is no driver here: the attributes get as far as the driver manager.
    with pytest.raises(pyodbc.Error, match=r"IM002|IM004|01000"):
        pyodbc.connect("Driver=Nonexistent", attrs_before=odbc.attrs_before(connectcreds.service_account_token))
