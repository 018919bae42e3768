"""Our own replies, sent back by a client and on to the vendor: nothing of them is lost.

Sources, read 2026-11-22: https://platform.claude.com/docs/en/build-with-claude/extended-thinking
and https://ai.google.dev/gemini-api/docs/thought-signatures
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.peers.scene import DIALECTS, GEMINI_3, USER, Edge, results
from tests.peers.vendors import Blocks, call, hidden, text, thinking
from tests.providers.bedrock_scene import forget_aws
from tests.providers.peers_scene import CLAUDES

pytestmark = pytest.mark.anyio

ODD = "need \u2028 weather\n\t👍"
SIGNED: Blocks = [thinking(ODD, "c2ln+/=="), text("Let me check."), call(1, a=1)]
GEMINIS: Blocks = [
    thinking("need weather"),
    text("Let me check."),
    call(1, "c2lnMg==", a=1),
    call(2),
]
INTERLEAVED: Blocks = [
    text("Weather, then. "),
    thinking("need weather", "c2ln"),
    text("Let me check."),
    call(1),
    thinking("and Oslo", "c2lnMg=="),
    hidden("cmVk"),
    call(2, a=[1]),
]
REDACTED: Blocks = [hidden("cmVk"), thinking("hm", "c2ln"), hidden("cmVkMg=="), text("Hi"), call(1)]
OUR_REPLIES: list[tuple[str, str, Blocks, Blocks]] = [
    *((name, "", SIGNED, SIGNED) for name in CLAUDES),
    *((name, GEMINI_3, GEMINIS, GEMINIS[1:]) for name in ("gemini", "vertex-gemini")),
    ("openrouter", "", SIGNED, SIGNED),
    ("deepseek", "", SIGNED, [thinking(ODD), *SIGNED[1:]]),
]
STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
EVERY_DIALECT = pytest.mark.parametrize("dialect", DIALECTS)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """No credential of this machine is found."""
    forget_aws(monkeypatch, tmp_path)


async def round_trip(edge: Edge, said: Blocks, *, dialect: str, stream: bool) -> Blocks:
    """What the vendor is sent back of a reply of its own, through a client of the dialect."""
    edge.says(said, stream=stream)
    edge.says([text("Sunny.")])
    message = await edge.echo(dialect=dialect, stream=stream)
    return await edge.replayed(USER, message, *results(message))


@STREAMED
@EVERY_DIALECT
@pytest.mark.parametrize(("name", "model", "said", "expected"), OUR_REPLIES)
async def test_46_our_own_reply_replays_byte_identical(
    name: str, model: str, said: Blocks, expected: Blocks, dialect: str, stream: bool
) -> None:
    """What a client of any dialect kept comes back to its vendor, signatures and all."""
    found = await round_trip(Edge(name, model), said, dialect=dialect, stream=stream)
    if "gemini" in name:
        expected = [{k: v for k, v in block.items() if k != "id"} for block in expected]
    assert expected == found


@pytest.mark.parametrize("name", ["gemini", "vertex-gemini"])
@pytest.mark.parametrize(
    ("dialect", "stream"),
    [
        ("truefoundry", False),
        ("truefoundry", True),
        ("truefoundry-legacy", False),
        ("portkey", False),
        ("portkey", True),
    ],
)
async def test_46_texts_that_gemini_signed_replay_as_they_were(
    name: str, dialect: str, stream: bool
) -> None:
    """A signed text, and a signature that came alone, stay parts of their own."""
    sealed = text("check.", signature="c2lnMQ=="), text("", signature="c2lnMg==")
    said = [thinking("hm"), text("Let me "), *sealed]
    found = await round_trip(Edge(name, GEMINI_3), said, dialect=dialect, stream=stream)
    assert said[1:] == found


@STREAMED
@EVERY_DIALECT
@pytest.mark.parametrize("name", CLAUDES)
async def test_47_interleaved_blocks_replay_in_order(name: str, dialect: str, stream: bool) -> None:
    """Text before thinking and thinking between calls keep their places."""
    found = await round_trip(Edge(name), INTERLEAVED, dialect=dialect, stream=stream)
    assert INTERLEAVED == found


@STREAMED
@EVERY_DIALECT
@pytest.mark.parametrize("name", [*CLAUDES, "openrouter"])
async def test_48_redacted_blocks_are_replayed(name: str, dialect: str, stream: bool) -> None:
    """Redacted data comes back from content arrays, blocks and parts, byte for byte."""
    found = await round_trip(Edge(name), REDACTED, dialect=dialect, stream=stream)
    assert REDACTED == found
