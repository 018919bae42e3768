"""Signatures go back to who can verify them, and to nobody else.

Sources, read 2026-11-22: https://ai.google.dev/gemini-api/docs/thought-signatures,
https://platform.claude.com/docs/en/build-with-claude/extended-thinking and
https://github.com/google-gemini/gemini-cli/issues/13467
"""

from __future__ import annotations

from typing import Any

import pytest

from asgi_thinking import ThinkingMiddleware, allow_all
from tests.peers.scene import DIALECTS, GEMINI_3, USER, Edge, results
from tests.peers.vendors import Blocks, JSONObject, call, text, thinking
from tests.providers.bedrock_scene import forget_aws

pytestmark = pytest.mark.anyio

STAND_IN = "skip_thought_signature_validator"
GEMINIS = ("gemini", "vertex-gemini")
# Claude's family, on whatever cloud, verifies what any of them signed.
FAMILY = ("anthropic", "invoke", "converse", "vertex-claude", "openrouter")
CLAUDE_SAID: Blocks = [thinking("need weather", "c2ln"), text("Let me check."), call(1)]
GEMINI_SAID: Blocks = [thinking("hm"), text("Let me ", signature="c2lnMA=="), call(1, "c2lnMQ==")]

STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
EVERY_DIALECT = pytest.mark.parametrize("dialect", DIALECTS)
EVERY_GEMINI = pytest.mark.parametrize("name", GEMINIS)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """No credential of this machine is found."""
    forget_aws(monkeypatch, tmp_path)


def edge_of(name: str) -> Edge:
    return Edge(name, GEMINI_3 if name in GEMINIS else "")


async def moved(
    maker: str, taker: str, *, dialect: str = "truefoundry", stream: bool = False
) -> tuple[Edge, str]:
    """A conversation that begins with one vendor and goes on with another: what it is sent."""
    first, second = edge_of(maker), edge_of(taker)
    first.says(GEMINI_SAID if maker in GEMINIS else CLAUDE_SAID, stream=stream)
    second.says([text("Sunny.")])
    message = await first.echo(dialect=dialect, stream=stream)
    client = await second.ask(USER, message, *results(message))
    assert 200 == client.status
    return second, client.headers.get("x-thinking-applied", "")


STRANGERS = [
    *((maker, taker) for maker in GEMINIS for taker in FAMILY),
    *((maker, taker) for maker in FAMILY for taker in GEMINIS),
    ("gemini", "vertex-gemini"),
    ("vertex-gemini", "gemini"),
]


@pytest.mark.parametrize("dialect", ["truefoundry", "portkey"])
@STREAMED
@pytest.mark.parametrize(("maker", "taker"), STRANGERS)
async def test_53_foreign_signatures_are_not_forwarded(
    maker: str, taker: str, dialect: str, stream: bool
) -> None:
    """A vendor gets the text and the calls of another's turn, and nothing it would refuse."""
    edge, applied = await moved(maker, taker, dialect=dialect, stream=stream)
    assert b"c2ln" not in edge.requests[-1].content
    found = [block for block in edge.vendor.read(edge.sent[-1])[-1] if block["type"] != "thinking"]
    assert ["text", "tool_use"] == [block["type"] for block in found]
    whose = "Claude" if maker in FAMILY else "vertex" if "vertex" in maker else "gemini"
    assert f"of '{whose}' dropped" in applied.replace("of Claude", "of 'Claude'")


@pytest.mark.parametrize("maker", FAMILY)
@pytest.mark.parametrize("taker", FAMILY)
async def test_53_one_familys_signatures_are(maker: str, taker: str) -> None:
    """Claude's clouds take one another's, so that a conversation may move between them."""
    edge, applied = await moved(maker, taker)
    assert CLAUDE_SAID == edge.vendor.read(edge.sent[-1])[-1]
    assert "dropped" not in applied


def only_functions(message: JSONObject, *keys: str) -> JSONObject:
    """The message of a client that keeps these keys, and of calls OpenAI's alone."""
    used = [
        {key: each[key] for key in ("id", "type", "function")} for each in message["tool_calls"]
    ]
    kept = {key: message[key] for key in keys if key in message}
    return {"role": "assistant", "content": message["content"], **kept, "tool_calls": used}


@STREAMED
@pytest.mark.parametrize(
    ("dialect", "keys"), [("truefoundry", ("thinking_blocks",)), ("portkey", ())]
)
@EVERY_GEMINI
async def test_55_signatures_survive_clients_that_keep_a_calls_own_fields(
    name: str, dialect: str, keys: tuple[str, ...], stream: bool
) -> None:
    """Whatever the model is called here: the signature rides where such a client keeps it."""
    edge = edge_of(name)
    edge.app = ThinkingMiddleware(
        edge.app.app,
        providers={"p": edge.provider},
        models={"p/fast": f"p/{GEMINI_3}"},
        authorize=allow_all,
    )
    edge.model = "fast"
    edge.says(GEMINI_SAID, stream=stream)
    edge.says([text("Sunny.")])
    message = only_functions(await edge.echo(dialect=dialect, stream=stream), *keys)
    found = await edge.replayed(USER, message, *results(message))
    assert ["c2lnMQ=="] == [block.get("signature") for block in found if "input" in block]


@EVERY_GEMINI
async def test_55_a_signature_that_is_lost_breaks_nothing(name: str) -> None:
    """Where nobody has it any more, the vendor's stand-in takes its place."""
    first, edge = edge_of(name), edge_of(name)
    first.says(GEMINI_SAID)
    edge.says([text("Sunny.")])
    message = only_functions(await first.echo())
    found = await edge.replayed(USER, message, *results(message))
    assert [STAND_IN] == [block["signature"] for block in found if "input" in block]


@STREAMED
@pytest.mark.parametrize("dialect", ["truefoundry", "portkey", "obiguard"])
@EVERY_GEMINI
async def test_56_signatures_survive_clients_that_rewrite_ids(
    name: str, dialect: str, stream: bool
) -> None:
    """The signature stands on the call itself, whatever its id has become."""
    edge = edge_of(name)
    edge.says([*GEMINI_SAID, call(2)], stream=stream)
    edge.says([text("Sunny.")])
    message = await edge.echo(dialect=dialect, stream=stream)
    for number, used in enumerate(message["tool_calls"]):
        used["id"] = f"mine_{number}"
    found = await edge.replayed(USER, message, *results(message))
    signed = [block.get("signature") for block in found if "input" in block]
    assert ["c2lnMQ==", None] == signed
    assert STAND_IN.encode() not in edge.requests[-1].content


@STREAMED
@EVERY_DIALECT
@EVERY_GEMINI
async def test_57_ids_that_clients_get_are_short(name: str, dialect: str, stream: bool) -> None:
    """No signature hides in an id, which other vendors limit to 40 characters."""
    edge = edge_of(name)
    edge.says([call(1, "c2ln" * 200), call(2)], stream=stream)
    ids = [used["id"] for used in (await edge.echo(dialect=dialect, stream=stream))["tool_calls"]]
    assert 2 == len({*ids})
    assert all(len(name) <= 40 and name.replace("_", "").replace("-", "").isalnum() for name in ids)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (GEMINI_3, [STAND_IN, None]),
        ("gemini-4-pro", [STAND_IN, None]),
        ("gemini-2.5-pro", [None] * 2),
    ],
)
@EVERY_GEMINI
async def test_58_the_stand_in_is_for_the_first_call_alone(
    name: str, model: str, expected: list[str | None]
) -> None:
    """Of calls without a signature the first gets it, and only by models that want one."""
    edge = Edge(name, model)
    edge.says([text("Sunny.")])
    used = [
        {"id": f"t{n}", "type": "function", "function": {"name": "f", "arguments": ""}}
        for n in (1, 2)
    ]
    message = {"role": "assistant", "content": None, "tool_calls": used}
    found = await edge.replayed(USER, message, *results(message))
    assert expected == [block.get("signature") for block in found]


@STREAMED
@EVERY_DIALECT
@EVERY_GEMINI
async def test_59_a_thoughts_own_signature_comes_back_on_it(
    name: str, dialect: str, stream: bool
) -> None:
    """Where the thought beside a call is signed and the call is not, nothing is refused or lost."""
    edge = edge_of(name)
    edge.says([thinking("need weather", "c2ln"), call(1)], stream=stream)
    edge.says([text("Sunny.")])
    message = await edge.echo(dialect=dialect, stream=stream)
    thought, used = await edge.replayed(USER, message, *results(message))
    assert thinking("need weather", "c2ln") == thought
    assert STAND_IN == used["signature"]
