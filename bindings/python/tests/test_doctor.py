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


@pytest.mark.parametrize("arguments", [(), ("doktor",), ("doctor", "more")])
def test_what_is_no_command_is_an_error_with_the_usage(arguments: tuple[str, ...]) -> None:
    result = doctor(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("usage: python -m connectcreds")


def test_the_version_is_told() -> None:
    assert doctor("--version").stdout == f"{connectcreds.__version__}\n"
