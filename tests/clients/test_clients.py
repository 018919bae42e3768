"""What real clients read of each dialect, and what they send back of it.

They run where they are installed, and the others are skipped; those for Node where
`ASGI_THINKING_NODE_CLIENTS` names a folder with them in its `node_modules`.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import logging
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.clients.scene import ANSWER, GEMINI, SEARCH, Heard, Stage
from tests.clients.talks import PACKAGES, TALKS, Way

pytestmark = pytest.mark.filterwarnings("ignore")

NODE_CLIENTS: Final = os.environ.get("ASGI_THINKING_NODE_CLIENTS", "")
SCRIPT: Final = Path(__file__).with_name("talk.mjs")

CONTENT: Final = frozenset({"truefoundry", "litellm", "deepseek"})  # `reasoning_content`
TEXT: Final = frozenset({"reasoning", "openrouter"})  # `reasoning`
TAGS: Final = frozenset({"think-tags"})
SEALED: Final = frozenset({"truefoundry", "litellm", "openrouter"})
NOTHING: Final = frozenset[str]()
EVERY: Final = frozenset({"openai"}) | CONTENT | TEXT | TAGS


class Reads(NamedTuple):
    """The dialects whose thinking a client shows as such, and those it keeps whole.

    Those in `whole_only` it does not, if the reply is streamed. `only` is what it is made for.
    """

    shows: frozenset[str]
    keeps: frozenset[str] = NOTHING
    whole_only: frozenset[str] = NOTHING
    only: frozenset[str] = EVERY


CLIENTS: Final[dict[str, Reads]] = {
    "openai": Reads(CONTENT | TEXT, SEALED),
    "langchain-openai": Reads(NOTHING),
    "langchain-deepseek": Reads(CONTENT | TEXT),
    "pydantic-ai": Reads(CONTENT | TEXT | TAGS),
    "pydantic-ai for OpenRouter": Reads(
        *[frozenset({"openrouter"})] * 2, only=frozenset({"openrouter"})
    ),
    "openai-agents": Reads(CONTENT | TEXT),
    "litellm": Reads(CONTENT | TEXT | TAGS, SEALED, TAGS),
    "langchain-litellm": Reads(CONTENT | TEXT | TAGS, NOTHING, TAGS),
    "llama-index": Reads(CONTENT | TEXT),
    "smolagents": Reads(NOTHING),
    "openai for Node": Reads(CONTENT | TEXT, SEALED),
    "@langchain/openai": Reads(CONTENT),
    "@ai-sdk/openai-compatible": Reads(CONTENT | TEXT),
    "@ai-sdk/deepseek": Reads(CONTENT),
    "@openrouter/ai-sdk-provider": Reads(TEXT, frozenset({"openrouter"})),
}

# What is lost in streams alone: LiteLLM's builder knows no details, and the stream helper of
# openai-node keeps of a list that comes in pieces the last piece. Such a block is refused once.
LOST: Final = {
    ("litellm", "openrouter"): [200, 200],
    ("openai for Node", "openrouter"): [200, 400, 200],
    ("openai for Node", "litellm"): [200, 400, 200],
}

# Sends what it was told as text, without calls by which a reply could be remembered.
FORGETS: Final = "smolagents"

STREAM: Final = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
EVERY_CLIENT: Final = pytest.mark.parametrize("client", CLIENTS)


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No client asks anyone else for anything, or prints."""
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    monkeypatch.setenv("OPENAI_AGENTS_DISABLE_TRACING", "1")
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
    gc.collect()  # what clients leave open warns here, and not in the midst of another test


def talk(client: str, stage: Stage, way: Way) -> list[Heard]:
    """What the client hears in a turn, if it is installed."""
    if client in TALKS:
        package = PACKAGES[client]
        if importlib.util.find_spec(package.partition(".")[0]) is None:
            pytest.skip(f"{package} is not installed")
        return TALKS[client](stage, way)
    if shutil.which("node") is None or not NODE_CLIENTS:
        pytest.skip("no node, or ASGI_THINKING_NODE_CLIENTS names no folder of clients for it")
    name = client.removesuffix(" for Node")
    words = [NODE_CLIENTS, name, f"{stage.url}/v1", way.dialect, way.model, str(int(way.stream))]
    run = subprocess.run(["node", SCRIPT, *words], capture_output=True, check=False, timeout=120)
    assert 0 == run.returncode, run.stderr.decode()
    return [Heard(*heard) for heard in json.loads(run.stdout)]


@STREAM
@pytest.mark.parametrize("dialect", sorted(EVERY))
@EVERY_CLIENT
def test_what_a_client_reads_and_keeps(client: str, dialect: str, stream: bool) -> None:
    """No client fails in a turn with a tool; thinking is where it looks, or nowhere in its way.

    Nothing is remembered here, so what a vendor gets back is what the client has kept.
    """
    reads = CLIENTS[client]
    if dialect not in reads.only:
        pytest.skip(f"{client} is not made for {dialect}")
    with Stage(continuity=None, dialects=[dialect]) as stage:
        first, last = talk(client, stage, Way(dialect, stream))

    shows = dialect in reads.shows and not (stream and dialect in reads.whole_only)
    assert (SEARCH.thinking if shows else "") == first.thought.strip()
    assert ("<think>" in first.answer) is (dialect == "think-tags" and not shows)
    assert last.answer.endswith(ANSWER.text)
    lost = LOST.get((client, dialect)) if stream else None
    assert (lost or [200, 200]) == stage.statuses
    assert (dialect in reads.keeps and lost is None) is stage.kept
    assert not any(b"<think>" in sent.content for sent in stage.sent)


@STREAM
@pytest.mark.parametrize("dialect", ["openai", "deepseek", "reasoning"])
@EVERY_CLIENT
def test_what_a_client_loses_is_remembered(client: str, dialect: str, stream: bool) -> None:
    """Signatures come back to their vendor from clients that never saw them."""
    if client == FORGETS or dialect not in CLIENTS[client].only:
        pytest.skip(f"{client} sends no tool calls back, or is not made for {dialect}")
    with Stage(dialects=[dialect]) as stage:
        *_, last = talk(client, stage, Way(dialect, stream))

    assert (ANSWER.text, True) == (last.answer, stage.kept)


@STREAM
@pytest.mark.parametrize(
    ("client", "dialect"),
    [
        ("openai", "openrouter"),
        ("openai", "litellm"),
        ("litellm", "litellm"),
        ("@openrouter/ai-sdk-provider", "openrouter"),
    ],
)
def test_geminis_signature_of_a_call_is_kept(client: str, dialect: str, stream: bool) -> None:
    """It comes back with the call, from the client itself."""
    with Stage(continuity=None, dialects=[dialect]) as stage:
        *_, last = talk(client, stage, Way(dialect, stream, GEMINI))

    assert (ANSWER.text, True) == (last.answer, stage.kept)
