"""The pages in docs/ say what works: their code runs, and what they name exists."""

from __future__ import annotations

import importlib
import importlib.metadata
import re
from typing import Any

import pytest
from services import Tokens, serving
from support import PACKAGE, Standin

import connectcreds

SDKS = (PACKAGE / "docs" / "sdks.md").read_text()
POSIT = (PACKAGE / "docs" / "posit-sdk.md").read_text()
BLOCKS = re.compile(r"^```python\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
SECTIONS = {
    "Databricks": "databricks.sql",
    "AWS": "boto3",
    "Google Cloud": "google.auth",
    "Azure": "azure.identity",
    "Snowflake": "snowflake.connector",
    "SQLAlchemy and ODBC": "sqlalchemy",
    "FastAPI": "fastapi",
}


def section(title: str) -> str:
    return SDKS.split(f"\n## {title}\n")[1].split("\n## ")[0]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("title", SECTIONS)
def test_the_code_for_an_sdk_runs(tokens: Tokens, title: str) -> None:
    pytest.importorskip(SECTIONS[title])
    made: dict[str, Any] = {"connectcreds": connectcreds, "session_token": "session"}
    # The SDK of Databricks asks its host at once.
    with serving(lambda seen: (404, {}, {})) as host:
        for block in BLOCKS.findall(section(title)):
            code = block.replace("https://example.cloud.databricks.com", host.url)
            exec(compile(code, title, "exec"), made)
    if title == "FastAPI":
        client = importlib.import_module("fastapi.testclient").TestClient(made["app"])
        assert client.get("/", headers={"Posit-Connect-User-Session-Token": "s"}).json() == "a token"
        assert client.get("/session").json() is False
    if title == "Google Cloud":
        made["credentials"].refresh(None)
        assert made["credentials"].token == "token-1"
    if title == "Azure":
        assert made["credential"].get_token("s").token == "token-1"
    if title == "Databricks":
        assert made["strategy"]()() == {"Authorization": "Bearer token-1"}


def test_every_section_is_run() -> None:
    titles = [title for title in re.findall(r"^## (.*)$", SDKS, flags=re.MULTILINE) if title != "How it is tested"]
    assert titles == list(SECTIONS)


def test_the_versions_are_those_that_are_installed() -> None:
    rows = [line for line in SDKS.splitlines() if line.startswith("| `")]
    checked = 0
    for name, versions in re.findall(r"([A-Za-z-]{3,}) (\d+\.\d+)", " ".join(row.split("|")[2] for row in rows)):
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        if name == "snowflake-connector-python" and installed.startswith("4.8."):
            continue
        assert installed.startswith(f"{versions}."), (name, versions, installed)
        checked += 1
    assert checked >= 3


def test_every_extra_pins_what_was_tested() -> None:
    text = (PACKAGE / "pyproject.toml").read_text()
    extras = text.split("[project.optional-dependencies]")[1].split("\n[")[0]
    for name in (
        "aws",
        "azure",
        "databricks",
        "fastapi",
        "google",
        "httpx",
        "odbc",
        "requests",
        "snowflake",
        "sqlalchemy",
    ):
        assert re.search(rf"^{name} = \[", extras, flags=re.MULTILINE), name
    for requirement in re.findall(r'"([a-z].*?)"', extras):
        assert re.search(r">=\d.*,<\d", requirement), requirement


def test_every_name_of_ours_beside_posit_sdk_exists() -> None:
    column = " ".join(line.split("|")[2] for line in POSIT.splitlines() if line.startswith("| `"))
    for name in re.findall(r"connectcreds\.([a-z_]+)\(", column):
        assert hasattr(connectcreds, name), name
    for name in re.findall(r"TokenType\.([A-Z_]+)", column):
        assert hasattr(connectcreds.TokenType, name), name
    assert hasattr(connectcreds.sessions, "from_shiny")


def test_both_give_the_same_token(connect: Standin, monkeypatch: pytest.MonkeyPatch) -> None:
    context: Any = pytest.importorskip("posit.connect.context")
    # It would ask the server for it.
    monkeypatch.setattr(context.Context, "version", "2026.02.0")
    made: dict[str, Any] = {"connectcreds": connectcreds}
    (block,) = BLOCKS.findall(POSIT)
    exec(block, made)
    viewer = connect.viewer("alice")
    assert made["with_connectcreds"](viewer) == made["with_posit_sdk"](viewer)
    assert connect.exchanges == 2
