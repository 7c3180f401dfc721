"""Fresh credentials for each new connection of a SQLAlchemy engine.

    from connectcreds import sqlalchemy as fresh

    engine = sqlalchemy.create_engine("postgresql+psycopg://user@host/db")
    fresh.password(engine, connectcreds.service_account_token, scope="https://ossrdbms-aad.database.windows.net/.default")

A pool opens connections long after the engine was made. The listener asks for a token whenever the pool connects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Optional

from sqlalchemy import Engine, event

from ._adapters import AnyToken, OffConnect, Source
from ._credentials import NOT_GIVEN
from ._requests import Options
from ._token import Token
from ._typing import Unpack

__all__ = ["password"]

__tracebackhide__ = True


def password(
    engine: Any,
    ask: Callable[..., Token],
    *args: Any,
    parameter: str = "password",
    off_connect: OffConnect = NOT_GIVEN,
    **options: Unpack[Options],
) -> None:
    """Makes an engine connect with the current token as its password, or as another argument of the driver.

    Args:
        engine: an `Engine`, or an `AsyncEngine`.
        ask: a function of this package that returns a token; its arguments follow.
        parameter: the driver's argument that takes the token.
        off_connect: what to use where the process does not run on Connect: a token, a function that returns one, or
            None for the engine's own arguments.
        options: keyword arguments of `ask`.
    """
    source = Source(ask, args, options, off_connect)
    listen(engine, source, lambda token: {parameter: token.access_token})


def listen(
    engine: Any,
    source: Source,
    arguments: Callable[[AnyToken], Mapping[str, Any]],
    is_rejected: Optional[Callable[[BaseException], bool]] = None,
) -> None:
    """Adds arguments that are made of the current token to each new connection of an engine.

    Where `is_rejected` says that the database rejected the token, it is dropped and the engine connects once more; a
    connection that fails so later is taken out of the pool.
    """
    target: Engine = getattr(engine, "sync_engine", engine)
    used: list[AnyToken] = []

    def connect(dialect: Any, record: Any, cargs: Any, cparams: dict[str, Any]) -> Any:
        token = source.token()
        if token is None:
            return None
        used[:] = [token]
        cparams.update(arguments(token))
        if is_rejected is None:
            return None
        try:
            return dialect.connect(*cargs, **cparams)
        except Exception as why:
            if not is_rejected(why):
                raise
            other = source.replacement(token)
            if other is None:
                raise
        used[:] = [other]
        return dialect.connect(*cargs, **{**cparams, **arguments(other)})

    def failed(context: Any) -> None:
        original = context.original_exception
        if is_rejected is not None and used and is_rejected(original):
            used[0].invalidate()
            context.is_disconnect = True

    event.listen(target, "do_connect", connect)
    event.listen(target, "handle_error", failed)
