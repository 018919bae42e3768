"""What other gateways send wrong to a vendor, and what is right, from a caller's body on.

Sources: github.com/Portkey-AI/gateway 1.15.2 and github.com/BerriAI/litellm 1.106.2, tried on
loopback, and their issues; read 2026-11-22.
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from asgi_thinking.exchange import Job, Refusal
from asgi_thinking.service import Service
from asgi_thinking.transport import UpstreamRequest
from tests.providers.bedrock_scene import forget_aws
from tests.providers.peers_scene import CLAUDES, MODELS, NAMES, provider_of
from tests.scripted import going

JSONObject = dict[str, Any]

USER = {"role": "user", "content": "Weather in Tokyo?"}
THINKING = {"type": "thinking", "thinking": "need weather", "signature": "c2ln"}
LATER = {"type": "thinking", "thinking": "and Oslo", "signature": "c2lnMg=="}
HIDDEN = {"type": "redacted_thinking", "data": "cmVk"}
TEXT = {"type": "text", "text": "Let me check."}
CALLS: list[JSONObject] = [
    {"id": f"t{n}", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    for n in (1, 2)
]
ANSWERS = [{"role": "tool", "tool_call_id": f"t{n}", "content": "Sunny"} for n in (1, 2)]
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
ENABLED = {"type": "enabled", "budget_tokens": 2030}


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """No credential of this machine is found."""
    forget_aws(monkeypatch, tmp_path)


def prepared(name: str, **body: Any) -> Job | Refusal | None:
    """What becomes of a caller's body."""
    service = Service(providers={"p": provider_of(name)})
    given = {"model": f"p/{MODELS[name]}", "max_tokens": 3000, "messages": [USER], **body}
    return service.prepare([], orjson.dumps(given))


def job_of(name: str, **body: Any) -> tuple[Job, UpstreamRequest]:
    """The job that becomes of a caller's body, and what goes upstream."""
    job = prepared(name, **body)
    assert isinstance(job, Job)
    return job, provider_of(name).build(going(job).request)


def sent(name: str, **body: Any) -> JSONObject:
    """The body that goes upstream, with what Converse passes on to the model beside the rest."""
    fields: JSONObject = orjson.loads(job_of(name, **body)[1].body)
    return {**fields, **fields.get("additionalModelRequestFields", {})}


def blocks(name: str, **said: Any) -> list[JSONObject]:
    """The assistant's blocks as they go back to Claude, each in Anthropic's form."""
    turn = {"role": "assistant", **said}
    turns = [USER, turn, *(ANSWERS if "tool_calls" in said else [USER])]
    found = sent(name, messages=turns, tools=TOOLS, thinking=ENABLED)["messages"][1]["content"]
    return [claudes(block) for block in found]


def claudes(block: JSONObject) -> JSONObject:
    """A block of Converse's as Anthropic has it."""
    match block:
        case {"reasoningContent": {"reasoningText": {"text": text, "signature": signature}}}:
            return {"type": "thinking", "thinking": text, "signature": signature}
        case {"reasoningContent": {"redactedContent": _}}:
            return HIDDEN
        case {"toolUse": {"toolUseId": name}}:
            return {"type": "tool_use", "id": name, "name": "f", "input": {}}
        case {"text": text, **rest} if not rest:
            return {"type": "text", "text": text}
        case _:
            return block


def use(name: str) -> JSONObject:
    return {"type": "tool_use", "id": name, "name": "f", "input": {}}


# -- what comes back of an earlier reply -------------------------------------------------------


@pytest.mark.parametrize("name", CLAUDES)
@pytest.mark.parametrize(
    "said",
    [
        {"content": [THINKING, HIDDEN, TEXT]},
        {"content": "Let me check.", "content_blocks": [THINKING, HIDDEN, TEXT]},
        {"content": None, "content_blocks": [THINKING, HIDDEN, TEXT]},
        {"content": "Let me check.", "thinking_blocks": [THINKING, HIDDEN]},
    ],
    ids=["content", "content_blocks", "content_blocks alone", "thinking_blocks"],
)
def test_thinking_and_redacted_data_come_back(name: str, said: JSONObject) -> None:
    """LiteLLM drops the data in content arrays, Portkey by Bedrock and Vertex."""
    assert [THINKING, HIDDEN, TEXT, use("t1"), use("t2")] == blocks(name, **said, tool_calls=CALLS)
    assert [THINKING, HIDDEN, TEXT] == blocks(name, **said)


@pytest.mark.parametrize("name", CLAUDES)
def test_thinking_between_calls_keeps_its_place(name: str) -> None:
    """LiteLLM and Portkey put all calls behind all thinking, which the API refuses."""
    place = {"content": 13, "tool_calls": 1}
    shown = [{**THINKING, "index": 0}, {**LATER, "index": 1, "after": place}]
    found = blocks(name, content="Let me check.", thinking_blocks=shown, tool_calls=CALLS)
    assert [THINKING, TEXT, use("t1"), LATER, use("t2")] == found


@pytest.mark.parametrize("name", CLAUDES)
def test_a_streams_fragments_come_back_whole(name: str) -> None:
    """LiteLLM keeps the signature of unmerged fragments, and loses their text."""
    parts = [
        {"index": 0, "delta": {"thinking": "", "signature": ""}},
        {"index": 0, "delta": {"thinking": "need "}},
        {"index": 0, "delta": {"thinking": "weather"}},
        {"index": 0, "delta": {"signature": "c2ln"}},
        {"index": 1, "delta": {"text": ""}},
        {"index": 1, "delta": {"text": "Let me check."}},
    ]
    assert [THINKING, TEXT] == blocks(name, content="Let me check.", content_blocks=parts)


@pytest.mark.parametrize("name", CLAUDES)
def test_fragments_that_a_client_only_collected_come_back_whole(name: str) -> None:
    """LiteLLM keeps their signature, and loses their text."""
    fragments = [
        {"type": "thinking", "thinking": "need "},
        {"type": "thinking", "thinking": "weather"},
        {"type": "thinking", "thinking": "", "signature": "c2ln"},
    ]
    assert [THINKING, TEXT] == blocks(name, content="Let me check.", thinking_blocks=fragments)


@pytest.mark.parametrize("name", CLAUDES)
@pytest.mark.parametrize("said", [{"content": [THINKING, TEXT]}, {"thinking_blocks": [THINKING]}])
def test_thinking_that_is_there_keeps_thinking_on(name: str, said: JSONObject) -> None:
    """LiteLLM switches it off where the history's thinking stands in a content array."""
    turns = [USER, {"role": "assistant", **said, "tool_calls": CALLS}, *ANSWERS]
    assert ENABLED == sent(name, messages=turns, tools=TOOLS, thinking=ENABLED)["thinking"]


@pytest.mark.parametrize("name", CLAUDES)
def test_thinking_that_nobody_can_verify_takes_its_switch_along(name: str) -> None:
    """LiteLLM strips unsigned blocks from a turn with calls and asks to think: 400."""
    unsigned = {"type": "thinking", "thinking": "need weather"}
    turns = [USER, {"role": "assistant", "thinking_blocks": [unsigned], "tool_calls": CALLS}]
    job, _ = job_of(name, messages=[*turns, *ANSWERS], tools=TOOLS, thinking=ENABLED)
    body = sent(name, messages=[*turns, *ANSWERS], tools=TOOLS, thinking=ENABLED)
    assert "thinking" not in body
    assert [use("t1"), use("t2")] == [claudes(block) for block in body["messages"][1]["content"]]
    assert "thinking off for this turn: its signature is lost" in going(job).applied


@pytest.mark.parametrize("name", NAMES)
def test_malformed_arguments_are_the_callers_mistake(name: str) -> None:
    """Portkey answers 500, in a form that is not OpenAI's."""
    function = {"name": "f", "arguments": "{not json"}
    called = {"id": "t1", "type": "function", "function": function}
    turns = [USER, {"role": "assistant", "content": "", "tool_calls": [called]}, ANSWERS[0]]
    refusal = prepared(name, messages=turns)
    assert isinstance(refusal, Refusal)
    place = "messages[1].tool_calls[0].function.arguments"
    assert (400, place) == (refusal.error.status, refusal.error.param)
    assert {"message", "type", "param", "code"} == orjson.loads(refusal.error.envelope())[
        "error"
    ].keys()


@pytest.mark.parametrize("name", NAMES)
def test_empty_arguments_are_no_mistake(name: str) -> None:
    """Portkey fails by Bedrock on the empty text that OpenAI's own streams begin with."""
    called = {"id": "t1", "type": "function", "function": {"name": "f", "arguments": ""}}
    turns = [USER, {"role": "assistant", "content": "", "tool_calls": [called]}, ANSWERS[0]]
    body = orjson.dumps(sent(name, messages=turns, tools=TOOLS))
    forms = (b'"input":{}', b'"args":{}', b'"arguments":"{}"')
    assert [1] == [body.count(form) for form in forms if form in body]


# -- what is asked for -------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_stop_word_is_a_list(name: str) -> None:
    """Portkey sends Anthropic the caller's string as it is; OpenAI's that reason take none."""
    places = sent(name, stop="END")
    places |= places.get("inferenceConfig", {}) | places.get("generationConfig", {})
    keys = ("stop_sequences", "stopSequences", "stop")
    expected = [] if name == "openai" else [["END"]]
    assert expected == [places[key] for key in keys if key in places]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_asked_for_that_nobody_asked_for(name: str) -> None:
    """Portkey always sends a beta of 2023, and an empty list of instructions."""
    _, upstream = job_of(name)
    assert [] == [header for header, _ in upstream.headers if "beta" in header]
    assert [] == [key for key, value in orjson.loads(upstream.body).items() if value in ([], {})]


@pytest.mark.parametrize("name", CLAUDES)
def test_what_a_model_has_no_word_for_is_told(name: str) -> None:
    """Portkey drops it without a word, more choices than one included."""
    job, _ = job_of(name, seed=1, response_format={"type": "json_object"})
    assert ("seed dropped", "response_format json_object dropped") == going(job).applied
    refusal = prepared(name, n=2)
    assert isinstance(refusal, Refusal)
    assert "n" == refusal.error.param


@pytest.mark.parametrize("name", CLAUDES)
def test_what_excludes_thinking_is_not_sent_beside_it(name: str) -> None:
    """LiteLLM forwards forced calls, temperatures and budgets above the limit, each a 400."""
    asked = {**ENABLED, "budget_tokens": 9_000}
    job, _ = job_of(name, thinking=asked, tools=TOOLS, tool_choice="required", temperature=0.5)
    body = sent(name, thinking=asked, tools=TOOLS, tool_choice="required", temperature=0.5)
    assert {"type": "enabled", "budget_tokens": 2_999} == body["thinking"]
    assert b"0.5" not in orjson.dumps(body)
    assert not any(form in orjson.dumps(body) for form in (b'"any":', b'"type":"any"'))
    changes = ("budget_tokens 9000->2999", "tool_choice required->auto", "temperature dropped")
    assert changes == going(job).applied


OFF: dict[str, tuple[str, JSONObject]] = {
    "anthropic": ("claude-opus-5", {"thinking": {"type": "disabled"}}),
    "vertex-claude": ("claude-opus-5", {"thinking": {"type": "disabled"}}),
    "deepseek": ("deepseek-v4-flash", {"thinking": {"type": "disabled"}}),
    "openai": ("gpt-5-mini", {"reasoning_effort": "minimal"}),
    "openrouter": ("deepseek/deepseek-v4-flash", {"reasoning": {"enabled": False}}),
}


@pytest.mark.parametrize("name", OFF)
@pytest.mark.parametrize(
    "fields", [{"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}]
)
def test_models_that_think_by_default_are_told_not_to(name: str, fields: JSONObject) -> None:
    """LiteLLM says nothing, and they think."""
    model, off = OFF[name]
    body = sent(name, model=f"p/{model}", **fields)
    assert off == {key: body.get(key) for key in off}


@pytest.mark.parametrize("name", CLAUDES)
def test_thinking_that_is_to_be_seen_is_asked_for_as_such(name: str) -> None:
    """LiteLLM passes "enabled" on to models that show nothing unless they are told to."""
    vendor = "anthropic." if name in ("invoke", "converse") else ""
    body = sent(name, model=f"p/{vendor}claude-opus-4-7", thinking=ENABLED)
    assert {"type": "adaptive", "display": "summarized"} == body["thinking"]


@pytest.mark.parametrize("effort", ["minimal", "low", "medium", "high", "xhigh", "max"])
@pytest.mark.parametrize("name", NAMES)
def test_every_effort_is_taken(name: str, effort: str) -> None:
    """Portkey ignores it for Claude and DeepSeek, LiteLLM refuses the highest for Gemini."""
    asked, unasked = sent(name, reasoning_effort=effort), sent(name)
    thinking = orjson.dumps({key: asked[key] for key in asked if asked[key] != unasked.get(key)})
    words = (b'"thinking"', b'"thinkingConfig"', b'"reasoning_effort"', b'"reasoning"')
    assert any(word in thinking for word in words)


@pytest.mark.parametrize("name", NAMES)
def test_other_vendors_words_are_not_passed_on(name: str) -> None:
    """LiteLLM forwards `include_reasoning` and its like to vendors that refuse them."""
    words = {"include_reasoning": True, "enable_thinking": True, "thinking_budget": 5}
    foreign = {"content_blocks": [1], "provider_specific_fields": {}, "extra_body": {"x": 1}}
    body = orjson.dumps(sent(name, **words, **foreign))
    assert [] == [word for word in (*words, *foreign) if f'"{word}"'.encode() in body]
