"""A pytest plugin: posit-sdk's exchanges and adapters, made by this library. `tests/posit-sdk` runs it.

posit-sdk's tests expect their requests in `requests`, where the package `responses` answers them. This library sends
its own over a socket, to a server in this process that hands each on to `requests`, so that the tests' expectations of
a request meet the one that the library sent.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from databricks.sdk import config

#: "ours", or "theirs" for posit-sdk as it is.
OURS = os.environ["POSIT_SDK_OVER"] == "ours"

# Where the tests' Connect is, as far as they know.
CONNECT = "https://connect.example"

#: The tests that expect a ValueError, with the exception that this library raises instead, and its reason.
DIFFERENCES = {
    "TestAWS::test_get_aws_credentials_no_token": ("BadResponseError", "a response without a token"),
    "TestAWS::test_get_aws_content_credentials_no_token": ("BadResponseError", "a response without a token"),
    "TestPositAuthenticator::test_posit_authenticator_missing_tokens": ("NoSessionError", "no session token"),
}


def no_network(*args: Any, **kwargs: Any) -> Any:
    raise ValueError("these tests have no network")


# Config() of newer databricks-sdk asks the workspace about itself, and tries for five minutes. posit-sdk's tests make
# one for https://databricks.com while pytest collects them.
config.get_host_metadata = no_network


class Bridge(BaseHTTPRequestHandler):
    """Hands a request of the library on to `requests`."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        headers = {name: self.headers[name] for name in ("Accept", "Authorization", "Content-Type")}
        try:
            answer = requests.post(CONNECT + self.path, body, headers=headers, timeout=10)
            status, content = answer.status_code, answer.content
        except requests.ConnectionError as why:
            # No expectation of the test fits; a status that is not retried.
            status, content = 400, str(why).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


def install(server_url: str) -> None:
    """Puts this library's calls and adapters into posit-sdk's modules."""
    import connectcreds
    import connectcreds.databricks
    import connectcreds.snowflake
    from posit.connect.external import aws, databricks, snowflake
    from posit.connect.oauth import oauth

    def asks(session_token: str | None, **options: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """A function of this library with its arguments: a viewer's, or the service account's."""
        options.update(server_url=server_url, api_key="12345")
        if session_token is None:
            return (connectcreds.service_account_token,), options
        return (connectcreds.viewer_token, session_token), options

    def get_credentials(self, user_session_token, requested_token_type=None, audience=None):
        (ask, *args), options = asks(user_session_token, requested_token_type=requested_token_type, audience=audience)
        return ask(*args, on_connect=True, **options)

    def get_content_credentials(self, content_session_token=None, requested_token_type=None, audience=None):
        if content_session_token is None and not self.has_content_credentials():
            return None
        (ask,), options = asks(None, requested_token_type=requested_token_type, audience=audience)
        return ask(content_token=content_session_token, on_connect=True, **options)

    class ConnectStrategy(connectcreds.databricks.ConnectStrategy):
        def __init__(self, client=None, user_session_token=None, audience=None):
            args, options = asks(user_session_token, audience=audience)
            super().__init__(*args, **options)

    class PositAuthenticator:
        def __init__(self, local_authenticator=None, client=None, user_session_token=None, content_session_token=None):
            self._args, self._options = asks(user_session_token, content_token=content_session_token)
            if user_session_token is None and content_session_token is None:
                self._args = connectcreds.viewer_token, None
            self._local = local_authenticator

        def _connect_args(self) -> dict[str, str]:
            return connectcreds.snowflake.connect_args(*self._args, off_connect=None, **self._options)

        @property
        def authenticator(self):
            return "oauth" if connectcreds.running_on_connect() else self._local

        @property
        def token(self):
            return self._connect_args().get("token")

    def aws_credentials(**options: str):
        ours = connectcreds.aws_credentials(server_url=server_url, api_key="12345", on_connect=True, **options)
        return aws.Credentials(
            aws_access_key_id=ours.access_key_id,
            aws_secret_access_key=ours.secret_access_key,
            aws_session_token=ours.session_token,
            expiration=ours.expires_at.replace(tzinfo=None),
        )

    oauth.OAuth.get_credentials = get_credentials
    oauth.OAuth.get_content_credentials = get_content_credentials
    aws.get_credentials = lambda client, token: aws_credentials(session_token=token)
    aws.get_content_credentials = lambda client, token: aws_credentials(content_token=token)
    databricks.ConnectStrategy = ConnectStrategy
    databricks.POSIT_OAUTH_INTEGRATION_AUTH_TYPE = ConnectStrategy().auth_type()
    snowflake.PositAuthenticator = PositAuthenticator


def pytest_configure() -> None:
    if OURS:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Bridge)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        install(f"http://127.0.0.1:{server.server_port}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if OURS:
        from connectcreds import errors

        for item in items:
            if difference := DIFFERENCES.get(item.nodeid.partition("::")[2]):
                name, why = difference
                reason = f"{why} is a {name}, and not a ValueError"
                item.add_marker(pytest.mark.xfail(strict=True, raises=getattr(errors, name), reason=reason))


@pytest.fixture(autouse=True)
def another_process() -> Iterator[None]:
    """Tests expect no cache."""
    yield
    if OURS:
        import connectcreds

        connectcreds.clear_cache()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if OURS:
        import connectcreds

        terminalreporter.write_line(f"{connectcreds.cache_stats().exchanges} exchanges by this library")
