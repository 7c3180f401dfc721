"""Which integration a call uses, and the list of them."""

from __future__ import annotations

import asyncio
import dataclasses
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support import Silent, Standin

import connectcreds
from connectcreds import Integration, aio
from connectcreds.testing import Request, mock_failure, mock_function, mock_responses, mock_token

WAREHOUSE = Integration("11111111-0000-4000-8000-000000000001", "Warehouse", "All of it", "databricks", "Viewer")
WORK = Integration("22222222-0000-4000-8000-000000000002", "Warehouse", None, "databricks", "Service Account")
FILES = Integration("33333333-0000-4000-8000-000000000003", "Files", None, "aws", "Service Account")
THREE = (WAREHOUSE, WORK, FILES)


def associate(connect: Standin, *integrations: Integration, listing: str = "allowed") -> None:
    given = [dataclasses.asdict(each) for each in integrations]
    connect.set_integrations(
        *({name: text for name, text in each.items() if text is not None} for each in given), listing=listing
    )


def audience(connect: Standin) -> str:
    return connect.forms()[-1]["audience"]


def integrations_async(**options: Any) -> list[Integration]:
    return asyncio.run(aio.integrations(**options))


LISTS = pytest.mark.parametrize("integrations", [connectcreds.integrations, integrations_async])


@LISTS
def test_integrations_are_listed_in_the_servers_order_and_kept(
    connect: Standin, integrations: Callable[..., list[Integration]]
) -> None:
    associate(connect, *THREE)
    assert integrations() == list(THREE)
    assert integrations() == list(THREE)
    assert connect.lists == 1
    associate(connect)
    assert integrations(force_refresh=True) == []
    assert connect.lists == 2


def test_one_integration_is_used_by_its_name_in_any_case(connect: Standin) -> None:
    associate(connect, FILES)
    for name in ("Files", " fILES ", "aws", FILES.guid):
        connectcreds.service_account_token(integration=name)
        assert audience(connect) == FILES.guid
    assert connect.lists == 1


def test_of_two_with_a_name_the_one_of_the_calls_kind_is_used(connect: Standin) -> None:
    associate(connect, *THREE)
    connectcreds.viewer_token(connect.viewer("alice"), integration="Warehouse")
    assert audience(connect) == WAREHOUSE.guid
    connectcreds.service_account_token(integration="warehouse")
    assert audience(connect) == WORK.guid
    asyncio.run(aio.workload_token(integration="Warehouse"))
    assert audience(connect) == WORK.guid
    connectcreds.aws_credentials(integration="AWS")
    assert audience(connect) == FILES.guid


def test_a_guid_needs_no_list(connect: Standin) -> None:
    associate(connect, *THREE)
    assert connectcreds.has_viewer_token(connect.viewer("alice"), integration=WAREHOUSE.guid)
    assert audience(connect) == WAREHOUSE.guid
    assert connect.lists == 0


@pytest.mark.parametrize("name", ["databricks", "Wherehouse"])
def test_a_name_that_means_several_or_none_is_refused_with_all_there_are(connect: Standin, name: str) -> None:
    associate(connect, *THREE)
    with pytest.raises(connectcreds.RefusedError, match=name) as caught:
        connectcreds.service_account_token(integration=name)
    candidates = THREE[:2] if name == "databricks" else THREE
    for each in candidates:
        assert each.guid in str(caught.value)
        assert str(each.auth_type) in str(caught.value)
    assert not connectcreds.has_service_account_token(integration=name)
    assert connect.exchanges == 0


def test_a_call_that_has_to_choose_is_told_the_choices(connect: Standin) -> None:
    associate(connect, *THREE)
    with pytest.raises(connectcreds.RefusedError, match="This content has 3 integrations") as caught:
        connectcreds.service_account_token()
    assert FILES.guid in str(caught.value)


@LISTS
def test_content_without_an_integration(connect: Standin, integrations: Callable[..., list[Integration]]) -> None:
    associate(connect)
    assert integrations() == []
    with pytest.raises(connectcreds.RefusedError, match="No integrations are associated"):
        connectcreds.service_account_token(integration="Files")


@LISTS
def test_an_api_key_without_rights_is_told_which_it_needs(
    connect: Standin, integrations: Callable[..., list[Integration]]
) -> None:
    associate(connect, *THREE, listing="forbidden")
    with pytest.raises(connectcreds.RefusedError, match="publisher's rights") as caught:
        integrations()
    assert caught.value.http_status == 403
    with pytest.raises(connectcreds.RefusedError, match="publisher's rights"):
        connectcreds.service_account_token(integration="Files")


def test_a_server_that_does_not_list_integrations(connect: Standin) -> None:
    associate(connect, *THREE, listing="missing")
    with pytest.raises(connectcreds.BadResponseError, match="too old to list integrations"):
        connectcreds.integrations()


def test_a_server_that_does_not_say_whose_credentials_they_give(connect: Standin) -> None:
    old = Integration(FILES.guid, "Files")
    associate(connect, old)
    assert connectcreds.integrations() == [old]
    connectcreds.viewer_token(connect.viewer("alice"), integration="Files")
    assert audience(connect) == FILES.guid


def test_an_integration_that_is_replaced_and_renamed_while_the_program_runs(connect: Standin) -> None:
    associate(connect, *THREE)
    connectcreds.service_account_token(integration="Files")
    replaced = dataclasses.replace(FILES, guid="44444444-0000-4000-8000-000000000004")
    associate(connect, WORK, replaced)
    connectcreds.service_account_token(integration="Files", force_refresh=True)
    assert audience(connect) == replaced.guid

    connectcreds.clear_cache()
    connectcreds.service_account_token(integration="Files")
    associate(connect, WORK, dataclasses.replace(replaced, name="Archive"))
    connectcreds.service_account_token(integration="Archive")
    assert audience(connect) == replaced.guid


@LISTS
def test_without_the_contents_guid_nothing_is_listed(
    connect: Standin, monkeypatch: pytest.MonkeyPatch, integrations: Callable[..., list[Integration]]
) -> None:
    monkeypatch.delenv("CONNECT_CONTENT_GUID")
    with pytest.raises(connectcreds.NotSupportedError, match="CONNECT_CONTENT_GUID is not set"):
        integrations()
    with pytest.raises(connectcreds.NotSupportedError, match="CONNECT_CONTENT_GUID is not set"):
        connectcreds.service_account_token(integration="Stand-in")
    assert connectcreds.has_service_account_token(integration=connect.integration)


def test_an_integration_excludes_an_audience(connect: Standin) -> None:
    with pytest.raises(connectcreds.InvalidArgumentError, match="audience"):
        connectcreds.service_account_token(integration="Files", audience=FILES.guid)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"server_url": 1}, "server_url is a string"),
        ({"cancel": 1}, "cancel is a callable"),
        ({"resource": ""}, "resource"),
    ],
)
@LISTS
def test_arguments_are_checked(integrations: Callable[..., list[Integration]], options: Any, why: str) -> None:
    with pytest.raises(TypeError, match=why):
        integrations(**options)


def test_an_integration_is_immutable_and_shows_what_it_is() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        FILES.guid = "another"  # type: ignore[misc]
    assert "name='Files'" in repr(FILES)


class OnThread(http.server.BaseHTTPRequestHandler):
    """Connect, on a thread of this process: it answers only while the others leave the interpreter's lock to it."""

    def do_GET(self) -> None:
        self.answer([{"oauth_integration_guid": FILES.guid, "oauth_integration_name": FILES.name}])

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer({"access_token": "token"})

    def answer(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def on_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), OnThread) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("CONNECT_SERVER", url)
        monkeypatch.setenv("CONNECT_API_KEY", "key")
        monkeypatch.setenv("CONNECT_CONTENT_GUID", "content")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield url
        server.shutdown()
        thread.join()


@LISTS
@pytest.mark.usefixtures("on_thread")
def test_other_threads_run_while_a_list_is_awaited(integrations: Callable[..., list[Integration]]) -> None:
    (found,) = integrations()
    assert found.guid == FILES.guid


@pytest.mark.parametrize("from_", ["handler", "cancel"])
def test_a_wait_for_a_list_ends_with_an_exception(silent: Silent, monkeypatch: pytest.MonkeyPatch, from_: str) -> None:
    monkeypatch.setenv("CONNECT_CONTENT_GUID", "content")

    def stop() -> bool:
        raise KeyboardInterrupt

    if from_ == "cancel":
        with pytest.raises(KeyboardInterrupt):
            connectcreds.integrations(cancel=stop)
        return

    def interrupt() -> None:
        silent.wait_for_request()
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        connectcreds.integrations()
    thread.join()


@LISTS
def test_a_wait_for_a_list_ends_when_it_is_cancelled_or_too_late(
    silent: Silent, monkeypatch: pytest.MonkeyPatch, integrations: Callable[..., list[Integration]]
) -> None:
    monkeypatch.setenv("CONNECT_CONTENT_GUID", "content")
    asked = iter([False, False, True])
    with pytest.raises(connectcreds.CancelledError):
        integrations(cancel=lambda: next(asked))
    with pytest.raises(connectcreds.TimeoutError):
        integrations(timeout_ms=50)


def test_a_task_that_is_cancelled_ends_its_threads_wait(silent: Silent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECT_CONTENT_GUID", "content")

    async def ask() -> weakref.ref[Callable[[], bool]]:
        def cancel() -> bool:
            return False

        task = asyncio.ensure_future(aio.integrations(cancel=cancel))
        await aio.off_loop(silent.wait_for_request)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return weakref.ref(cancel)

    held = asyncio.run(ask())
    deadline = time.monotonic() + 15
    while held() is not None:
        assert time.monotonic() < deadline, "a thread still waits"
        time.sleep(0.01)


def test_a_mock_lists_what_it_is_given_and_calls_choose_from_it() -> None:
    with mock_token("token") as mock:
        assert connectcreds.integrations() == []
        assert connectcreds.has_service_account_token(integration="anything")
        mock.set_integrations(THREE)
        assert connectcreds.integrations() == integrations_async() == list(THREE)
        assert connectcreds.has_service_account_token(integration="Files")
        assert not connectcreds.has_service_account_token(integration="databricks")
        assert mock.request_count == 2
        mock.set_integrations([])
        assert connectcreds.integrations() == []
        assert not connectcreds.has_service_account_token(integration="Files", force_refresh=True)
    with pytest.raises(RuntimeError, match="the mock has ended"):
        mock.set_integrations(THREE)


def test_a_mocks_integrations_are_checked() -> None:
    with mock_token("token") as mock:
        with pytest.raises(connectcreds.InvalidArgumentError, match="GUID"):
            mock.set_integrations([Integration("")])
        with pytest.raises(connectcreds.InvalidArgumentError, match="control character"):
            mock.set_integrations([Integration("guid", name="a\0b")])
        with pytest.raises(TypeError, match="is an Integration, not str"):
            mock.set_integrations(["guid"])  # type: ignore[list-item]


def test_a_mock_function_is_asked_for_the_list() -> None:
    asked = []

    def answer(request: Request) -> Any:
        asked.append((request.method, request.url))
        if request.method == "GET":
            return [{"oauth_integration_guid": FILES.guid, "oauth_integration_name": "Files"}]
        return {"access_token": request.params["audience"]}

    with mock_function(answer):
        assert connectcreds.service_account_token(integration="files").access_token == FILES.guid
        assert connectcreds.integrations() == integrations_async() == [Integration(FILES.guid, "Files")]
    methods, urls = zip(*asked)
    assert methods == ("GET", "POST")
    assert urls[0].endswith("/oauth/integrations/associations")


def test_a_mock_function_that_raises_ends_the_list() -> None:
    def answer(request: Request) -> Any:
        raise ZeroDivisionError

    with mock_function(answer):
        for integrations in (connectcreds.integrations, integrations_async):
            with pytest.raises(ZeroDivisionError):
                integrations()


def test_other_threads_run_while_a_request_that_a_mock_lets_through_is_answered(on_thread: str) -> None:
    with mock_function(lambda request: None) as mock:
        mock.set_environment("CONNECT_SERVER", on_thread)
        assert connectcreds.integrations()
        assert connectcreds.service_account_token(integration="Files").access_token == "token"
        assert asyncio.run(aio.workload_token()).access_token == "token"


def test_other_mocks_list_none() -> None:
    with mock_failure():
        assert connectcreds.integrations() == []
        assert not connectcreds.has_service_account_token(integration="Files")
    with mock_responses([{"access_token": "token"}]):
        assert connectcreds.integrations() == []
        assert connectcreds.has_service_account_token(integration="Files")


def test_the_doctor_lists_integrations_or_says_why_it_cannot(connect: Standin) -> None:
    def doctor() -> str:
        command = [sys.executable, "-W", "error", "-m", "connectcreds", "doctor"]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout

    associate(connect, *THREE)
    report = doctor()
    for each in THREE:
        assert each.guid in report
    associate(connect, *THREE, listing="forbidden")
    report = doctor()
    assert report.startswith("integrations: RefusedError: Cannot list the integrations of this content.\n")
    assert "publisher's rights" in report
    assert connectcreds.version() in report, "the report follows"


def test_commands_take_the_name_of_an_integration(connect: Standin) -> None:
    associate(connect, *THREE)
    command = [sys.executable, "-W", "error", "-m", "connectcreds", "google", "--integration", "Warehouse"]
    answer = json.loads(subprocess.run(command, capture_output=True, timeout=60, check=True).stdout)
    assert answer["success"]
    assert audience(connect) == WORK.guid
