"""The OAuth integrations that are associated with the content."""

from __future__ import annotations

from collections.abc import Callable
from ctypes import CDLL
from dataclasses import dataclass
from typing import Any, Optional

from . import _abi, _callbacks
from ._handles import IntegrationsResultPair, text
from ._hidden import clear
from ._requests import Request, values

__tracebackhide__ = True

#: Not `time.sleep()`, which under gevent would run other greenlets inside the library's call.
_usleep = CDLL(None).usleep
_TURN_US = 50_000


@dataclass(frozen=True)
class Integration:
    """An OAuth integration, as the Connect server lists it. What the server does not say is None."""

    #: What the arguments `integration` and `audience` of a call take.
    guid: str
    #: What an administrator called it. Names need not be unique.
    name: Optional[str] = None
    #: What an administrator wrote about it.
    description: Optional[str] = None
    #: The service: "databricks", "aws", "custom" and so on.
    template: Optional[str] = None
    #: Whose credentials it gives: "Viewer", "Service Account" and so on. Older servers do not say.
    auth_type: Optional[str] = None


def integrations(
    *,
    server_url: Optional[str] = None,
    api_key: Optional[str] = None,
    timeout_ms: Optional[int] = None,
    force_refresh: Optional[bool] = None,
    cancel: Optional[Callable[[], object]] = None,
) -> list[Integration]:
    """Returns the OAuth integrations that are associated with this content, in the server's order.

    CONNECT_CONTENT_GUID names the content. The API key needs a publisher's rights, which the key that Connect gives to
    content has. The list is kept for five minutes; calls with `integration=` use it, too.

    Args:
        server_url: URL of the Connect server. Default: CONNECT_SERVER.
        api_key: the Connect API key. Default: CONNECT_API_KEY.
        timeout_ms: deadline of the whole call, in milliseconds; 0 is the default. Default: 20,000, see `configure()`.
        force_refresh: asks the server even if a list is kept. Default: False.
        cancel: a function without arguments, called on the calling thread at least every 100 ms while the call waits;
            a true result ends the call with `CancelledError`. Default: None.

    Raises:
        NotSupportedError: CONNECT_CONTENT_GUID is not set.
        ConnectCredentialsError: they cannot be listed; the class says why.
    """
    options = values(
        server_url=server_url, api_key=api_key, timeout_ms=timeout_ms, force_refresh=force_refresh, cancel=cancel
    )
    try:
        request = Request()
        request.set(options)
        return listed(request, cancel)
    except BaseException as why:
        del api_key, options
        clear(why)
        raise


def listed(request: Request, cancel: Callable[[], object] | None) -> list[Integration]:
    """Asks with the interpreter's lock held, under which `os.environ` is changed, and gives it away in turns."""
    began = False

    def is_cancelled(user_data: Any) -> bool:
        nonlocal began
        try:
            if cancel is not None and cancel():
                return True
            # The library calls this once before it waits, and then every 50 ms.
            if began:
                _usleep(_TURN_US)
            began = True
        except BaseException as why:
            _callbacks.keep(why)
            return True
        return False

    callback = _abi.CancelFn(is_cancelled)
    _abi.cc_request_set_cancel(request.address, callback, None)
    answer = IntegrationsResultPair()
    status = _abi.cc_integrations_list(request.address, answer, answer.error_out())
    _callbacks.raise_kept()
    if status:
        raise answer.failure(status)
    found: Any = answer[0]
    return [
        Integration(
            guid=_abi.cc_integrations_guid(found, index).decode(),
            name=text(_abi.cc_integrations_name(found, index)),
            description=text(_abi.cc_integrations_description(found, index)),
            template=text(_abi.cc_integrations_template(found, index)),
            auth_type=text(_abi.cc_integrations_auth_type(found, index)),
        )
        for index in range(_abi.cc_integrations_count(found))
    ]
