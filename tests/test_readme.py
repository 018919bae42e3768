"""The README: its code runs, its replies are real, and what it points to exists."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from asgi_thinking import Service, ThinkingMiddleware, allow_all
from asgi_thinking._demo.anthropic import KEY, Claude
from asgi_thinking._demo.upstream import Upstream
from asgi_thinking.messages import Thinking, ToolCall, Turn
from asgi_thinking.models_openai import FAMILIES
from asgi_thinking.registry import BUILT_IN_DIALECTS, provider_names
from asgi_thinking.sse import MAX_EVENT_SIZE
from asgi_thinking.transport import Timeouts
from tests.asgi import call
from tests.redis_server import Redis
from tests.serving import serving

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"(?ms)^```(\w+)\n(.*?)^```$", README)
PYTHON = [code for language, code in BLOCKS if language == "python"]
REQUEST, STRICT, EXTENDED = (json.loads(code) for language, code in BLOCKS if language == "json")
ASKS = [(b"authorization", b"Bearer key-1")]


def snippet(mark: str) -> str:
    """The one Python block that contains `mark`."""
    [code] = [code for code in PYTHON if mark in code]
    return code


def run(code: str) -> dict[str, Any]:
    """The names that a block defines."""
    names: dict[str, Any] = {"__name__": "readme"}
    exec(compile(code, "README.md", "exec", dont_inherit=True), names)
    return names


@asynccontextmanager
async def claude(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[None]:
    """The environment that the README supposes, with the demo's upstream in Anthropic's place."""
    async with Upstream(Claude()) as url:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        monkeypatch.setenv("APP_KEY", "key-1")
        yield


# What each app is found by, and the statuses of a caller without a key and with a wrong one.
APPS = {
    "app-wide": ("app.add_middleware(ThinkingMiddleware, providers", 401, 401),
    "dependency": ("Depends(thinking)", 401, 403),
    "router": ("Depends(thinking.enable)", 401, 403),
    "route": ("gates = [", 401, 401),
    "mount": ("Mount(", 401, 401),
    "handler": ("service.answer(", 401, 401),
    "wrapped": ("allow_all)", 200, 200),
}


@pytest.mark.parametrize("name", APPS)
async def test_each_app_answers_with_thinking_and_refuses_strangers(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every way of mounting, as it is written, with and without the app's key."""
    mark, *statuses = APPS[name]
    async with claude(monkeypatch):
        app = run(snippet(mark))["app"]

        reply = await call(app, REQUEST, ASKS)
        none = await call(app, REQUEST)
        wrong = await call(app, REQUEST, [(b"authorization", b"Bearer key-2")])

    assert reply.json["choices"] == EXTENDED["choices"]
    assert [none.status, wrong.status] == statuses


@pytest.mark.parametrize("name", ["app-wide", "dependency", "router", "route", "handler"])
async def test_other_models_reach_the_app(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that no provider serves is the app's to answer: with 404, in the README's apps."""
    async with claude(monkeypatch):
        app = run(snippet(APPS[name][0]))["app"]

        reply = await call(app, REQUEST | {"model": "gpt-5"}, ASKS)

    assert reply.status == 404


async def test_the_wrapped_app_is_still_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever you have goes on as before."""
    async with claude(monkeypatch):
        names = run(snippet(APPS["wrapped"][0]))

        with pytest.raises(NotImplementedError, match="whatever you have"):
            await call(names["app"], REQUEST, path="/other")


@pytest.mark.parametrize(("dialect", "expected"), [("openai", STRICT), ("truefoundry", EXTENDED)])
async def test_the_replies_are_real(
    dialect: str, expected: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request of the README gets the replies of the README, but for the time."""
    async with claude(monkeypatch):
        app = ThinkingMiddleware(Starlette(), providers=["anthropic"], authorize=allow_all)
        reply = await call(app, REQUEST, [(b"x-thinking-dialect", dialect.encode())])

    assert reply.json | {"created": expected["created"]} == expected
    assert reply.headers["x-thinking-applied"] in README


async def test_the_openai_client_gets_thinking_and_sends_it_back(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The client's code, against an app of the README behind a real server."""
    code = snippet("from openai import OpenAI")
    async with claude(monkeypatch):
        app = run(snippet(APPS["app-wide"][0]))["app"]
        async with serving(app) as url:
            names = await asyncio.to_thread(run, code.replace("http://127.0.0.1:8000", url))
            names["client"].close()

    message = EXTENDED["choices"][0]["message"]
    assert capsys.readouterr().out == f"{message['reasoning_content']}\n{message['content']}\n"
    assert names["messages"][1]["thinking_blocks"] == message["thinking_blocks"]


def test_the_configured_service_can_be_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names, models and timeouts mean what the text says."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)

    service = run(snippet("Timeouts("))["service"]

    main, bulk = service.router.instances.values()
    assert (main.name, bulk.name, main.timeouts.first_event) == ("main", "bulk", 120)
    assert bulk.transport.name.startswith("aiohttp")
    assert service.router("fast", ()) == (bulk, "claude-haiku-4-5")
    assert service.router("tfy/claude-opus-4-5", ()) == (main, "claude-opus-4-5")
    assert service.router("main/claude-opus-4-5", ()) == (main, "claude-opus-4-5")


async def test_conversations_are_shared_as_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two services of the README's code, with one Redis and one secret, remember together."""
    asked = ToolCall("1", "f", "{}")
    async with Redis() as redis:
        monkeypatch.setenv("REDIS_URL", redis.url)
        monkeypatch.setenv("CONTINUITY_SECRET", "sixteen bytes or more")
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        first, second = (run(snippet("RedisStore("))["continuity"] for _ in range(2))
        await first.remember("me", [Thinking("t", "c2ln"), asked])
        turns, missed = await second.recall("me", [Turn("assistant", (asked,))])
        await first.aclose()
        await second.aclose()
    assert ((Thinking("t", "c2ln"), asked), ()) == (turns[0].parts, missed)


async def test_the_apps_own_reply_is_rewritten() -> None:
    """It has its thinking where the client looks for it, and is the app's own without a header."""
    app = run(snippet("59 * 61 is 3599."))["app"]

    own = await call(app, REQUEST)
    asked = await call(app, REQUEST, [(b"x-portkey-strict-open-ai-compliance", b"false")])

    said = {"role": "assistant", "content": "No.", "reasoning_content": "59 * 61 is 3599."}
    assert said == own.json["choices"][0]["message"]
    assert [
        {"type": "thinking", "thinking": "59 * 61 is 3599."},
        {"type": "text", "text": "No."},
    ] == (asked.json["choices"][0]["message"]["content_blocks"])


async def test_the_policy_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is on trial gets another model and no thinking, who is blocked nothing at all."""
    async with claude(monkeypatch):
        app = run(snippet("asker.header"))["app"]
        trial = await call(app, REQUEST, [(b"x-plan", b"trial")])
        blocked = await call(app, REQUEST, [(b"x-plan", b"blocked")])
        others = await call(app, REQUEST)

    assert "reasoning_content" not in trial.json["choices"][0]["message"]
    assert trial.headers["x-thinking-applied"].startswith("model claude-sonnet-4-5->")
    assert (429, "60") == (blocked.status, blocked.headers["retry-after"])
    assert EXTENDED["choices"] == others.json["choices"]


async def test_the_transform_changes_what_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client sees no number, and the queue all of them."""
    async with claude(monkeypatch):
        names = run(snippet("chain(copy_to"))
        reply = await call(names["app"], REQUEST)

    thought = EXTENDED["choices"][0]["message"]["reasoning_content"]
    assert re.sub(r"\d+", "#", thought) == reply.json["choices"][0]["message"]["reasoning_content"]
    assert [thought, None] == [names["thoughts"].get_nowait() for _ in range(2)]


async def test_the_hook_counts_what_is_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each reply is added to what its caller has had."""
    async with claude(monkeypatch):
        names = run(snippet("on_complete=on_complete"))
        for _ in range(2):
            await call(names["app"], REQUEST)

    assert {"anonymous": 2 * EXTENDED["usage"]["completion_tokens"]} == names["spent"]


def test_the_provider_is_the_one_of_the_examples() -> None:
    """What the README shows of it, and its entry point, stand in the example's files."""
    folder = ROOT / "examples" / "custom_provider"
    [entry_point] = [code for language, code in BLOCKS if language == "toml"]

    assert snippet("class AcmeProvider") in (folder / "acme_provider.py").read_text()
    assert entry_point in (folder / "pyproject.toml").read_text()


def test_every_python_block_is_covered_here() -> None:
    """A new block needs a test of its own."""
    marks = [mark for mark, *_ in APPS.values()]
    others = ("import OpenAI\n", "Timeouts(", "AcmeProvider", "OpenAIProvider(", "RedisStore(")
    more = ("59 * 61 is 3599.", "asker.header", "chain(copy_to", "on_complete=on_complete")
    covered = {snippet(mark) for mark in (*marks, *others, *more)}

    assert covered == set(PYTHON)


def test_the_defaults_are_those_of_the_code() -> None:
    """The numbers in the text."""
    clocks = {
        name: None if default == "none" else float(default)
        for name, default in re.findall(r"(?m)^\| `(\w+)` \| (\w+) \| `timeout_", README)
    }
    assert clocks == {name: getattr(Timeouts(), name) for name in Timeouts.__slots__}
    assert f"{Service().max_body_size // 2**20} MiB (`max_body_size=`" in README
    assert f"An upstream's event may have {MAX_EVENT_SIZE // 2**20} MiB" in README


def rows_under(head: str) -> list[str]:
    """The names in the first column of the table that begins so."""
    [table] = re.findall(rf"(?m)^\| {head} \|.*\n((?:\|.*\n)+)", README)
    return re.findall(r"`([\w-]+)`", "".join(row.split(" | ")[0] for row in table.splitlines()))


def test_every_dialect_and_provider_is_in_its_table() -> None:
    """And none that does not exist."""
    assert sorted(BUILT_IN_DIALECTS) == sorted(rows_under("Dialect"))
    assert provider_names() == sorted(rows_under("Name"))


def test_every_family_is_named() -> None:
    """Those that `family=` takes, and no others."""
    [text] = re.findall(r"`family=` says it outright, one of (.*?)\. ", README)
    assert sorted(FAMILIES) == sorted(re.findall(r"`([\w-]+)`", text))


def test_a_server_of_ones_own_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service with a local server and Gemini finds each by its model."""
    monkeypatch.setenv("GEMINI_API_KEY", KEY)

    service = run(snippet("OpenAIProvider("))["service"]

    local, gemini = service.router.instances.values()
    assert service.router("qwen-3", ()) == (local, "qwen-3")
    assert service.router("gemini-3-pro", ()) == (gemini, "gemini-3-pro")


def test_every_link_leads_somewhere() -> None:
    """Files exist, and headings too."""
    headings = {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-")
        for heading in re.findall(r"(?m)^#+ (.*)$", README)
    }
    links = re.findall(r"\]\(([^)]+)\)", README)

    missing = [link for link in links if not link.startswith("#") and not (ROOT / link).exists()]
    assert missing == []
    assert {link[1:] for link in links if link.startswith("#")} <= headings


def test_no_code_stands_right_below_a_heading() -> None:
    """Text comes first."""
    assert re.findall(r"(?m)^#+ .*\n+```", README) == []
