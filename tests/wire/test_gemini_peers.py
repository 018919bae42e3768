"""What other gateways get wrong with Gemini, and what is right.

Sources: github.com/Portkey-AI/gateway 1.15.2 and github.com/BerriAI/litellm 1.106.2, tried on
loopback, and their issues; read 2026-11-22.
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from asgi_thinking import requests
from asgi_thinking.capabilities import Capabilities
from asgi_thinking.dialects import Asked
from asgi_thinking.dialects.content_blocks import PORTKEY
from asgi_thinking.dialects.openai import OPENAI
from asgi_thinking.dialects.truefoundry import TRUEFOUNDRY
from asgi_thinking.history import keep_verifiable, reader
from asgi_thinking.messages import assemble, synthetic_call_id
from asgi_thinking.models_gemini import gemini, signs_calls
from asgi_thinking.reconcile import reconcile
from asgi_thinking.wire.gemini import decode_error, decode_reply, encode_request
from asgi_thinking.wire.gemini.requests import STAND_IN
from tests.wire.gemini_transcripts import (
    GROUNDING,
    NAMED,
    USAGE,
    JSONObject,
    array,
    call,
    chunk,
    decode,
    sse,
)

ASKED = Asked(thinking=True, include_usage=True)
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
HELLO = {"role": "user", "content": "Hi"}


def sent(model: str, *messages: JSONObject, **fields: Any) -> JSONObject:
    """The body that goes upstream for a caller's body, through every step before it."""
    body = {"model": model, "messages": [HELLO, *messages], **fields}
    read = reader((OPENAI, TRUEFOUNDRY, PORTKEY))
    request = requests.decode(body, read_assistant=read)
    turns, _ = keep_verifiable(request.messages, frozenset({"gemini"}))
    accepts: Capabilities = gemini(model)
    fixed = reconcile(request.but(messages=turns), accepts, shows_thinking=True)
    return orjson.loads(encode_request(fixed.request, signs=signs_calls(model)))


def thinking(model: str, **fields: Any) -> JSONObject:
    """The thinkingConfig that goes upstream."""
    return sent(model, max_tokens=8_192, **fields)["generationConfig"]["thinkingConfig"]


def streamed(dialect: Any, stream: bytes) -> list[JSONObject]:
    """The chunks that a client of the dialect gets; an error counts as one."""
    data: bytes = dialect.encoder(ASKED).feed(decode(stream))
    lines = [line.partition(b"data: ")[2] for line in data.split(b"\n\n")]
    return [orjson.loads(line) for line in lines if line not in (b"", b"[DONE]")]


def deltas(chunks: list[JSONObject], key: str) -> list[Any]:
    """What the chunks of a stream say under a key of their deltas."""
    found = [choice["delta"] for body in chunks for choice in body.get("choices", ())]
    return [delta[key] for delta in found if delta.get(key)]


def finishes(chunks: list[JSONObject]) -> list[str]:
    """The reasons to finish."""
    found = [choice["finish_reason"] for body in chunks for choice in body.get("choices", ())]
    return [reason for reason in found if reason]


PARALLEL = (
    chunk({"text": "plan", "thought": True}),
    chunk(call("f", {"n": 1}, thoughtSignature="c2ln"), call("f", {"n": 2})),
    chunk(call("f", {"n": 3})),
    chunk({"text": "and"}, call("g"), finish="STOP", usageMetadata=USAGE),
)


@pytest.mark.parametrize("dialect", [OPENAI, TRUEFOUNDRY, PORTKEY])
def test_every_call_of_a_stream_arrives_under_its_own_index(dialect: Any) -> None:
    """Portkey numbers them anew in every chunk, drops those after a text, and finishes as stop."""
    chunks = streamed(dialect, array(*PARALLEL))
    starts = [item for items in deltas(chunks, "tool_calls") for item in items if "id" in item]
    assert [0, 1, 2, 3] == [item["index"] for item in starts]
    assert ["f", "f", "f", "g"] == [item["function"]["name"] for item in starts]
    assert [synthetic_call_id("r1", n) for n in range(4)] == [item["id"] for item in starts]
    assert ["tool_calls"] == finishes(chunks)
    assert ["and"] == deltas(chunks, "content")


@pytest.mark.parametrize("stream", [array(*PARALLEL, pretty=False), sse(*PARALLEL, line=b"\n")])
def test_the_last_chunk_is_never_lost(stream: bytes) -> None:
    """Portkey cuts a compact array's last element, and reads nothing at all with plain LFs."""
    chunks = streamed(PORTKEY, stream)
    assert ["tool_calls"] == finishes(chunks)
    usage = chunks[-1]["usage"]
    assert (17, 87, 104) == tuple(
        usage[f"{name}_tokens"] for name in ("prompt", "completion", "total")
    )
    assert {"reasoning_tokens": 57} == usage["completion_tokens_details"]


def test_the_signature_of_a_text_survives_a_stream() -> None:
    """Portkey and LiteLLM lose it, on a text as on an empty part; here it comes back as it was."""
    stream = sse(
        chunk({"text": "a"}), chunk({"text": "", "thoughtSignature": "c2ln"}, finish="STOP")
    )
    found = [
        part for parts in deltas(streamed(PORTKEY, stream), "content_blocks") for part in parts
    ]
    assert [{"index": 1, "delta": {"thought_signature": "c2ln"}}] == found[-1:]
    blocks = [
        block
        for items in deltas(streamed(TRUEFOUNDRY, stream), "thinking_blocks")
        for block in items
    ]
    echo = {"role": "assistant", "content": "a", "thinking_blocks": blocks}
    _, said = sent("gemini-3-flash", echo)["contents"]
    assert [{"text": "a"}, {"text": "", "thoughtSignature": "c2ln"}] == said["parts"]


def test_an_error_in_a_stream_is_an_error() -> None:
    """Portkey makes an empty chunk of it, LiteLLM a reply that stopped."""
    error = {"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}}
    told = {"message": "Overloaded", "type": "server_error", "param": None, "code": "UNAVAILABLE"}
    for stream in (array(chunk({"text": "a"}), error), sse(chunk({"text": "a"}), error)):
        chunks = streamed(OPENAI, stream)
        assert {"error": told} == chunks[-1]
        assert [] == finishes(chunks)


def test_a_stream_that_breaks_off_is_an_error() -> None:
    """Both end it as if it were whole."""
    chunks = streamed(OPENAI, sse(chunk({"text": "a"})))
    assert "gemini: the reply ended before its finish reason" == chunks[-1]["error"]["message"]


def test_a_blocked_prompt_is_a_filtered_reply() -> None:
    """Portkey answers 200 with an error in it."""
    feedback = {"blockReason": "PROHIBITED_CONTENT"}
    body = orjson.dumps({**NAMED, "promptFeedback": feedback})
    reply = OPENAI.encode_message(assemble(decode_reply(body, 1, "gemini")), ASKED)
    (choice,) = reply["choices"]
    assert ("content_filter", "") == (choice["finish_reason"], choice["message"]["content"])


def test_the_vendors_own_tools_are_no_calls_of_the_client() -> None:
    """Their input is nobody's to run."""
    code = {"executableCode": {"language": "PYTHON", "code": "1"}}
    chunks = streamed(OPENAI, sse(chunk(code, {"text": "1"}, finish="STOP")))
    assert [] == deltas(chunks, "tool_calls")
    assert ["stop"] == finishes(chunks)


def test_the_shape_of_a_reply_in_portkeys_dialect() -> None:
    """Thinking in blocks, calls beside them with their signature, everything counted once."""
    reply = chunk(
        {"text": "plan", "thought": True},
        call("f", {"n": 1}, thoughtSignature="c2ln"),
        finish="STOP",
        usageMetadata=USAGE,
    )
    message = assemble(decode_reply(orjson.dumps(reply), 1, "gemini"))
    body = PORTKEY.encode_message(message, ASKED)
    function = {"name": "f", "arguments": '{"n":1}', "thought_signature": "c2ln"}
    called = {"id": synthetic_call_id("r1", 0), "type": "function", "function": function}
    expected = {
        "role": "assistant",
        "content": None,
        "content_blocks": [{"type": "thinking", "thinking": "plan"}],
        "tool_calls": [called],
    }
    assert "google" == body["provider"]
    assert expected == body["choices"][0]["message"]


def test_grounding_reaches_clients_as_annotations_and_as_it_came() -> None:
    """Sources in OpenAI's form, and the vendor's own object where the dialect has room for it."""
    stream = sse(
        chunk({"text": "It is 4 °C."}),
        chunk(finish="STOP", candidate={"groundingMetadata": GROUNDING}),
    )
    chunks = streamed(TRUEFOUNDRY, stream)
    place = {"start_index": 6, "end_index": 10, "title": "Weather", "url": "https://example.org/w"}
    assert [[{"type": "url_citation", "url_citation": place}]] == deltas(chunks, "annotations")
    choices = [choice for body in chunks for choice in body["choices"]]
    assert [GROUNDING] == [c["groundingMetadata"] for c in choices if "groundingMetadata" in c]


def test_a_signature_comes_back_whatever_the_model_is_called() -> None:
    """LiteLLM puts the stand-in in its place where an alias has no "gemini" in it."""
    google = {"google": {"thought_signature": "c2ln"}}
    function = {"name": "f", "arguments": "{}"}
    calls = [
        {"id": "call_1", "type": "function", "function": function, "extra_content": google},
        {"id": "call_2", "type": "function", "function": function},
    ]
    echo = {"role": "assistant", "tool_calls": calls}
    answers = [{"role": "tool", "tool_call_id": f"call_{n}", "content": "1"} for n in (1, 2)]
    _, said, told = sent("my-alias", echo, *answers, tools=TOOLS)["contents"]
    assert ["c2ln", None] == [part.get("thoughtSignature") for part in said["parts"]]
    assert ["f", "f"] == [part["functionResponse"]["name"] for part in told["parts"]]
    del calls[0]["extra_content"]
    _, said, _ = sent("my-alias", echo, *answers, tools=TOOLS)["contents"]
    assert [STAND_IN, None] == [part.get("thoughtSignature") for part in said["parts"]]
    _, said, _ = sent("gemini-2.5-flash", echo, *answers, tools=TOOLS)["contents"]
    assert [None, None] == [part.get("thoughtSignature") for part in said["parts"]]


def test_another_vendors_history_leaves_no_thoughts() -> None:
    """LiteLLM hands them to Gemini as thoughts of its own."""
    block = {"type": "thinking", "thinking": "secret", "signature": "c2ln"}
    echo = {"role": "assistant", "content": "a", "thinking_blocks": [block]}
    _, said = sent("gemini-3-flash", echo)["contents"]
    assert {"role": "model", "parts": [{"text": "a"}]} == said


@pytest.mark.parametrize(
    "fields", [{"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}]
)
def test_thinking_can_be_switched_off(fields: JSONObject) -> None:
    """LiteLLM sends an empty config for "disabled", which switches nothing off."""
    off = {"includeThoughts": False, "thinkingBudget": 0}
    assert off == thinking("gemini-2.5-flash", **fields)
    least = {"includeThoughts": False, "thinkingLevel": "MINIMAL"}
    assert least == thinking("gemini-3-flash", **fields)
    assert least | {"thinkingLevel": "LOW"} == thinking("gemini-3.1-pro", **fields)
    # Where it cannot be, no budget of 0 is sent: LiteLLM does, and gets 400.
    assert thinking("gemini-2.5-pro", **fields).get("thinkingBudget") != 0


@pytest.mark.parametrize(
    ("effort", "level", "budget"),
    [
        ("minimal", "LOW", 819),
        ("low", "LOW", 1_638),
        ("medium", "MEDIUM", 4_096),
        ("high", "HIGH", 6_553),
        ("xhigh", "HIGH", 7_782),
        ("max", "HIGH", 7_782),
    ],
)
def test_every_effort_is_taken(effort: str, level: str, budget: int) -> None:
    """LiteLLM refuses the highest two, and gives the lowest a budget of 1."""
    shown = {"includeThoughts": True}
    assert shown | {"thinkingLevel": level} == thinking("gemini-3.8-flash", reasoning_effort=effort)
    budgeted = shown | {"thinkingBudget": budget}
    assert budgeted == thinking("gemini-2.5-flash", reasoning_effort=effort)


def test_level_and_budget_never_stand_together() -> None:
    """Portkey sends both for a caller who gives both, which the API refuses."""
    both: JSONObject = {
        "thinking": {"type": "enabled", "budget_tokens": 2_030},
        "reasoning_effort": "high",
    }
    shown = {"includeThoughts": True}
    assert shown | {"thinkingBudget": 2_030} == thinking("gemini-2.5-flash", **both)
    assert shown | {"thinkingLevel": "HIGH"} == thinking("gemini-3.8-flash", **both)


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [{"type": "function", "function": {"name": "google_search"}}]},
        {"tools": [{"type": "function", "function": {"name": "googleSearch"}}]},
        {"tools": [{"google_search": {}}]},
        {"tools": [{"googleSearch": {}}]},
        {"tools": [{"type": "google_search"}]},
        {"web_search_options": {}},
    ],
)
def test_every_way_to_ask_for_the_search(fields: JSONObject) -> None:
    """LiteLLM declares a function of that name instead, and drops the search beside others."""
    assert [{"googleSearch": {}}] == sent("gemini-2.5-flash", **fields)["tools"]
    beside = {**fields, "tools": [*fields.get("tools", ()), *TOOLS]}
    names = [key for tool in sent("gemini-3-flash", **beside)["tools"] for key in tool]
    assert ["functionDeclarations", "googleSearch"] == names


def test_an_error_in_an_array_is_read() -> None:
    """Portkey calls it an invalid response and shows its bytes."""
    error = {"code": 400, "message": "API key not valid", "status": "INVALID_ARGUMENT"}
    told = decode_error(400, orjson.dumps([{"error": error}]), "gemini")
    assert ("API key not valid", 400) == (told.message, told.status)
