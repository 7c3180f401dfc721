"""What the README shows works."""

from __future__ import annotations

import asyncio
import builtins
import importlib.util
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
from support import PACKAGE, Silent, run

import connectcreds
import connectcreds_pytest
from connectcreds import sessions
from connectcreds.testing import mock_failure, mock_function

README = (PACKAGE / "README.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture
def snippets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """All blocks as one program, run inside a mock."""
    program = tmp_path / "readme.py"
    program.write_text("\n".join(BLOCKS))
    aws = "eyJhY2Nlc3NLZXlJZCI6IkEiLCJzZWNyZXRBY2Nlc3NLZXkiOiJTIiwic2Vzc2lvblRva2VuIjoiVCJ9"
    with mock_function(lambda request: {"access_token": aws}) as mock:
        mock.set_integrations([connectcreds.Integration("guid", "Warehouse")])
        return runpy.run_path(str(program))


def test_every_block_runs(snippets: dict[str, Any]) -> None:
    assert len(BLOCKS) == 8
    assert snippets["headers"]["Authorization"].startswith("Bearer ")
    assert snippets["s3"] == {"aws_access_key_id": "A", "aws_secret_access_key": "S", "aws_session_token": "T"}
    assert snippets["token"].authorization


def test_the_tests_it_shows_pass(snippets: dict[str, Any]) -> None:
    tests = [each for name, each in snippets.items() if name.startswith("test_")]
    assert len(tests) == 5
    for test in tests:
        test()


def test_the_asynchronous_one_does(snippets: dict[str, Any]) -> None:
    with mock_function(lambda request: {"access_token": "t"}):
        assert asyncio.run(snippets["authorization"]()) == {"Authorization": "Bearer t"}


def test_a_refusal_is_shown_and_raised(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = (block for block in BLOCKS if "except connectcreds.RefusedError" in block)
    with mock_failure(), pytest.raises(connectcreds.RefusedError):
        exec(block, {"connectcreds": connectcreds})
    assert "212" in capsys.readouterr().out


def test_every_name_it_gives_exists() -> None:
    for name in re.findall(r"`(?:connectcreds\.)?([a-z_]+)\(", README):
        owners = (connectcreds, connectcreds.Token, sessions)
        known = any(hasattr(owner, name) for owner in owners)
        assert known or hasattr(builtins, name) or name in {"token", "failure", "responses", "function"}, name
    for name in re.findall(r"`(\w+Error)`", README):
        assert hasattr(connectcreds, name), name
    for name in re.findall(r"`(connect_\w+)`", README):
        assert hasattr(connectcreds_pytest, name) or name == "connect_code", name


def test_every_argument_is_in_its_table() -> None:
    table = README.split("| argument |")[1].split("\n\n")[0]
    assert set(re.findall(r"`([a-z_]+)`", table)) >= set(connectcreds.Options.__annotations__)


def test_every_module_it_names_exists() -> None:
    names = re.findall(r"`connectcreds\.([a-z]+)`", README)
    assert len(names) > 8
    for name in names:
        # Without its import, which needs the SDK.
        assert importlib.util.find_spec(f"connectcreds.{name}"), name


def test_gevents_hub_goes_on_while_a_call_waits(silent: Silent) -> None:
    pytest.importorskip("gevent")
    printed = run(
        """
        import gevent.monkey
        gevent.monkey.patch_all()
        import gevent
        import connectcreds
        from connectcreds.testing import mock_token

        order = []

        def ask():
            connectcreds.has_service_account_token(timeout_ms=1500)
            order.append("asked")

        def other():
            gevent.sleep(0.05)
            order.append("other")

        gevent.joinall([gevent.spawn(ask), gevent.spawn(other)], raise_error=True)
        with mock_token("t"):
            print(order, connectcreds.viewer_token("s").access_token)
        """
    )
    assert printed == "['other', 'asked'] t\n"


def test_every_exception_is_named() -> None:
    for name in connectcreds.__all__:
        if name.endswith("Error"):
            assert f"`{name}`" in README
