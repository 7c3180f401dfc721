"""Connections to Snowflake with tokens from Connect.

    from connectcreds import snowflake

    connection = snowflake.connect({"account": "example"}, connectcreds.viewer_token, session_token)

Snowflake's connector captures the token when it connects. `listen()` gives each new connection of a SQLAlchemy engine
the current token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ._adapters import AnyToken, OffConnect, Source
from ._credentials import NOT_GIVEN
from ._requests import Options
from ._token import Token
from ._typing import Unpack

__all__ = ["connect", "connect_args", "listen"]

__tracebackhide__ = True

#: Snowflake's error numbers for an OAuth access token that it does not accept: invalid, expired.
_REJECTED = frozenset((390303, 390318))


def connect_args(
    ask: Callable[..., Token],
    *args: Any,
    off_connect: OffConnect = NOT_GIVEN,
    **options: Unpack[Options],
) -> dict[str, str]:
    """Returns the arguments of `snowflake.connector.connect()` that present the current token.

    Args:
        ask: a function of this package that returns a token; its arguments follow.
        off_connect: what to use where the process does not run on Connect: a token, a function that returns one, or
            None for no argument, so that the connection's other parameters decide.
        options: keyword arguments of `ask`.
    """
    token = Source(ask, args, options, off_connect).token()
    return {} if token is None else _arguments(token)


def connect(
    parameters: Mapping[str, Any],
    ask: Callable[..., Token],
    *args: Any,
    off_connect: OffConnect = NOT_GIVEN,
    **options: Unpack[Options],
) -> Any:
    """Opens a connection of snowflake-connector-python; when Snowflake rejects the token, once more with another.

    Args:
        parameters: the other arguments of `snowflake.connector.connect()`.
        ask: a function of this package that returns a token; its arguments follow.
        off_connect: as `connect_args()` takes it.
        options: keyword arguments of `ask`.
    """
    import snowflake.connector

    source = Source(ask, args, options, off_connect)
    token = source.token()
    if token is None:
        return snowflake.connector.connect(**parameters)
    try:
        return snowflake.connector.connect(**{**parameters, **_arguments(token)})
    except snowflake.connector.DatabaseError as why:
        if not _is_rejected(why):
            raise
        other = source.replacement(token)
        if other is None:
            raise
    return snowflake.connector.connect(**{**parameters, **_arguments(other)})


def listen(
    engine: Any,
    ask: Callable[..., Token],
    *args: Any,
    off_connect: OffConnect = NOT_GIVEN,
    **options: Unpack[Options],
) -> None:
    """Makes an engine of snowflake-sqlalchemy connect with the current token; arguments as of `connect()`.

    A pool's connection whose token Snowflake rejects later is replaced.
    """
    from .sqlalchemy import listen as listen_to

    listen_to(engine, Source(ask, args, options, off_connect), _arguments, _is_rejected)


def _arguments(token: AnyToken) -> dict[str, str]:
    return {"authenticator": "oauth", "token": token.access_token}


def _is_rejected(why: BaseException) -> bool:
    return getattr(why, "errno", None) in _REJECTED
