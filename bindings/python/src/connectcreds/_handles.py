"""Handles that free themselves, and where a call writes its result."""

from __future__ import annotations

from collections.abc import Callable
from ctypes import Array, byref, c_void_p, sizeof
from typing import Any

from . import _abi, errors

_POINTER_SIZE = sizeof(c_void_p)


class Answer(Array[c_void_p]):
    """The two out-pointers of a call, of a token and of an error.

    They are owned from before the call on: whatever is raised in between, a KeyboardInterrupt too, nothing is lost.
    Passed as an argument this object is the out-pointer of the token.
    """

    _type_ = c_void_p
    _length_ = 2

    def error_out(self) -> Any:
        """The out-pointer of the error."""
        return byref(self, _POINTER_SIZE)

    def failure(self, status: int) -> errors.ConnectCredentialsError:
        """The exception for a call that returned this status."""
        error: Any = self[1]
        if error is None:
            return errors.from_status(status, _abi.cc_status_name(status).decode())
        return errors.from_handle(error)

    # What it needs stands in the arguments: at the interpreter's end the module may be empty already.
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


class AwsAnswer(Answer):
    """The same where AWS credentials come in place of a token."""

    def __del__(
        self,
        free: Callable[[Any], None] = _abi.cc_aws_credentials_free,
        free_error: Callable[[Any], None] = _abi.cc_error_free,
    ) -> None:
        super().__del__(free, free_error)


def text(value: bytes | None) -> str | None:
    """What the library gives, as text."""
    return None if value is None else value.decode()


def encoded(what: str, value: str | None) -> bytes | None:
    """`value` as the library takes it. What is no UTF-8 is left to the library to refuse."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"{what} is a string or None, not {type(value).__name__}")
    given = value.encode("utf-8", "surrogatepass")
    if b"\0" in given:
        # The library would see the part before it. In its words:
        name = what.replace("_", " ").replace("api", "API").replace("url", "URL")
        raise errors.InvalidArgumentError(f"The {name} holds a control character.")
    return given
