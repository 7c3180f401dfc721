"""Sessions of boto3 with AWS credentials from Connect.

    from connectcreds import aws

    s3 = aws.session(connectcreds.aws_credentials, session_token=viewer).client("s3")
    s3 = aws.web_identity_session("arn:aws:iam::123456789012:role/reader").client("s3")

Other programs that read AWS profiles take the credentials from `python -m connectcreds aws`, as `credential_process`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any, Optional

import boto3
import botocore.session
from botocore.credentials import (
    AssumeRoleWithWebIdentityCredentialFetcher,
    CredentialProvider,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import ClientError

from . import _credentials
from ._adapters import Source
from ._credentials import NOT_GIVEN
from ._requests import Options
from ._token import AwsCredentials, Token
from ._typing import Unpack

__all__ = ["session", "web_identity_session"]

__tracebackhide__ = True

#: botocore asks for new credentials when less than this is left of the old ones, in seconds.
_WINDOW_S = 15 * 60
#: For credentials that do not say when they expire: botocore asks again before every request.
_UNKNOWN_LIFETIME = timedelta(seconds=60)
#: Error codes of AWS for credentials that it does not accept any more.
_REJECTED = frozenset(
    ("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "InvalidToken", "UnrecognizedClientException")
)
#: Error codes of STS for a workload token that it does not accept any more.
_REJECTED_IDENTITY = frozenset(("ExpiredTokenException", "InvalidIdentityToken"))


class _Fetcher:
    """Asks Connect for credentials, early enough for botocore."""

    def __init__(self, source: Source, min_validity_s: Optional[int]) -> None:
        self._source = source
        self._min_validity_s = _WINDOW_S if min_validity_s is None else min_validity_s
        self.force = False

    def __call__(self) -> dict[str, Any]:
        # Credentials that live for less than two windows are kept for half of their life: with the window of botocore
        # each request would exchange them.
        credentials: AwsCredentials = self._source.ask(
            min_validity_s=self._min_validity_s, **({"force_refresh": True} if self.force else {})
        )
        self.force = False
        now = datetime.now(timezone.utc)
        expires_at = credentials.expires_at or now + _UNKNOWN_LIFETIME
        self._min_validity_s = min(self._min_validity_s, max(int((expires_at - now).total_seconds()) // 2, 0))
        return {
            "access_key": credentials.access_key_id,
            "secret_key": credentials.secret_access_key,
            "token": credentials.session_token,
            "expiry_time": expires_at.isoformat(),
        }


class _Credentials(DeferredRefreshableCredentials):
    """botocore's refreshable credentials, which `reject()` makes refresh at once."""

    def __init__(self, fetch: Callable[[], dict[str, Any]], method: str) -> None:
        self._is_rejected = False

        def refresh() -> dict[str, Any]:
            metadata = fetch()
            self._is_rejected = False
            return metadata

        super().__init__(refresh_using=refresh, method=method)

    def refresh_needed(self, refresh_in: Optional[int] = None) -> bool:
        """Returns whether to refresh, in botocore's terms."""
        return self._is_rejected or bool(super().refresh_needed(refresh_in))

    def reject(self) -> None:
        """Makes the next request refresh, since AWS rejected the credentials."""
        self._is_rejected = True


class _Provider(CredentialProvider):
    """The first of the session's credential providers: botocore's own way, without its private attributes."""

    METHOD = CANONICAL_NAME = "posit-connect"

    def __init__(self, source: Source, credentials: Any, off_connect: Any) -> None:
        super().__init__()
        self._source = source
        self._credentials = credentials
        self._off_connect = off_connect

    def load(self) -> Any:
        """Returns the credentials; None leaves the session to botocore's other providers."""
        if self._off_connect is NOT_GIVEN or not self._source.is_off_connect:
            return self._credentials
        return self._off_connect() if callable(self._off_connect) else self._off_connect


def session(
    ask: Callable[..., AwsCredentials] = _credentials.aws_credentials,
    *args: Any,
    off_connect: Any = NOT_GIVEN,
    region_name: Optional[str] = None,
    **options: Any,
) -> boto3.Session:
    """Returns a boto3 session whose clients sign with AWS credentials from Connect, and refresh them.

    When AWS rejects the credentials of a request, they are exchanged once and the request is sent again.

    Args:
        ask: `connectcreds.aws_credentials`, or a function that calls it; its arguments follow.
        off_connect: what to use where the process does not run on Connect: botocore credentials, a function that
            returns them, or None for the credentials that boto3 finds by itself.
        region_name: the region of the session's clients. Default: boto3's.
        options: keyword arguments of `ask`. `min_validity_s` is botocore's window, 900 seconds, unless given.
    """
    source = Source(ask, args, options, off_connect)
    fetch = _Fetcher(source, options.get("min_validity_s"))
    credentials = _Credentials(fetch, _Provider.METHOD)

    def reject() -> None:
        fetch.force = True
        credentials.reject()

    return _session(_Provider(source, credentials, off_connect), reject, region_name)


def web_identity_session(
    role_arn: str,
    ask: Callable[..., Token] = _credentials.workload_token,
    *args: Any,
    role_session_name: str = "posit-connect",
    duration_s: Optional[int] = None,
    off_connect: Any = NOT_GIVEN,
    region_name: Optional[str] = None,
    **options: Unpack[Options],
) -> boto3.Session:
    """Returns a boto3 session that assumes a role with the content's workload token, by AssumeRoleWithWebIdentity.

    Args:
        role_arn: the role, whose trust policy names the Connect server.
        ask: `connectcreds.workload_token`, or a function that calls it; its arguments follow.
        role_session_name: the name of the role's session.
        duration_s: lifetime of the credentials, in seconds. Default: the role's.
        off_connect: as `session()` takes it.
        region_name: the region of the session's clients. Default: boto3's.
        options: keyword arguments of `ask`.
    """
    source = Source(ask, args, options, off_connect)
    sent: list[Token] = []

    def workload_token() -> str:
        sent[:] = [source.ask()]
        return sent[0].access_token

    extra: dict[str, Any] = {"RoleSessionName": role_session_name}
    if duration_s is not None:
        extra["DurationSeconds"] = duration_s
    cache: dict[str, Any] = {}
    # Its client is made by a session of its own: the other one has no credentials before this has answered.
    fetcher = AssumeRoleWithWebIdentityCredentialFetcher(
        client_creator=_core(region_name).create_client,
        web_identity_token_loader=workload_token,
        role_arn=role_arn,
        extra_args=extra,
        cache=cache,
    )

    def fetch() -> Any:
        try:
            return fetcher.fetch_credentials()
        except ClientError as why:
            if why.response["Error"]["Code"] not in _REJECTED_IDENTITY or not sent[0].invalidate():
                raise
        return fetcher.fetch_credentials()

    credentials = _Credentials(fetch, "assume-role-with-web-identity")

    def reject() -> None:
        cache.clear()
        credentials.reject()

    return _session(_Provider(source, credentials, off_connect), reject, region_name)


def _core(region_name: Optional[str]) -> Any:
    core = botocore.session.get_session()
    if region_name is not None:
        core.set_config_variable("region", region_name)
    return core


def _session(provider: _Provider, reject: Callable[[], None], region_name: Optional[str]) -> boto3.Session:
    """Returns a session that asks this provider first, and sends a request again when AWS rejects the credentials."""

    def needs_retry(response: Any, attempts: int, **_: Any) -> Optional[int]:
        code = response[1].get("Error", {}).get("Code") if response else None
        if attempts > 1 or code not in _REJECTED:
            return None
        reject()
        return 0  # At once.

    core = _core(region_name)
    core.get_component("credential_provider").providers.insert(0, provider)
    core.register("needs-retry", needs_retry, unique_id="posit-connect")
    return boto3.Session(botocore_session=core)
