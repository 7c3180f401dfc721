"""databricks-sdk and databricks-sql-connector with tokens from Connect, on loopback."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from services import Reply, Seen, Service, Tokens, in_fork, in_threads, serving

import connectcreds

pytest.importorskip("databricks.sdk")

from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.credentials_provider import oidc_credentials_provider, pat_auth
from databricks.sdk.errors import Unauthenticated

from connectcreds.databricks import ConnectIdTokenSource, ConnectStrategy, databricks_config

ME = "/api/2.0/preview/scim/v2/Me"


class Workspace:
    """A workspace that refuses some tokens."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.service: Service

    def answer(self, seen: Seen) -> Reply:
        if seen.path.startswith("/oidc/v1/token"):
            return 200, {}, {"access_token": "federated", "token_type": "Bearer", "expires_in": 3600}
        if seen.path.startswith("/oidc"):
            url = self.service.url
            return 200, {}, {"authorization_endpoint": f"{url}/a", "token_endpoint": f"{url}/oidc/v1/token"}
        if seen.path.startswith("/.well-known"):
            return 404, {}, {}
        if seen.bearer in self.refused:
            return 401, {}, {"error_code": "UNAUTHENTICATED", "message": "no"}
        return 200, {}, {"userName": seen.bearer}

    @property
    def bearers(self) -> list[str | None]:
        return [each.bearer for each in self.service.seen if each.path.startswith("/api")]


@pytest.fixture
def workspace(monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", "/nonexistent")
    made = Workspace()
    with serving(made.answer) as service:
        made.service = service
        yield made


def client(workspace: Workspace, **more: Any) -> tuple[WorkspaceClient, ConnectStrategy]:
    strategy = ConnectStrategy(connectcreds.service_account_token, resource="r", **more)
    config = Config(host=workspace.service.url, credentials_strategy=strategy, retry_timeout_seconds=1)
    return WorkspaceClient(config=config), strategy


def test_each_request_carries_the_current_token(workspace: Workspace, tokens: Tokens) -> None:
    workspaces, strategy = client(workspace)
    assert workspaces.config.auth_type == "posit-connect"
    assert workspaces.current_user.me().user_name == "token-1"
    assert workspaces.current_user.me().user_name == "token-1"
    connectcreds.clear_cache()
    assert workspaces.current_user.me().user_name == "token-2"
    assert [form["resource"] for form in tokens.forms] == ["r", "r"]
    assert strategy.oauth_token().access_token == "token-2"


def test_after_a_401_invalidate_gets_another_token(workspace: Workspace, tokens: Tokens) -> None:
    workspace.refused = {"token-1"}
    workspaces, strategy = client(workspace)
    with pytest.raises(Unauthenticated):
        workspaces.current_user.me()
    assert len(tokens.forms) == 1, "the SDK does not ask again"
    assert strategy.invalidate()
    assert workspaces.current_user.me().user_name == "token-2"
    assert strategy.invalidate()
    assert not strategy.invalidate(), "once"


def test_expiry_is_in_the_local_time_of_the_sdk(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        made = Tokens(expires_in=1800)
        with made.mock():
            token = client(workspace)[1].oauth_token()
            assert token.valid
            made.expires_in = 20
            connectcreds.clear_cache()
            assert not client(workspace)[1].oauth_token().valid
    finally:
        monkeypatch.undo()
        time.tzset()


def test_threads_and_forks_share_the_token(workspace: Workspace, tokens: Tokens) -> None:
    workspaces, _ = client(workspace)
    assert in_threads(lambda: workspaces.current_user.me().user_name) == ["token-1"] * 2
    assert in_fork(lambda: workspaces.current_user.me().user_name) == "token-1"
    assert len(tokens.forms) == 1


def test_off_connect(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(connectcreds.NotOnConnectError):
        client(workspace)[0].current_user.me()
    assert client(workspace, off_connect="mine")[0].current_user.me().user_name == "mine"
    assert client(workspace, off_connect=lambda: "called")[0].current_user.me().user_name == "called"

    monkeypatch.setenv("DATABRICKS_TOKEN", "of-the-environment")
    for other in (None, pat_auth):
        workspaces, strategy = client(workspace, off_connect=other)
        assert workspaces.current_user.me().user_name == "of-the-environment"
        assert strategy.auth_type() == "pat"
    config = databricks_config(connectcreds.viewer_token, None, host=workspace.service.url)
    assert WorkspaceClient(config=config).current_user.me().user_name == "of-the-environment"


def test_the_configuration_works_on_connect(workspace: Workspace, tokens: Tokens) -> None:
    config = databricks_config(
        connectcreds.viewer_token, "session", host=workspace.service.url, config={"product": "report"}, scope="s"
    )
    assert WorkspaceClient(config=config).current_user.me().user_name == "token-1"
    (form,) = tokens.forms
    assert (form["subject_token"], form["scope"]) == ("session", "s")
    assert config.user_agent.startswith("report/")


def test_federation_exchanges_the_workload_token(workspace: Workspace, tokens: Tokens) -> None:
    source = ConnectIdTokenSource(connectcreds.workload_token, audience="a")
    assert source.id_token().jwt == "token-1"
    config = Config(
        host=workspace.service.url,
        client_id="id",
        discovery_url=f"{workspace.service.url}/oidc/.well-known/oauth-authorization-server",
        credentials_strategy=ConnectStrategy(lambda: connectcreds.workload_token()),
    )
    provider = oidc_credentials_provider(config, source)
    assert provider is not None
    assert provider() == {"Authorization": "Bearer federated"}
    (exchange,) = (each for each in workspace.service.seen if each.path == "/oidc/v1/token")
    assert b"subject_token=token-1" in exchange.body


def test_the_sql_connector_sends_the_token(workspace: Workspace, tokens: Tokens) -> None:
    sql = pytest.importorskip("databricks.sql")
    strategy = ConnectStrategy(connectcreds.service_account_token)

    def connect() -> None:
        sql.connect(
            server_hostname="127.0.0.1",
            http_path="/api/sql",
            credentials_provider=strategy,
            _connection_uri=f"{workspace.service.url}/api/sql",
            _retry_stop_after_attempts_count=1,
            enable_telemetry=False,
        )

    workspace.refused = {"token-1"}
    with pytest.raises(sql.exc.Error):
        connect()
    assert set(workspace.bearers) == {"token-1"}
    assert strategy.invalidate()
    with pytest.raises(sql.exc.Error):  # The service does not speak Thrift.
        connect()
    assert workspace.bearers[-1] == "token-2"
    assert strategy()() == {"Authorization": "Bearer token-2"}


def test_the_sql_connector_needs_a_token_off_connect() -> None:
    with pytest.raises(connectcreds.NotOnConnectError, match="off_connect="):
        ConnectStrategy(connectcreds.service_account_token, off_connect=None)()
    assert ConnectStrategy(connectcreds.service_account_token, off_connect="t")()() == {"Authorization": "Bearer t"}
