"""`python -m connectcreds doctor`: the list of integrations; with `--ask` one exchange of each kind, too."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from typing import Optional

from . import _credentials
from ._integrations import integrations
from ._token import Token, TokenType
from .errors import ConnectCredentialsError

__tracebackhide__ = True

#: For a viewer's token: a session token, which only a request of a viewer has.
VARIABLE = "CONNECTCREDS_SESSION_TOKEN"


#: How long the doctor waits for the list of integrations: it also runs where the server does not answer.
_LIST_TIMEOUT_MS = 5_000


def look_up_integrations() -> None:
    """Has the library list the content's integrations, so that its report has them. Prints why it cannot."""
    if not _credentials.running_on_connect():
        return
    try:
        integrations(timeout_ms=_LIST_TIMEOUT_MS, force_refresh=True)
    except ConnectCredentialsError as why:
        _print_failure("integrations", why)
        print()


def ask(*, audience: Optional[str], integration: Optional[str], resource: Optional[str], scope: Optional[str]) -> int:
    """Prints what came of each exchange, without a secret; returns 0 when one of them gave a token, else 1."""
    results = [
        _report(
            "service account token",
            lambda: _credentials.service_account_token(
                audience=audience, integration=integration, resource=resource, scope=scope, force_refresh=True
            ),
        ),
        _report(
            "workload token",
            lambda: _credentials.workload_token(
                audience=audience, integration=integration, resource=resource, scope=scope, force_refresh=True
            ),
        ),
        _report(
            "AWS credentials",
            lambda: _credentials.service_account_token(
                audience=audience,
                integration=integration,
                resource=resource,
                scope=scope,
                requested_token_type=TokenType.AWS_CREDENTIALS,
                force_refresh=True,
            ),
        ),
    ]
    session_token = os.environ.get(VARIABLE)
    if session_token is None:
        print(f"viewer token: not asked for; set {VARIABLE} to the session token of a viewer's request")
    else:
        results.append(
            _report(
                "viewer token",
                lambda: _credentials.viewer_token(
                    session_token,
                    audience=audience,
                    integration=integration,
                    resource=resource,
                    scope=scope,
                    force_refresh=True,
                ),
            )
        )
    return 0 if any(results) else 1


def _report(kind: str, exchange: object) -> bool:
    assert callable(exchange)
    began = datetime.now(timezone.utc)
    try:
        token: Token = exchange()
        if token.issued_token_type == TokenType.AWS_CREDENTIALS or token.token_type == "aws_credentials":
            token.aws_credentials()
    except ConnectCredentialsError as why:
        _print_failure(kind, why)
        return False
    now = datetime.now(timezone.utc)
    until = (
        "expiry unknown"
        if token.expires_at is None
        else f"expires in {int((token.expires_at - now).total_seconds())} s"
    )
    issued = "" if token.issued_token_type is None else f", {token.issued_token_type}"
    fields = ", ".join(token.fields)
    print(f"{kind}: obtained in {(now - began).total_seconds() * 1000:.0f} ms; {token.token_type}{issued}; {until}")
    print(f"    members of the response: {fields}")
    return True


def _print_failure(what: str, why: ConnectCredentialsError) -> None:
    first, *others = str(why).splitlines()
    print(f"{what}: {type(why).__name__}: {first}")
    for line in others:
        print(f"    {line}")
