"""Puts the shared library into the wheel.

The library is the one that CONNECTCREDS_LIB names, or else built with cargo from the repository around this directory.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NAME = "libconnectcreds.so"
REPOSITORY = Path(__file__).resolve().parent.parent.parent


#: e_machine of the ELF header, and for which word size and byte order it is the platform of a wheel.
PLATFORMS = {
    (3, 32, "<"): "linux_i686",
    (40, 32, "<"): "linux_armv7l",
    (62, 64, "<"): "linux_x86_64",
    (183, 64, "<"): "linux_aarch64",
    (21, 64, "<"): "linux_ppc64le",
    (22, 64, ">"): "linux_s390x",
    (243, 64, "<"): "linux_riscv64",
    (258, 64, "<"): "linux_loongarch64",
}


def platform_of(library: Path) -> str:
    """Returns the wheel's platform, from the ELF header: the library may be for another machine than this one."""
    with library.open("rb") as file:
        header = file.read(20)
    if len(header) < 20 or header[:4] != b"\x7fELF":
        raise RuntimeError(f"{library} is not a shared library in ELF format.")
    bits = {1: 32, 2: 64}.get(header[4], 0)
    order = {1: "<", 2: ">"}.get(header[5], "<")
    (machine,) = struct.unpack(f"{order}H", header[18:20])
    platform = PLATFORMS.get((machine, bits, order))
    if platform is None:
        raise RuntimeError(f"{library} is for a machine (ELF {machine}, {bits} bits) for which no wheel is known.")
    return platform


def _named() -> Path | None:
    """Returns the library that CONNECTCREDS_LIB names."""
    path = os.environ.get("CONNECTCREDS_LIB")
    if not path:
        return None
    if not Path(path).is_file():
        raise RuntimeError(f"CONNECTCREDS_LIB is {path!r}, which is not a file.")
    return Path(path).resolve()


def _built() -> Path:
    """Builds the library from the repository."""
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
    options = ["--release", "--lib", "--crate-type", "cdylib", "--features", "wipe-freed-memory"]
    command = ["cargo", "rustc", *options, "--message-format", "json"]
    build = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, check=False, text=True)
    if build.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed; its output is above.")
    messages = map(json.loads, build.stdout.splitlines())
    names = [name for message in messages for name in message.get("filenames", []) if name.endswith(f"/{NAME}")]
    if not names:
        raise RuntimeError(f"{' '.join(command)} built no {NAME}.")
    return Path(names[-1])


class LibraryHook(BuildHookInterface[Any]):
    """The hook that hatchling calls."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds the library, except to an editable install, which loads that of CONNECTCREDS_LIB or the system."""
        if version == "editable":
            return
        library = _named() or _built()
        build_data["force_include"][str(library)] = f"connectcreds/{NAME}"
        build_data["pure_python"] = False
        # Any Python 3: ctypes loads the library, which does not use Python's C API.
        build_data["tag"] = f"py3-none-{platform_of(library)}"
