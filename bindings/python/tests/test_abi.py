"""The binding says what include/connectcreds.h says."""

from __future__ import annotations

import ctypes
import re
from typing import Any

from support import REPOSITORY

import connectcreds
from connectcreds import Status, TokenType, _abi, errors

HEADER = (REPOSITORY / "include/connectcreds.h").read_text()
CODE = re.sub(r"/\*.*?\*/", "", HEADER, flags=re.DOTALL)
CODE = re.sub(r"^CC_API (CC_MUST_USE )?", "", CODE, flags=re.MULTILINE)

NUMBERS = {
    "void": None,
    "bool": ctypes.c_bool,
    "int": ctypes.c_int,
    "int32_t": ctypes.c_int32,
    "cc_status": ctypes.c_int32,
    "int64_t": ctypes.c_int64,
    "uint32_t": ctypes.c_uint32,
    "size_t": ctypes.c_size_t,
    "cc_cancel_fn": _abi.CancelFn,
    "cc_log_fn": _abi.LogFn,
    "cc_mock_fn": _abi.MockFn,
}
STRUCTS = {
    "cc_cache_stats": _abi.CacheStatsStruct,
    "cc_mock_integration": _abi.MockIntegrationStruct,
    "cc_mock_response": _abi.MockResponseStruct,
}


def ctype(declared: str, is_result: bool = False) -> Any:
    """How ctypes takes what C declares, with or without a name."""
    words = re.sub(r"\bconst\b", "", declared)
    kind = re.match(r"\s*(\w+)", words)
    assert kind is not None, declared
    pointers = words.count("*")
    if pointers == 0:
        return NUMBERS[kind[1]]
    if kind[1] in STRUCTS:
        return ctypes.POINTER(STRUCTS[kind[1]])
    return ctypes.c_char_p if (kind[1], pointers) == ("char", 1) else ctypes.c_void_p


def declarations() -> dict[str, tuple[Any, tuple[Any, ...]]]:
    """The functions of the header: what they return, and take."""
    found = {}
    for result, name, parameters in re.findall(r"^([\w ]+?[ *]+)(cc_\w+)\(([^;{]*?)\);", CODE, flags=re.MULTILINE):
        given = [] if parameters.strip() == "void" else parameters.split(",")
        found[name] = (ctype(result), tuple(ctype(each) for each in given))
    return found


def test_every_function_of_the_header_is_bound_with_its_types() -> None:
    bound = {
        name: (function.restype, tuple(function.argtypes))
        for name, function in vars(_abi).items()
        if name.startswith("cc_")
    }
    declared = declarations()
    # Freed as what it is: as a c_char_p the address would be lost.
    declared["cc_string_free"] = (None, (ctypes.c_void_p,))
    assert len(declared) >= 56
    assert bound == declared


def test_the_structs_are_those_of_the_header() -> None:
    for name, struct in STRUCTS.items():
        body = re.search(rf"typedef struct (?:{name} )?{{([^}}]*)}} {name};", CODE)
        assert body is not None, name
        fields = re.findall(r"([\w ]+?[ *]+)(\w+);", body[1])
        kinds = {"uint64_t": ctypes.c_uint64, **NUMBERS}
        expected = [(field, ctypes.c_char_p if "*" in kind else kinds[kind.strip()]) for kind, field in fields]
        assert list(struct._fields_) == expected
        assert ctypes.sizeof(struct) % ctypes.sizeof(ctypes.c_void_p) == 0


def test_the_statuses_are_those_of_the_header() -> None:
    declared = {name: int(value) for name, value in re.findall(r"#define CC_(OK|ERR_\w+) (\d+)", CODE)}
    ours = {status.name if status is Status.OK else f"ERR_{status.name}": status.value for status in Status}
    assert ours == declared
    for status in Status:
        name = "CC_OK" if status is Status.OK else f"CC_ERR_{status.name}"
        assert _abi.cc_status_name(status).decode() == name


def test_every_status_has_an_exception_of_its_name() -> None:
    for status in Status:
        if status is Status.OK:
            continue
        error = errors.from_status(status, "why")
        assert type(error).__name__ == "".join(map(str.title, status.name.split("_"))) + "Error"
        assert error.status is status
        assert getattr(connectcreds, type(error).__name__) is type(error)
    assert type(errors.from_status(77, "of a newer library")) is connectcreds.ConnectCredentialsError


def test_the_token_types_are_those_of_the_header() -> None:
    declared = dict(re.findall(r'#define CC_TOKEN_TYPE_(\w+) "(.*)"', CODE))
    assert {name: value for name, value in vars(TokenType).items() if name.isupper()} == declared


def test_the_version_is_that_of_the_header_and_of_the_library() -> None:
    declared = re.search(r'#define CC_VERSION "(.*)"', CODE)
    assert declared is not None
    assert connectcreds.__version__ == declared[1] == connectcreds.version()
