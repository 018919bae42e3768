"""What the vendor's own SDK makes of the same bytes; a module of its own, for it loads slowly."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import httpx2
import orjson
import pytest
from anthropic.types import ContentBlockParam, message_create_params
from pydantic import TypeAdapter

from asgi_thinking.events import Event
from asgi_thinking.messages import (
    File,
    Image,
    Opaque,
    RedactedThinking,
    Text,
    Thinking,
    ToolCall,
    Turn,
    assemble,
)
from asgi_thinking.requests import ChatRequest, ResponseFormat, ThinkingConfig, Tool, ToolChoice
from asgi_thinking.wire.anthropic import (
    AnthropicDecoder,
    decode_error,
    decode_reply,
    encode_request,
)
from tests.wire.anthropic_transcripts import FULL, FULL_MESSAGE, sse

QUESTION: Any = {
    "model": "claude-opus-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "?"}],
}


def client(status: int, kind: str, body: bytes) -> anthropic.Anthropic:
    """An SDK client whose upstream answers with these bytes."""
    reply = httpx2.Response(status, headers={"content-type": kind}, content=body)
    transport = httpx2.MockTransport(lambda _: reply)
    return anthropic.Anthropic(
        api_key="none", max_retries=0, http_client=httpx2.Client(transport=transport)
    )


def as_ours(block: Any) -> Any:
    """An SDK's block as one of ours; JSON is compared as the value it is."""
    match block.type:
        case "thinking":
            return Thinking(block.thinking, block.signature)
        case "redacted_thinking":
            return RedactedThinking(block.data)
        case "text":
            return block.text, titles(block)
        case "tool_use":
            return block.id, block.name, block.input
        case _:
            return block.model_dump(exclude_unset=True)


def titles(block: Any) -> list[str]:
    """The titles of a text block's sources, whatever the vendor calls them."""
    sources = [citation.model_dump() for citation in block.citations or ()]
    return [source.get("title") or source["document_title"] for source in sources]


def comparable(block: Any) -> Any:
    """One of our blocks in the same form."""
    match block:
        case Text(text, citations=citations):
            return text, [citation.title for citation in citations]
        case ToolCall(call_id, name, arguments):
            return call_id, name, json.loads(arguments or "{}")
        case Opaque(data):
            return json.loads(data)
        case _:
            return block


def compare(theirs: anthropic.types.Message, events: list[Event]) -> None:
    """The SDK's message and ours say the same."""
    ours = assemble(events)
    assert (theirs.id, theirs.model) == (ours.id, ours.model)
    assert [as_ours(b) for b in theirs.content] == [comparable(b) for b in ours.choices[0].blocks]
    assert theirs.stop_reason == ours.choices[0].native
    usage = ours.usage
    assert usage is not None
    assert theirs.usage.output_tokens == usage.output
    assert theirs.usage.cache_read_input_tokens == usage.cache_read
    assert theirs.usage.cache_creation_input_tokens == usage.cache_write
    cached = (usage.cache_read or 0) + (usage.cache_write or 0)
    assert theirs.usage.input_tokens + cached == usage.input
    details = theirs.usage.output_tokens_details
    assert details is not None
    assert details.thinking_tokens == usage.reasoning


def test_a_stream_is_what_the_sdk_makes_of_it() -> None:
    """The SDK accumulates the same blocks, reason and usage from the bytes of a stream."""
    body = sse(*FULL)
    with client(200, "text/event-stream", body) as sdk, sdk.messages.stream(**QUESTION) as stream:
        theirs = stream.get_final_message()
    decoder = AnthropicDecoder(1, "anthropic")
    compare(theirs, decoder.feed(body) + decoder.close())


def test_a_reply_is_what_the_sdk_makes_of_it() -> None:
    """The SDK reads the same from a JSON reply."""
    body = orjson.dumps(FULL_MESSAGE)
    with client(200, "application/json", body) as sdk:
        theirs = sdk.messages.create(**QUESTION)
    compare(theirs, decode_reply(body, 1, "anthropic"))


@pytest.mark.parametrize("kind", ["rate_limit_error", "overloaded_error", "not_found_error"])
def test_an_error_is_what_the_sdk_makes_of_it(kind: str) -> None:
    """The SDK finds the same message and type in an error body."""
    body = orjson.dumps({"type": "error", "error": {"type": kind, "message": "No."}})
    with client(429, "application/json", body) as sdk, pytest.raises(anthropic.APIStatusError) as e:
        sdk.messages.create(**QUESTION)
    ours = decode_error(429, body, "anthropic")
    theirs: Any = e.value.body
    assert theirs["error"] == {"type": ours.type, "message": ours.message}
    assert e.value.status_code == ours.status


TURNS = (
    Turn("system", (Text("Be brief.", cache_control={"type": "ephemeral"}),)),
    Turn(
        "user",
        (
            Text("Look: "),
            Image("image/png", "QQ=="),
            Image(url="https://example.org/a.png"),
            File("application/pdf", "QQ==", "a.pdf"),
            File("text/plain", "QQ==", "a.txt"),
        ),
    ),
    Turn(
        "assistant",
        (
            Thinking("why", "c2ln"),
            RedactedThinking("ZGF0YQ=="),
            Text("One moment."),
            ToolCall("toolu_1", "f", '{"a":[1,"x"]}'),
            ToolCall("toolu_2", "g", ""),
        ),
    ),
    Turn("tool", (Text("12 °C"),), "toolu_1"),
    Turn("tool", (Text("a"), Image("image/png", "QQ==")), "toolu_2", is_error=True),
    Turn("user", (Text("And?"),), cache_control={"type": "ephemeral"}),
    Turn("developer", (Text("Hurry."),)),
)
REQUEST = ChatRequest(
    "claude-opus-5",
    TURNS,
    max_tokens=4096,
    thinking=ThinkingConfig("enabled", 2048, "high", "summarized"),
    stop=("END",),
    tools=(Tool("f", "Does.", {"type": "object", "properties": {}}, strict=True), Tool("g")),
    tool_choice=ToolChoice("tool", "f"),
    parallel_tool_calls=False,
    response_format=ResponseFormat("json_schema", "n", {"type": "object"}),
    user="u1",
    service_tier="default",
)


def taken(kind: Any, value: dict[str, Any]) -> Any:
    """The value as an SDK's type gives it back: without the fields that it does not know."""
    types: TypeAdapter[Any] = TypeAdapter(kind)
    return json.loads(types.dump_json(types.validate_python(value)))


def test_a_request_is_one_of_the_sdks_own_types() -> None:
    """The SDK's types take the body as it is, and know every field in it."""
    body = orjson.loads(encode_request(REQUEST, stream=False))
    # Lists in lists are checked lazily by the SDK's types, so blocks are checked one by one.
    blocks = [block for message in body["messages"] for block in message["content"]]
    nested = [block.pop("content") for block in blocks if isinstance(block.get("content"), list)]
    blocks += [block for content in nested for block in content]
    body["messages"] = [message | {"content": "x"} for message in body["messages"]]
    assert body == taken(message_create_params.MessageCreateParamsNonStreaming, body)
    assert blocks == [taken(ContentBlockParam, block) for block in blocks]
    assert 16 == len(blocks)
