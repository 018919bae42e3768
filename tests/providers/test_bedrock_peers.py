"""What other gateways are known to get wrong with Bedrock, from a caller's body to its reply."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from asgi_thinking.dialects import Asked
from asgi_thinking.dialects.content_blocks import PORTKEY
from asgi_thinking.dialects.openai import OPENAI
from asgi_thinking.events import MessageStart
from asgi_thinking.exchange import Job
from asgi_thinking.messages import assemble
from asgi_thinking.providers.bedrock import BedrockProvider
from asgi_thinking.service import Service
from asgi_thinking.wire.converse import ConverseDecoder, decode_reply
from tests.providers.bedrock_scene import REGION, forget_aws
from tests.scripted import going
from tests.wire.aws_frames import event, exception
from tests.wire.converse_transcripts import BLOB, REDACTED, START, delta, start, stop, thought

JSONObject = dict[str, Any]

OLD = "anthropic.claude-3-7-sonnet-20250219-v1:0"
NEW = "us.anthropic.claude-opus-4-7"
ASKED = Asked(thinking=True)
HEAD = MessageStart("req-1", OLD, 1, "bedrock")


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """No credential of this machine is found."""
    forget_aws(monkeypatch, tmp_path)


def sent(api: Any = "converse", **body: Any) -> JSONObject:
    """What goes upstream for a caller's body."""
    provider = BedrockProvider(REGION, api_key="k", api=api)
    service = Service(providers={"bedrock": provider})
    given = {"model": OLD, "max_tokens": 3000, "messages": [{"role": "user", "content": "hi"}]}
    job = service.prepare([], orjson.dumps(given | body))
    assert isinstance(job, Job)
    return orjson.loads(provider.build(going(job).request).body)


THINKING = {"type": "thinking", "thinking": "need weather", "signature": "c2ln"}
HIDDEN = {"type": "redacted_thinking", "data": REDACTED}
TEXT = {"type": "text", "text": "Let me check."}
CALL = {
    "id": "toolu_1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city":"Tokyo"}'},
}
TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": {}}}]
ANSWER = {"role": "tool", "tool_call_id": "toolu_1", "content": "Sunny"}
ENABLED = {"type": "enabled", "budget_tokens": 2030}
USER = {"role": "user", "content": "Weather in Tokyo?"}


@pytest.mark.parametrize(
    "said",
    [
        {"content": [THINKING, HIDDEN, TEXT]},
        {"content": None, "content_blocks": [THINKING, HIDDEN, TEXT]},
        {"content": "Let me check.", "thinking_blocks": [THINKING, HIDDEN]},
    ],
    ids=["content", "content_blocks", "thinking_blocks"],
)
def test_redacted_thinking_survives_the_echo(said: JSONObject) -> None:
    """In every form that clients send it back in, in its place, with the call behind it."""
    turns = [USER, {"role": "assistant", **said, "tool_calls": [CALL]}, ANSWER]
    body = sent(messages=turns, tools=TOOLS, thinking=ENABLED)
    text = {"text": "need weather", "signature": "c2ln"}
    assert [
        {"reasoningContent": {"reasoningText": text}},
        {"reasoningContent": {"redactedContent": BLOB}},
        {"text": "Let me check."},
        {"toolUse": {"toolUseId": "toolu_1", "name": "get_weather", "input": {"city": "Tokyo"}}},
    ] == body["messages"][1]["content"]
    assert {"thinking": ENABLED} == {
        key: value
        for key, value in body["additionalModelRequestFields"].items()
        if key == "thinking"
    }
    by_invoke = sent("invoke", messages=turns, tools=TOOLS, thinking=ENABLED)
    assert [THINKING, HIDDEN, TEXT] == by_invoke["messages"][1]["content"][:3]


def test_a_turn_of_nothing_but_thinking_is_no_empty_message() -> None:
    """The API refuses an empty one, and one that ends in thinking: it is left out."""
    turn = {"role": "assistant", "content": None, "content_blocks": [THINKING, HIDDEN]}
    body = sent(messages=[USER, turn, {"role": "user", "content": "go on"}], thinking=ENABLED)
    assert [("user", 2)] == [(turn["role"], len(turn["content"])) for turn in body["messages"]]


def test_unsigned_thinking_never_becomes_the_answer() -> None:
    """It is left out, for nobody could verify it, and is no text of the assistant's either."""
    unsigned = {"role": "assistant", "content": "b", "reasoning_content": "secret"}
    body = sent(messages=[USER, unsigned, USER])
    assert [{"text": "b"}] == body["messages"][1]["content"]


@pytest.mark.parametrize("api", ["invoke", "converse"])
def test_an_effort_is_not_ignored(api: Any) -> None:
    """Budget-only models get a budget of at least 1,024 tokens, below the limit."""

    def thinking(model: str, **body: Any) -> Any:
        fields = sent(api, model=model, **body)
        fields |= fields.get("additionalModelRequestFields", {})
        return fields.get("thinking")

    assert {"type": "enabled", "budget_tokens": 2400} == thinking(OLD, reasoning_effort="high")
    assert {"type": "enabled", "budget_tokens": 1024} == thinking(OLD, reasoning_effort="minimal")
    assert thinking(OLD, reasoning_effort="none") is None
    shown = thinking(NEW, reasoning_effort="high")
    assert {"type": "adaptive", "display": "summarized"} == shown


@pytest.mark.parametrize(("budget", "limit"), [(500, 3000), (4000, 3000), (2000, 50)])
def test_a_budget_fits(budget: int, limit: int) -> None:
    """Neither too small nor beyond the limit; where there is no room, thinking is off."""
    asked = {"type": "enabled", "budget_tokens": budget}
    body = sent(thinking=asked, max_tokens=limit)
    fields = body.get("additionalModelRequestFields", {})
    assert limit == body["inferenceConfig"]["maxTokens"]
    budgets = [fields["thinking"]["budget_tokens"]] if limit > 1024 else []
    assert all(1024 <= found < limit for found in budgets)
    assert ("thinking" in fields) is (limit > 1024)


def test_what_excludes_thinking_is_not_sent_beside_it() -> None:
    """Forced calls, temperature and the like are refused by these models while they think."""
    body = sent(
        thinking=ENABLED, temperature=0.5, top_p=0.5, top_k=5, tools=TOOLS, tool_choice="required"
    )
    assert {"maxTokens": 3000} == body["inferenceConfig"]
    assert "toolChoice" not in body["toolConfig"]
    assert "top_k" not in body["additionalModelRequestFields"]


def test_the_callers_other_fields_go_nowhere() -> None:
    """What Bedrock does not know would be refused."""
    more = {"user": "u", "seed": 7, "verbosity": "low", "parallel_tool_calls": False, "n": 1}
    body = sent(**more, logprobs=True, guardrailConfig={}, web_search_options={})
    assert {"messages", "inferenceConfig"} == body.keys()


REPLY: JSONObject = {
    "metrics": {"latencyMs": 10},
    "output": {
        "message": {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "é漢🙂", "signature": "c2ln"}}},
                {"reasoningContent": {"redactedContent": BLOB}},
                {"text": "Hello"},
            ],
        }
    },
    "stopReason": "end_turn",
    "usage": {
        "inputTokens": 45,
        "outputTokens": 180,
        "totalTokens": 232,
        "cacheReadInputTokens": 7,
    },
}
BLOCKS = [{"type": "thinking", "thinking": "é漢🙂", "signature": "c2ln"}, HIDDEN]


def test_a_reply_has_the_gateways_shape() -> None:
    """The blocks stand beside the answer, and the reason is the vendor's own word."""
    message = assemble(decode_reply(orjson.dumps(REPLY), HEAD))
    body = PORTKEY.encode_message(message, ASKED)
    choice = body["choices"][0]
    shown = {
        "role": "assistant",
        "content": "Hello",
        "content_blocks": [*BLOCKS, {"type": "text", "text": "Hello"}],
    }
    assert (OLD, "bedrock", shown, "end_turn") == (
        body["model"],
        body["provider"],
        choice["message"],
        choice["finish_reason"],
    )
    counts = {"prompt_tokens": 52, "completion_tokens": 180, "total_tokens": 232}
    assert {**counts, "prompt_tokens_details": {"cached_tokens": 7}} == body["usage"]


FRAMES = [
    START,
    thought(0, text="é漢🙂"),
    thought(0, signature="c2ln"),
    stop(0),
    thought(1, redactedContent=BLOB),
    stop(1),
    delta(2, text="Let me check."),
    stop(2),
    start(3, toolUse={"toolUseId": "tooluse_1", "name": "get_weather"}),
    delta(3, toolUse={"input": '{"city":"Tokyo"}'}),
    stop(3),
    event("messageStop", stopReason="tool_use"),
    event("metadata", usage=REPLY["usage"], metrics={"latencyMs": 9}),
]


def chunks_of(dialect: Any, *reads: bytes) -> list[Any]:
    """The chunks of a stream in a dialect, without what surrounds each."""
    decoder, encoder = ConverseDecoder(HEAD), dialect.encoder(ASKED)
    batches = [*(decoder.feed(data) for data in reads), decoder.close()]
    sse = b"".join(encoder.feed(batch) for batch in batches if batch)
    return [line.partition(b"data: ")[2] for line in sse.split(b"\n") if line.startswith(b"data")]


def test_a_stream_has_the_gateways_shape_however_it_is_cut() -> None:
    """In reads of 7 bytes, and with the prelude of a frame in pieces, nothing is lost."""
    stream = b"".join(FRAMES)
    whole = chunks_of(PORTKEY, stream)
    for size in (1, 3, 7, 64):
        assert whole == chunks_of(
            PORTKEY, *(stream[place : place + size] for place in range(0, len(stream), size))
        )
    parts = [
        part["delta"]
        for chunk in whole[:-1]
        for part in orjson.loads(chunk)["choices"][0]["delta"].get("content_blocks", ())
    ]
    assert [
        {"thinking": "", "signature": ""},
        {"thinking": "é漢🙂"},
        {"signature": "c2ln"},
        {"data": REDACTED},
        {"text": ""},
        {"text": "Let me check."},
    ] == parts
    last = orjson.loads(whole[-2])
    assert b"[DONE]" == whole[-1]
    assert "tool_use" == last["choices"][0]["finish_reason"]
    assert 232 == last["usage"]["total_tokens"]


def test_a_strict_stream_has_no_empty_chunks_for_thinking() -> None:
    """While the model thinks, nothing but the role is said, and nothing shows that it does."""
    chunks = chunks_of(OPENAI, *FRAMES)
    assert b"c2ln" not in b"".join(chunks)
    deltas = [orjson.loads(chunk)["choices"][0]["delta"] for chunk in chunks[:-1]]
    assert [{"role": "assistant", "content": ""}, {"content": "Let me check."}] == [
        {key: found[key] for key in ("role", "content") if found.get(key) is not None}
        for found in deltas[:2]
    ]


@pytest.mark.parametrize("dialect", [PORTKEY, OPENAI], ids=["portkey", "openai"])
def test_a_failure_in_the_middle_is_no_end(dialect: Any) -> None:
    """The vendor's words reach the caller; there is no reason and no [DONE]."""
    chunks = chunks_of(dialect, *FRAMES[:3], exception("throttlingException", "Slow down."))
    assert "Slow down." == orjson.loads(chunks[-1])["error"]["message"]
    reasons = [orjson.loads(chunk)["choices"][0]["finish_reason"] for chunk in chunks[:-1]]
    assert {None} == set(reasons)
    truncated = chunks_of(dialect, *FRAMES[:-2])
    assert "ended before messageStop" in orjson.loads(truncated[-1])["error"]["message"]
