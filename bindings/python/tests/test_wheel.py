"""Where the wheel's library comes from; tests/python.rs builds the wheel and installs it."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import struct
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


def elf(machine: int, bits: int = 64, order: str = "<") -> bytes:
    """Returns the start of a shared library's file, up to its machine."""
    ident = bytes((0x7F, *b"ELF", bits // 32, 1 if order == "<" else 2, 1)).ljust(16, b"\0")
    return ident + struct.pack(f"{order}HH", 3, machine)


def build(hook: ModuleType, version: str = "standard") -> dict[str, Any]:
    data: dict[str, Any] = {"force_include": {}}
    made = hook.LibraryHook(str(PACKAGE), {}, None, None, str(PACKAGE), "wheel")
    made.initialize(version, data)
    return data


def test_the_library_that_is_named_is_taken(hook: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    library = tmp_path / "some-name.so.1"
    library.write_bytes(elf(62))
    (tmp_path / "link").symlink_to(library)
    monkeypatch.setenv("CONNECTCREDS_LIB", str(tmp_path / "link"))
    assert build(hook) == {
        "force_include": {str(library.resolve()): "connectcreds/libconnectcreds.so"},
        "pure_python": False,
        "tag": "py3-none-linux_x86_64",
    }


@pytest.mark.parametrize(
    ("machine", "bits", "order", "platform"),
    [(183, 64, "<", "linux_aarch64"), (3, 32, "<", "linux_i686"), (22, 64, ">", "linux_s390x")],
)
def test_the_tag_is_that_of_the_library_and_not_of_this_machine(
    hook: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    machine: int,
    bits: int,
    order: str,
    platform: str,
) -> None:
    library = tmp_path / "libconnectcreds.so"
    library.write_bytes(elf(machine, bits, order))
    monkeypatch.setenv("CONNECTCREDS_LIB", str(library))
    assert build(hook)["tag"] == f"py3-none-{platform}"


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"a library", "is not a shared library in ELF format"), (elf(8), r"is for a machine \(ELF 8, 64 bits\)")],
)
def test_a_library_that_no_wheel_can_carry_is_an_error(
    hook: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes, why: str
) -> None:
    library = tmp_path / "libconnectcreds.so"
    library.write_bytes(content)
    monkeypatch.setenv("CONNECTCREDS_LIB", str(library))
    with pytest.raises(RuntimeError, match=why):
        build(hook)


def test_a_name_of_no_file_is_an_error(hook: ModuleType, monkeypatch: pytest.MonkeyPatch, cargo: Any) -> None:
    called = cargo([])
    monkeypatch.setenv("CONNECTCREDS_LIB", "/nonexistent.so")
    with pytest.raises(RuntimeError, match=r"CONNECTCREDS_LIB is '/nonexistent\.so', which is not a file"):
        build(hook)
    assert not called.exists()


def test_otherwise_cargo_builds_it_alone_and_says_where(hook: ModuleType, cargo: Any, tmp_path: Path) -> None:
    built = tmp_path / "release" / "libconnectcreds.so"
    built.parent.mkdir()
    built.write_bytes(elf(183))
    artifacts = [
        {"reason": "compiler-artifact", "filenames": ["/t/release/deps/libother.rlib"]},
        {"reason": "compiler-artifact", "filenames": [str(built)]},
        {"reason": "build-finished", "success": True},
    ]
    called = cargo(artifacts)
    assert list(build(hook)["force_include"]) == [str(built)]
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
