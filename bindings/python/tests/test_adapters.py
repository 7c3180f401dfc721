"""Every adapter at once: each names an integration by its name, and gets that integration's token."""

from __future__ import annotations

import asyncio
import base64
import importlib
import inspect
import json
import struct
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pages import PACKAGE
from services import Reply, Seen, serving

import connectcreds
from connectcreds import Integration, TokenType
from connectcreds.testing import mock_function

VIEWERS = "11111111-1111-4111-8111-111111111111"
SERVICES = "22222222-2222-4222-8222-222222222222"
FILES = "33333333-3333-4333-8333-333333333333"
#: Two integrations of one name: a viewer call uses the viewer's, and other calls the service account's.
INTEGRATIONS = [
    Integration(VIEWERS, name="Warehouse", template="databricks", auth_type="Viewer"),
    Integration(SERVICES, name="Warehouse", template="databricks", auth_type="Service Account"),
    Integration(FILES, name="Files", template="sharepoint", auth_type="Viewer"),
]
VIEWER = (connectcreds.viewer_token, "session")
SERVICE = (connectcreds.service_account_token,)

#: The packages of each module's extra, and other modules that its rows need.
NEEDS = {
    "auth": ["requests", "httpx"],
    "aws": ["boto3"],
    "azure": ["azure.core"],
    "databricks": ["databricks.sdk"],
    "fastapi": ["fastapi"],
    "google": ["google.auth", "requests"],
    "odbc": ["sqlalchemy"],
    "snowflake": ["snowflake.connector", "sqlalchemy"],
    "sqlalchemy": ["sqlalchemy"],
}


def answer(request: Any) -> dict[str, object]:
    """Issues a token that names the integration it is of."""
    token = f"of-{request.params.get('audience')}"
    if request.params.get("requested_token_type") != TokenType.AWS_CREDENTIALS:
        return {"access_token": token}
    credentials = {"accessKeyId": token, "secretAccessKey": "secret", "sessionToken": "session"}
    return {
        "access_token": base64.b64encode(json.dumps(credentials).encode()).decode(),
        "token_type": "aws_credentials",
    }


@pytest.fixture(autouse=True)
def integrations() -> Iterator[None]:
    with mock_function(answer) as mock:
        mock.set_integrations(INTEGRATIONS)
        yield


def requests_auth(make: Any, ask: Any, **options: Any) -> str:
    import requests

    request = requests.Request("GET", "http://localhost/", auth=make(*ask, **options)).prepare()
    return str(request.headers["Authorization"]).removeprefix("Bearer ")


def httpx_auth(make: Any, ask: Any, **options: Any) -> str:
    import httpx

    seen: list[str] = []

    def service(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"].removeprefix("Bearer "))
        return httpx.Response(200)

    with httpx.Client(auth=make(*ask, **options), transport=httpx.MockTransport(service)) as client:
        client.get("http://localhost/")
    return seen[0]


def provider(make: Any, ask: Any, **options: Any) -> str:
    return str(make(*ask, **options)())


def async_provider(make: Any, ask: Any, **options: Any) -> str:
    async def ask_it() -> str:
        return str(await make(*ask, **options)())

    return asyncio.run(ask_it())


def aws_session(make: Any, ask: Any, **options: Any) -> str:
    if ask is VIEWER:
        options["session_token"] = "session"
    return str(make(connectcreds.aws_credentials, **options).get_credentials().access_key)


def aws_web_identity(make: Any, ask: Any, **options: Any) -> str:
    def sts(seen: Seen) -> Reply:
        form = dict(urllib.parse.parse_qsl(seen.body.decode()))
        key = f"<AccessKeyId>{form['WebIdentityToken']}</AccessKeyId>"
        expiry = "<Expiration>2999-01-01T00:00:00Z</Expiration>"
        secrets = "<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
        role = f"<Credentials>{key}{secrets}{expiry}</Credentials>"
        result = f"<AssumeRoleWithWebIdentityResult>{role}</AssumeRoleWithWebIdentityResult>"
        body = f"<AssumeRoleWithWebIdentityResponse>{result}</AssumeRoleWithWebIdentityResponse>"
        return 200, {"Content-Type": "text/xml"}, body

    with serving(sts) as service, pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL_STS", service.url)
        environment.setenv("NO_PROXY", "*")
        session = make("arn:aws:iam::123456789012:role/reader", *ask, region_name="eu-west-1", **options)
        return str(session.get_credentials().access_key)


def azure_credential(make: Any, ask: Any, **options: Any) -> str:
    return str(make(*ask, **options).get_token("https://storage.azure.com/.default").token)


def async_azure_credential(make: Any, ask: Any, **options: Any) -> str:
    async def ask_it() -> str:
        return str((await make(*ask, **options).get_token("https://storage.azure.com/.default")).token)

    return asyncio.run(ask_it())


def databricks_strategy(make: Any, ask: Any, **options: Any) -> str:
    return str(make(*ask, **options)()()["Authorization"]).removeprefix("Bearer ")


def databricks_config(make: Any, ask: Any, **options: Any) -> str:
    # Config() asks the workspace about itself.
    with serving(lambda seen: (404, {}, {})) as service, pytest.MonkeyPatch.context() as environment:
        environment.setenv("NO_PROXY", "*")
        headers = make(*ask, host=service.url, **options).authenticate()
    return str(headers["Authorization"]).removeprefix("Bearer ")


def databricks_id_token(make: Any, ask: Any, **options: Any) -> str:
    return str(make(*ask, **options).id_token().jwt)


def fastapi_dependency(make: Any, ask: Any, **options: Any) -> str:
    from starlette.requests import HTTPConnection

    headers = [(b"posit-connect-user-session-token", b"session")]
    arguments = (HTTPConnection({"type": "http", "headers": headers}),) if ask is VIEWER else ()
    return str(asyncio.run(make(**options)(*arguments)).access_token)


def google_credentials(make: Any, ask: Any, **options: Any) -> str:
    credentials = make(*ask, **options)
    credentials.refresh(None)
    return str(credentials.token)


def google_supplier(make: Any, ask: Any, **options: Any) -> str:
    return str(make(*ask, **options).get_subject_token(None, None))


def odbc_attributes(make: Any, ask: Any, **options: Any) -> str:
    return odbc_token(make(*ask, **options))


def odbc_token(attributes: Any) -> str:
    (data,) = attributes.values()
    return str(data[struct.calcsize("=I") :].decode("utf-16-le"))


def engine(listen: Any, ask: Any, **options: Any) -> dict[str, Any]:
    """Returns the arguments with which an engine connects."""
    from test_sqlalchemy import engine as make_engine

    made, driver = make_engine()
    listen(made, *ask, **options)
    made.raw_connection().close()
    arguments: dict[str, Any] = driver.connections[0]
    return arguments


def odbc_listen(make: Any, ask: Any, **options: Any) -> str:
    return odbc_token(engine(make, ask, **options)["attrs_before"])


def password(make: Any, ask: Any, **options: Any) -> str:
    return str(engine(make, ask, **options)["password"])


def snowflake_arguments(make: Any, ask: Any, **options: Any) -> str:
    return str(make(*ask, **options)["token"])


def snowflake_connect(make: Any, ask: Any, **options: Any) -> str:
    seen: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("snowflake.connector.connect", lambda **parameters: seen.append(parameters["token"]))
        make({"account": "account"}, *ask, **options)
    return seen[0]


def snowflake_listen(make: Any, ask: Any, **options: Any) -> str:
    return str(engine(make, ask, **options)["token"])


#: How each adapter shows its token, and whose tokens it gives.
ADAPTERS: dict[str, tuple[Callable[..., str], list[Any]]] = {
    "auth.HttpxAuth": (httpx_auth, [VIEWER, SERVICE]),
    "auth.RequestsAuth": (requests_auth, [VIEWER, SERVICE]),
    "auth.async_token_provider": (async_provider, [VIEWER, SERVICE]),
    "auth.token_provider": (provider, [VIEWER, SERVICE]),
    "aws.session": (aws_session, [VIEWER, SERVICE]),
    "aws.web_identity_session": (aws_web_identity, [SERVICE]),
    "azure.AsyncConnectCredential": (async_azure_credential, [VIEWER, SERVICE]),
    "azure.ConnectCredential": (azure_credential, [VIEWER, SERVICE]),
    "databricks.ConnectIdTokenSource": (databricks_id_token, [SERVICE]),
    "databricks.ConnectStrategy": (databricks_strategy, [VIEWER, SERVICE]),
    "databricks.databricks_config": (databricks_config, [VIEWER, SERVICE]),
    "fastapi.service_account_token": (fastapi_dependency, [SERVICE]),
    "fastapi.viewer_token": (fastapi_dependency, [VIEWER]),
    "fastapi.workload_token": (fastapi_dependency, [SERVICE]),
    "google.ConnectSubjectTokenSupplier": (google_supplier, [SERVICE]),
    "google.Credentials": (google_credentials, [VIEWER, SERVICE]),
    "odbc.attrs_before": (odbc_attributes, [VIEWER, SERVICE]),
    "odbc.listen": (odbc_listen, [VIEWER, SERVICE]),
    "snowflake.connect": (snowflake_connect, [VIEWER, SERVICE]),
    "snowflake.connect_args": (snowflake_arguments, [VIEWER, SERVICE]),
    "snowflake.listen": (snowflake_listen, [VIEWER, SERVICE]),
    "sqlalchemy.password": (password, [VIEWER, SERVICE]),
}


def adapter(name: str) -> Any:
    """Returns an adapter whose SDK is installed."""
    module, _, attribute = name.partition(".")
    for each in NEEDS[module]:
        pytest.importorskip(each)
    return getattr(importlib.import_module(f"connectcreds.{module}"), attribute)


@pytest.mark.parametrize("module", sorted(NEEDS))
def test_the_table_has_every_adapter(module: str) -> None:
    for each in NEEDS[module]:
        pytest.importorskip(each)
    imported = importlib.import_module(f"connectcreds.{module}")
    takes_options = {
        f"{module}.{name}"
        for name in imported.__all__
        if callable(getattr(imported, name)) and "off_connect" in inspect.signature(getattr(imported, name)).parameters
    }
    assert takes_options == {name for name in ADAPTERS if name.startswith(f"{module}.")}


def test_every_module_with_adapters_is_in_the_table() -> None:
    modules = (PACKAGE / "src/connectcreds").glob("[!_]*.py")
    assert sorted(each.stem for each in modules if "off_connect: " in each.read_text()) == sorted(NEEDS)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_takes_an_integration_by_its_name(name: str) -> None:
    make = adapter(name)
    token_of, asks = ADAPTERS[name]
    for ask in asks:
        expected = VIEWERS if ask is VIEWER else SERVICES
        assert token_of(make, ask, integration="Warehouse") == f"of-{expected}"
        assert token_of(make, ask, integration=FILES) == f"of-{FILES}"
        # Anything else is refused with the list, and not answered with the token of another integration.
        with pytest.raises(Exception, match="Nonexistent") as failure:
            token_of(make, ask, integration="Nonexistent")
        causes = list(chain(failure.value))
        assert any(isinstance(each, connectcreds.RefusedError) and "Files" in str(each) for each in causes), causes


def chain(why: BaseException | None) -> Iterator[BaseException]:
    """Yields an exception and its causes."""
    while why is not None:
        yield why
        why = why.__cause__ or why.__context__
