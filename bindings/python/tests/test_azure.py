"""azure-core and azure-identity with tokens from Connect, on loopback."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from services import Reply, Seen, Service, Tokens, in_fork, in_threads, serving

import connectcreds
from connectcreds.auth import token_provider

pytest.importorskip("azure.core")
pytest.importorskip("aiohttp")

from azure.core import AsyncPipelineClient, PipelineClient
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.policies import AsyncBearerTokenCredentialPolicy, BearerTokenCredentialPolicy, RetryPolicy
from azure.core.rest import HttpRequest

from connectcreds.azure import AsyncConnectCredential, ConnectCredential

SCOPE = "https://storage.azure.com/.default"
CLAIMS = 'Bearer error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="'


class Azure:
    """A service that refuses some tokens, with a claims challenge when told so."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.challenge = "Bearer"
        self.service: Service

    def answer(self, seen: Seen) -> Reply:
        if seen.bearer in self.refused:
            return 401, {"WWW-Authenticate": self.challenge}, {}
        return 200, {}, {"token": seen.bearer}


@pytest.fixture
def service() -> Iterator[Azure]:
    made = Azure()
    with serving(made.answer) as server:
        made.service = server
        yield made


def client(service: Azure, credential: Any) -> Any:
    policies = [RetryPolicy(retry_total=0), BearerTokenCredentialPolicy(credential, SCOPE)]
    return PipelineClient(service.service.url, policies=policies)


def get(service: Azure, client: Any) -> tuple[int, str | None]:
    answer = client.send_request(HttpRequest("GET", f"{service.service.url}/blob"), enforce_https=False)
    return answer.status_code, answer.json().get("token")


def test_each_request_carries_the_current_token(service: Azure, tokens: Tokens) -> None:
    made = client(service, ConnectCredential(connectcreds.viewer_token, "session"))
    assert [get(service, made), get(service, made)] == [(200, "token-1")] * 2
    (form,) = tokens.forms
    assert (form["subject_token"], form["scope"]) == ("session", SCOPE)
    connectcreds.clear_cache()
    assert get(service, made) == (200, "token-2"), "azure-core keeps none of its own"


def test_the_scope_can_be_given_or_left_out(tokens: Tokens) -> None:
    ConnectCredential(connectcreds.service_account_token, scope="mine").get_token(SCOPE)
    ConnectCredential(connectcreds.service_account_token, scope="").get_token(SCOPE)
    assert [form.get("scope") for form in tokens.forms] == ["mine", None]


def test_after_a_claims_challenge_the_request_is_sent_again_with_another_token(service: Azure, tokens: Tokens) -> None:
    service.refused = {"token-1"}
    service.challenge = CLAIMS
    assert get(service, client(service, ConnectCredential(connectcreds.service_account_token))) == (200, "token-2")
    assert service.service.bearers == ["token-1", "token-2"]


def test_after_another_401_invalidate_gets_another_token(service: Azure, tokens: Tokens) -> None:
    service.refused = {"token-1"}
    credential = ConnectCredential(connectcreds.service_account_token)
    made = client(service, credential)
    assert get(service, made)[0] == 401
    assert credential.invalidate()
    assert get(service, made) == (200, "token-2")


def test_expires_on_is_always_an_int(tokens: Tokens) -> None:
    credential = ConnectCredential(connectcreds.service_account_token)
    now = time.time()
    given = credential.get_token("a")
    assert isinstance(given, AccessToken)
    assert isinstance(given.expires_on, int)
    assert 3500 < given.expires_on - now <= 3601
    info = credential.get_token_info("a", options={"enable_cae": True})
    assert (info.token, info.expires_on, info.token_type) == ("token-1", given.expires_on, "Bearer")
    tokens.expires_in = None
    unknown = credential.get_token("b").expires_on
    assert isinstance(unknown, int)
    assert now < unknown < now + 120


def test_threads_and_forks_share_the_token(service: Azure, tokens: Tokens) -> None:
    made = client(service, ConnectCredential(connectcreds.service_account_token))
    assert in_threads(lambda: get(service, made)) == [(200, "token-1")] * 2
    assert in_fork(lambda: get(service, made)) == [200, "token-1"]
    assert len(tokens.forms) == 1


class Other:
    """A credential of another kind."""

    def __init__(self) -> None:
        self.is_closed = False

    def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        return AccessToken("of-another-kind", 2**31)

    def get_token_info(self, *scopes: str, options: Any = None) -> Any:
        from azure.core.credentials import AccessTokenInfo

        return AccessTokenInfo("of-another-kind", 2**31)

    def close(self) -> None:
        self.is_closed = True


def test_off_connect(service: Azure) -> None:
    ask = connectcreds.service_account_token
    with pytest.raises(ClientAuthenticationError, match="only available when running on Connect") as raised:
        ConnectCredential(ask).get_token(SCOPE)
    assert isinstance(raised.value.__cause__, connectcreds.NotOnConnectError)
    assert get(service, client(service, ConnectCredential(ask, off_connect="mine"))) == (200, "mine")
    assert ConnectCredential(ask, off_connect=lambda: "called").get_token(SCOPE).token == "called"
    with pytest.raises(ClientAuthenticationError, match="off_connect gave no token"):
        ConnectCredential(ask, off_connect=None).get_token(SCOPE)
    other = Other()
    with ConnectCredential(ask, off_connect=other) as credential:
        assert credential.get_token(SCOPE).token == "of-another-kind"
        assert get(service, client(service, credential)) == (200, "of-another-kind")
    assert other.is_closed


def test_asynchronous_clients(service: Azure, tokens: Tokens) -> None:
    service.refused = {"token-1"}
    service.challenge = CLAIMS

    async def send() -> tuple[int, str]:
        async with AsyncConnectCredential(connectcreds.service_account_token) as credential:
            policies = [AsyncBearerTokenCredentialPolicy(credential, SCOPE)]
            client: Any = AsyncPipelineClient(service.service.url, policies=policies)
            async with client as made:
                request = HttpRequest("GET", f"{service.service.url}/blob")
                answer = await made.send_request(request, enforce_https=False)
                given = await credential.get_token(SCOPE)
                assert isinstance(given.expires_on, int)
                return answer.status_code, answer.json()["token"]

    assert asyncio.run(send()) == (200, "token-2")
    assert service.service.bearers == ["token-1", "token-2"]


def test_asynchronous_clients_off_connect() -> None:
    async def ask(**options: Any) -> str:
        credential = AsyncConnectCredential(connectcreds.service_account_token, **options)
        return (await credential.get_token(SCOPE)).token

    assert asyncio.run(ask(off_connect="mine")) == "mine"
    with pytest.raises(ClientAuthenticationError):
        asyncio.run(ask())


def certificate(directory: Path) -> Path:
    """Makes a certificate of localhost with its key, in one file."""
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .sign(key, hashes.SHA256())
    )
    path = directory / "localhost.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def test_federation_asserts_the_workload_token(tokens: Tokens, tmp_path: Path) -> None:
    identity = pytest.importorskip("azure.identity")
    pem = certificate(tmp_path)
    forms: list[dict[str, str]] = []

    def answer(seen: Seen) -> Reply:
        if seen.path.endswith("/token"):
            forms.append(dict(urllib.parse.parse_qsl(seen.body.decode())))
            return 200, {}, {"access_token": f"entra-{len(forms)}", "expires_in": 3600, "token_type": "Bearer"}
        tenant = f"https://localhost:{server.port}/tenant"
        body = {
            "authorization_endpoint": f"{tenant}/oauth2/v2.0/authorize",
            "token_endpoint": f"{tenant}/oauth2/v2.0/token",
            "issuer": f"{tenant}/v2.0",
        }
        return 200, {}, json.dumps(body)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with serving(answer, context) as server:
        credential = identity.ClientAssertionCredential(
            "tenant",
            "client",
            token_provider(connectcreds.workload_token, audience="a"),
            authority=f"https://localhost:{server.port}",
            disable_instance_discovery=True,
            connection_verify=str(pem),
        )
        assert credential.get_token(SCOPE).token == "entra-1"
    assert forms[0]["client_assertion"] == "token-1"
    assert tokens.forms[0]["audience"] == "a"
