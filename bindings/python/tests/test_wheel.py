"""Where the wheel's library comes from; tests/python.rs builds the wheel and installs it."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sysconfig
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support import PACKAGE, REPOSITORY


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """hatch_build.py, without what this machine has set."""
    monkeypatch.delenv("CONNECTCREDS_LIB", raising=False)
    spec = importlib.util.spec_from_file_location("hatch_build", PACKAGE / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def cargo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts a cargo before any other, which says this and ends so; gives what it was called with."""
    called = tmp_path / "called"

    def install(said: list[dict[str, Any]], status: int = 0) -> Path:
        program = tmp_path / "bin" / "cargo"
        program.parent.mkdir()
        lines = "\n".join(map(json.dumps, said))
        script = ["#!/bin/sh", f"pwd >{called}", f'echo "$@" >>{called}', "cat <<'END'", lines, "END", f"exit {status}"]
        program.write_text("\n".join(script))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
        return called

    return install


def build(hook: ModuleType, version: str = "standard") -> dict[str, Any]:
    data: dict[str, Any] = {"force_include": {}}
    made = hook.LibraryHook(str(PACKAGE), {}, None, None, str(PACKAGE), "wheel")
    made.initialize(version, data)
    return data


def test_the_library_that_is_named_is_taken(hook: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    library = tmp_path / "some-name.so.1"
    library.write_text("a library")
    (tmp_path / "link").symlink_to(library)
    monkeypatch.setenv("CONNECTCREDS_LIB", str(tmp_path / "link"))
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    assert build(hook) == {
        "force_include": {str(library.resolve()): "connectcreds/libconnectcreds.so"},
        "pure_python": False,
        "tag": f"py3-none-{platform}",
    }


def test_a_name_of_no_file_is_an_error(hook: ModuleType, monkeypatch: pytest.MonkeyPatch, cargo: Any) -> None:
    called = cargo([])
    monkeypatch.setenv("CONNECTCREDS_LIB", "/nonexistent.so")
    with pytest.raises(RuntimeError, match=r"CONNECTCREDS_LIB is '/nonexistent\.so', which is no file"):
        build(hook)
    assert not called.exists()


def test_otherwise_cargo_builds_it_alone_and_says_where(hook: ModuleType, cargo: Any) -> None:
    artifacts = [
        {"reason": "compiler-artifact", "filenames": ["/t/release/deps/libother.rlib"]},
        {"reason": "compiler-artifact", "filenames": ["/t/release/libconnectcreds.so"]},
        {"reason": "build-finished", "success": True},
    ]
    called = cargo(artifacts)
    assert list(build(hook)["force_include"]) == ["/t/release/libconnectcreds.so"]
    directory, arguments = called.read_text().splitlines()
    assert Path(directory) == REPOSITORY
    assert arguments.startswith("rustc --release --lib --crate-type cdylib ")


def test_a_build_that_fails_is_an_error(hook: ModuleType, cargo: Any) -> None:
    cargo([], status=101)
    with pytest.raises(RuntimeError, match=r"cargo rustc .* failed"):
        build(hook)


def test_a_build_without_the_library_is_an_error(hook: ModuleType, cargo: Any) -> None:
    cargo([{"reason": "build-finished", "success": True}])
    with pytest.raises(RuntimeError, match=r"built no libconnectcreds\.so"):
        build(hook)


def test_without_cargo_the_error_says_what_to_do(
    hook: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(RuntimeError, match="Install Rust, or set CONNECTCREDS_LIB"):
        build(hook)


def test_without_the_repository_the_error_says_what_to_do(
    hook: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(hook, "REPOSITORY", tmp_path)
    with pytest.raises(RuntimeError, match="there is no source of it beside bindings/python"):
        build(hook)


def test_an_editable_install_carries_none(hook: ModuleType, cargo: Any) -> None:
    called = cargo([])
    assert build(hook, "editable") == {"force_include": {}}
    assert not called.exists()
