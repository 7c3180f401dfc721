"""Finds the shared library."""

from __future__ import annotations

import os
from ctypes import CDLL
from ctypes.util import find_library
from pathlib import Path

NAME = "libconnectcreds.so"
VARIABLE = "CONNECTCREDS_LIB"
BUNDLED = Path(__file__).with_name(NAME)


def load() -> CDLL:
    """Loads the library that CONNECTCREDS_LIB names, or else the one beside this package, or else the system's.

    The variable goes first: two bindings in one process, R's and this one, share a cache when they share a library.
    """
    named = os.environ.get(VARIABLE)
    if named:
        try:
            return CDLL(os.path.abspath(named))
        except OSError as why:
            raise ImportError(f"{VARIABLE} names a library that cannot be loaded: {why}") from why
    if BUNDLED.is_file():
        try:
            return CDLL(str(BUNDLED))
        except OSError as why:
            raise ImportError(f"The library of this package cannot be loaded: {why}") from why
    try:
        return CDLL(find_library("connectcreds") or NAME)
    except OSError as why:
        raise ImportError(
            f"libconnectcreds is not found: {VARIABLE} is not set, there is no {BUNDLED}, and the system's loader "
            f"says: {why}. Install the wheel, which carries the library, or set {VARIABLE} to the library's path."
        ) from why
