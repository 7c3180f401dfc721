"""python -m connectcreds doctor"""

from __future__ import annotations

import subprocess
import sys

import pytest
from support import Standin

import connectcreds


def doctor(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "connectcreds", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_report_says_what_is_seen_and_no_secret(connect: Standin) -> None:
    result = doctor("doctor")
    assert (result.returncode, result.stderr) == (0, "")
    assert connectcreds.version() in result.stdout
    assert "CONNECT_SERVER" in result.stdout
    for name in ("CONNECT_API_KEY", "CONNECT_CONTENT_SESSION_TOKEN"):
        assert name in result.stdout
        assert connect.environment[name] not in result.stdout


def test_a_program_gets_the_same_report(connect: Standin) -> None:
    report = connectcreds.diagnose()
    assert connectcreds.version() in report
    assert report.endswith("\n")


@pytest.mark.parametrize("arguments", [(), ("doktor",), ("doctor", "more"), ("google", "--session", "s")])
def test_what_is_no_command_is_an_error_with_the_usage(arguments: tuple[str, ...]) -> None:
    result = doctor(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("usage: python -m connectcreds")


def test_the_version_is_told() -> None:
    assert doctor("--version").stdout == f"{connectcreds.__version__}\n"


def test_asking_makes_one_exchange_of_each_kind_and_shows_no_secret(
    connect: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECTCREDS_SESSION_TOKEN", connect.viewer("alice"))
    result = doctor("doctor", "--ask", "--audience", connect.integration)
    assert (result.returncode, result.stderr) == (0, "")
    lines = [line for line in result.stdout.splitlines() if ": obtained in " in line]
    kinds = ["service account token", "workload token", "AWS credentials", "viewer token"]
    assert [line.partition(":")[0] for line in lines] == kinds
    assert all("expires in " in line for line in lines)
    forms = connect.forms()
    assert len(forms) == 4
    assert {form["audience"] for form in forms} == {connect.integration}
    assert connectcreds.version() in result.stdout, "the report follows"
    secrets = [connect.viewer("alice"), connect.environment["CONNECT_API_KEY"]]
    secrets.append(connectcreds.viewer_token(connect.viewer("alice"), audience=connect.integration).access_token)
    for secret in secrets:
        assert secret not in result.stdout


def test_asking_tells_why_there_is_none(connect: Standin) -> None:
    connect.order({"always": {"order": "old_connect_error", "status": 400, "error_code": 212, "error_message": "No."}})
    result = doctor("doctor", "--ask")
    assert result.returncode == 1
    assert result.stdout.count("RefusedError: Cannot fetch") == 3
    assert "viewer token: not asked for; set CONNECTCREDS_SESSION_TOKEN" in result.stdout
    assert doctor("doctor").returncode == 0
