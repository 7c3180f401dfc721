"""google-auth with tokens from Connect, on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from services import Reply, Seen, Service, Tokens, in_fork, in_threads, serving
from support import Standin

import connectcreds
from connectcreds import TokenType

pytest.importorskip("google.auth")

import google.auth
import google.auth.transport.requests
from google.auth import exceptions, identity_pool, pluggable
from google.oauth2.credentials import Credentials as OAuthCredentials

from connectcreds.google import ConnectSubjectTokenSupplier, Credentials

AUDIENCE = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/connect"


class Google:
    """An API that refuses some tokens, and Google's STS."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.service: Service

    def answer(self, seen: Seen) -> Reply:
        if seen.path == "/token":
            form = dict(urllib.parse.parse_qsl(seen.body.decode()))
            body = {
                "access_token": f"google-{form['subject_token'][:7]}",
                "issued_token_type": TokenType.ACCESS_TOKEN,
                "token_type": "Bearer",
                "expires_in": 3600,
            }
            return 200, {}, body
        return 401 if seen.bearer in self.refused else 200, {}, {"token": seen.bearer}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    for name in list(os.environ):
        if name.startswith(("GOOGLE_", "GCE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    made = Google()
    with serving(made.answer) as server:
        made.service = server
        yield made


def get(service: Google, credentials: Any) -> tuple[int, str]:
    with google.auth.transport.requests.AuthorizedSession(credentials) as session:
        session.trust_env = False
        answer = session.get(f"{service.service.url}/api", timeout=30)
        return answer.status_code, answer.json()["token"]


def test_each_request_carries_the_current_token(service: Google, tokens: Tokens) -> None:
    credentials = Credentials(connectcreds.viewer_token, "session", scope="drive")
    assert [get(service, credentials), get(service, credentials)] == [(200, "token-1")] * 2
    (form,) = tokens.forms
    assert (form["subject_token"], form["scope"]) == ("session", "drive")
    assert credentials.expiry is not None
    assert credentials.expiry.tzinfo is None
    left = credentials.expiry - datetime.now(timezone.utc).replace(tzinfo=None)
    assert timedelta(seconds=3500) < left <= timedelta(seconds=3600)


def test_in_the_window_of_google_the_cache_answers_until_the_token_is_about_to_expire(
    service: Google, tokens: Tokens
) -> None:
    # google-auth refreshes 225 seconds before the end: of a token with less than that, for each request.
    tokens.expires_in = 200
    credentials = Credentials(connectcreds.service_account_token)
    for _ in range(3):
        assert get(service, credentials) == (200, "token-1")
    assert len(tokens.forms) == 1
    tokens.advance_time(195)
    assert get(service, credentials) == (200, "token-2")


def test_after_a_401_the_request_is_sent_again_with_another_token(service: Google, tokens: Tokens) -> None:
    service.refused = {"token-1"}
    credentials = Credentials(connectcreds.service_account_token)
    assert get(service, credentials) == (200, "token-2")
    assert service.service.bearers == ["token-1", "token-2"]
    assert len(tokens.forms) == 2


def test_threads_and_forks_share_the_token(service: Google, tokens: Tokens) -> None:
    credentials = Credentials(connectcreds.service_account_token)
    assert in_threads(lambda: get(service, credentials)[1]) == ["token-1"] * 2
    assert in_fork(lambda: get(service, credentials)[1]) == "token-1"
    assert len(tokens.forms) == 1


def test_off_connect(service: Google, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ask = connectcreds.service_account_token
    with pytest.raises(exceptions.RefreshError, match="only available when running on Connect") as raised:
        get(service, Credentials(ask))
    assert isinstance(raised.value.__cause__, connectcreds.NotOnConnectError)
    assert get(service, Credentials(ask, off_connect="mine")) == (200, "mine")
    assert get(service, Credentials(ask, off_connect=lambda: "called")) == (200, "called")

    user = {"client_id": "i", "client_secret": "s", "refresh_token": "r", "type": "authorized_user"}
    other = OAuthCredentials.from_authorized_user_info({**user, "token_uri": "unused"})

    def refresh(request: Any) -> None:
        other.token = "of-another-kind"

    monkeypatch.setattr(other, "refresh", refresh)
    assert get(service, Credentials(ask, off_connect=other)) == (200, "of-another-kind")
    monkeypatch.setattr(google.auth, "default", lambda: (other, None))
    assert get(service, Credentials(ask, off_connect=None)) == (200, "of-another-kind")


def test_federation_supplies_the_workload_token(service: Google, tokens: Tokens) -> None:
    credentials = identity_pool.Credentials(
        audience=AUDIENCE,
        subject_token_type=TokenType.ID_TOKEN,
        token_url=f"{service.service.url}/token",
        subject_token_supplier=ConnectSubjectTokenSupplier(connectcreds.workload_token, audience="a"),
    )
    assert get(service, credentials) == (200, "google-token-1")
    assert tokens.forms[0]["audience"] == "a"
    supplier = ConnectSubjectTokenSupplier(connectcreds.workload_token, off_connect="mine")
    assert supplier.get_subject_token(None, None) == "token-2", "of another audience"


def executable(service: Google, tmp_path: Path, arguments: str = "") -> Any:
    """Credentials as a file names them; other languages' libraries read the same."""
    path = tmp_path / "credentials.json"
    command = f"{sys.executable} -m connectcreds google {arguments}"
    configuration = {
        "type": "external_account",
        "audience": AUDIENCE,
        "subject_token_type": TokenType.ID_TOKEN,
        "token_url": f"{service.service.url}/token",
        "credential_source": {"executable": {"command": command, "timeout_millis": 30000}},
    }
    path.write_text(json.dumps(configuration))
    return pluggable.Credentials.from_file(str(path), scopes=["s"])


def test_executable_sourced_credentials(
    service: Google, connect: Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1")
    credentials = executable(service, tmp_path, f"--audience {connect.integration}")
    status, token = get(service, credentials)
    assert (status, token[:9]) == (200, "google-ey"), "a JWT"
    assert connect.form()["audience"] == connect.integration


def test_executable_sourced_credentials_say_why_there_are_none(
    service: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1")
    with pytest.raises(exceptions.RefreshError, match="only available when running on Connect"):
        get(service, executable(service, tmp_path))
    command = [sys.executable, "-m", "connectcreds", "google"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    printed = json.loads(result.stdout)
    assert (printed["version"], printed["success"], printed["code"]) == (1, False, "NotOnConnectError")
