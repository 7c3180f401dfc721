"""One exception for each status of the library."""

from __future__ import annotations

import builtins
import enum
from collections.abc import Mapping
from typing import Any, Optional

from . import _abi


class Status(enum.IntEnum):
    """The outcome of a call. Values never change and are never reused."""

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
    """A call failed. `str()` is the whole explanation, one line for each cause; it never contains a secret.

    Text from a server may be in it, and may hold any printable character.

    Attributes:
        status: the library's number of the reason; a `Status` where this package knows it.
        http_status: the HTTP status of the server's response; None when there was no response.
        oauth_code: the OAuth error code of the response, such as "invalid_request", or None.
        connect_code: Connect's own error code, such as 212, or None.
        is_retryable: whether the same call may succeed later with nothing changed.
        retry_after_ms: how long the server asked to wait, in milliseconds, or None.
    """

    status: int = Status.INTERNAL

    def __init__(
        self,
        message: str,
        *,
        status: Optional[int] = None,
        http_status: Optional[int] = None,
        oauth_code: Optional[str] = None,
        connect_code: Optional[int] = None,
        is_retryable: bool = False,
        retry_after_ms: Optional[int] = None,
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
        """The whole explanation, as `str()` gives it."""
        return str(self)

    def __reduce__(self) -> tuple[Any, ...]:
        # Unpickling calls the class with the positional arguments alone; multiprocessing pickles exceptions.
        return type(self), self.args, self.__dict__


class InvalidArgumentError(ConnectCredentialsError, ValueError):
    """A value that cannot be used: a control character, a malformed URL."""

    status = Status.INVALID_ARGUMENT


class NotOnConnectError(ConnectCredentialsError):
    """The process does not run on Connect."""

    status = Status.NOT_ON_CONNECT


class NoSessionError(ConnectCredentialsError):
    """A viewer's token was requested outside a viewer's session."""

    status = Status.NO_SESSION


class NotSupportedError(ConnectCredentialsError):
    """Connect supplied no session token: an old version, or configured off."""

    status = Status.NOT_SUPPORTED


class NoServerError(ConnectCredentialsError):
    """There is no server URL."""

    status = Status.NO_SERVER


class NoApiKeyError(ConnectCredentialsError):
    """There is no API key."""

    status = Status.NO_API_KEY


class NetworkError(ConnectCredentialsError):
    """Name resolution, the connection or a proxy failed, or the response was cut short."""

    status = Status.NETWORK


class TlsError(ConnectCredentialsError):
    """The server's certificate was rejected, or the TLS handshake failed."""

    status = Status.TLS


class TimeoutError(ConnectCredentialsError, builtins.TimeoutError):  # noqa: A001 - it is one
    """The deadline passed."""

    status = Status.TIMEOUT


class CancelledError(ConnectCredentialsError):
    """The caller's `cancel` callback returned true."""

    status = Status.CANCELLED


class RefusedError(ConnectCredentialsError):
    """The server responded with an OAuth or Connect error."""

    status = Status.REFUSED


class BadResponseError(ConnectCredentialsError):
    """The server's response was not understood."""

    status = Status.BAD_RESPONSE


class InternalError(ConnectCredentialsError):
    """A bug in the library, caught."""

    status = Status.INTERNAL


_CLASSES: Mapping[int, type[ConnectCredentialsError]] = {
    each.status: each for each in ConnectCredentialsError.__subclasses__()
}


#: What a Python program does about a failure.
HINTS: Mapping[int, str] = {
    Status.NOT_ON_CONNECT: "Elsewhere, take credentials from another source (off_connect= of the adapters), or pretend "
    "to be on Connect in tests (connectcreds.testing).",
    Status.NO_SESSION: "Pass session_token=, which connectcreds.sessions reads from the objects of web frameworks.",
    Status.TIMEOUT: "The deadline is set with timeout_ms=, or connectcreds.configure(timeout_ms=).",
}
#: How it sets the option that the library names.
OPTION_HINTS: Mapping[str, str] = {
    "server_url": "Pass server_url=, or set the environment variable CONNECT_SERVER.",
    "api_key": "Pass api_key=, or set the environment variable CONNECT_API_KEY.",
    "ca_bundle": "Name the certificate of a private authority with connectcreds.configure(ca_bundle=), or set the "
    "environment variable CONNECT_CA_CERTIFICATE.",
}


def _message(error: int, status: int) -> str:
    """Returns the library's message with this package's hint in place of the one for C programs."""
    option = _abi.cc_error_option(error)
    hint = HINTS.get(status) if option is None else OPTION_HINTS.get(option.decode())
    if option is not None and hint is None:  # An option of a newer library.
        whole: bytes = _abi.cc_error_message(error)
        return whole.decode()
    message: str = _abi.cc_error_message_without_hint(error).decode()
    return message if hint is None else f"{message}\n{hint}"


def from_status(status: int, message: str, **details: Any) -> ConnectCredentialsError:
    """Returns the exception for a status; the base class for a status of a newer library."""
    known = _CLASSES.get(status)
    if known is None:
        return ConnectCredentialsError(message, status=status, **details)
    return known(message, **details)


def from_handle(error: int) -> ConnectCredentialsError:
    """Returns the exception for a `cc_error`."""
    oauth_code = _abi.cc_error_oauth_code(error)
    retry_after_ms = _abi.cc_error_retry_after_ms(error)
    status = _abi.cc_error_status(error)
    return from_status(
        status,
        _message(error, status),
        http_status=_abi.cc_error_http_status(error) or None,
        oauth_code=None if oauth_code is None else oauth_code.decode(),
        connect_code=_abi.cc_error_connect_code(error) or None,
        is_retryable=_abi.cc_error_is_retryable(error),
        retry_after_ms=None if retry_after_ms < 0 else retry_after_ms,
    )
