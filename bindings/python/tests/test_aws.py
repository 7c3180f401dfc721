"""boto3 with AWS credentials from Connect, on loopback."""

from __future__ import annotations

import base64
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
from connectcreds.testing import mock_function

pytest.importorskip("boto3")

import botocore.session
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from connectcreds import aws

ROLE = "arn:aws:iam::123456789012:role/reader"


def instant(seconds: float) -> str:
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Aws:
    """STS, which refuses some keys, and the role's credentials."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.refused_identities: set[str] = set()
        self.roles = 0
        self.service: Service

    def answer(self, seen: Seen) -> Reply:
        xml = {"Content-Type": "text/xml"}
        form = dict(urllib.parse.parse_qsl(seen.body.decode()))
        if form["Action"] == "AssumeRoleWithWebIdentity":
            if form["WebIdentityToken"] in self.refused_identities:
                return 400, xml, _error("InvalidIdentityToken")
            self.roles += 1
            return 200, xml, _role(f"role-{self.roles}")
        if _key(seen) in self.refused:
            return 403, xml, _error("ExpiredToken")
        return 200, xml, _identity(_key(seen))

    @property
    def keys(self) -> list[str]:
        return [_key(seen) for seen in self.service.seen if "authorization" in seen.headers]


def _key(seen: Seen) -> str:
    return seen.headers["authorization"].partition("Credential=")[2].partition("/")[0]


def _error(code: str) -> str:
    return f"<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"


def _identity(key: str) -> str:
    result = f"<GetCallerIdentityResult><UserId>{key}</UserId></GetCallerIdentityResult>"
    return f"<GetCallerIdentityResponse>{result}</GetCallerIdentityResponse>"


def _role(key: str) -> str:
    return (
        "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
        f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
        f"<Expiration>{instant(3600)}</Expiration></Credentials>"
        "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
    )


class Issued:
    """A mock that numbers AWS credentials, `key-1` and on."""

    def __init__(self, lifetime: float = 3600) -> None:
        self.lifetime = lifetime
        self.forms: list[dict[str, str]] = []

    def answer(self, request: Any) -> dict[str, object]:
        self.forms.append(dict(request.params))
        credentials = {
            "accessKeyId": f"key-{len(self.forms)}",
            "secretAccessKey": "secret",
            "sessionToken": "session",
            "expiration": instant(self.lifetime),
        }
        token = base64.b64encode(json.dumps(credentials).encode()).decode()
        return {"access_token": token, "token_type": "aws_credentials", "expires_in": int(self.lifetime)}


@pytest.fixture
def issued() -> Iterator[Issued]:
    made = Issued()
    with mock_function(made.answer):
        yield made


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    made = Aws()
    with serving(made.answer) as server:
        made.service = server
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
        yield made


def who(session: Any) -> str:
    client = session.client("sts", config=Config(retries={"max_attempts": 1}))
    return str(client.get_caller_identity()["UserId"])


def test_clients_sign_with_credentials_from_connect(service: Aws, issued: Issued) -> None:
    session = aws.session(connectcreds.aws_credentials, session_token="viewer", scope="s")
    assert [who(session), who(session)] == ["key-1", "key-1"]
    (form,) = issued.forms
    assert (form["subject_token"], form["scope"]) == ("viewer", "s")
    assert form["requested_token_type"] == connectcreds.TokenType.AWS_CREDENTIALS


def test_credentials_change_before_the_window_of_botocore(service: Aws, issued: Issued) -> None:
    session = aws.session()
    issued.lifetime = 2000
    assert who(session) == "key-1"
    credentials: Any = session.get_credentials()
    # As if time had passed until 800 seconds are left.
    credentials._expiry_time = datetime.now(timezone.utc) + timedelta(seconds=800)
    assert who(session) == "key-1", "the cache has them with more than 15 minutes left"
    connectcreds.clear_cache()
    credentials._expiry_time = datetime.now(timezone.utc) + timedelta(seconds=800)
    assert who(session) == "key-2"


def test_credentials_with_a_short_life_are_not_exchanged_for_every_request(service: Aws, issued: Issued) -> None:
    issued.lifetime = 600
    session = aws.session()
    for _ in range(5):
        who(session)
    assert len(issued.forms) == 1
    assert service.keys == ["key-1"] * 5


def test_after_a_rejection_the_request_is_sent_again_with_others(service: Aws, issued: Issued) -> None:
    session = aws.session()
    client = session.client("sts")
    assert client.get_caller_identity()["UserId"] == "key-1"
    service.refused = {"key-1"}
    assert client.get_caller_identity()["UserId"] == "key-2"
    assert service.keys == ["key-1", "key-1", "key-2"]
    service.refused = {f"key-{index}" for index in range(10)}
    with pytest.raises(ClientError, match="ExpiredToken"):
        client.get_caller_identity()
    assert len(issued.forms) == 3, "once for each request"


def test_threads_and_forks_share_the_credentials(service: Aws, issued: Issued) -> None:
    session = aws.session()
    assert in_threads(lambda: session.get_credentials().get_frozen_credentials().access_key) == ["key-1"] * 2
    assert in_fork(lambda: who(session)) == "key-1"
    assert len(issued.forms) == 1


def test_off_connect(service: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(connectcreds.NotOnConnectError):
        who(aws.session())
    mine = Credentials("mine", "secret")
    assert who(aws.session(off_connect=mine)) == "mine"
    assert who(aws.session(off_connect=lambda: mine)) == "mine"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-environment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert who(aws.session(off_connect=None)) == "of-the-environment"
    assert who(aws.web_identity_session(ROLE, off_connect=None)) == "of-the-environment"


def test_on_connect_the_environment_of_aws_is_not_asked(
    service: Aws, issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-environment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert who(aws.session(off_connect=None)) == "key-1"


def test_a_role_is_assumed_with_the_workload_token(service: Aws, tokens: Tokens) -> None:
    session = aws.web_identity_session(ROLE, connectcreds.workload_token, audience="a", duration_s=900)
    assert [who(session), who(session)] == ["role-1"] * 2
    assert tokens.forms[0]["audience"] == "a"
    assume = dict(urllib.parse.parse_qsl(service.service.seen[0].body.decode()))
    assert (assume["RoleArn"], assume["WebIdentityToken"]) == (ROLE, "token-1")
    assert (assume["RoleSessionName"], assume["DurationSeconds"]) == ("posit-connect", "900")
    assert in_threads(lambda: who(session)) == ["role-1"] * 2
    assert in_fork(lambda: who(session)) == "role-1"


def test_a_role_is_assumed_again_when_aws_rejects_its_credentials(service: Aws, tokens: Tokens) -> None:
    session = aws.web_identity_session(ROLE)
    assert who(session) == "role-1"
    service.refused = {"role-1"}
    assert who(session) == "role-2"


def test_a_workload_token_that_sts_rejects_is_replaced_once(service: Aws, tokens: Tokens) -> None:
    service.refused_identities = {"token-1"}
    assert who(aws.web_identity_session(ROLE)) == "role-1"
    assert len(tokens.forms) == 2
    service.refused_identities = {f"token-{index}" for index in range(10)}
    connectcreds.clear_cache()
    with pytest.raises(ClientError, match="InvalidIdentityToken"):
        who(aws.web_identity_session(ROLE))
    assert len(tokens.forms) == 4


def test_credential_process(service: Aws, connect: Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config"
    command = f"{sys.executable} -m connectcreds aws --audience {connect.integration}"
    config.write_text(f"[profile content]\nregion = eu-west-1\ncredential_process = {command}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    session = botocore.session.Session(profile="content")
    client = session.create_client("sts")
    key = client.get_caller_identity()["UserId"]
    assert connect.form()["audience"] == connect.integration
    assert connect.form()["requested_token_type"] == connectcreds.TokenType.AWS_CREDENTIALS
    assert service.keys == [key]
    assert key.startswith("ASIA")
    credentials: Any = session.get_credentials()
    assert credentials.token
    assert credentials._expiry_time > datetime.now(timezone.utc)


def test_credential_process_says_why_there_are_none() -> None:
    command = [sys.executable, "-m", "connectcreds", "aws"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("Service account credentials are only available when running on Connect.")
