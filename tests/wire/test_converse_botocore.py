"""What AWS's own SDK makes of the same bytes, and of our requests."""

from __future__ import annotations

import base64
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
from botocore import loaders, model, parsers, serialize, validate
from botocore.eventstream import EventStreamBuffer

from asgi_thinking.events import Event
from asgi_thinking.messages import (
    File,
    Image,
    Message,
    Opaque,
    RedactedThinking,
    Text,
    Thinking,
    ToolCall,
    Turn,
    assemble,
)
from asgi_thinking.models_bedrock import bedrock_model
from asgi_thinking.requests import ChatRequest, ResponseFormat, ThinkingConfig, Tool, ToolChoice
from asgi_thinking.wire.converse import ConverseDecoder, decode_reply, encode_request
from tests.wire.converse_transcripts import FULL, FULL_REPLY, HEAD

ROOT = os.environ.get("ASGI_THINKING_RECORDINGS", "")

# What the service model calls the parts of a reply that the wire sends as JSON.
Parsed = dict[str, Any]


@cache
def service() -> model.ServiceModel:
    """The description of Bedrock's runtime that boto3 works by."""
    description = loaders.Loader().load_service_model("bedrock-runtime", "service-2")
    return model.ServiceModel(description, "bedrock-runtime")


def recorded(suffix: str) -> list[Any]:
    """Real replies of Converse, if there is a directory of recordings."""
    index = json.loads(Path(ROOT, "index.json").read_bytes()) if ROOT else []
    found = [
        pytest.param(path.read_bytes(), id=entry["dir"])
        for entry in index
        if entry["provider"].startswith("bedrock-converse") and entry["status"] < 400
        for path in Path(ROOT, entry["dir"]).glob(f"upstream_response.{suffix}")
    ]
    mark = pytest.mark.skip(reason="ASGI_THINKING_RECORDINGS names no directory of recordings")
    return found or [pytest.param(b"", marks=mark, id="recordings")]


def theirs_streamed(stream: bytes) -> Parsed:
    """A reply put together from the events that botocore's parser gives."""
    shape = service().shape_for("ConverseStreamOutput")
    buffer, parser = EventStreamBuffer(), parsers.EventStreamJSONParser()
    buffer.add_data(stream)
    reply: Parsed = {"blocks": {}}
    for message in buffer:
        for kind, event in parser.parse(message.to_response_dict(), shape).items():
            if "contentBlockIndex" in event:
                gather(reply["blocks"].setdefault(event["contentBlockIndex"], {}), event)
            elif kind in ("messageStop", "metadata"):
                reply |= event
    return reply


def gather(block: Parsed, event: Parsed) -> None:
    """Put an event of a block to what is known of it."""
    for start in event.get("start", {}).values():
        block |= start
    delta = event.get("delta", {})
    thought, call = delta.get("reasoningContent", {}), delta.get("toolUse", {})
    for name, text in (
        ("text", delta.get("text")),
        ("thinking", thought.get("text")),
        ("signature", thought.get("signature")),
        ("input", call.get("input")),
    ):
        if text:
            block[name] = block.get(name, "") + text
    if data := thought.get("redactedContent"):
        block["data"] = data


def facts_of(block: Parsed) -> tuple[Any, ...] | None:
    """What has to come out of a gathered block; None for one that says nothing."""
    if "type" in block:
        return ("opaque",)
    if "name" in block:
        return block["toolUseId"], block["name"], json.loads(block.get("input") or "{}")
    if "data" in block:
        return (block["data"].decode(),)
    if "text" in block:
        return (block["text"],)
    return (block.get("thinking", ""), block.get("signature")) if block else None


def theirs_whole(body: bytes) -> Parsed:
    """A JSON reply as botocore's parser reads it, with its blocks gathered."""
    response = {"status_code": 200, "headers": {}, "body": body}
    parser = parsers.create_parser("rest-json")
    reply = parser.parse(response, service().operation_model("Converse").output_shape)
    content = reply["output"]["message"]["content"]
    return {**reply, "blocks": {n: gathered(raw) for n, raw in enumerate(content)}}


def gathered(raw: Parsed) -> Parsed:
    """A block of a JSON reply in the form of `gather`."""
    if "toolUse" in raw:
        return {**raw["toolUse"], "input": json.dumps(raw["toolUse"]["input"])}
    if "citationsContent" in raw:
        return {"text": "".join(part["text"] for part in raw["citationsContent"]["content"])}
    thought = raw.get("reasoningContent", {})
    told = thought.get("reasoningText", {})
    signature = {"signature": told["signature"]} if "signature" in told else {}
    return (
        ({"data": thought["redactedContent"]} if "redactedContent" in thought else {})
        or ({"thinking": told["text"], **signature} if told else {})
        or ({"text": raw["text"]} if "text" in raw else {"type": "opaque"})
    )


def meaning(block: Any) -> tuple[Any, ...]:
    """One of our blocks in the same form."""
    match block:
        case Thinking(text, signature):
            return text, signature
        case RedactedThinking(data):
            return (data,)
        case Text(text):
            return (text,)
        case ToolCall(call_id, name, arguments):
            return call_id, name, json.loads(arguments or "{}")
        case opaque:
            return (type(opaque).__name__.lower(),)


def compare(theirs: Parsed, events: list[Event]) -> None:
    """The SDK's reply and ours say the same."""
    ours: Message = assemble(events)
    facts = [facts_of(theirs["blocks"][number]) for number in sorted(theirs["blocks"])]
    expected = [fact for fact in facts if fact is not None]
    assert expected == [meaning(block) for block in ours.choices[0].blocks]
    assert theirs["stopReason"] == ours.choices[0].native
    counts, usage = theirs["usage"], ours.usage
    assert usage is not None
    read, written = counts.get("cacheReadInputTokens"), counts.get("cacheWriteInputTokens")
    assert counts["inputTokens"] + (read or 0) + (written or 0) == usage.input
    assert (counts["outputTokens"], read, written) == (
        usage.output,
        usage.cache_read,
        usage.cache_write,
    )


def streamed(stream: bytes, size: int) -> list[Event]:
    """The events of a stream in reads of a size."""
    decoder = ConverseDecoder(HEAD)
    reads = [stream[place : place + size] for place in range(0, len(stream), size)]
    return [event for data in reads for event in decoder.feed(data)] + decoder.close()


@pytest.mark.parametrize("stream", [pytest.param(b"".join(FULL), id="full"), *recorded("bin")])
def test_a_stream_is_what_the_sdk_makes_of_it(stream: bytes) -> None:
    """Texts, thinking, signatures, data, calls, counts and the reason are the SDK's."""
    for size in (1, 7, 64, len(stream)):
        compare(theirs_streamed(stream), streamed(stream, size))


@pytest.mark.parametrize(
    "body", [pytest.param(orjson.dumps(FULL_REPLY), id="full"), *recorded("json")]
)
def test_a_reply_is_what_the_sdk_makes_of_it(body: bytes) -> None:
    """The SDK reads the same from a JSON reply, but for a stray key that it refuses."""
    compare(theirs_whole(body.replace(b'"type": "text",', b"")), decode_reply(body, HEAD))


MARK = {"type": "ephemeral", "ttl": "1h"}
SEARCH = {
    "type": "toolUse",
    "toolUse": {"toolUseId": "s", "name": "f", "input": {}, "type": "server_tool_use"},
}
TURNS = (
    Turn("system", (Text("Be brief.", cache_control=MARK),)),
    Turn(
        "user",
        (
            Text("Look: "),
            Image("image/png", "QQ=="),
            File("application/pdf", "QQ==", "a.pdf"),
            File("text/plain", "QQ==", "a.pdf", cache_control=MARK),
        ),
    ),
    Turn(
        "assistant",
        (
            Thinking("why", "c2ln"),
            RedactedThinking("ZGF0YQ=="),
            Opaque(json.dumps(SEARCH), "bedrock"),
            Text("One moment."),
            ToolCall("toolu_1", "f", '{"a":[1,"x"]}'),
            ToolCall("c" * 99, "g", ""),
        ),
    ),
    Turn("tool", (Text("12 °C"),), "toolu_1"),
    Turn("tool", (Text("a"), Image("image/png", "QQ==")), "c" * 99, is_error=True),
    Turn("user", (Text("And?"),), cache_control=MARK),
)
REQUEST = ChatRequest(
    "us.anthropic.claude-opus-4-6-v1",
    TURNS,
    max_tokens=4096,
    temperature=0.5,
    top_p=0.9,
    top_k=4,
    stop=("END",),
    thinking=ThinkingConfig("enabled", 2048, "high", "summarized"),
    tools=(
        Tool("f", "Does.", {"type": "object"}, strict=True, cache_control=MARK),
        Tool("g"),
    ),
    tool_choice=ToolChoice("tool", "f"),
    response_format=ResponseFormat("json_schema", "n", {"type": "object"}),
    service_tier="flex",
)


def as_bytes(value: Any, key: str = "") -> Any:
    """A JSON body as a caller of boto3 writes it: blobs are bytes there."""
    if isinstance(value, dict):
        return {name: as_bytes(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [as_bytes(item) for item in value]
    return base64.b64decode(value) if key in ("bytes", "redactedContent") else value


@pytest.mark.parametrize("operation", ["Converse", "ConverseStream"])
@pytest.mark.parametrize(
    "name", [REQUEST.model, "us.amazon.nova-2-lite-v1:0", "openai.gpt-oss-20b"]
)
def test_a_request_is_one_that_the_sdk_would_send(operation: str, name: str) -> None:
    """The SDK finds nothing wrong with the body, and writes the very same one."""
    body = orjson.loads(encode_request(REQUEST, bedrock_model(name)))
    shape = service().operation_model(operation)
    parameters = {"modelId": name, **as_bytes(body)}
    report = validate.ParamValidator().validate(parameters, shape.input_shape)
    assert "" == report.generate_report()
    serializer = serialize.create_serializer("rest-json")
    sent = serializer.serialize_to_request(parameters, shape)
    assert body == orjson.loads(sent["body"])
