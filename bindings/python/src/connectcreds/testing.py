"""Mocks, for the tests of programs that use this package.

    with mock_token("the-token") as mock:
        assert my_program.authorization() == "Bearer the-token"
        assert mock.request_count == 1

While a mock is active, the whole process seems to run on Connect: server http://localhost:3030, API key "key", content
session token "session-token", and "user-token" for a viewer without one. Nothing goes over the network. A mock has a
cache of its own. Mocks nest, and the innermost answers; they may end in any order. A child that is forked inside a mock
inherits it. A mock that nothing refers to ends, with a `ResourceWarning`.
"""

from __future__ import annotations

import atexit
import json
import os
import threading
import warnings
from collections.abc import Callable, Iterable, Mapping
from ctypes import byref, c_void_p
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Any, Optional, Union

from . import _abi, _callbacks, errors
from ._handles import ResultPair, encoded, text
from ._integrations import Integration

__all__ = [
    "Mock",
    "Request",
    "Response",
    "mock_failure",
    "mock_function",
    "mock_responses",
    "mock_token",
]

__tracebackhide__ = True

_JSON = "application/json"


@dataclass(frozen=True)
class Response:
    """A response of the server."""

    #: Text as it is, or what becomes JSON.
    body: Union[str, Mapping[str, object], list[Mapping[str, object]]] = ""
    status: int = 200
    content_type: str = _JSON
    #: Further headers, such as {"Retry-After": "30"}; for `mock_function()` alone.
    headers: Mapping[str, str] = field(default_factory=dict)


#: A response, or the body of one with the status 200.
Answers = Union[Response, Mapping[str, object], list[Mapping[str, object]], str]


@dataclass(frozen=True)
class Request:
    """A request that the library would send to the server."""

    method: str
    url: str
    #: Header fields by name in lower case.
    headers: Mapping[str, str] = field(repr=False)
    #: Parameters of the form, decoded.
    params: Mapping[str, str] = field(repr=False)


class Mock:
    """A mock that answers until it ends: `with mock_token("…") as mock:`."""

    def __init__(self, start: Callable[..., int], *arguments: Any, keeps: object = None) -> None:
        # The library calls it until the end.
        self._keeps = keeps
        self._name = getattr(start, "__name__", "mock").removeprefix("cc_")
        self._process = os.getpid()
        self._lock = threading.Lock()
        answer = ResultPair()
        mock = c_void_p()
        # The error is freed with `answer`; this object ends the mock.
        status = start(*arguments, byref(mock), answer.error_out())
        if status:
            raise answer.failure(status)
        self._mock = mock
        _callbacks.mocks.add(self)

    @property
    def request_count(self) -> int:
        """The number of requests that the mock has answered, or let through to the server."""
        with self._lock:
            self._require_alive()
            count: int = _abi.cc_mock_request_count(self._mock)
        return count

    def advance_time(self, by: Union[int, timedelta]) -> None:
        """Moves the mock's clock forward, in seconds: tokens get close to their expiry, and expire."""
        seconds = int(by.total_seconds()) if isinstance(by, timedelta) else by
        if not isinstance(seconds, int) or isinstance(seconds, bool):
            raise TypeError(f"a time is a number of seconds or a timedelta, not {type(by).__name__}")
        if not -(2**63) <= seconds < 2**63:
            raise errors.InvalidArgumentError(f"{seconds} seconds are too many.")
        with self._lock:
            self._require_alive()
            status = _abi.cc_mock_advance_time(self._mock, seconds)
        if status:
            raise errors.from_status(status, f"Time cannot be moved by {seconds} seconds.")

    def set_environment(self, name: str, value: Optional[str]) -> None:
        """Sets or unsets a variable of the mock's environment, for calls that begin later.

        A mock does not read `os.environ`. It begins as on Connect: RSTUDIO_PRODUCT, CONNECT_SERVER, CONNECT_API_KEY and
        CONNECT_CONTENT_SESSION_TOKEN are set, POSIT_PRODUCT is not. Another name is an `InvalidArgumentError`.
        """
        with self._lock:
            self._require_alive()
            status = _abi.cc_mock_set_environment(self._mock, encoded("name", name), encoded("value", value))
        if status:
            raise errors.from_status(status, f"A mock's environment has no variable {name!r}, or not this value.")

    def set_user_session_token(self, session_token: Optional[str]) -> None:
        """Sets the session token of a viewer call that gives none; None: such a call raises `NoSessionError`."""
        with self._lock:
            self._require_alive()
            status = _abi.cc_mock_set_user_session_token(self._mock, encoded("session_token", session_token))
        if status:
            raise errors.from_status(status, "The session token cannot be used.")

    def set_integrations(self, integrations: Iterable[Integration]) -> None:
        """Sets the integrations that are associated with the content, for calls that begin later.

        `connectcreds.integrations()` lists them, and calls with `integration=` choose among them. The mock counts no
        request for the list. Before, a mock function is asked for it: with a GET, to which it answers with a list; any
        other mock lists none, and accepts every name.
        """
        given = list(integrations)
        array = (_abi.MockIntegrationStruct * len(given))()
        for struct, each in zip(array, given):
            if not isinstance(each, Integration):
                raise TypeError(f"a mock's integration is an Integration, not {type(each).__name__}")
            struct.guid = encoded("integration's GUID", each.guid)
            struct.name = encoded("integration's name", each.name)
            struct.description = encoded("integration's description", each.description)
            struct.service = encoded("integration's template", each.template)
            struct.auth_type = encoded("integration's auth_type", each.auth_type)
        with self._lock:
            self._require_alive()
            status = _abi.cc_mock_integrations(self._mock, array, len(given))
        if status:
            raise errors.from_status(status, "An integration needs a GUID, and none of its texts a control character.")

    def end(self) -> None:
        """Ends the mock; does nothing when it has ended. Waits for a mock function that runs on another thread."""
        with self._lock:
            mock, self._mock = self._mock, c_void_p()
        _callbacks.mocks.discard(self)
        _abi.cc_mock_end(mock)

    def __del__(self) -> None:
        # A mock that nothing holds would answer for the rest of the process.
        if getattr(self, "_mock", None) and self._process == os.getpid():
            warnings.warn(
                f"a mock was not ended: use {self._name}() in a `with` statement",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )
            self.end()

    def _require_alive(self) -> None:
        if not self._mock:
            raise RuntimeError("the mock has ended")

    def __enter__(self) -> Mock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        why: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()


def mock_token(access_token: str) -> Mock:
    """Answers every request with this token."""
    return Mock(_abi.cc_mock_token, encoded("access_token", access_token))


def mock_failure() -> Mock:
    """Answers as Connect does when no integration is associated with the content: status 400, code 212."""
    return Mock(_abi.cc_mock_failure)


def mock_responses(responses: Iterable[Answers]) -> Mock:
    """Answers with one response after the other, and then with status 503."""
    responses = list(responses)
    if any(isinstance(each, Response) and each.headers for each in responses):
        raise TypeError("responses with headers come from a mock_function()")
    given = [_response(each) for each in responses]
    array = (_abi.MockResponseStruct * len(given))()
    for struct, (status, content_type, body) in zip(array, given):
        struct.status, struct.content_type, struct.body = status, content_type, body
    return Mock(_abi.cc_mock_responses, array, len(given))


def mock_function(answer: Callable[[Request], Optional[Answers]]) -> Mock:
    """Answers with the result of calling the function with the request; None sends the request to its server.

    The function is called on the calling thread. The call raises what the function raises.
    """

    def called(request: int, reply: int, user_data: Any) -> bool:
        try:
            response = answer(_request(request))
            if response is None:
                return False
            _abi.cc_mock_reply_set(reply, *_response(response))
            if isinstance(response, Response):
                for name, value in response.headers.items():
                    _abi.cc_mock_reply_set_header(
                        reply, encoded("header's name", name), encoded("header's value", value)
                    )
        except BaseException as why:
            _callbacks.keep(why)
            # The call fails, and then raises what is kept.
            _abi.cc_mock_reply_set(reply, 500, b"text/plain", b"")
        return True

    callback = _abi.MockFn(called)
    return Mock(_abi.cc_mock_function, callback, None, keeps=callback)


def _response(given: Answers) -> tuple[int, bytes | None, bytes | None]:
    response = given if isinstance(given, Response) else Response(given)
    body = response.body
    if isinstance(body, Mapping):
        body = json.dumps(dict(body))
    elif isinstance(body, list):
        if not all(isinstance(each, Mapping) for each in body):
            raise TypeError("a list of integrations is a list of mappings")
        body = json.dumps([dict(each) for each in body])
    status = response.status
    if not isinstance(status, int) or isinstance(status, bool):
        raise TypeError(f"a status is an int, not {type(status).__name__}")
    if not 100 <= status <= 599:
        raise errors.InvalidArgumentError(f"A status is between 100 and 599, not {status}.")
    return status, encoded("content_type", response.content_type), encoded("body", body)


def _request(request: int) -> Request:
    return Request(
        method=_abi.cc_mock_request_method(request).decode(),
        url=_abi.cc_mock_request_url(request).decode(),
        headers={
            _abi.cc_mock_request_header_name(request, index).decode().lower(): (
                text(_abi.cc_mock_request_header_value(request, index)) or ""
            )
            for index in range(_abi.cc_mock_request_header_count(request))
        },
        params={
            _abi.cc_mock_request_param_name(request, index).decode(): (
                text(_abi.cc_mock_request_param_value(request, index)) or ""
            )
            for index in range(_abi.cc_mock_request_param_count(request))
        },
    )


def _end_all() -> None:
    # No daemon thread may be in a mock function while the interpreter shuts down.
    for mock in list(_callbacks.mocks):
        mock.end()


atexit.register(_end_all)
