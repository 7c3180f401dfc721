"""What all adapters share: a function of this package with its arguments, called again for each token.

An adapter never holds a token that gets old: it asks before each use, and the cache answers. When the service rejects
the token, the adapter drops it from the cache and asks once more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NoReturn, Optional, Union

from . import _credentials, errors
from ._credentials import NOT_GIVEN, NotGiven
from ._library import LOGGER
from ._token import Token, refuse_to_pickle

__tracebackhide__ = True

UNAUTHORIZED = 401


class Substitute:
    """A token of the program's own, in place of Connect's. Immutable."""

    __slots__ = ("access_token",)

    #: The token itself. A secret: do not print it.
    access_token: str
    #: This package does not know when it expires.
    expires_at = None

    def __init__(self, access_token: str) -> None:
        object.__setattr__(self, "access_token", access_token)

    @property
    def authorization(self) -> str:
        """The value of the header Authorization that presents the token. A secret."""
        return f"Bearer {self.access_token}"

    def invalidate(self) -> bool:
        """Does nothing: the token is not in the cache."""
        return False

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{name} cannot be set")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (Substitute, Token)) and self.access_token == other.access_token

    def __hash__(self) -> int:
        return hash(self.access_token)

    def __repr__(self) -> str:
        return "<Substitute, access_token REDACTED>"

    def __reduce__(self) -> NoReturn:
        refuse_to_pickle(self)


AnyToken = Union[Token, Substitute]

#: What an adapter uses when the process does not run on Connect: a token; a function without arguments that returns a
#: token or None; or None for no token of this package, so that the client falls back to its own credentials. When it
#: is not given, the adapter raises `NotOnConnectError`.
OffConnect = Union[str, Token, Callable[[], Union[str, Token, None]], NotGiven, None]


class Source:
    """The current token of a function that is called with the same arguments each time."""

    __slots__ = ("_ask", "_off_connect")

    def __init__(
        self,
        ask: Callable[..., Any],
        args: tuple[Any, ...],
        options: Mapping[str, Any],
        off_connect: Any = NOT_GIVEN,
    ) -> None:
        if not callable(ask):
            raise TypeError(f"an adapter takes a function that returns a token, not {type(ask).__name__}")
        _check_arguments(ask, args, options)
        self._ask: Callable[..., Any] = partial(ask, *args, **options)
        self._off_connect = off_connect

    def ask(self, **options: Any) -> Any:
        """Calls the function; raises NotOnConnectError also when there is a substitute."""
        return self._ask(**options)

    def token(self, **options: Any) -> Optional[AnyToken]:
        """Returns the current token; None when there is none off Connect."""
        try:
            token: Token = self._ask(**options)
        except errors.NotOnConnectError:
            if self._off_connect is NOT_GIVEN:
                raise
        else:
            return token
        return self.substitute()

    async def token_async(self, **options: Any) -> Optional[AnyToken]:
        """Returns the same without blocking the event loop."""
        from .aio import off_loop

        try:
            token: Token = await off_loop(self._ask, **options)
        except errors.NotOnConnectError:
            if self._off_connect is NOT_GIVEN:
                raise
        else:
            return token
        return await off_loop(self.substitute)

    def substitute(self) -> Optional[AnyToken]:
        """Returns what `off_connect` gives."""
        value = self._off_connect
        if callable(value):
            value = value()
        if value is None or isinstance(value, (Token, Substitute)):
            return value
        if isinstance(value, str):
            return Substitute(value)
        raise TypeError(f"off_connect gives a string, a Token or None, not {type(value).__name__}")

    def replacement(self, rejected: AnyToken) -> Optional[AnyToken]:
        """Drops a token that the service rejected, and returns another one; None when there is no other."""
        rejected.invalidate()
        try:
            return _other(self.token(), rejected)
        except errors.ConnectCredentialsError as why:
            _log_failure(why)
            return None

    async def replacement_async(self, rejected: AnyToken) -> Optional[AnyToken]:
        """Does the same without blocking the event loop."""
        rejected.invalidate()
        try:
            return _other(await self.token_async(), rejected)
        except errors.ConnectCredentialsError as why:
            _log_failure(why)
            return None

    @property
    def has_substitute(self) -> bool:
        """Whether `off_connect` is given."""
        return self._off_connect is not NOT_GIVEN

    @property
    def is_off_connect(self) -> bool:
        """Whether the function will raise NotOnConnectError, as far as can be told without calling it."""
        ask = self._ask
        if isinstance(ask, partial) and (ask.func is _credentials.exchange_token or ask.keywords.get("on_connect")):
            return False
        return not _credentials.running_on_connect()

    def __repr__(self) -> str:
        # Its arguments hold secrets.
        ask = self._ask
        return f"<Source {getattr(ask.func if isinstance(ask, partial) else ask, '__name__', 'token')}>"


def _other(token: Optional[AnyToken], rejected: AnyToken) -> Optional[AnyToken]:
    return None if token is None or token == rejected else token


def _log_failure(why: errors.ConnectCredentialsError) -> None:
    # The caller sees the service's response, which is the failure that it can act on.
    LOGGER.warning("The service rejected the token, and there is no other one: %s", why)


def _check_arguments(ask: Callable[..., Any], args: tuple[Any, ...], options: Mapping[str, Any]) -> None:
    """Raises TypeError where the adapter is made, and not later in the middle of a request."""
    import inspect  # Takes several milliseconds, and the clients import it anyway.

    try:
        signature = inspect.signature(ask)
    except (TypeError, ValueError):  # It is not written in Python.
        return
    signature.bind(*args, **options)
