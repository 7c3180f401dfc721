"""Connections of pyodbc to SQL Server and Azure SQL with tokens from Connect.

    from connectcreds import odbc

    connection = pyodbc.connect(connection_string, attrs_before=odbc.attrs_before(connectcreds.viewer_token, session))

The token is captured when the connection is opened. Databricks, Snowflake and others take theirs as a keyword of the
connection string, with `connectcreds.auth.token_provider()`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from ._adapters import AnyToken, OffConnect, Source
from ._credentials import NOT_GIVEN
from ._requests import Options
from ._token import Token
from ._typing import Unpack

__all__ = ["SQL_COPT_SS_ACCESS_TOKEN", "attrs_before", "listen"]

__tracebackhide__ = True

#: The attribute of Microsoft's ODBC driver that takes an access token.
SQL_COPT_SS_ACCESS_TOKEN = 1256


def attrs_before(
    ask: Callable[..., Token],
    *args: Any,
    off_connect: OffConnect = NOT_GIVEN,
    **options: Unpack[Options],
) -> dict[int, bytes]:
    """Returns the argument `attrs_before` of `pyodbc.connect()`, with the current token.

    Args:
        ask: a function of this package that returns a token; its arguments follow.
        off_connect: what to use where the process does not run on Connect: a token, a function that returns one, or
            None for no attribute, so that the connection string decides.
        options: keyword arguments of `ask`.
    """
    token = Source(ask, args, options, off_connect).token()
    return {} if token is None else _attributes(token)


def listen(
    engine: Any,
    ask: Callable[..., Token],
    *args: Any,
    off_connect: OffConnect = NOT_GIVEN,
    **options: Unpack[Options],
) -> None:
    """Makes an engine of the dialect mssql+pyodbc connect with the current token; arguments as of `attrs_before()`."""
    from .sqlalchemy import listen as listen_to

    source = Source(ask, args, options, off_connect)
    listen_to(engine, source, lambda token: {"attrs_before": _attributes(token)}, _is_rejected)


def _attributes(token: AnyToken) -> dict[int, bytes]:
    # A structure ACCESSTOKEN: a length in bytes of the machine's order, and UTF-16 in little-endian order.
    text = token.access_token.encode("utf-16-le")
    return {SQL_COPT_SS_ACCESS_TOKEN: struct.pack(f"=I{len(text)}s", len(text), text)}


def _is_rejected(why: BaseException) -> bool:
    """Returns whether the login failed: SQLSTATE 28000 and SQL Server's error 18456."""
    return bool(why.args) and why.args[0] == "28000"
