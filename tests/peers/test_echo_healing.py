"""Signatures that a vendor refuses, and those that a client lost: the conversation goes on.

Sources, read 2026-11-22: https://platform.claude.com/docs/en/build-with-claude/extended-thinking
and https://ai.google.dev/gemini-api/docs/thought-signatures
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.peers.scene import GEMINI_3, USER, Edge, results
from tests.peers.vendors import Blocks, JSONObject, Reply, call, hidden, text, thinking
from tests.providers.bedrock_scene import forget_aws
from tests.providers.peers_scene import CLAUDES

pytestmark = pytest.mark.anyio

GEMINIS = ("gemini", "vertex-gemini")
REFUSALS = (
    "messages.1.content.0: Invalid `signature` in `thinking` block",
    "messages.1.content.0: The block is bound to a different conversation",
)
CLAUDE_SAID: Blocks = [thinking("need weather", "c2ln"), hidden("cmVk"), text("Well."), call(1)]
GEMINI_SAID: Blocks = [thinking("hm"), text("Well."), call(1, "c2lnMQ=="), call(2)]


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """No credential of this machine is found."""
    forget_aws(monkeypatch, tmp_path)


def refused(name: str, message: str) -> Reply:
    """A refusal as the vendor writes it."""
    if name in ("invoke", "converse"):
        told: JSONObject = {"message": message}
    elif name in GEMINIS:
        told = {"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}
    else:
        told = {"type": "error", "error": {"type": "invalid_request_error", "message": message}}
    return Reply(orjson.dumps(told), status=400)


ASSISTANT: JSONObject = {
    "role": "assistant",
    "content": "Well.",
    "thinking_blocks": [thinking("need weather", "c2ln"), hidden("cmVk")],
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("message", REFUSALS)
@pytest.mark.parametrize("name", CLAUDES)
async def test_54_a_signature_that_is_refused_is_left_out(
    name: str, message: str, stream: bool
) -> None:
    """Once, within the request, and the client is told."""
    edge = Edge(name)
    edge.replies(refused(name, message), edge.vendor.reply([text("Sunny.")], stream=stream))
    client = await edge.ask(USER, ASSISTANT, USER, stream=stream)
    assert (200, 2) == (client.status, len(edge.requests))
    assert [[text("Well.")]] == edge.vendor.read(edge.sent[1])
    assert "thinking" in client.headers["x-thinking-applied"]


@pytest.mark.parametrize("name", CLAUDES)
async def test_54_a_second_refusal_is_the_clients(name: str) -> None:
    """What is refused without thinking as well is refused for another reason."""
    edge = Edge(name)
    edge.replies(refused(name, REFUSALS[0]))
    client = await edge.ask(USER, ASSISTANT, USER)
    assert (400, 2) == (client.status, len(edge.requests))
    assert REFUSALS[0] == client.json["error"]["message"]


@pytest.mark.parametrize("name", CLAUDES)
async def test_54_another_refusal_is_not_tried_again(name: str) -> None:
    """Only what leaving thinking out can heal is tried."""
    edge = Edge(name)
    edge.replies(refused(name, "messages: at least one message is required"))
    client = await edge.ask(USER, ASSISTANT, USER)
    assert (400, 1) == (client.status, len(edge.requests))


@pytest.mark.parametrize("name", GEMINIS)
async def test_54_geminis_signature_that_is_refused_is_left_out(name: str) -> None:
    """Its own word for it is that a signature is corrupted; the stand-in takes its place."""
    edge = Edge(name, GEMINI_3)
    edge.says(GEMINI_SAID)
    edge.replies(refused(name, "Corrupted thought signature."))
    edge.says([text("Sunny.")])
    message = await edge.echo()
    client = await edge.ask(USER, message, *results(message))
    assert (200, 3) == (client.status, len(edge.requests))
    assert b"c2lnMQ==" in edge.requests[1].content
    assert b"c2lnMQ==" not in edge.requests[2].content


def openais(message: JSONObject) -> JSONObject:
    """The message of a client that keeps OpenAI's fields alone."""
    used = [
        {
            "id": each["id"],
            "type": "function",
            "function": {key: each["function"][key] for key in ("name", "arguments")},
        }
        for each in message["tool_calls"]
    ]
    return {"role": "assistant", "content": message["content"], "tool_calls": used}


@pytest.mark.parametrize("dialect", ["truefoundry", "portkey", "openai"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", CLAUDES)
async def test_51_thinking_that_the_client_lost_is_put_back(
    name: str, stream: bool, dialect: str
) -> None:
    """A client that knows OpenAI's fields alone still gets its tool turn answered, thinking on."""
    edge = Edge(name)
    edge.says(CLAUDE_SAID, stream=stream)
    edge.says([text("Sunny.")])
    first = await edge.ask(dialect=dialect, stream=stream)
    assert 200 == first.status
    used = {"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": "Well.", "tool_calls": [used]}
    found = await edge.replayed(USER, message, *results(message), dialect=dialect)
    # Where nobody was to see the thinking, its text may be left out; the signature may not.
    signed = [{**b, "thinking": ""} if b["type"] == "thinking" else b for b in found]
    assert [thinking("", "c2ln"), *CLAUDE_SAID[1:]] == signed


@pytest.mark.parametrize("dialect", ["truefoundry", "portkey", "openai"])
@pytest.mark.parametrize("name", GEMINIS)
async def test_55_geminis_signature_that_the_client_lost_is_put_back(
    name: str, dialect: str
) -> None:
    """The call's id, name and arguments are enough to find it by."""
    edge = Edge(name, GEMINI_3)
    edge.says(GEMINI_SAID)
    edge.says([text("Sunny.")])
    client = await edge.ask(dialect=dialect)
    message = openais(client.json["choices"][0]["message"])
    found = await edge.replayed(USER, message, *results(message), dialect=dialect)
    assert ["c2lnMQ==", None] == [block.get("signature") for block in found if "input" in block]
