"""The demo's far end that plays Gemini 3."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asgi_thinking._demo.gemini import Gemini
from asgi_thinking._demo.script import KEY, QUESTION, RESULT
from asgi_thinking._demo.upstream import Call
from asgi_thinking.wire.gemini.requests import STAND_IN

MODELS = f"/v1beta/models/{Gemini.model}"
TOOLS = [{"functionDeclarations": [{"name": "factor"}]}]
THINKS = {"thinkingConfig": {"includeThoughts": True}}
THOUGHTS = [
    {"text": "3599 is 60^2 - 1, ", "thought": True},
    {"text": "that is (60 - 1)(60 + 1), ", "thought": True},
    {"text": "so it is not prime.", "thought": True},
]
CALL = {"functionCall": {"id": "factor1", "name": "factor", "args": {"number": 3599}}}
SIGNED = {**CALL, "thoughtSignature": "c2lnbmVk"}
ANSWER = [{"text": "No: 3599 "}, {"text": "= 59 * 61."}]


def call(*turn: Any, path: str = f"{MODELS}:generateContent", key: str = KEY, **more: Any) -> Call:
    """A request; with `turn` it brings a function's result back."""
    result = {"functionResponse": {"name": "factor", "response": {"output": RESULT}}}
    later = [{"role": "model", "parts": turn}, {"role": "user", "parts": [result]}]
    question = {"role": "user", "parts": [{"text": QUESTION}]}
    body = {"contents": [question, *(later if turn else ())], **more}
    return Call(path, {"x-goog-api-key": key}, json.dumps(body).encode())


def ask(gemini: Gemini, *turn: Any, **more: Any) -> Any:
    """The status and body of a whole reply."""
    answer = gemini(call(*turn, **more))
    return answer.status, json.loads(b"".join(answer.parts))


def parts_of(reply: Any) -> Any:
    return reply["candidates"][0]["content"]["parts"]


@pytest.mark.parametrize(
    ("part", "said", "verdict"),
    [
        (
            CALL,
            "Function call `factor` in the 2. content block is missing a `thought_signature`.",
            "the call came back without its thoughtSignature",
        ),
        (
            CALL | {"thoughtSignature": "bm8="},
            "Corrupted thought signature.",
            "the thoughtSignature did not come back as it was",
        ),
    ],
)
def test_a_call_without_its_signature_is_refused(part: Any, said: str, verdict: str) -> None:
    """The demo would fail where Google would."""
    gemini = Gemini()

    status, body = ask(gemini, part)

    assert (400, "INVALID_ARGUMENT") == (status, body["error"]["status"])
    assert said == body["error"]["message"]
    assert verdict == gemini.verdict


@pytest.mark.parametrize(
    ("signature", "verdict"),
    [
        (SIGNED["thoughtSignature"], "the call came back with its thoughtSignature"),
        (STAND_IN, "the call came back with Google's stand-in for a lost thoughtSignature"),
    ],
)
def test_a_signed_call_is_answered(signature: str, verdict: str) -> None:
    """Its signature need only be on the first of calls in parallel; a lost one has a stand-in."""
    gemini = Gemini()

    status, body = ask(gemini, CALL | {"thoughtSignature": signature}, CALL)

    assert (200, ANSWER) == (status, parts_of(body))
    assert verdict == gemini.verdict


def test_it_thinks_and_calls_only_if_it_is_asked_to() -> None:
    """Thoughts are shown on request; a function is called if there is one."""
    gemini = Gemini()

    assert ANSWER == parts_of(ask(gemini)[1])
    assert [*THOUGHTS, *ANSWER] == parts_of(ask(gemini, generationConfig=THINKS)[1])
    assert [SIGNED] == parts_of(ask(gemini, tools=TOOLS)[1])
    assert "" == gemini.verdict


def test_a_stream_brings_each_part_in_an_event() -> None:
    """Only the last gives the reason to finish, and the counts; the sample is the first."""
    gemini, path = Gemini(), f"{MODELS}:streamGenerateContent?alt=sse"

    answer = gemini(call(path=path, generationConfig=THINKS, tools=TOOLS))

    events = [json.loads(part.removeprefix(b"data: ")) for part in answer.parts]
    assert [[part] for part in (*THOUGHTS, SIGNED, {"text": ""})] == list(map(parts_of, events))
    assert [4] == [number for number, event in enumerate(events) if "usageMetadata" in event]
    assert ["STOP"] == [
        event["candidates"][0]["finishReason"]
        for event in events
        if "finishReason" in event["candidates"][0]
    ]
    assert answer.parts[0] == gemini.sample


def test_it_knows_its_path_and_its_key() -> None:
    """A provider that asks elsewhere, or without the key, gets Google's errors."""
    assert 404 == ask(Gemini(), path=f"{MODELS}:embedContent")[0]
    assert 400 == ask(Gemini(), key="other")[0]
