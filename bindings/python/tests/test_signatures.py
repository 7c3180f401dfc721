"""The public functions tell their arguments to people and to programs: help(), completion, annotations, pydantic."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import typing
from typing import Any

import pydantic
import pytest
from support import Standin

import connectcreds
from connectcreds import _requests, aio

CALLS = [
    "service_account_token",
    "viewer_token",
    "workload_token",
    "exchange_token",
    "aws_credentials",
    "has_service_account_token",
    "has_viewer_token",
    "has_workload_token",
]
MODULES = [
    "aio",
    "auth",
    "aws",
    "azure",
    "databricks",
    "fastapi",
    "google",
    "odbc",
    "sessions",
    "snowflake",
    "sqlalchemy",
    "testing",
]
BOTH = pytest.mark.parametrize("module", [connectcreds, aio], ids=["sync", "aio"])
EACH = pytest.mark.parametrize("name", CALLS)


@BOTH
@EACH
def test_every_option_is_in_the_signature(module: Any, name: str) -> None:
    parameters = inspect.signature(getattr(module, name)).parameters
    options = [each for each in parameters if each in _requests.NAMES]
    assert tuple(options) == _requests.NAMES == tuple(connectcreds.Options.__annotations__)
    for option in options:
        assert parameters[option].kind is inspect.Parameter.KEYWORD_ONLY
        assert parameters[option].default is None


@BOTH
@EACH
def test_help_says_what_each_means_with_unit_and_default(module: Any, name: str) -> None:
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        help(getattr(module, name))
    text = " ".join(shown.getvalue().split())
    for option, meaning in _requests.DOCUMENTATION.items():
        assert f"{option}: {meaning}" in text
        assert "Default: " in meaning
    assert "timeout_ms: deadline of the whole call, in milliseconds" in text
    assert "Raises:" in text


def public() -> list[Any]:
    """Returns every public function, and every public method of a public class."""
    found: list[Any] = [getattr(connectcreds, name) for name in connectcreds.__all__]
    for name in MODULES:
        try:
            module = importlib.import_module(f"connectcreds.{name}")
            names = getattr(module, "__all__", CALLS)
            found += [getattr(module, each) for each in names]
        except ImportError:
            continue  # The SDK is not installed here.
    functions: list[Any] = [each for each in found if inspect.isfunction(each)]
    for each in found:
        if inspect.isclass(each) and each.__module__.startswith("connectcreds"):
            functions.append(each)
            members = [value for key, value in vars(each).items() if not key.startswith("_") or key == "__init__"]
            functions += [member for member in members if inspect.isfunction(member)]
            functions += [member.fget for member in members if isinstance(member, property)]
    return functions


@pytest.mark.parametrize("function", public(), ids=lambda each: f"{each.__module__}.{each.__qualname__}")
def test_annotations_can_be_evaluated(function: Any) -> None:
    typing.get_type_hints(function)


def test_pydantic_validates_calls(connect: Standin) -> None:
    ask = pydantic.validate_call(connectcreds.service_account_token)
    assert ask(resource="r", timeout_ms="5000").access_token  # type: ignore[arg-type]
    with pytest.raises(pydantic.ValidationError):
        ask(timeout_ms="soon")  # type: ignore[arg-type]
    assert pydantic.validate_call(connectcreds.has_viewer_token)(None) is False
