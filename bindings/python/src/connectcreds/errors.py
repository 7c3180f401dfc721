"""Why there is no token: one exception for each status of the library."""

from __future__ import annotations

import builtins
import enum
from collections.abc import Mapping
from typing import Any

from . import _abi


class Status(enum.IntEnum):
    """What a call came to. Values never change and are never reused."""

    OK = 0
    INVALID_ARGUMENT = 1
    NOT_ON_CONNECT = 10
    NO_SESSION = 11
    NOT_SUPPORTED = 12
    NO_SERVER = 13
    NO_API_KEY = 14
    NETWORK = 20
    TLS = 21
    TIMEOUT = 22
    CANCELLED = 23
    REFUSED = 30
    BAD_RESPONSE = 31
    INTERNAL = 90


class ConnectCredentialsError(Exception):
    """A call failed. `str()` tells the whole story, causes included, one line each; no secret stands in it.

    A server's words are data: they may hold any character that can be printed.

    Attributes:
        status: why, as the library's number; a `Status` where this package knows it.
        http_status: the status of the server's answer; None when there was no answer.
        oauth_code: the OAuth error code of the answer, such as "invalid_request", or None.
        connect_code: Connect's own error code, such as 212, or None.
        is_retryable: whether the same call may succeed later with nothing changed.
        retry_after_ms: milliseconds that the server asked to wait, or None.
    """

    status: int = Status.INTERNAL

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        http_status: int | None = None,
        oauth_code: str | None = None,
        connect_code: int | None = None,
        is_retryable: bool = False,
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(message)
        if status is not None:
            self.status = status
        self.http_status = http_status
        self.oauth_code = oauth_code
        self.connect_code = connect_code
        self.is_retryable = is_retryable
        self.retry_after_ms = retry_after_ms

    @property
    def message(self) -> str:
        """The whole story, as `str()` gives it."""
        return str(self)

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is made anew from its positional arguments alone; multiprocessing sends them on.
        return type(self), self.args, self.__dict__


class InvalidArgumentError(ConnectCredentialsError, ValueError):
    """A value that can not be used: a control character, a malformed URL."""

    status = Status.INVALID_ARGUMENT


class NotOnConnectError(ConnectCredentialsError):
    """The process does not run on Connect."""

    status = Status.NOT_ON_CONNECT


class NoSessionError(ConnectCredentialsError):
    """A viewer's token was asked for outside a viewer's session."""

    status = Status.NO_SESSION


class NotSupportedError(ConnectCredentialsError):
    """Connect supplied no session token: an old version, or configured off."""

    status = Status.NOT_SUPPORTED


class NoServerError(ConnectCredentialsError):
    """No server URL."""

    status = Status.NO_SERVER


class NoApiKeyError(ConnectCredentialsError):
    """No API key."""

    status = Status.NO_API_KEY


class NetworkError(ConnectCredentialsError):
    """Name resolution, connection, proxy, a reply cut short."""

    status = Status.NETWORK


class TlsError(ConnectCredentialsError):
    """Certificate or handshake."""

    status = Status.TLS


class TimeoutError(ConnectCredentialsError, builtins.TimeoutError):  # noqa: A001 - it is one
    """The deadline passed."""

    status = Status.TIMEOUT


class CancelledError(ConnectCredentialsError):
    """The caller's `cancel` said so."""

    status = Status.CANCELLED


class RefusedError(ConnectCredentialsError):
    """The server answered with an OAuth or Connect error."""

    status = Status.REFUSED


class BadResponseError(ConnectCredentialsError):
    """The server's answer was not understood."""

    status = Status.BAD_RESPONSE


class InternalError(ConnectCredentialsError):
    """A bug in the library, caught."""

    status = Status.INTERNAL


_CLASSES: Mapping[int, type[ConnectCredentialsError]] = {
    each.status: each for each in ConnectCredentialsError.__subclasses__()
}


def from_status(status: int, message: str, **details: Any) -> ConnectCredentialsError:
    """The exception for a status; the base class for one of a newer library's."""
    known = _CLASSES.get(status)
    if known is None:
        return ConnectCredentialsError(message, status=status, **details)
    return known(message, **details)


def from_handle(error: int) -> ConnectCredentialsError:
    """The exception that tells what a `cc_error` does."""
    oauth_code = _abi.cc_error_oauth_code(error)
    retry_after_ms = _abi.cc_error_retry_after_ms(error)
    return from_status(
        _abi.cc_error_status(error),
        _abi.cc_error_message(error).decode(),
        http_status=_abi.cc_error_http_status(error) or None,
        oauth_code=None if oauth_code is None else oauth_code.decode(),
        connect_code=_abi.cc_error_connect_code(error) or None,
        is_retryable=_abi.cc_error_is_retryable(error),
        retry_after_ms=None if retry_after_ms < 0 else retry_after_ms,
    )
