"""The calls that return tokens. Each blocks until the server has answered, unless the cache holds a token."""

# Each function lists all keywords: with `**options: Unpack[Options]`, help(), completion, typing.get_type_hints() and
# pydantic's validate_call would not see them.

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final, Optional, Union

from . import _abi, _calls
from ._calls import has as _has
from ._calls import token as _token
from ._handles import encoded
from ._hidden import clear
from ._requests import documented
from ._token import AwsCredentials, Token, TokenType

__tracebackhide__ = True


class NotGiven(Enum):
    """For an argument to which None is a value."""

    NOT_GIVEN = 0


NOT_GIVEN: Final = NotGiven.NOT_GIVEN


def running_on_connect() -> bool:
    """Returns whether the process runs as content on Posit Connect or Connect Cloud."""
    on_connect: bool = _abi.cc_running_on_connect()
    return on_connect


@documented
def service_account_token(
    *,
    resource: Optional[str] = None,
    scope: Optional[str] = None,
    audience: Optional[str] = None,
    integration: Optional[str] = None,
    requested_token_type: Optional[str] = None,
    content_token: Optional[str] = None,
    server_url: Optional[str] = None,
    api_key: Optional[str] = None,
    params: Optional[Mapping[str, Optional[str]]] = None,
    timeout_ms: Optional[int] = None,
    min_validity_s: Optional[int] = None,
    force_refresh: Optional[bool] = None,
    on_connect: Optional[bool] = None,
    cancel: Optional[Callable[[], object]] = None,
) -> Token:
    """Returns the token of the service account of an integration that is associated with this content.

    Raises:
        ConnectCredentialsError: there is no token; the class says why.
    """
    asked = (resource, scope, audience, integration, requested_token_type, content_token)
    options = (*asked, server_url, api_key, params, timeout_ms, min_validity_s, force_refresh, on_connect, cancel)
    try:
        return _token(_calls.SERVICE_ACCOUNT, options)
    except BaseException as why:
        del content_token, api_key, params, asked, options
        clear(why)
        raise


@documented
def viewer_token(
    session_token: Optional[str],
    *,
    resource: Optional[str] = None,
    scope: Optional[str] = None,
    audience: Optional[str] = None,
    integration: Optional[str] = None,
    requested_token_type: Optional[str] = None,
    content_token: Optional[str] = None,
    server_url: Optional[str] = None,
    api_key: Optional[str] = None,
    params: Optional[Mapping[str, Optional[str]]] = None,
    timeout_ms: Optional[int] = None,
    min_validity_s: Optional[int] = None,
    force_refresh: Optional[bool] = None,
    on_connect: Optional[bool] = None,
    cancel: Optional[Callable[[], object]] = None,
) -> Token:
    """Returns the token of the person who is viewing the content.

    Args:
        session_token: the value of the header Posit-Connect-User-Session-Token of the viewer's request;
            `connectcreds.sessions` reads it from the objects of web frameworks. None: there is no viewer's session.
            "": there is one, and Connect sent no token.

    Raises:
        ConnectCredentialsError: there is no token; the class says why.
    """
    asked = (resource, scope, audience, integration, requested_token_type, content_token)
    options = (*asked, server_url, api_key, params, timeout_ms, min_validity_s, force_refresh, on_connect, cancel)
    try:
        return _token(_calls.VIEWER, options, encoded("session_token", session_token))
    except BaseException as why:
        del session_token, content_token, api_key, params, asked, options
        clear(why)
        raise


@documented
def workload_token(
    *,
    resource: Optional[str] = None,
    scope: Optional[str] = None,
    audience: Optional[str] = None,
    integration: Optional[str] = None,
    requested_token_type: Optional[str] = None,
    content_token: Optional[str] = None,
    server_url: Optional[str] = None,
    api_key: Optional[str] = None,
    params: Optional[Mapping[str, Optional[str]]] = None,
    timeout_ms: Optional[int] = None,
    min_validity_s: Optional[int] = None,
    force_refresh: Optional[bool] = None,
    on_connect: Optional[bool] = None,
    cancel: Optional[Callable[[], object]] = None,
) -> Token:
    """Returns an OpenID Connect id token that identifies this content, for services that trust the Connect server.

    Raises:
        ConnectCredentialsError: there is no token; the class says why.
    """
    asked = (resource, scope, audience, integration, requested_token_type, content_token)
    options = (*asked, server_url, api_key, params, timeout_ms, min_validity_s, force_refresh, on_connect, cancel)
    try:
        return _token(_calls.WORKLOAD, options)
    except BaseException as why:
        del content_token, api_key, params, asked, options
        clear(why)
        raise


@documented
def exchange_token(
    subject_token: str,
    subject_token_type: str,
    *,
    resource: Optional[str] = None,
    scope: Optional[str] = None,
    audience: Optional[str] = None,
    integration: Optional[str] = None,
    requested_token_type: Optional[str] = None,
    content_token: Optional[str] = None,
    server_url: Optional[str] = None,
    api_key: Optional[str] = None,
    params: Optional[Mapping[str, Optional[str]]] = None,
    timeout_ms: Optional[int] = None,
    min_validity_s: Optional[int] = None,
    force_refresh: Optional[bool] = None,
    on_connect: Optional[bool] = None,
    cancel: Optional[Callable[[], object]] = None,
) -> Token:
    """Makes any other exchange with the server's credential endpoint (RFC 8693), on Connect or elsewhere.

    Args:
        subject_token: the token to exchange.
        subject_token_type: its type, one of `TokenType` or another URN.

    Raises:
        ConnectCredentialsError: there is no token; the class says why.
    """
    asked = (resource, scope, audience, integration, requested_token_type, content_token)
    options = (*asked, server_url, api_key, params, timeout_ms, min_validity_s, force_refresh, on_connect, cancel)
    try:
        return _token(
            _calls.EXCHANGE,
            options,
            encoded("subject_token", subject_token),
            encoded("subject_token_type", subject_token_type),
        )
    except BaseException as why:
        del subject_token, content_token, api_key, params, asked, options
        clear(why)
        raise


@documented
def aws_credentials(
    *,
    session_token: Union[str, NotGiven, None] = NOT_GIVEN,
    resource: Optional[str] = None,
    scope: Optional[str] = None,
    audience: Optional[str] = None,
    integration: Optional[str] = None,
    requested_token_type: Optional[str] = None,
    content_token: Optional[str] = None,
    server_url: Optional[str] = None,
    api_key: Optional[str] = None,
    params: Optional[Mapping[str, Optional[str]]] = None,
    timeout_ms: Optional[int] = None,
    min_validity_s: Optional[int] = None,
    force_refresh: Optional[bool] = None,
    on_connect: Optional[bool] = None,
    cancel: Optional[Callable[[], object]] = None,
) -> AwsCredentials:
    """Returns AWS credentials: the service account's, or a viewer's when `session_token` is given.

    Args:
        session_token: the value of the header Posit-Connect-User-Session-Token of the viewer's request;
            `connectcreds.sessions` reads it from the objects of web frameworks. None: there is no viewer's session.
            "": there is one, and Connect sent no token.

    Raises:
        ConnectCredentialsError: there are no credentials; the class says why.
    """
    asked = (resource, scope, audience, integration, requested_token_type or TokenType.AWS_CREDENTIALS, content_token)
    options = (*asked, server_url, api_key, params, timeout_ms, min_validity_s, force_refresh, on_connect, cancel)
    try:
        if session_token is NOT_GIVEN:
            token = _token(_calls.SERVICE_ACCOUNT, options)
        else:
            token = _token(_calls.VIEWER, options, encoded("session_token", session_token))
        return token.aws_credentials()
    except BaseException as why:
        del session_token, content_token, api_key, params, asked, options
        clear(why)
        raise


@documented
def has_service_account_token(
    *,
    resource: Optional[str] = None,
    scope: Optional[str] = None,
    audience: Optional[str] = None,
    integration: Optional[str] = None,
    requested_token_type: Optional[str] = None,
    content_token: Optional[str] = None,
    server_url: Optional[str] = None,
    api_key: Optional[str] = None,
    params: Optional[Mapping[str, Optional[str]]] = None,
    timeout_ms: Optional[int] = None,
    min_validity_s: Optional[int] = None,
    force_refresh: Optional[bool] = None,
    on_connect: Optional[bool] = None,
    cancel: Optional[Callable[[], object]] = None,
) -> bool:
    """Returns whether `service_account_token()` gives a token. Blocks like that function.

    Raises:
        InvalidArgumentError: an argument cannot be used.
    """
    asked = (resource, scope, audience, integration, requested_token_type, content_token)
    options = (*asked, server_url, api_key, params, timeout_ms, min_validity_s, force_refresh, on_connect, cancel)
    try:
        return _has(_calls.SERVICE_ACCOUNT, options)
    except BaseException as why:
        del content_token, api_key, params, asked, options
        clear(why)
        raise


@documented
def has_viewer_token(
    session_token: Optional[str],
    *,
    resource: Optional[str] = None,
    scope: Optional[str] = None,
    audience: Optional[str] = None,
    integration: Optional[str] = None,
    requested_token_type: Optional[str] = None,
    content_token: Optional[str] = None,
    server_url: Optional[str] = None,
    api_key: Optional[str] = None,
    params: Optional[Mapping[str, Optional[str]]] = None,
    timeout_ms: Optional[int] = None,
    min_validity_s: Optional[int] = None,
    force_refresh: Optional[bool] = None,
    on_connect: Optional[bool] = None,
    cancel: Optional[Callable[[], object]] = None,
) -> bool:
    """Returns whether `viewer_token()` gives a token. Blocks like that function.

    Args:
        session_token: the value of the header Posit-Connect-User-Session-Token of the viewer's request;
            `connectcreds.sessions` reads it from the objects of web frameworks. None: there is no viewer's session.
            "": there is one, and Connect sent no token.

    Raises:
        InvalidArgumentError: an argument cannot be used.
    """
    asked = (resource, scope, audience, integration, requested_token_type, content_token)
    options = (*asked, server_url, api_key, params, timeout_ms, min_validity_s, force_refresh, on_connect, cancel)
    try:
        return _has(_calls.VIEWER, options, encoded("session_token", session_token))
    except BaseException as why:
        del session_token, content_token, api_key, params, asked, options
        clear(why)
        raise


@documented
def has_workload_token(
    *,
    resource: Optional[str] = None,
    scope: Optional[str] = None,
    audience: Optional[str] = None,
    integration: Optional[str] = None,
    requested_token_type: Optional[str] = None,
    content_token: Optional[str] = None,
    server_url: Optional[str] = None,
    api_key: Optional[str] = None,
    params: Optional[Mapping[str, Optional[str]]] = None,
    timeout_ms: Optional[int] = None,
    min_validity_s: Optional[int] = None,
    force_refresh: Optional[bool] = None,
    on_connect: Optional[bool] = None,
    cancel: Optional[Callable[[], object]] = None,
) -> bool:
    """Returns whether `workload_token()` gives a token. Blocks like that function.

    Raises:
        InvalidArgumentError: an argument cannot be used.
    """
    asked = (resource, scope, audience, integration, requested_token_type, content_token)
    options = (*asked, server_url, api_key, params, timeout_ms, min_validity_s, force_refresh, on_connect, cancel)
    try:
        return _has(_calls.WORKLOAD, options)
    except BaseException as why:
        del content_token, api_key, params, asked, options
        clear(why)
        raise
