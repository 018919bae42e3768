"""The chat completions that the conversations are proved against: what each vendor says."""

from __future__ import annotations

from typing import Any, Final

import orjson
import pytest

from asgi_thinking.events import BlockStart, Done, TextDelta, ThinkingDelta, ToolCallDelta
from asgi_thinking.wire.openai import OpenAIDecoder, decode_reply
from tests.simulator import Answer, Reply
from tests.simulator.openai_requests import CALLS, MODELS, SAID, USER, answer, chat

WHERE: Final = {
    "openai": None,
    "deepseek": "reasoning_content",
    "openrouter": "reasoning",
    "groq": "reasoning",
    "xai": "reasoning_content",
    "mistral": None,
    "vllm": "reasoning",
}


def message(said: Answer) -> Any:
    """The assistant's message of a reply."""
    return orjson.loads(said.body)["choices"][0]["message"]


@pytest.mark.parametrize("vendor", MODELS)
def test_thinking_stands_where_the_vendor_has_it(vendor: str) -> None:
    """OpenAI shows none, and Mistral's is part of the content; all count it."""
    said = answer(vendor, chat(vendor))

    names = [name for name in ("reasoning", "reasoning_content") if name in message(said)]
    assert [WHERE[vendor]] == (names or [None])
    details = orjson.loads(said.body)["usage"]["completion_tokens_details"]
    assert len(SAID.thinking) == details["reasoning_tokens"]


@pytest.mark.parametrize(
    ("vendor", "fields"),
    [
        ("openai", {"model": "gpt-5.1"}),
        ("deepseek", {"thinking": {"type": "disabled"}}),
        ("openrouter", {"reasoning": {"enabled": False}}),
        ("openrouter", {"reasoning": {"effort": "none"}}),
        ("groq", {"model": "qwen/qwen3-32b", "reasoning_effort": "none"}),
        ("xai", {"model": "grok-4.3", "reasoning_effort": "none"}),
        ("mistral", {"model": "mistral-small-latest"}),
        ("vllm", {"chat_template_kwargs": {"enable_thinking": False}}),
    ],
)
def test_a_model_that_is_told_not_to_think_does_not(vendor: str, fields: Any) -> None:
    """Neither thinking nor tokens of it are in the reply."""
    said = answer(vendor, chat(vendor, **fields))

    assert {"role": "assistant", "content": SAID.text} == message(said)
    details = orjson.loads(said.body)["usage"]["completion_tokens_details"]
    assert 0 == details["reasoning_tokens"]


@pytest.mark.parametrize(
    ("shape", "content"), [("raw", "<think>\nlet me"), ("hidden", "the answer"), ("parsed", "the")]
)
def test_groq_puts_thinking_where_it_is_told_to(shape: str, content: str) -> None:
    """In the answer, in a field of its own, or nowhere."""
    said = message(answer("groq", chat("groq", model="qwen/qwen3-32b", reasoning_format=shape)))

    assert said["content"].startswith(content)
    assert (shape == "parsed") is ("reasoning" in said)


def test_openrouter_signs_or_seals_what_it_says() -> None:
    """What it says of its thinking is accepted again, sealed as well as signed."""
    said = message(answer("openrouter", chat("openrouter")))
    hidden = message(answer("openrouter", chat("openrouter"), reply=SAID._replace(redacted=True)))
    excluded = message(answer("openrouter", chat("openrouter", reasoning={"exclude": True})))

    assert ["reasoning.encrypted"] == [item["type"] for item in hidden["reasoning_details"]]
    assert "reasoning" not in excluded
    again = chat("openrouter", USER, said, USER, hidden, USER)
    assert 200 == answer("openrouter", again).status


@pytest.mark.parametrize("vendor", MODELS)
@pytest.mark.parametrize("reply", [SAID, CALLS, Reply(), Reply("hm", "", CALLS.calls[:1])])
def test_what_it_says_can_be_said_again(vendor: str, reply: Reply) -> None:
    """Its own message is accepted in the next request, with the results of its calls."""
    said = message(answer(vendor, chat(vendor), reply=reply))
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": "1"}
        for call in said.get("tool_calls", ())
    ]
    again = chat(vendor, USER, said, *(results or [USER]))

    assert 200 == answer(vendor, again).status


@pytest.mark.parametrize("vendor", MODELS)
@pytest.mark.parametrize("reply", [SAID, CALLS])
def test_a_stream_says_the_same_as_a_reply(vendor: str, reply: Reply) -> None:
    """The pieces make up the whole."""
    whole = decode_reply(answer(vendor, chat(vendor), reply=reply).body, 0, "openai")
    decoder = OpenAIDecoder(0, "openai")
    streamed = answer(vendor, chat(vendor, stream=True), reply=reply)
    events = [*decoder.feed(streamed.body), *decoder.close()]

    assert streamed.body.endswith(b"data: [DONE]\n\n")
    for kind in (ThinkingDelta, TextDelta):
        texts = ["".join(e.text for e in said if isinstance(e, kind)) for said in (whole, events)]
        assert texts[0] == texts[1]
    for said in (whole, events):
        starts = [e.name for e in said if isinstance(e, BlockStart) and e.kind == "tool_call"]
        assert [call.name for call in reply.calls] == starts
        assert bool(reply.calls) is any(isinstance(event, ToolCallDelta) for event in said)
    assert isinstance(events[-1], Done)


@pytest.mark.parametrize(
    ("vendor", "fields", "counted"),
    [
        ("openai", {}, False),
        ("openai", {"stream_options": {"include_usage": True}}, True),
        ("mistral", {}, True),
    ],
)
def test_a_stream_counts_if_it_is_asked_to(vendor: str, fields: Any, counted: bool) -> None:
    """Mistral counts unasked."""
    streamed = answer(vendor, chat(vendor, stream=True, **fields))

    assert counted is (b'"usage"' in streamed.body)
