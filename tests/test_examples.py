"""The examples, run as their readers run them, against upstreams on the loopback."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Sequence
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from asgi_thinking import ThinkingMiddleware, allow_all
from asgi_thinking._demo.anthropic import KEY, MODEL, QUESTION, Claude
from asgi_thinking._demo.upstream import Answer, Call, Upstream
from tests.asgi import Client, call
from tests.serving import serving

pytestmark = pytest.mark.anyio

EXAMPLES = Path(__file__).parent.parent / "examples"
ASK = {
    "model": MODEL,
    "messages": [{"role": "user", "content": QUESTION}],
    "reasoning_effort": "high",
    "max_tokens": 4000,
}
THOUGHT = "3599 is 60^2 - 1, that is (60 - 1)(60 + 1), so it is not prime."


def load(name: str) -> Any:
    """An example's module, as it stands in its file."""
    loader = SourceFileLoader(name, str(EXAMPLES / f"{name}.py"))
    spec = spec_from_loader(name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def bearer(key: str) -> list[tuple[bytes, bytes]]:
    return [(b"authorization", f"Bearer {key}".encode())]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """What the examples tell their readers to set."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("APP_KEY", "key-1")
    monkeypatch.setenv("APP_KEYS", "alice:key-1,bob:key-2")
    return monkeypatch


async def test_the_fastapi_app_answers_whoever_has_a_key(environment: pytest.MonkeyPatch) -> None:
    """Over real HTTP: both tenants get thinking, others 401, and the app keeps its own route."""
    async with Upstream(Claude()) as upstream:
        environment.setenv("ANTHROPIC_BASE_URL", upstream)
        example = load("fastapi_app")
        async with serving(example.app) as url, httpx.AsyncClient(base_url=url) as client:
            replies = [
                await client.post("/v1/chat/completions", json=ASK, headers={"authorization": key})
                for key in ("Bearer key-1", "Bearer key-2", "Bearer key-3", "")
            ]
            health = await client.get("/health")

    assert [reply.status_code for reply in replies] == [200, 200, 401, 401]
    message = replies[1].json()["choices"][0]["message"]
    assert message["reasoning_content"] == THOUGHT
    assert health.json() == {"ok": True}


async def test_the_starlette_route_answers_behind_its_gate(environment: pytest.MonkeyPatch) -> None:
    """Without the key nothing is asked; other models are the endpoint's."""
    claude = Claude()
    calls: list[Call] = []

    def answer(request: Call) -> Answer:
        calls.append(request)
        return claude(request)

    async with Upstream(answer) as upstream:
        environment.setenv("ANTHROPIC_BASE_URL", upstream)
        app = load("starlette_route").app

        assert (await call(app, ASK)).status == 401
        assert not calls
        other = await call(app, ASK | {"model": "gpt-5"}, bearer("key-1"))
        assert (other.status, other.json["error"]["message"]) == (404, "no model 'gpt-5' here")
        reply = await call(app, ASK, bearer("key-1"))

    assert reply.json["choices"][0]["message"]["reasoning_content"] == THOUGHT
    assert len(calls) == 1


class Acme:
    """The made-up vendor: streams its items in pieces that cut them anywhere."""

    def __init__(self, *items: Any) -> None:
        stream = b"".join(b"data: " + json.dumps(item).encode() + b"\n\n" for item in items)
        self.parts = tuple(stream[n : n + 7] for n in range(0, len(stream), 7))
        self.asked: list[tuple[str, Any]] = []

    def __call__(self, request: Call) -> Answer:
        self.asked.append((request.headers["x-acme-key"], json.loads(request.body)))
        return Answer(200, "text/event-stream", self.parts)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What `pip install examples/custom_provider` leaves behind, by its own pyproject.toml."""
    project = tomllib.loads((EXAMPLES / "custom_provider" / "pyproject.toml").read_text())[
        "project"
    ]
    name = project["name"].replace("-", "_")
    metadata = tmp_path / f"{name}-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    lines: list[str] = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{key} = {value}" for key, value in points.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(EXAMPLES / "custom_provider"))
    monkeypatch.delitem(sys.modules, "acme_provider", raising=False)
    monkeypatch.setenv("ACME_KEY", "acme-key")


ITEMS: Sequence[Any] = (
    {"thought": "Hm, "},
    {"thought": "3599?"},
    {"say": "It is "},
    {"say": "59 * 61."},
    {"tokens": [5, 9]},
)


async def ask_acme(acme: Acme, monkeypatch: pytest.MonkeyPatch, **more: Any) -> Client:
    async with Upstream(acme) as url:
        monkeypatch.setenv("ACME_URL", url)
        app = ThinkingMiddleware(Starlette(), providers=["acme"], authorize=allow_all)
        return await call(app, ASK | {"model": "acme-1"} | more)


@pytest.mark.usefixtures("installed")
async def test_the_custom_provider_is_found_by_its_entry_point(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its thinking and text, and the tokens it counted, are in the reply."""
    acme = Acme(*ITEMS)

    reply = (await ask_acme(acme, monkeypatch)).json

    message = reply["choices"][0]["message"]
    assert message["reasoning_content"] == "Hm, 3599?"
    assert message["content"] == "It is 59 * 61."
    assert reply["usage"] == {"prompt_tokens": 5, "completion_tokens": 9, "total_tokens": 14}
    assert acme.asked == [("acme-key", {"said": [[QUESTION]], "think": True})]


@pytest.mark.usefixtures("installed")
async def test_the_custom_provider_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller who streams gets the fragments one by one."""
    client = await ask_acme(Acme(*ITEMS), monkeypatch, stream=True)

    lines = client.content.decode().split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    deltas = [json.loads(line[6:])["choices"][0]["delta"] for line in lines[:-2]]
    thinking = [delta["reasoning_content"] for delta in deltas if "reasoning_content" in delta]
    assert [text for text in thinking if text] == ["Hm, ", "3599?"]
    assert [delta["content"] for delta in deltas if delta.get("content")] == ["It is ", "59 * 61."]


@pytest.mark.usefixtures("installed")
async def test_a_stream_of_the_custom_provider_that_breaks_off_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The example leaves the missing end to us, and we do not forget it."""
    client = await ask_acme(Acme(*ITEMS[:-1]), monkeypatch)

    assert client.status == 502
    assert client.json["error"]["message"] == "provider 'acme': the reply ended early"


def test_the_custom_provider_is_at_most_forty_lines() -> None:
    """What the README says of it."""
    source = (EXAMPLES / "custom_provider" / "acme_provider.py").read_text()
    _, _, provider = source.partition("\nclass AcmeProvider")
    assert len([line for line in provider.splitlines() if line.strip()]) <= 40
