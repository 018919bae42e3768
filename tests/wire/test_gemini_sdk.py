"""What the vendor's own SDK makes of the same bytes; a module of its own, for it loads slowly."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import orjson
import pytest
from google import genai
from google.genai import errors, types

from asgi_thinking.events import StreamError
from asgi_thinking.messages import (
    Choice,
    Image,
    Opaque,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    Turn,
    assemble,
)
from asgi_thinking.requests import ChatRequest, ResponseFormat, ThinkingConfig, Tool, ToolChoice
from asgi_thinking.wire.gemini import GeminiDecoder, decode_error, encode_request
from tests.wire.gemini_recordings import GOOD, Reply, name_of, objects
from tests.wire.gemini_transcripts import JSONObject

ASKED: Any = {"model": "gemini-2.5-flash", "contents": "?"}


@contextmanager
def client(status: int, kind: str, body: bytes) -> Iterator[genai.Client]:
    """An SDK client whose upstream answers with these bytes."""
    reply = httpx2.Response(status, headers={"content-type": kind}, content=body)
    with (
        httpx2.Client(transport=httpx2.MockTransport(lambda _: reply)) as http,
        genai.Client(api_key="none", http_options={"httpx_client": http}) as sdk,
    ):
        yield sdk


def theirs(reply: Reply) -> list[types.GenerateContentResponse]:
    """What the SDK makes of a reply: it knows no arrays, and words only."""
    words = [
        re.sub(rb'"(?:finishReason|modality|trafficType)": [12]\b', lambda m: _WORDS[m[0]], text)
        for text in objects(reply)
    ]
    if not reply.stream:
        with client(200, "application/json", words[0]) as sdk:
            return [sdk.models.generate_content(**ASKED)]
    body = b"".join(b"data: %b\r\n\r\n" % text for text in words)
    with client(200, "text/event-stream", body) as sdk:
        return list(sdk.models.generate_content_stream(**ASKED))


_WORDS = {
    b'"finishReason": 1': b'"finishReason": "STOP"',
    b'"finishReason": 2': b'"finishReason": "MAX_TOKENS"',
    b'"modality": 1': b'"modality": "TEXT"',
    b'"trafficType": 1': b'"trafficType": "ON_DEMAND"',
}


def pieces(replies: list[types.GenerateContentResponse]) -> list[tuple[Any, ...]]:
    """The parts of the SDK's first candidates; texts of a kind are joined unless one is signed."""
    candidates = [candidate for r in replies for candidate in (r.candidates or [])[:1]]
    parts = [part for c in candidates for part in (c.content and c.content.parts) or []]
    found: list[tuple[Any, ...]] = []
    for part in parts:
        signature = part.thought_signature
        if part.function_call:
            called = part.function_call
            found.append(("call", called.name, called.args or {}, signature))
        elif part.text is None:
            kinds = part.model_dump(by_alias=True, exclude_none=True).keys()
            found.append(("opaque", min(kinds - {"thoughtSignature"})))
        elif part.text or signature:
            kind = "thinking" if part.thought else "text"
            if found and found[-1][0] == kind and found[-1][2] is signature is None:
                found[-1] = (kind, found[-1][1] + part.text, None)
            else:
                found.append((kind, part.text, signature))
    return found


def ours(choice: Choice) -> list[tuple[Any, ...]]:
    """One of our choices in the same form."""
    return [_ours(block) for block in choice.blocks if not isinstance(block, Refusal)]


def _ours(block: Any) -> tuple[Any, ...]:
    match block:
        case Thinking(text, signature):
            return "thinking", text, raw(signature)
        case Text(text, signature):
            return "text", text, raw(signature)
        case ToolCall():
            return "call", block.name, json.loads(block.arguments or "{}"), raw(block.signature)
        case _:
            return "opaque", json.loads(block.data)["type"]


def raw(signature: str | None) -> bytes | None:
    """The bytes of a signature, in either alphabet of base64."""
    if signature is None:
        return None
    text = signature.translate({ord("+"): "-", ord("/"): "_"})
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def decoded(reply: Reply) -> Any:
    """The message of a reply, or None where it is an error that the SDK knows nothing of."""
    decoder = GeminiDecoder(1, "gemini")
    events = decoder.feed(reply.body) + decoder.close()
    return None if isinstance(events[-1], StreamError) else assemble(events)


@pytest.mark.parametrize("reply", GOOD, ids=name_of)
def test_a_reply_is_what_the_sdk_makes_of_it(reply: Reply) -> None:
    """The SDK finds the same parts, signatures, calls, reason and usage in the same bytes."""
    replies, message = theirs(reply), decoded(reply)
    reasons = [c.finish_reason for r in replies for c in r.candidates or [] if c.finish_reason]
    if message is None:
        assert [types.FinishReason.UNEXPECTED_TOOL_CALL] == reasons
        return
    (choice,) = message.choices
    assert pieces(replies) == ours(choice)
    blocked = [r.prompt_feedback.block_reason for r in replies if r.prompt_feedback]
    (reason,) = [reason.value for reason in [*reasons, *blocked] if reason]
    called = any(piece[0] == "call" for piece in pieces(replies))
    assert ("tool_calls" if called and reason == "STOP" else reason) == choice.native
    counts = [r.usage_metadata for r in replies if r.usage_metadata]
    known = [u for u in counts if u.prompt_token_count is not None]
    assert [usage_of(u) for u in known[-1:]] == [_usage(u) for u in [message.usage] if u]


def usage_of(usage: types.GenerateContentResponseUsageMetadata) -> tuple[Any, ...]:
    """The SDK's counts, thoughts among the output and the tools' prompts among the input."""
    return (
        (usage.prompt_token_count or 0) + (usage.tool_use_prompt_token_count or 0),
        (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0),
        usage.thoughts_token_count,
        usage.cached_content_token_count,
    )


def _usage(usage: Any) -> tuple[Any, ...]:
    return usage.input, usage.output, usage.reasoning, usage.cache_read


@pytest.mark.parametrize("wrapped", [False, True])
def test_an_error_is_what_the_sdk_makes_of_it(wrapped: bool) -> None:
    """The SDK finds the same message and status in an error body, in an array as well."""
    error: Any = {"error": {"code": 429, "message": "No.", "status": "RESOURCE_EXHAUSTED"}}
    body = orjson.dumps([error] if wrapped else error)
    told = decode_error(429, body, "gemini")
    with client(429, "application/json", body) as sdk, pytest.raises(errors.APIError) as caught:
        sdk.models.generate_content(**ASKED)
    assert ("No.", "RESOURCE_EXHAUSTED", 429) == (told.message, told.code, told.status)
    theirs = caught.value
    assert (theirs.message, theirs.status, theirs.code) == (told.message, told.code, told.status)


TURNS = (
    Turn("system", (Text("Be brief."),)),
    Turn("user", (Text("Look: "), Image("image/png", "QQ=="), Image(url="https://e.org/a.png"))),
    Turn(
        "assistant",
        (
            Thinking("why", "c2ln", "gemini"),
            Text("One moment.", "c2ln", "gemini"),
            Opaque('{"type":"toolCall","toolCall":{"id":"x","toolType":"FILE_SEARCH"}}', "gemini"),
            ToolCall("8xju7mua", "f", '{"a":[1,"x"]}', "c2ln", "gemini"),
            ToolCall("call_g1", "g", ""),
        ),
    ),
    Turn("tool", (Text("12 °C"),), "8xju7mua"),
    Turn("tool", (Text("a"), Image("image/png", "QQ==")), "call_g1", is_error=True),
    Turn("assistant", (ToolCall("8xju7mub", "f", "{}"),)),
    Turn("tool", (Text("13 °C"),), "8xju7mub"),
    Turn("user", (Text("And?"),)),
)
REQUEST = ChatRequest(
    "gemini-3-pro",
    TURNS,
    max_tokens=4096,
    thinking=ThinkingConfig("adaptive", None, "high", "summarized"),
    temperature=1.0,
    top_p=0.9,
    top_k=4,
    seed=1,
    stop=("END",),
    n=2,
    presence_penalty=0.5,
    frequency_penalty=0.5,
    tools=(Tool("f", "Does.", {"type": "object", "properties": {}}), Tool("g")),
    tool_choice=ToolChoice("required", allowed=("f",)),
    web_search=True,
    response_format=ResponseFormat("json_schema", "n", {"type": "object"}),
)


def taken(kind: Any, value: JSONObject) -> JSONObject:
    """The value as an SDK's type gives it back; it refuses fields that it does not know."""
    model = kind.model_validate_json(orjson.dumps(value))
    return json.loads(model.model_dump_json(by_alias=True, exclude_none=True))


def test_a_request_is_one_of_the_sdks_own_types() -> None:
    """The SDK's types take every part of the body, and know every field in it."""
    body = orjson.loads(encode_request(REQUEST, server_calls=True))
    shapes = {"generationConfig": types.GenerationConfig, "toolConfig": types.ToolConfig}
    assert {"contents", "tools", "systemInstruction", *shapes} == body.keys()
    contents = [*body["contents"], body["systemInstruction"]]
    assert contents == [taken(types.Content, content) for content in contents]
    assert body["tools"] == [taken(types.Tool, tool) for tool in body["tools"]]
    for name, kind in shapes.items():
        assert body[name] == taken(kind, body[name])


def test_the_sdk_sends_the_same() -> None:
    """From the same conversation and settings, the SDK builds the body that we build."""
    body = orjson.loads(encode_request(REQUEST, server_calls=True))
    sent: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return httpx2.Response(200, json={})

    config = types.GenerateContentConfig.model_validate(
        {
            **body["generationConfig"],
            "tools": body["tools"],
            "toolConfig": body["toolConfig"],
            "systemInstruction": body["systemInstruction"],
            "automaticFunctionCalling": {"disable": True},
        }
    )
    contents: Any = [
        types.Content.model_validate_json(orjson.dumps(content)) for content in body["contents"]
    ]
    with (
        httpx2.Client(transport=httpx2.MockTransport(answer)) as http,
        genai.Client(api_key="none", http_options={"httpx_client": http}) as sdk,
    ):
        sdk.models.generate_content(model="gemini-3-pro", contents=contents, config=config)
    theirs = camel(json.loads(sent[0].content))
    assert sorted(theirs.pop("tools"), key=str) == sorted(body.pop("tools"), key=str)
    assert theirs == body


def camel(value: Any) -> Any:
    """JSON with its snake_case keys in camelCase: the API takes both, the SDK mixes them."""
    if isinstance(value, list):
        return [camel(item) for item in value]
    if isinstance(value, dict):
        return {re.sub("_(.)", lambda m: m[1].upper(), key): camel(v) for key, v in value.items()}
    return value
