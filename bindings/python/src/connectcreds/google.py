"""Credentials of google-auth with tokens from Connect, for the clients of Google Cloud.

    from connectcreds.google import Credentials
    from google.cloud import bigquery

    client = bigquery.Client(project="…", credentials=Credentials(connectcreds.viewer_token, session_token))

For workload identity federation, `ConnectSubjectTokenSupplier` hands the content's workload token to
`google.auth.identity_pool.Credentials`. Programs in other languages run `python -m connectcreds google`, as an
executable-sourced credential.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timezone
from typing import Any, Optional, Union

import google.auth
import google.auth.credentials
from google.auth import exceptions, identity_pool

from . import errors
from ._adapters import AnyToken, OffConnect, Source
from ._credentials import NOT_GIVEN
from ._requests import Options
from ._token import Token
from ._typing import Unpack

__all__ = ["ConnectSubjectTokenSupplier", "Credentials"]

__tracebackhide__ = True


class Credentials(google.auth.credentials.Credentials):
    """Credentials that any client of Google Cloud takes.

    google-auth calls `refresh()` when the token is about to expire, and after a 401. After a 401 the token is dropped
    from the cache first.

    Args:
        ask: a function of this package that returns a token; its arguments follow.
        off_connect: what to use where the process does not run on Connect: a token, a function that returns one,
            google-auth credentials, or None for the application default credentials.
        options: keyword arguments of `ask`.
    """

    def __init__(
        self,
        ask: Callable[..., Token],
        *args: Any,
        off_connect: Union[OffConnect, google.auth.credentials.Credentials] = NOT_GIVEN,
        **options: Unpack[Options],
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call, unused-ignore]
        self._other: Optional[google.auth.credentials.Credentials] = None
        self._uses_default = off_connect is None
        if isinstance(off_connect, google.auth.credentials.Credentials):
            self._other = off_connect
            off_connect = None
        self._source = Source(ask, args, options, off_connect)
        self._held: Optional[AnyToken] = None

    def refresh(self, request: Any) -> None:
        """Takes the current token; google-auth calls it.

        Raises:
            google.auth.exceptions.RefreshError: there is no token; its cause is this package's error.
        """
        if self._held is not None and self.token_state == google.auth.credentials.TokenState.FRESH:
            # It is not about to expire, so the service rejected it.
            self._held.invalidate()
        try:
            token = self._source.token()
        except errors.ConnectCredentialsError as why:
            raise exceptions.RefreshError(str(why), retryable=why.is_retryable) from why
        self._held = token
        if token is None:
            self._take(self._substitute(request))
            return
        self.token = token.access_token
        # google-auth compares times without a time zone, in UTC.
        self.expiry = (
            None if token.expires_at is None else token.expires_at.astimezone(timezone.utc).replace(tzinfo=None)
        )

    def _substitute(self, request: Any) -> google.auth.credentials.Credentials:
        if self._other is None:
            if not self._uses_default:
                raise exceptions.RefreshError("off_connect gave no token, and Google needs one.")
            self._other, _ = google.auth.default()
        self._other.refresh(request)
        return self._other

    def _take(self, other: google.auth.credentials.Credentials) -> None:
        self.token = other.token
        self.expiry = other.expiry


class ConnectSubjectTokenSupplier(identity_pool.SubjectTokenSupplier):
    """Supplies a workload token to `google.auth.identity_pool.Credentials(subject_token_supplier=…)`.

    Its `subject_token_type` is `connectcreds.TokenType.ID_TOKEN`; `ask` is `connectcreds.workload_token`.
    """

    def __init__(
        self,
        ask: Callable[..., Token],
        *args: Any,
        off_connect: OffConnect = NOT_GIVEN,
        **options: Unpack[Options],
    ) -> None:
        self._source = Source(ask, args, options, off_connect)

    def get_subject_token(self, context: Any, request: Any) -> str:
        """Returns the current token; google-auth calls it."""
        try:
            token = self._source.token()
        except errors.ConnectCredentialsError as why:
            raise exceptions.RefreshError(str(why), retryable=why.is_retryable) from why
        if token is None:
            raise exceptions.RefreshError("off_connect gave no token, and Google needs one.")
        return token.access_token
