"""Which library is loaded, and what is said when there is none."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from support import PACKAGE, ended, program, run

from connectcreds import _abi

LIBRARY = Path(_abi._library._name)
LOADED = """
import connectcreds
print(connectcreds._abi._library._name)
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package that is found before any other, without a library."""
    copy = tmp_path / "copy" / "connectcreds"
    shutil.copytree(
        PACKAGE / "src" / "connectcreds", copy, ignore=shutil.ignore_patterns("__pycache__", "libconnectcreds.so")
    )
    monkeypatch.setenv("PYTHONPATH", str(copy.parent))
    monkeypatch.delenv("CONNECTCREDS_LIB", raising=False)
    return copy


def test_the_variable_goes_before_the_library_in_the_package(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (package / "libconnectcreds.so").write_text("no library")
    monkeypatch.setenv("CONNECTCREDS_LIB", str(LIBRARY))
    assert run(LOADED) == f"{LIBRARY}\n"


def test_a_relative_path_is_one_from_here(package: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "here.so").symlink_to(LIBRARY)
    monkeypatch.setenv("CONNECTCREDS_LIB", "here.so")
    assert run(LOADED, cwd=tmp_path) == f"{tmp_path}/here.so\n"


def test_the_library_in_the_package_goes_before_the_systems(package: Path) -> None:
    (package / "libconnectcreds.so").symlink_to(LIBRARY)
    assert run(LOADED) == f"{package}/libconnectcreds.so\n"


def test_the_systems_library_is_found(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "libconnectcreds.so").symlink_to(LIBRARY)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    assert Path(run(LOADED).strip()).name == "libconnectcreds.so"


@pytest.mark.parametrize("named", ["/nonexistent/library.so", os.devnull])
def test_a_library_that_is_named_and_can_not_be_loaded_is_an_error(
    package: Path, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (package / "libconnectcreds.so").symlink_to(LIBRARY)
    monkeypatch.setenv("CONNECTCREDS_LIB", named)
    status, _, err = ended(program(LOADED))
    assert status == 1
    assert "ImportError: CONNECTCREDS_LIB names a library that cannot be loaded: " in err
    assert named in err


def test_no_library_at_all_is_an_error_that_says_what_to_do(package: Path) -> None:
    status, _, err = ended(program(LOADED))
    assert status == 1
    last = err.splitlines()[-1]
    assert last.startswith("ImportError: libconnectcreds is not found: CONNECTCREDS_LIB is not set, ")
    assert str(package / "libconnectcreds.so") in last
    assert "Install the wheel" in last


def test_another_library_is_told(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Any that is there; it has other functions.
    monkeypatch.setenv("CONNECTCREDS_LIB", sys.modules["_ctypes"].__file__ or "")
    status, _, err = ended(program(LOADED))
    assert status == 1
    assert "has no cc_" in err
    assert "older than this package, or another library" in err
