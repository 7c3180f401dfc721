"""Keyword arguments of the token calls, and the library's requests that are made of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Optional, TypedDict, TypeVar

from . import _abi, errors
from ._handles import ResultPair, encoded

__tracebackhide__ = True

_F = TypeVar("_F", bound=Callable[..., Any])


class Options(TypedDict, total=False):
    """The keyword arguments that every token call takes. All are optional; None means "not given".

    The signatures of `connectcreds.service_account_token()` and the others list the same arguments. This type is for
    functions of your own that hand them on: `def warehouse_token(**options: Unpack[connectcreds.Options])`.
    """

    resource: Optional[str]
    scope: Optional[str]
    audience: Optional[str]
    integration: Optional[str]
    requested_token_type: Optional[str]
    content_token: Optional[str]
    server_url: Optional[str]
    api_key: Optional[str]
    params: Optional[Mapping[str, Optional[str]]]
    timeout_ms: Optional[int]
    min_validity_s: Optional[int]
    force_refresh: Optional[bool]
    on_connect: Optional[bool]
    cancel: Optional[Callable[[], object]]


#: What each argument means, with its unit and default, for `help()`.
DOCUMENTATION: Mapping[str, str] = {
    "resource": "URL of the service that the token is for (RFC 8693, section 2.1). Default: not sent.",
    "scope": "requested scopes, separated by spaces. Default: not sent.",
    "audience": "GUID of the integration, where several are associated with the content. Connect 2025.07 and later. "
    "Default: not sent.",
    "integration": "the integration, where several are associated with the content: by its name, by its template "
    '("databricks") where only one has it, or by its GUID; see `integrations()`. Excludes `audience`. Connect 2025.07 '
    "and later. Default: Connect chooses.",
    "requested_token_type": "type of the requested token, one of `TokenType` or another URN. Default: not sent.",
    "content_token": "the content session token. Default: the file that CONNECT_CONTENT_SESSION_TOKEN_FILE names, or "
    "CONNECT_CONTENT_SESSION_TOKEN.",
    "server_url": "URL of the Connect server. Default: CONNECT_SERVER.",
    "api_key": "the Connect API key. Default: CONNECT_API_KEY.",
    "params": "further form parameters, by name. Default: none.",
    "timeout_ms": "deadline of the whole call, in milliseconds; 0 is the default. Default: 20,000, see `configure()`.",
    "min_validity_s": "minimum remaining lifetime of the token, in seconds. Best effort: `Token.expires_at` says what "
    "it has. Default: 0.",
    "force_refresh": "asks the server even if a valid token is cached. Default: False.",
    "on_connect": "skips the check that the process runs on Connect. For tests. Default: False.",
    "cancel": "a function without arguments, called on the calling thread at least every 100 ms while the call waits; "
    "a true result ends the call with `CancelledError`. Default: None.",
}


def documented(function: _F) -> _F:
    """Adds the common arguments to the docstring, before the section "Raises"."""
    if function.__doc__ is not None:  # Python's option -OO removes docstrings.
        lines = "\n".join(f"        {name}: {meaning}" for name, meaning in DOCUMENTATION.items())
        before, raises, after = function.__doc__.partition("\n    Raises:")
        if "Args:" not in before:
            before += "\n    Args:\n"
        function.__doc__ = f"{before.rstrip()}\n{lines}\n{raises}{after}"
    return function


#: Values of `Options`, in its order, as the functions of `_credentials` pass them on.
Values = tuple[Any, ...]

NAMES = tuple(DOCUMENTATION)
_CONTENT_TOKEN = NAMES.index("content_token")
_API_KEY = NAMES.index("api_key")
_PARAMS = NAMES.index("params")
CANCEL = NAMES.index("cancel")
_TYPED = slice(NAMES.index("timeout_ms"), CANCEL)
_NOTHING_TYPED = (None,) * len(NAMES[_TYPED])


def values(**options: Any) -> Values:
    """Returns these options, and None for the others."""
    return tuple(map(options.get, NAMES))


class Request:
    """A `cc_request`."""

    __slots__ = ("address", "types")

    def __init__(self) -> None:
        self.address: Any = None
        #: Types of the values that compare equal to others: 1 and True.
        self.types: tuple[type, ...] = ()
        self.address = _abi.cc_request_new()

    def __del__(self, free: Callable[[Any], None] = _abi.cc_request_free) -> None:
        free(self.address)

    def set(self, options: Values) -> None:
        """Sets what is given; raises for a value that the library rejects."""
        for name, value in zip(NAMES, options):
            if value is not None and _SETTERS[name](self.address, name, value) != errors.Status.OK:
                self._refuse()

    def _refuse(self) -> None:
        """Raises the library's own message."""
        answer = ResultPair()
        raise answer.failure(_abi.cc_request_check(self.address, answer.error_out()))


def _text(address: int, name: str, value: Any) -> Any:
    return getattr(_abi, f"cc_request_set_{name}")(address, encoded(name, value))


def _params(address: int, name: str, value: Any) -> int:
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} is a mapping or None, not {type(value).__name__}")
    for each, given in value.items():
        status: int = _abi.cc_request_set_param(
            address, encoded("parameter's name", each), encoded("parameter's value", given)
        )
        if status != errors.Status.OK:
            return status
    return errors.Status.OK


def _number(address: int, name: str, value: Any) -> Any:
    return getattr(_abi, f"cc_request_set_{name}")(address, uint32(name, value))


def _switch(address: int, name: str, value: Any) -> Any:
    if not isinstance(value, bool):
        raise TypeError(f"{name} is a bool or None, not {type(value).__name__}")
    return getattr(_abi, f"cc_request_set_{name}")(address, value)


def _callable(address: int, name: str, value: Any) -> int:
    # The wait asks it.
    if not callable(value):
        raise TypeError(f"{name} is a callable or None, not {type(value).__name__}")
    return errors.Status.OK


def uint32(name: str, value: Any) -> int:
    """Returns `value`, checked: ctypes would truncate it silently."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} is an int or None, not {type(value).__name__}")
    if not 0 <= value < 2**32:
        raise errors.InvalidArgumentError(f"{name} is between 0 and {2**32 - 1}, not {value}.")
    return value


_SETTERS: Mapping[str, Callable[[int, str, Any], int]] = {
    "resource": _text,
    "scope": _text,
    "audience": _text,
    "integration": _text,
    "requested_token_type": _text,
    "content_token": _text,
    "server_url": _text,
    "api_key": _text,
    "params": _params,
    "timeout_ms": _number,
    "min_validity_s": _number,
    "force_refresh": _switch,
    "on_connect": _switch,
    "cancel": _callable,
}

#: Requests that are used again, by the values they were made of.
_kept: dict[Values, Request] = {}
_MOST_KEPT = 256


def request_for(options: Values) -> Request:
    """Returns a request for `options`."""
    try:
        request = _kept.get(options)
    except TypeError:  # It holds a mapping.
        request = None
    if request is not None:
        typed = options[_TYPED]
        if typed == _NOTHING_TYPED or tuple(map(type, typed)) == request.types:
            return request
    return _new(options)


def _new(options: Values) -> Request:
    request = Request()
    request.set(options)
    # No secret outlives its call here.
    secret = options[CANCEL], options[_PARAMS], options[_CONTENT_TOKEN], options[_API_KEY]
    if secret == (None, None, None, None):
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        request.types = tuple(map(type, options[_TYPED]))
        _kept[options] = request
    return request


def path(what: str, value: str | os.PathLike[str] | None) -> str | None:
    """Returns a path as text."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
        if isinstance(value, bytes):
            return os.fsdecode(value)
    return value
