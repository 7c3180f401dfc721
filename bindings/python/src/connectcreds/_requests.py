"""What is asked for: keyword arguments, and the requests of the library that are made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import get_ident
from typing import Any, TypedDict

from . import _abi, _callbacks, errors
from ._handles import Answer, encoded

_main = _callbacks.main


class Options(TypedDict, total=False):
    """What each call can be told; all is optional, and None means "not given".

    What Connect provides comes from the environment when it is not given.
    """

    #: URL of the service that the token is for (RFC 8693, section 2.1).
    resource: str | None
    #: Scopes wanted, separated by spaces.
    scope: str | None
    #: GUID of the integration that is meant, of those associated with the content. Connect 2025.07 and later.
    audience: str | None
    #: Type of token wanted, one of `TokenType` or another URN.
    requested_token_type: str | None
    #: The content session token; from CONNECT_CONTENT_SESSION_TOKEN_FILE or CONNECT_CONTENT_SESSION_TOKEN.
    content_token: str | None
    #: The Connect server; from CONNECT_SERVER.
    server_url: str | None
    #: The Connect API key; from CONNECT_API_KEY.
    api_key: str | None
    #: Any further form parameters.
    params: Mapping[str, str | None] | None
    #: How long the call may take, in milliseconds; None or 0: the configured default.
    timeout_ms: int | None
    #: Remaining life the token should have, in seconds. Best effort: `Token.expires_at` says what it has.
    min_validity_s: int | None
    #: Asks the server even if a good token is cached.
    force_refresh: bool | None
    #: Takes the process for one that runs on Connect, whatever the environment says.
    on_connect: bool | None
    #: Asked on the calling thread, at least every 100 ms, while the call waits; true ends it with `CancelledError`.
    cancel: Callable[[], object] | None


class Request:
    """A `cc_request`."""

    __slots__ = ("_poll", "address")

    def __init__(self, poll: _callbacks.Poll | None) -> None:
        self.address: Any = None
        # The library calls it as long as the request lives.
        self._poll = poll
        self.address = _abi.cc_request_new()
        if poll is not None:
            _abi.cc_request_set_cancel(self.address, poll.callback, None)

    def __del__(self, free: Callable[[Any], None] = _abi.cc_request_free) -> None:
        free(self.address)

    def set(self, options: Options) -> None:
        """Sets what is given; raises for a value that is refused."""
        for name, value in options.items():
            if name not in _SETTERS:
                raise TypeError(f"unexpected keyword argument {name!r}")
            if value is not None and _SETTERS[name](self.address, name, value) != errors.Status.OK:
                self._refuse()

    def _refuse(self) -> None:
        """Raises the library's own words, which every call with the request gives before anything else."""
        answer = Answer()
        status = _abi.cc_exchange_token(None, None, self.address, answer, answer.error_out())
        raise answer.failure(status)


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
    # It is set when the request is made.
    if not callable(value):
        raise TypeError(f"{name} is a callable or None, not {type(value).__name__}")
    return errors.Status.OK


def uint32(name: str, value: Any) -> int:
    """`value`, which ctypes would cut to what fits."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} is an int or None, not {type(value).__name__}")
    if not 0 <= value < 2**32:
        raise errors.InvalidArgumentError(f"{name} is between 0 and {2**32 - 1}, not {value}.")
    return value


_SETTERS: Mapping[str, Callable[[int, str, Any], int]] = {
    "resource": _text,
    "scope": _text,
    "audience": _text,
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

#: Requests that were made before, by what they were made of: on the main thread, where they let signal handlers run,
#: and on others, where no callback is wanted.
_on_main: dict[object, Request] = {}
_elsewhere: dict[object, Request] = {}
_MOST_KEPT = 256
#: Requests in which these stand are not kept: no secret outlives its call here.
_SECRETS = frozenset(("content_token", "api_key"))


def request_for(options: Options) -> Request:
    """A request for `options`; on the main thread one that signals interrupt."""
    kept = _on_main if get_ident() == _main.ident and not _main.poll.is_running else _elsewhere
    try:
        return kept[tuple(options.items())]
    except (KeyError, TypeError):  # Not seen before, or with a mapping in it.
        return _new(options, kept)


def _new(options: Options, kept: dict[object, Request]) -> Request:
    cancel = options.get("cancel")
    poll = _main.poll if kept is _on_main else None
    request = Request(poll if cancel is None else _callbacks.Poll(cancel))
    request.set(options)
    if cancel is None and options.get("params") is None and not _SECRETS.intersection(options):
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        kept[tuple(options.items())] = request
    return request
