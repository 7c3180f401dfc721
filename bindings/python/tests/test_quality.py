"""The package and its tests are typed, and written as ruff wants them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support import PACKAGE


def check(tmp_path: Path, *command: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", *command], cwd=PACKAGE, capture_output=True, text=True, timeout=300, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_mypy_is_content_with_the_package_and_its_tests(tmp_path: Path) -> None:
    check(tmp_path, "mypy", f"--cache-dir={tmp_path}")


@pytest.mark.parametrize("command", [("check",), ("format", "--check")])
def test_ruff_is_content(tmp_path: Path, command: tuple[str, ...]) -> None:
    check(tmp_path, "ruff", *command, "--no-cache")
