"""Finds the shared library."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from ctypes import CDLL, c_uint32
from ctypes.util import find_library
from pathlib import Path

from ._version import __version__

NAME = {"darwin": "libconnectcreds.dylib", "win32": "connectcreds.dll"}.get(sys.platform, "libconnectcreds.so")
#: The name under which the loader knows the library, from whatever file it was loaded.
SONAME = "libconnectcreds.so.0"
VARIABLE = "CONNECTCREDS_LIB"
BUNDLED = Path(__file__).with_name(NAME)

LOGGER = logging.getLogger("connectcreds")
LOGGER.addHandler(logging.NullHandler())


def load() -> CDLL:
    """Loads the library that CONNECTCREDS_LIB names, or else takes the copy that the process has already, or else loads
    the one beside this package, or else the system's.

    Hosts that use one copy share its cache and its mocks: R's package and this one in one process, for example.
    """
    named = os.environ.get(VARIABLE)
    if named:
        try:
            return CDLL(os.path.abspath(named))
        except OSError as why:
            raise ImportError(f"{VARIABLE} names a library that cannot be loaded: {why}") from why
    present = _present()
    if present is not None:
        return present
    if BUNDLED.is_file():
        try:
            return CDLL(str(BUNDLED))
        except OSError as why:
            raise ImportError(f"The library of this package cannot be loaded: {why}") from why
    try:
        return _of_the_system()
    except OSError as why:
        raise ImportError(
            f"libconnectcreds is not found: {VARIABLE} is not set, there is no {BUNDLED}, and the system's loader "
            f"says: {why}. Install the wheel, which carries the library, or set {VARIABLE} to the library's path."
        ) from why


def _of_the_system() -> CDLL:
    found = find_library("connectcreds")
    if found is not None:
        # By the soname, which has no file where only the name for linking was installed.
        with contextlib.suppress(OSError):
            return CDLL(found)
    return CDLL(NAME)


def _present() -> CDLL | None:
    """Returns the copy that another host has loaded into this process, if its version serves this package."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        library = CDLL(SONAME, mode=os.RTLD_NOLOAD | os.RTLD_NOW)
    except OSError:
        return None
    needed = _number(__version__)
    try:
        function = library.cc_version_number
    except AttributeError:
        found = 0
    else:
        function.restype = c_uint32
        found = function()
    if found >= needed:
        return library
    LOGGER.warning(
        "Another host has loaded %s in version %s, which is older than this package's %s. This package loads a copy of "
        "its own, which has a cache and mocks of its own. Update the other host's copy, or import connectcreds first. "
        "connectcreds.diagnose() lists the copies.",
        SONAME,
        ".".join(map(str, found.to_bytes(3, "big"))),
        __version__,
    )
    return None


def _number(version: str) -> int:
    """Returns a version as cc_version_number() does: one byte each for major, minor and patch."""
    major, minor, patch = map(int, version.split("."))
    return major << 16 | minor << 8 | patch
