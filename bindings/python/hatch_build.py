"""Puts the shared library into the wheel.

It is the one that CONNECTCREDS_LIB names, or else built with cargo from the repository around this directory.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NAME = "libconnectcreds.so"
REPOSITORY = Path(__file__).resolve().parent.parent.parent


def _named() -> Path | None:
    """The library that CONNECTCREDS_LIB names."""
    path = os.environ.get("CONNECTCREDS_LIB")
    if not path:
        return None
    if not Path(path).is_file():
        raise RuntimeError(f"CONNECTCREDS_LIB is {path!r}, which is no file.")
    return Path(path).resolve()


def _built() -> Path:
    """The library, built from the repository."""
    manifest = REPOSITORY / "Cargo.toml"
    if not manifest.is_file():
        raise RuntimeError(
            "The wheel carries libconnectcreds, and there is no source of it beside bindings/python. "
            "Build the wheel in a checkout of the repository, or set CONNECTCREDS_LIB to the library's path."
        )
    if shutil.which("cargo") is None:
        raise RuntimeError(
            "libconnectcreds is built with Rust, and cargo is not on PATH. Install Rust, or set CONNECTCREDS_LIB "
            "to the path of a library that is built already."
        )
    # Alone, not with the Rust library in the same go, for which cargo drops link-time optimization.
    command = ["cargo", "rustc", "--release", "--lib", "--crate-type", "cdylib", "--message-format", "json"]
    build = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, check=False, text=True)
    if build.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed; what it said is above.")
    messages = map(json.loads, build.stdout.splitlines())
    names = [name for message in messages for name in message.get("filenames", []) if name.endswith(f"/{NAME}")]
    if not names:
        raise RuntimeError(f"{' '.join(command)} built no {NAME}.")
    return Path(names[-1])


class LibraryHook(BuildHookInterface[Any]):
    """What hatchling calls."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds the library, but to an editable install, which takes what CONNECTCREDS_LIB or the system has."""
        if version == "editable":
            return
        library = _named() or _built()
        build_data["force_include"][str(library)] = f"connectcreds/{NAME}"
        build_data["pure_python"] = False
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        # Any Python 3: the library is loaded by ctypes and knows nothing of Python.
        build_data["tag"] = f"py3-none-{platform}"
