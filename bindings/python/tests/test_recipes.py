"""The recipes of docs/recipes.md, with the real clients on loopback; a client that is not installed is left out."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from services import Reply, Seen, Service, Tokens, in_fork, in_threads, serving
from support import PACKAGE

import connectcreds
from connectcreds import auth

PAGE = (PACKAGE / "docs" / "recipes.md").read_text()

COMPLETION = {
    "id": "c",
    "object": "chat.completion",
    "created": 0,
    "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}


class Anything:
    """A service for all of these clients; it refuses some tokens."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.service: Service

    def answer(self, seen: Seen) -> Reply:
        if self.tokens[-1] in self.refused:
            return 401, {}, {"error": {"message": "no", "type": "invalid_request_error"}, "message": "no"}
        if seen.path.endswith("/chat/completions"):
            body = json.loads(seen.body)
            if body.get("stream"):
                chunk = {**COMPLETION, "object": "chat.completion.chunk"}
                chunk["choices"] = [{"index": 0, "delta": {"content": "hello"}, "finish_reason": "stop"}]
                return 200, {"Content-Type": "text/event-stream"}, f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n"
            return 200, {}, COMPLETION
        if seen.path.startswith("/api/2.0/mlflow/experiments"):
            return 200, {}, {"experiment": {"experiment_id": "1", "name": "e", "lifecycle_stage": "active"}}
        return 200, {}, {"login": "alice", "id": 1, "url": f"{self.service.url}/user"}

    @property
    def tokens(self) -> list[str]:
        return [seen.headers.get("authorization", "").rpartition(" ")[2] for seen in self.service.seen]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Anything]:
    for name in ("HTTP_PROXY", "http_proxy", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    made = Anything()
    with serving(made.answer) as server:
        made.service = server
        yield made


def recipe(title: str, **names: Any) -> dict[str, Any]:
    """Runs the code below a heading of the page, with these names."""
    section = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    (block,) = re.findall(r"^```python\n(.*?)^```", section, flags=re.DOTALL | re.MULTILINE)
    made = {"connectcreds": connectcreds, "session_token": "session", **names}
    exec(compile(block, title, "exec"), made)
    return made


def changes(service: Anything, ask: Any) -> None:
    """Shows that a client's next request carries the next token, in threads and a fork, too."""
    ask()
    assert service.tokens[-1] == "token-1"
    connectcreds.clear_cache()
    ask()
    assert service.tokens[-1] == "token-2"
    in_threads(ask)
    assert service.tokens[-2:] == ["token-2"] * 2


def test_requests(service: Anything, tokens: Tokens) -> None:
    pytest.importorskip("requests")
    made = recipe("requests", url=service.service.url)
    changes(service, lambda: made["session"].get(service.service.url))
    service.refused = {"token-2"}
    assert made["session"].get(service.service.url).status_code == 200
    assert in_fork(lambda: made["session"].get(service.service.url).status_code) == 200
    made["session"].close()


def test_httpx(service: Anything, tokens: Tokens) -> None:
    pytest.importorskip("httpx")
    made = recipe("httpx", url=service.service.url)
    changes(service, lambda: made["client"].get(service.service.url))
    service.refused = {"token-2"}
    assert made["client"].get(service.service.url).status_code == 200
    made["client"].close()


def test_openai(service: Anything, tokens: Tokens) -> None:
    openai = pytest.importorskip("openai")
    made = recipe("openai", base_url=service.service.url)
    messages: Any = [{"role": "user", "content": "hi"}]
    changes(service, lambda: made["client"].chat.completions.create(model="m", messages=messages))
    service.refused = {"token-2"}
    with pytest.raises(openai.AuthenticationError):
        made["client"].chat.completions.create(model="m", messages=messages)
    made["client"].close()

    async def ask() -> None:
        async with made["async_client"] as client:
            await client.chat.completions.create(model="m", messages=messages)

    service.refused = set()
    asyncio.run(ask())
    assert service.tokens[-1] == "token-2"


def test_openai_with_a_client_that_asks_again_after_a_401(service: Anything, tokens: Tokens) -> None:
    pytest.importorskip("openai")
    made = recipe("openai, again after a 401", base_url=service.service.url)
    service.refused = {"token-1"}
    made["client"].chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
    assert service.tokens == ["token-1", "token-2"]
    made["client"].close()


def test_chatlas(service: Anything, tokens: Tokens) -> None:
    pytest.importorskip("chatlas")
    made = recipe("chatlas", base_url=service.service.url)
    changes(service, lambda: made["chat"].chat("hi", echo="none", stream=False))


@pytest.mark.filterwarnings("ignore")
def test_litellm(service: Anything, tokens: Tokens) -> None:
    pytest.importorskip("litellm")
    made = recipe("litellm", base_url=service.service.url)
    changes(service, lambda: made["ask"]("hi"))


def test_pygithub(service: Anything, tokens: Tokens) -> None:
    pytest.importorskip("github")
    made = recipe("PyGithub", base_url=service.service.url)
    changes(service, lambda: made["client"].get_user().login)


@pytest.mark.filterwarnings("ignore")
def test_ghapi(service: Anything, tokens: Tokens) -> None:
    pytest.importorskip("ghapi")
    made = recipe("ghapi", base_url=service.service.url)
    made["api"]().users.get_authenticated()
    assert service.tokens[-1] == "token-1"
    connectcreds.clear_cache()
    made["api"]().users.get_authenticated()
    assert service.tokens[-1] == "token-2"


@pytest.mark.filterwarnings("ignore")
def test_mlflow(service: Anything, tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    made = recipe("mlflow", url=service.service.url)
    changes(service, lambda: made["experiment"]("1"))


def test_polars(tokens: Tokens) -> None:
    pytest.importorskip("polars")
    made = recipe("polars")
    options, expiry = made["credentials"]()
    assert options == {"bearer_token": "token-1"}
    assert isinstance(expiry, int)
    connectcreds.clear_cache()
    assert made["credentials"]()[0] == {"bearer_token": "token-2"}


def test_every_recipe_is_run_here() -> None:
    titles = re.findall(r"^## (.*)$", PAGE, flags=re.MULTILINE)
    source = (PACKAGE / "tests" / "test_recipes.py").read_text()
    for title in titles:
        assert f'recipe("{title}"' in source, title
    assert auth.token_provider.__doc__
