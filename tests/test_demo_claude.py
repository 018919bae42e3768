"""The demo's far ends that play Claude: Anthropic's own API, and Bedrock's InvokeModel."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer

from asgi_thinking._demo.anthropic import Claude
from asgi_thinking._demo.bedrock import Bedrock
from asgi_thinking._demo.claude import Messages
from asgi_thinking._demo.frames import frame
from asgi_thinking._demo.script import KEY, QUESTION, RESULT
from asgi_thinking._demo.upstream import Call
from asgi_thinking.eventstream import EventStreamDecoder

# Where each is asked, and with which header, for whole replies.
DOORS: dict[type[Messages], tuple[str, dict[str, str]]] = {
    Claude: ("/v1/messages", {"x-api-key": KEY}),
    Bedrock: (f"/model/{Bedrock.model}/invoke", {"authorization": f"Bearer {KEY}"}),
}
SIGNED: dict[str, Any] = {
    "type": "thinking",
    "thinking": "3599 is 60^2 - 1, that is (60 - 1)(60 + 1), so it is not prime.",
    "signature": "c2lnbmVkIGJ5IHRoZSBkZW1vJ3MgdXBzdHJlYW06IDM1OTk=",
}
USE = {"type": "tool_use", "id": "toolu_demo", "name": "factor", "input": {"number": 3599}}

every_door = pytest.mark.parametrize("kind", DOORS)


def body_of(*turn: Any, **more: Any) -> bytes:
    """The body of a request; with `turn` it brings a tool's result back."""
    result = {"type": "tool_result", "tool_use_id": "toolu_demo", "content": RESULT}
    later = [{"role": "assistant", "content": turn}, {"role": "user", "content": [result]}]
    question = {"role": "user", "content": [{"type": "text", "text": QUESTION}]}
    thinking = {"type": "enabled", "budget_tokens": 2000}
    messages = [question, *(later if turn else ())]
    fields = {"model": Claude.model, "messages": messages, "thinking": thinking}
    return json.dumps({**fields, **more}).encode()


def ask(claude: Messages, *turn: Any, path: str = "", **more: Any) -> Any:
    """The status and body of a request for a whole reply."""
    known, headers = DOORS[type(claude)]
    answer = claude(Call(path or known, headers, body_of(*turn, **more)))
    return answer.status, json.loads(b"".join(answer.parts))


@every_door
@pytest.mark.parametrize(
    ("turn", "said"),
    [
        ([USE], "messages.1.content.0.type: Expected `thinking`"),
        ([SIGNED | {"signature": "bm8="}, USE], "messages.1.content.0: Invalid `signature`"),
        ([SIGNED | {"thinking": "3599"}, USE], "messages.1.content.0: Invalid `signature`"),
    ],
)
def test_a_turn_whose_thinking_was_changed_is_refused(
    kind: type[Messages], turn: Any, said: str
) -> None:
    """The demo would fail where Anthropic and Bedrock would."""
    claude = kind()

    status, body = ask(claude, *turn)

    assert 400 == status
    assert body.get("error", body)["message"].startswith(said)
    assert "the thinking did not come back as it was" == claude.verdict


@every_door
def test_the_turn_that_was_sent_is_taken(kind: type[Messages]) -> None:
    """What came with the call, sent back with the result, gives the answer."""
    claude = kind()

    _, first = ask(claude, tools=[{"name": "factor"}])
    status, second = ask(claude, *first["content"])

    assert [SIGNED, USE] == first["content"]
    assert "tool_use" == first["stop_reason"]
    assert (200, "end_turn") == (status, second["stop_reason"])
    assert [{"type": "text", "text": "No: 3599 = 59 * 61."}] == second["content"]
    assert "the thinking and its signature came back unchanged" == claude.verdict


@every_door
def test_a_turn_without_thinking_is_taken_where_thinking_is_off(kind: type[Messages]) -> None:
    """A client that lost it still gets its answer."""
    claude = kind()
    assert 200 == ask(claude, USE, thinking={"type": "disabled"})[0]
    assert "no thinking came back, and thinking was off for this turn" == claude.verdict


def test_it_thinks_and_shows_only_what_it_is_asked_for() -> None:
    """Omitted thinking keeps its signature; without thinking there is none."""
    omitted = {"type": "enabled", "budget_tokens": 2000, "display": "omitted"}

    assert SIGNED | {"thinking": ""} == ask(Claude(), thinking=omitted)[1]["content"][0]
    assert ["text"] == [block["type"] for block in ask(Claude(), thinking={})[1]["content"]]


@every_door
def test_path_and_key_are_known(kind: type[Messages], monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that asks elsewhere, or without the key, gets an error."""
    assert 404 == ask(kind(), path="/v1/complete")[0]
    monkeypatch.setitem(DOORS, kind, (DOORS[kind][0], {}))
    assert ask(kind())[0] == {Claude: 401, Bedrock: 403}[kind]


def test_bedrock_streams_the_events_of_anthropic_in_frames() -> None:
    """One event a frame, in base64; the sample is the frame of the first thinking."""
    bedrock, body = Bedrock(), body_of(stream=True)
    path, headers = DOORS[Bedrock]

    answer = bedrock(Call(f"{path}-with-response-stream", headers, body))
    frames = EventStreamDecoder().feed(b"".join(answer.parts))

    events = [json.loads(b64decode(json.loads(payload)["bytes"])) for _, payload in frames]
    same = json.dumps(events).replace("claude-sonnet-4-5-20250929-v1:0", Claude.model)
    parts = Claude()(Call("/v1/messages", DOORS[Claude][1], body)).parts
    assert [json.loads(part.partition(b"data: ")[2]) for part in parts] == json.loads(same)
    assert {"chunk"} == {headers[":event-type"] for headers, _ in frames}
    assert {"type": "thinking_delta", "thinking": "3599 is 60^2 - 1, "} == events[2]["delta"]
    assert bedrock.sample == answer.parts[2]


def test_botocore_reads_the_frames_too() -> None:
    """The frames are AWS's, lengths and checksums included, and not just what we read."""
    buffer: Any = EventStreamBuffer()  # untyped
    buffer.add_data(frame({":event-type": "chunk", "ä": ""}, b"\x00") + frame({}, b""))

    read = [(message.headers, message.payload) for message in buffer]

    assert [({":event-type": "chunk", "ä": ""}, b"\x00"), ({}, b"")] == read
