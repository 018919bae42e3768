"""What OpenAI's own SDK makes of the same bytes; a module of its own, for it loads slowly."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import httpx2
import openai
import orjson
import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionContentPartParam
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming as NonStreaming,
)
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsStreaming as Streaming,
)
from pydantic import TypeAdapter

from asgi_thinking.events import Event
from asgi_thinking.messages import (
    Choice,
    File,
    Image,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    Turn,
    assemble,
)
from asgi_thinking.models_openai import FAMILIES, find_model
from asgi_thinking.requests import ChatRequest, ResponseFormat, ThinkingConfig, Tool, ToolChoice
from asgi_thinking.wire.openai import OpenAIDecoder, decode_error, decode_reply, encode_request
from tests.wire.openai_transcripts import DETAILED, FULL_MESSAGE, FULL_STREAM, finished

ROOT = os.environ.get("ASGI_THINKING_RECORDINGS", "")
QUESTION: Any = {"model": "m", "messages": [{"role": "user", "content": "?"}]}


def client(status: int, kind: str, body: bytes) -> openai.OpenAI:
    """An SDK client whose upstream answers with these bytes."""
    reply = httpx2.Response(status, headers={"content-type": kind}, content=body)
    transport = httpx2.MockTransport(lambda _: reply)
    return openai.OpenAI(
        api_key="none", max_retries=0, http_client=httpx2.Client(transport=transport)
    )


def streamed(body: bytes) -> Any:
    """The completion that the SDK accumulates from the bytes of a stream."""
    state: Any = ChatCompletionStreamState()
    with client(200, "text/event-stream", body) as sdk:
        for chunk in sdk.chat.completions.create(stream=True, **QUESTION):
            for choice in chunk.choices:
                for key in UNMERGED:
                    (choice.delta.model_extra or {}).pop(key, None)
            state.handle_chunk(chunk)
    return state.current_completion_snapshot


# What the SDK's helper raises for, because it is a list whose items have no index.
UNMERGED = ("reasoning_details", "annotations", "provider_metadata")


def plain(text: str) -> str:
    """A text without the blank lines that may part its pieces."""
    return "".join(text.split())


def compare(theirs: Any, events: list[Event]) -> None:
    """The SDK's completion and ours say the same: text, thinking, calls, reason and usage."""
    ours = assemble(events)
    assert theirs.id in ("", ours.id)
    assert (theirs.model, theirs.created or 1) == (ours.model, ours.created)
    for their, our in zip(theirs.choices, ours.choices, strict=True):
        compare_choices(their, our)
    if theirs.usage is not None:
        usage = ours.usage
        assert usage is not None
        assert theirs.usage.prompt_tokens == usage.input
        assert max(theirs.usage.completion_tokens, usage.output or 0) == usage.output
        details = theirs.usage.completion_tokens_details
        assert (details.reasoning_tokens if details else None) == usage.reasoning


def compare_choices(their: Any, our: Choice) -> None:
    """One choice of each."""
    message = their.message
    refusals = "".join(block.text for block in our.blocks if isinstance(block, Refusal))
    assert ((message.content or ""), (message.refusal or "")) == (our.text, refusals)
    extra = message.model_extra or {}
    thought = extra.get("reasoning_content") or extra.get("reasoning") or ""
    thoughts = "".join(block.text for block in our.blocks if isinstance(block, Thinking))
    assert plain(thought) in ("", plain(thoughts))
    assert [(c.id, c.function.name, c.function.arguments) for c in message.tool_calls or ()] == [
        (b.id, b.name, b.arguments) for b in our.blocks if isinstance(b, ToolCall)
    ]
    assert (their.finish_reason or "") == our.native


def decoded(body: bytes) -> list[Event]:
    """Our events of a stream."""
    decoder = OpenAIDecoder(1, "openai")
    return [*decoder.feed(body), *decoder.close()]


# What the SDK's helper cannot accumulate, or raises for.
BEYOND = {"error", "content_list", "extra_content"}


def recorded() -> list[tuple[str, bytes]]:
    """The replies of the directory of recordings that the SDK can read."""
    index = json.loads(Path(ROOT, "index.json").read_bytes()) if ROOT else []
    return [
        (f"{entry['dir']}{file.suffix}", file.read_bytes())
        for entry in index
        if entry["provider"] == "openai-compat" and not BEYOND.intersection(entry["features"])
        for file in Path(ROOT, entry["dir"]).glob("upstream_response.*")
    ]


OWN = [
    ("full.sse", FULL_STREAM),
    ("details.sse", finished(*DETAILED)),
    ("full.json", FULL_MESSAGE),
]
NONE = pytest.param(
    "",
    b"",
    marks=pytest.mark.skip(reason="ASGI_THINKING_RECORDINGS names no directory of recordings"),
)


def whole(body: bytes) -> Any:
    """The completion that the SDK reads from a JSON reply."""
    with client(200, "application/json", body) as sdk:
        return sdk.chat.completions.create(**QUESTION)


@pytest.mark.parametrize(("name", "body"), [*OWN, *(recorded() or [NONE])])
def test_a_reply_is_what_the_sdk_makes_of_it(name: str, body: bytes) -> None:
    """OpenAI's own client makes the same of the bytes of a stream, and of a JSON reply."""
    if name.endswith(".sse"):
        compare(streamed(body), decoded(body))
    else:
        compare(whole(body), decode_reply(body, 1, "openai"))


@pytest.mark.parametrize("code", ["invalid_api_key", None])
def test_an_error_is_what_the_sdk_makes_of_it(code: str | None) -> None:
    """The SDK finds the same message, type, param and code in an error body."""
    fields = {"message": "No.", "type": "invalid_request_error", "param": None, "code": code}
    body = orjson.dumps({"error": fields})
    with client(401, "application/json", body) as sdk, pytest.raises(openai.APIStatusError) as e:
        sdk.chat.completions.create(**QUESTION)
    ours = decode_error(401, body, "openai")
    theirs: Any = e.value.body
    assert theirs == {k: getattr(ours, k) for k in fields}
    assert e.value.status_code == ours.status


TURNS = (
    Turn("system", (Text("Be brief."), Text("Be kind."))),
    Turn("developer", (Text("Hurry."),)),
    Turn(
        "user",
        (
            Text("Look: "),
            Image("image/png", "QQ=="),
            Image(url="https://example.org/a.png"),
            File("application/pdf", "QQ==", "a.pdf"),
        ),
    ),
    Turn(
        "assistant",
        (
            Thinking("why", "c2ln"),
            Text("One moment."),
            ToolCall("call_1", "f", '{"a":[1,"x"]}'),
            ToolCall("call_2", "g", ""),
        ),
    ),
    Turn("tool", (Text("12 °C"),), "call_1"),
    Turn("tool", (Text("a"), Text("b")), "call_2", is_error=True),
    Turn("assistant", (Text("Done."),)),
    Turn("user", (Text("And?"),), cache_control={"type": "ephemeral"}),
)
REQUEST = ChatRequest(
    "gpt-5.2",
    TURNS,
    max_tokens=4096,
    thinking=ThinkingConfig("adaptive", None, "high"),
    temperature=0.5,
    top_p=0.9,
    stop=("END",),
    n=2,
    seed=7,
    presence_penalty=0.1,
    frequency_penalty=0.2,
    logprobs=True,
    top_logprobs=3,
    logit_bias={"1": 2},
    tools=(Tool("f", "Does.", {"type": "object", "properties": {}}, strict=True), Tool("g")),
    tool_choice=ToolChoice("required", allowed=("g",)),
    parallel_tool_calls=False,
    response_format=ResponseFormat("json_schema", "n", {"type": "object"}),
    web_search=True,
    user="u1",
    service_tier="default",
    verbosity="low",
)


def taken(kind: Any, value: Any) -> Any:
    """The value as an SDK's type gives it back: without the fields that it does not know."""
    types: TypeAdapter[Any] = TypeAdapter(kind)
    return json.loads(types.dump_json(types.validate_python(value)))


@pytest.mark.parametrize(
    ("family", "unknown"),
    [
        ("openai", set()),
        ("deepseek", {"thinking"}),
        ("vllm", {"chat_template_kwargs"}),
        ("openrouter", {"reasoning", "plugins"}),
        ("groq", set()),
        ("ollama", set()),
        ("xai", set()),
        ("mistral", {"random_seed"}),
        ("qwen", {"enable_thinking", "enable_search"}),
        ("google", set()),
        ("gpt-oss", set()),
        ("compatible", set()),
    ],
)
def test_a_request_is_one_of_the_sdks_own_types(family: str, unknown: set[str]) -> None:
    """The SDK's types take the body as it is, and know every field but the vendor's own."""
    found = FAMILIES[family]
    switch = find_model(found, "gpt-5.2").switch
    for stream, params in ((False, NonStreaming), (True, Streaming)):
        body = orjson.loads(encode_request(REQUEST, found, switch, stream=stream))
        assert unknown == {key for key in unknown if body.pop(key, None) is not None}
        # Lists in lists are checked lazily by the SDK's types, so parts are checked one by one.
        messages = [_without(message, THOUGHTS) for message in body["messages"]]
        lists = [m["content"] for m in messages if isinstance(m["content"], list)]
        parts = [_without(part, THOUGHTS) for content in lists for part in content]
        parts = [part for part in parts if part["type"] != "thinking"]
        assert parts == [taken(ChatCompletionContentPartParam, part) for part in parts]
        bare = [m | {"content": "x"} if isinstance(m["content"], list) else m for m in messages]
        assert {**body, "messages": bare} == taken(params, {**body, "messages": bare})


# What OpenAI's own API does not take back, or does not know.
THOUGHTS = {"reasoning_content", "reasoning", "reasoning_details", "cache_control"}


def _without(value: Any, keys: set[str]) -> Any:
    return {key: value for key, value in value.items() if key not in keys}
