"""The Gemini that the conversations are proved against: what it says."""

from __future__ import annotations

from typing import Final

import orjson
import pytest

from asgi_thinking.events import Done, SignatureDelta, TextDelta, ThinkingDelta
from asgi_thinking.wire.gemini import GeminiDecoder, decode_reply
from tests.simulator import Reply
from tests.simulator.gemini_requests import (
    CALLS,
    FLASH_2,
    FLASH_3,
    SAID,
    USER,
    answer,
    thinking,
    turns,
)

SHOWN: Final = thinking(includeThoughts=True)


@pytest.mark.parametrize("vertex", [False, True])
@pytest.mark.parametrize("reply", [SAID, CALLS, Reply(), Reply("a", "b", CALLS.calls)])
@pytest.mark.parametrize("model", [FLASH_2, FLASH_3])
def test_what_it_says_can_be_said_again(model: str, reply: Reply, vertex: bool) -> None:
    """Its own turn is accepted in the next request, with the results of its calls."""
    said = orjson.loads(answer(SHOWN, model, reply=reply, vertex=vertex).body)
    turn = said["candidates"][0]["content"]
    results = [
        {"functionResponse": {"name": call["name"], "response": {}, "id": call.get("id")}}
        for call in (part.get("functionCall") for part in turn["parts"])
        if call
    ]
    next_turn = {"role": "user", "parts": results or USER["parts"]}
    again = turns(USER, *([turn, next_turn] if turn["parts"] else ()))

    assert 200 == answer(again, model, vertex=vertex).status


@pytest.mark.parametrize("shown", [False, True])
@pytest.mark.parametrize("redacted", [False, True])
def test_thoughts_are_shown_to_who_asks(shown: bool, redacted: bool) -> None:
    """Without includeThoughts there are none; their tokens count all the same."""
    body = thinking(includeThoughts=shown)
    said = orjson.loads(answer(body, reply=SAID._replace(redacted=redacted)).body)

    parts = said["candidates"][0]["content"]["parts"]
    assert ["the answer"] == [part["text"] for part in parts if "thought" not in part]
    assert (shown and not redacted) is any("thought" in part for part in parts)
    assert len(SAID.thinking) == said["usageMetadata"]["thoughtsTokenCount"]


@pytest.mark.parametrize("off", [False, True])
def test_a_model_that_is_told_not_to_think_does_not(off: bool) -> None:
    """A budget of 0 leaves no thoughts, no signatures and no tokens of thinking."""
    body = thinking(thinkingBudget=0) if off else SHOWN
    said = orjson.loads(answer(body, FLASH_2, reply=CALLS).body)

    parts = said["candidates"][0]["content"]["parts"]
    assert (not off) is any("thoughtSignature" in part for part in parts)
    assert (not off) is ("thoughtsTokenCount" in said["usageMetadata"])


STREAM: Final = "streamGenerateContent?alt=sse"


def test_a_stream_says_the_same_as_a_reply() -> None:
    """The pieces make up the whole; the signature rides on an empty text at the end."""
    whole = decode_reply(answer(SHOWN).body, 0, "gemini", FLASH_3)
    decoder = GeminiDecoder(0, "gemini", FLASH_3)
    streamed = answer(SHOWN, method=STREAM)
    events = [*decoder.feed(streamed.body), *decoder.close()]

    assert streamed.body.endswith(b"\r\n\r\n")
    for kind in (ThinkingDelta, TextDelta):
        texts = ["".join(e.text for e in said if isinstance(e, kind)) for said in (whole, events)]
        assert texts[0] == texts[1] != ""
    assert 1 == sum(isinstance(event, SignatureDelta) for event in events)
    assert isinstance(events[-1], Done)


def test_a_stream_without_sse_is_an_array() -> None:
    """Its responses and its errors stand in brackets."""
    streamed = answer(SHOWN, reply=CALLS, method="streamGenerateContent")
    refused = answer({}, method="streamGenerateContent")

    assert isinstance(orjson.loads(streamed.body), list)
    assert "error" in orjson.loads(refused.body)[0]
