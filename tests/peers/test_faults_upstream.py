"""What goes wrong upstream, and what the client is told of it.

Sources, read 2026-11-22: https://platform.claude.com/docs/en/api/errors,
https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html,
https://ai.google.dev/gemini-api/docs/troubleshooting and
https://platform.openai.com/docs/guides/error-codes
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest

from tests.asgi import JSON_HEADERS, Client, scope_for
from tests.peers.scene import DIALECTS, USER, Edge
from tests.peers.vendors import VENDORS, JSONObject, Reply, invoked, text
from tests.providers.bedrock_scene import forget_aws
from tests.wire import anthropic_transcripts as claude
from tests.wire import converse_transcripts as converse
from tests.wire import gemini_transcripts as google
from tests.wire import openai_transcripts as compatible
from tests.wire.aws_frames import exception

pytestmark = pytest.mark.anyio

GEMINIS = ("gemini", "vertex-gemini")
COMPATIBLE = ("openrouter", "deepseek")
EVERY_DIALECT = pytest.mark.parametrize("dialect", [*DIALECTS, "openai"])
EVERY_VENDOR = pytest.mark.parametrize("name", VENDORS)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """No credential of this machine is found."""
    forget_aws(monkeypatch, tmp_path)


def failure(name: str, status: int, kind: str, message: str) -> Reply:
    """A refusal as the vendor writes it, with the time to wait."""
    headers = (("retry-after", "7"), ("x-amzn-errortype", f"{kind}:http://aws"))
    match name:
        case "gemini" | "vertex-gemini":
            told: JSONObject = {"error": {"code": status, "message": message, "status": kind}}
        case "openrouter" | "deepseek":
            fields = {"message": message, "type": "invalid", "param": "messages", "code": kind}
            told = {"error": fields}
        case "invoke" | "converse":
            told = {"message": message}
        case _:
            told = {"type": "error", "error": {"type": kind, "message": message}}
    return Reply(orjson.dumps(told), "application/json", status, headers)


STATUSES = [(status, status) for status in (400, 401, 403, 404, 413, 429, 500, 502, 503)]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("status", "expected"), [*STATUSES, (529, 503)])
@EVERY_VENDOR
async def test_61_a_refusal_keeps_its_status_and_its_words(
    name: str, status: int, expected: int, stream: bool
) -> None:
    """OpenAI's envelope holds the vendor's message and word, and the time to wait stays."""
    edge = Edge(name)
    edge.replies(failure(name, status, "vendors_word", 'Slow down, "please".'))
    client = await edge.ask(stream=stream)
    error = client.json["error"]
    assert expected == client.status
    assert {"message", "type", "param", "code"} == error.keys()
    assert 'Slow down, "please".' == error["message"]
    assert "vendors_word" == error["code"].lower()
    assert ("messages" if name in COMPATIBLE else None) == error["param"]
    assert ("7", "false") == (client.headers["retry-after"], client.headers["x-should-retry"])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("status", [429, 500, 503, 529])
@EVERY_VENDOR
async def test_61_a_refusal_that_passes_is_tried_again(
    name: str, status: int, stream: bool
) -> None:
    """While the client has heard nothing, for as long as the vendor says, and not for ever."""
    edge = Edge(name, retries=1)
    soon = failure(name, status, "busy", "Slow down.")._replace(headers=(("retry-after", "0"),))
    edge.replies(soon, edge.vendor.reply([text("Sunny.")], stream=stream), soon, soon)
    client = await edge.ask(stream=stream)
    assert (200, 2) == (client.status, len(edge.requests))
    assert edge.sent[0] == edge.sent[1]
    client = await edge.ask(stream=stream)
    assert (503 if status == 529 else status, 4) == (client.status, len(edge.requests))
    assert ("0", "false") == (client.headers["retry-after"], client.headers["x-should-retry"])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
@EVERY_VENDOR
async def test_61_a_refusal_that_stays_is_not_tried_again(name: str, status: int) -> None:
    """The same request would be refused for the same reason."""
    edge = Edge(name, retries=1)
    edge.replies(failure(name, status, "no", "No."), edge.vendor.reply([text("x")], stream=False))
    client = await edge.ask()
    # A token that was refused is renewed once, where there is another to be had.
    tries = 2 if status == 401 and name.startswith("vertex") else 1
    assert (200 if tries == 2 else status, tries) == (client.status, len(edge.requests))


# An error as each vendor writes it where a stream should be.
FAILS: dict[str, bytes] = {
    **dict.fromkeys(
        ("anthropic", "vertex-claude"),
        claude.sse({"type": "error", "error": {"type": "overloaded_error", "message": "Slow."}}),
    ),
    **dict.fromkeys(("invoke", "converse"), exception("throttlingException", "Slow.")),
    **dict.fromkeys(
        GEMINIS,
        google.sse({"error": {"code": 503, "message": "Slow.", "status": "UNAVAILABLE"}}),
    ),
    **dict.fromkeys(COMPATIBLE, compatible.sse({"error": {"message": "Slow.", "code": 502}})),
}
BUSY = (429, 502, 503, 529)


@EVERY_DIALECT
@EVERY_VENDOR
async def test_62_an_error_before_the_first_word_has_its_own_status(
    name: str, dialect: str
) -> None:
    """The client is not told that all is well before it is, so that it may try again."""
    edge = Edge(name)
    edge.replies(Reply(FAILS[name], edge.vendor.content_type))
    client = await edge.ask(dialect=dialect, stream=True)
    assert client.status in BUSY
    assert ("application/json", "Slow.") == (
        client.headers["content-type"],
        client.json["error"]["message"],
    )


_CLAUDE: bytes = claude.sse(
    claude.START,
    claude.block_start(0, type="text", text=""),
    claude.delta(0, "text_delta", text="Sunny."),
    claude.block_stop(0),
)
# Streams that have said something, and not come to their end.
BEGUN: dict[str, bytes] = {
    **dict.fromkeys(("anthropic", "vertex-claude"), _CLAUDE),
    "invoke": invoked(_CLAUDE),
    "converse": converse.START + converse.delta(0, text="Sunny.") + converse.stop(0),
    **dict.fromkeys(GEMINIS, google.sse(google.chunk({"text": "Sunny."}))),
    **dict.fromkeys(
        COMPATIBLE,
        compatible.sse(compatible.chunk({"role": "assistant", "content": "Sunny."})),
    ),
}


def ending(client: Client) -> JSONObject:
    """The error that a stream ends with, and nothing after it; no reason to finish before it."""
    before, _, data = client.content.rpartition(b"event: error\ndata: ")
    assert b"Sunny." in before
    assert b"[DONE]" not in client.content
    lines = [line.removeprefix(b"data: ") for line in before.split(b"\n\n") if line]
    reasons = [choice.get("finish_reason") for c in lines for choice in json.loads(c)["choices"]]
    assert {None} == {*reasons}
    error: JSONObject = json.loads(data)["error"]
    assert {"message", "type", "param", "code"} == error.keys()
    return error


@EVERY_DIALECT
@EVERY_VENDOR
async def test_63_an_error_in_the_middle_ends_the_stream(name: str, dialect: str) -> None:
    """It comes as an error event, after what was said and before nothing."""
    edge = Edge(name)
    edge.replies(Reply(BEGUN[name] + FAILS[name], edge.vendor.content_type))
    error = ending(await edge.ask(dialect=dialect, stream=True))
    assert "Slow." == error["message"]
    assert error["type"] in ("server_error", "rate_limit_error", "overloaded_error")


@EVERY_DIALECT
@EVERY_VENDOR
async def test_64_a_stream_that_breaks_off_has_not_stopped(name: str, dialect: str) -> None:
    """Without the vendor's own end there is no reason to finish, and no good end."""
    edge = Edge(name)
    edge.replies(Reply(BEGUN[name], edge.vendor.content_type))
    error = ending(await edge.ask(dialect=dialect, stream=True))
    assert "server_error" == error["type"]


class Waiting(httpx.AsyncByteStream):
    """A body that says something and waits for ever."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.closed = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body
        await asyncio.Event().wait()

    async def aclose(self) -> None:
        self.closed.set()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@EVERY_VENDOR
async def test_67_who_leaves_ends_the_upstream_request(name: str, stream: bool) -> None:
    """Nobody pays for what nobody hears."""
    edge = Edge(name)
    body = Waiting(BEGUN[name] if stream else b'{"')
    content_type = edge.vendor.content_type if stream else "application/json"
    asked = asyncio.Event()

    def answer(request: httpx.Request) -> httpx.Response:
        del request
        asked.set()
        return httpx.Response(200, headers={"content-type": content_type}, stream=body)

    engine = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    edge.provider.transport = type(edge.provider.transport)(engine, "httpx")
    ask = {"model": f"p/{edge.model}", "max_tokens": 99, "messages": [USER], "stream": stream}
    client = Client([orjson.dumps(ask)])
    task = asyncio.create_task(
        edge.app(scope_for(headers=JSON_HEADERS), client.receive, client.send)
    )
    await asked.wait()
    client.leave()
    await body.closed.wait()
    await task
