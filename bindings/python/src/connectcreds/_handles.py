"""Out-parameters of the library that free what they hold."""

from __future__ import annotations

from collections.abc import Callable
from ctypes import Array, byref, c_void_p, sizeof
from typing import Any

from . import _abi, errors

__tracebackhide__ = True

_POINTER_SIZE = sizeof(c_void_p)


class ResultPair(Array[c_void_p]):
    """The two out-parameters of a call: a token and an error.

    This object owns both from before the call, so an exception in between, such as KeyboardInterrupt, leaks nothing.
    Passed as an argument, it is the out-parameter of the token.
    """

    _type_ = c_void_p
    _length_ = 2

    def error_out(self) -> Any:
        """Returns the out-parameter of the error."""
        return byref(self, _POINTER_SIZE)

    def clear(self) -> None:
        """Frees what a call wrote, so that another call can write."""
        self.__del__()
        self[:] = [None, None]

    def failure(self, status: int) -> errors.ConnectCredentialsError:
        """Returns the exception for a call that returned this status."""
        error: Any = self[1]
        if error is None:
            return errors.from_status(status, _abi.cc_status_name(status).decode())
        return errors.from_handle(error)

    # The defaults hold what it needs: the module may be empty already when the interpreter shuts down.
    def __del__(
        self,
        free: Callable[[Any], None] = _abi.cc_token_free,
        free_error: Callable[[Any], None] = _abi.cc_error_free,
    ) -> None:
        result, error = self
        if result is not None:
            free(result)
        if error is not None:
            free_error(error)


class AwsResultPair(ResultPair):
    """The out-parameters of a call that returns AWS credentials."""

    def __del__(
        self,
        free: Callable[[Any], None] = _abi.cc_aws_credentials_free,
        free_error: Callable[[Any], None] = _abi.cc_error_free,
    ) -> None:
        super().__del__(free, free_error)


class IntegrationsResultPair(ResultPair):
    """The out-parameters of a call that returns integrations."""

    def __del__(
        self,
        free: Callable[[Any], None] = _abi.cc_integrations_free,
        free_error: Callable[[Any], None] = _abi.cc_error_free,
    ) -> None:
        super().__del__(free, free_error)


def text(value: bytes | None) -> str | None:
    """Decodes a string of the library."""
    return None if value is None else value.decode()


def encoded(what: str, value: str | None) -> bytes | None:
    """Encodes a string for the library, which itself rejects text that is not UTF-8."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"{what} is a string or None, not {type(value).__name__}")
    given = value.encode("utf-8", "surrogatepass")
    if b"\0" in given:
        # The library would see only the part before it. Its own message:
        name = what.replace("_", " ").replace("api", "API").replace("url", "URL")
        raise errors.InvalidArgumentError(f"The {name} holds a control character.")
    return given
