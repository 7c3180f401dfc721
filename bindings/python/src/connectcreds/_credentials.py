"""The calls that give tokens. Each blocks until the server has answered, unless a cached token does."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Final

from . import _abi, _callbacks
from ._handles import Answer, encoded
from ._requests import Options, request_for
from ._token import AwsCredentials, Token, TokenType

if TYPE_CHECKING:
    from typing_extensions import Unpack

_kept = _callbacks.kept
_waiting = _callbacks.waiting
_second = Answer.error_out


class NotGiven(Enum):
    """For an argument to which None is a value."""

    NOT_GIVEN = 0


NOT_GIVEN: Final = NotGiven.NOT_GIVEN


def _token(function: Callable[..., int], options: Options, *subject: bytes | None) -> Token:
    answer = Answer()
    request = request_for(options)
    if "cancel" in options:
        with _waiting():
            status = function(*subject, request.address, answer, _second(answer))
    else:
        status = function(*subject, request.address, answer, _second(answer))
    if _kept:
        _callbacks.raise_kept()
    if status:
        raise answer.failure(status)
    return Token(answer)


def _has(function: Callable[..., bool], options: Options, *subject: bytes | None) -> bool:
    request = request_for(options)
    if "cancel" in options:
        with _waiting():
            has = function(*subject, request.address)
    else:
        has = function(*subject, request.address)
    if _kept:
        _callbacks.raise_kept()
    return has


def service_account_token(**options: Unpack[Options]) -> Token:
    """The token of the service account of an integration that is associated with this content.

    Args:
        **options: what the token is for, and how to get it; see `Options`.

    Raises:
        ConnectCredentialsError: there is none; its class says why.
    """
    return _token(_abi.cc_service_account_token, options)


def viewer_token(session_token: str | None, **options: Unpack[Options]) -> Token:
    """The token of the person who looks at the content.

    Args:
        session_token: what Connect sent in the header Posit-Connect-User-Session-Token of the viewer's request; None
            when there is no viewer's session, "" when there is one and Connect sent no token. `connectcreds.sessions`
            reads it from the objects of web frameworks.
        **options: what the token is for, and how to get it; see `Options`.

    Raises:
        ConnectCredentialsError: there is none; its class says why.
    """
    return _token(_abi.cc_viewer_token, options, encoded("session_token", session_token))


def workload_token(**options: Unpack[Options]) -> Token:
    """An OpenID Connect id token that says which content this is, for services that trust the Connect server.

    Args:
        **options: what the token is for, and how to get it; see `Options`.

    Raises:
        ConnectCredentialsError: there is none; its class says why.
    """
    return _token(_abi.cc_workload_token, options)


def exchange_token(subject_token: str, subject_token_type: str, **options: Unpack[Options]) -> Token:
    """Makes any other exchange with the server's credential endpoint (RFC 8693), on Connect or not.

    Args:
        subject_token: the token to exchange.
        subject_token_type: its type, one of `TokenType` or another URN.
        **options: what the token is for, and how to get it; see `Options`.

    Raises:
        ConnectCredentialsError: there is none; its class says why.
    """
    return _token(
        _abi.cc_exchange_token,
        options,
        encoded("subject_token", subject_token),
        encoded("subject_token_type", subject_token_type),
    )


def aws_credentials(*, session_token: str | NotGiven | None = NOT_GIVEN, **options: Unpack[Options]) -> AwsCredentials:
    """AWS credentials: the service account's, or a viewer's when `session_token` is given.

    Args:
        session_token: as `viewer_token()` takes it.
        **options: what the credentials are for, and how to get them; see `Options`.

    Raises:
        ConnectCredentialsError: there are none; its class says why.
    """
    if options.get("requested_token_type") is None:
        options["requested_token_type"] = TokenType.AWS_CREDENTIALS
    if session_token is NOT_GIVEN:
        return service_account_token(**options).aws_credentials()
    return viewer_token(session_token, **options).aws_credentials()


def has_service_account_token(**options: Unpack[Options]) -> bool:
    """Whether `service_account_token()` gives a token; arguments and waiting as there.

    Raises:
        InvalidArgumentError: an argument can not be used.
    """
    return _has(_abi.cc_has_service_account_token, options)


def has_viewer_token(session_token: str | None, **options: Unpack[Options]) -> bool:
    """Whether `viewer_token()` gives a token; arguments and waiting as there.

    Raises:
        InvalidArgumentError: an argument can not be used.
    """
    return _has(_abi.cc_has_viewer_token, options, encoded("session_token", session_token))


def has_workload_token(**options: Unpack[Options]) -> bool:
    """Whether `workload_token()` gives a token; arguments and waiting as there.

    Raises:
        InvalidArgumentError: an argument can not be used.
    """
    return _has(_abi.cc_has_workload_token, options)


def running_on_connect() -> bool:
    """Whether the process runs as content on Posit Connect or Connect Cloud."""
    on_connect: bool = _abi.cc_running_on_connect()
    return on_connect
