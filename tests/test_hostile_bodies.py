"""Whatever a body holds, the answer is a request that can be sent, or a 4xx that says where."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from asgi_thinking import ThinkingMiddleware, allow_all
from asgi_thinking.events import Batch
from asgi_thinking.exchange import Job, Refusal
from asgi_thinking.providers.anthropic import AnthropicProvider
from asgi_thinking.requests import ChatRequest
from tests.asgi import call
from tests.hostile import assert_envelope, check_answer, leads_somewhere, spoiled
from tests.samples import (
    BODY,
    CHOICE,
    ECHOES,
    FORMAT,
    LIMITS,
    MESSAGES,
    PLACED,
    SAMPLING,
    THINKING,
    TOOLS,
    asked,
    call_of,
    said_by,
)
from tests.scripted import REPLY, Scripted, going

modes = st.sampled_from(["fix", "reject", "pass"])
models = st.sampled_from(["claude-sonnet-4-5", "claude-opus-5", "claude-3-haiku-20240307"])

# -- wrong values in every known field ---------------------------------------------------------


@given(spoiled(LIMITS, *LIMITS), modes)
def test_model_stream_and_limits(body: bytes, mode: str) -> None:
    """What names, bounds and labels the reply."""
    check_answer(body, mode)


@given(spoiled(SAMPLING, *SAMPLING.keys() - BODY.keys()), models, modes)
def test_sampling(body: bytes, model: str, mode: str) -> None:
    """How the reply is drawn, for models old and new."""
    check_answer(body.replace(BODY["model"].encode(), model.encode()), mode)


@given(spoiled(MESSAGES, "messages"))
def test_messages(body: bytes) -> None:
    """Every role and every kind of part."""
    check_answer(body)


@given(spoiled(TOOLS, *TOOLS) | spoiled(CHOICE, "tools", "tool_choice"), modes)
def test_tools(body: bytes, mode: str) -> None:
    """Tools, the choice among them, calls of them, and their results."""
    check_answer(body, mode)


@given(spoiled(THINKING, *THINKING.keys() - {"messages"}), models, modes)
def test_thinking(body: bytes, model: str, mode: str) -> None:
    """All the ways to ask for thinking, together and against each other."""
    check_answer(body.replace(BODY["model"].encode(), model.encode()), mode)


@given(spoiled(FORMAT, "response_format"))
def test_response_format(body: bytes) -> None:
    """Structured output."""
    check_answer(body)


@given(spoiled(ECHOES, "messages"))
def test_echoes(body: bytes) -> None:
    """What clients send back of earlier replies, in the form of any dialect."""
    check_answer(body)


@pytest.mark.parametrize(
    "sample", [LIMITS, SAMPLING, MESSAGES, TOOLS, CHOICE, THINKING, FORMAT, ECHOES]
)
def test_the_samples_are_good(sample: dict[str, Any]) -> None:
    """Unspoiled they are accepted, so that what is spoiled in them is reached."""
    answer = check_answer(json.dumps(sample).encode())

    assert isinstance(answer, Job), answer


# -- bodies that are no JSON object ------------------------------------------------------------

WHOLE = json.dumps(ECHOES, ensure_ascii=False).encode()


@given(st.binary(max_size=40) | st.integers(0, len(WHOLE) - 1).map(lambda end: WHOLE[:end]))
def test_bytes_and_torn_bodies(body: bytes) -> None:
    """Noise, and bodies whose end is missing."""
    assert isinstance(check_answer(body), Refusal)


@given(st.integers(0, len(WHOLE)), st.binary(min_size=1, max_size=3))
def test_bytes_within_a_body(place: int, noise: bytes) -> None:
    """A body with noise in it is accepted only where the noise is JSON's business."""
    check_answer(WHOLE[:place] + noise + WHOLE[place:])


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b" \n", b"null", b"true", b"0", b"[]", b'"text"', b"[{}]", b"{", b"}", b"{}{}"),
        *(b"{'model': 'm'}", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": 01}', b'{"a": 1,}'),
        *(b"\0", b"{}\0", b'{"a": "\0"}', b'{"a": "\n"}', b'{"a": "\\x"}', b"\xff\xfe"),
        json.dumps({"model": "é"}, ensure_ascii=False).encode("latin-1"),
        *(json.dumps(BODY).encode(code) for code in ("utf-16", "utf-16-le", "utf-16-be")),
        *(json.dumps(BODY).encode(code) for code in ("utf-32", "utf-8-sig", "cp037")),
        b'{"model": "\xed\xa0\x80"}',
        b'{"model": "\xc0\xaf"}',
    ],
)
def test_bodies_that_are_not_json_objects(body: bytes) -> None:
    """Other encodings, other values, and JSON's cousins are refused as a whole."""
    answer = check_answer(body)

    assert isinstance(answer, Refusal)
    assert (400, None) == (answer.error.status, answer.error.param)


@pytest.mark.parametrize("half", ["\ud800", "x\udc00", "a\udbffb"])
def test_half_surrogates_are_mended(half: str) -> None:
    """Clients cut texts within a character; what goes upstream is whole again."""
    answer = check_answer(json.dumps(asked(said_by("user", half))).encode())

    assert isinstance(answer, Job)
    assert "\ufffd" in repr(going(answer).request.messages)


@pytest.mark.parametrize("text", ["\0", "\u2028", "\x7f", "\U0010ffff", "\ufeff"])
def test_odd_characters_are_text(text: str) -> None:
    """What JSON can say goes upstream."""
    assert isinstance(check_answer(json.dumps(asked(said_by("user", f"a{text}"))).encode()), Job)


# -- depth -------------------------------------------------------------------------------------

DEEP = [255, 1_025, 100_000]


def nested(depth: int, kind: str) -> str:
    return "[" * depth + "]" * depth if kind == "array" else '{"a":' * depth + "1" + "}" * depth


def with_text(sample: dict[str, Any], text: str) -> bytes:
    """The sample's JSON with a JSON text in place of `"@"`."""
    return json.dumps(sample).replace('"@"', text).encode()


@pytest.mark.parametrize("depth", DEEP)
@pytest.mark.parametrize("kind", ["array", "object"])
@pytest.mark.parametrize(
    "sample",
    [
        BODY | {"unknown": "@"},
        BODY | {"model": "@"},
        BODY | {"tools": [{"type": "function", "function": {"name": "f", "parameters": "@"}}]},
        BODY | {"response_format": {"type": "json_schema", "json_schema": {"schema": "@"}}},
        BODY | {"logit_bias": "@"},
        asked(said_by("user", "@")),
        asked(said_by("assistant", [{"type": "server_tool_use", "input": "@"}])),
        asked(said_by("assistant", "a", content_blocks=[{"index": 0, "delta": {"a": "@"}}])),
    ],
)
def test_bodies_that_are_too_deep(sample: dict[str, Any], kind: str, depth: int) -> None:
    """What could not be written any more is refused when it is read, wherever it stands."""
    answer = check_answer(with_text(sample, nested(depth, kind)))

    assert isinstance(answer, Refusal)
    assert (400, None) == (answer.error.status, answer.error.param)
    assert "levels" in answer.error.message


@pytest.mark.parametrize("depth", [195, *DEEP])
@pytest.mark.parametrize("kind", ["array", "object"])
def test_arguments_that_are_too_deep(kind: str, depth: int) -> None:
    """A call's arguments are counted with what they stand in, for they go upstream as JSON."""
    arguments = f'{{"a":{nested(depth, kind)}}}'
    turn = said_by("assistant", None, tool_calls=[call_of(arguments)])

    answer = check_answer(json.dumps(asked(said_by("user"), turn)).encode())

    assert isinstance(answer, Refusal)
    assert "messages[1].tool_calls[0].function.arguments" == answer.error.param


@pytest.mark.parametrize("kind", ["array", "object"])
def test_what_is_just_deep_enough(kind: str) -> None:
    """Up to the limit a body is read, and can be written."""
    arguments = f'{{"a":{nested(190, kind)}}}'
    turn = said_by("assistant", None, tool_calls=[call_of(arguments)])
    tool = {"type": "function", "function": {"name": "f", "parameters": {"a": "@"}}}
    result = said_by("tool", tool_call_id="call_1")
    body = with_text(asked(said_by("user"), turn, result, tools=[tool]), nested(190, kind))

    assert isinstance(check_answer(body), Job)


def test_a_call_without_a_result_leads_somewhere() -> None:
    """What only the upstream's form shows to be wrong is told like all else."""
    turn = said_by("assistant", None, tool_calls=[call_of()])

    answer = check_answer(json.dumps(asked(said_by("user"), turn)).encode())

    assert isinstance(answer, Refusal)
    assert "messages[1]" == answer.error.param


# -- size --------------------------------------------------------------------------------------

MANY = 40_000
FUNCTIONS = [{"type": "function", "function": {"name": f"f{n}"}} for n in range(MANY)]
ALLOW_ALL = {"mode": "auto", "tools": FUNCTIONS}
THOUGHT = {"type": "thinking", "thinking": "t", "signature": "c2ln"}
REFUSALS = [{"type": "refusal", "refusal": str(n)} for n in range(MANY)]
DELTA_OF_MANY = {"index": 0, "delta": {"thinking": "t" * 50}}


@pytest.mark.timeout(60)  # a quadratic reader takes minutes
@pytest.mark.parametrize(
    "sample",
    [
        BODY
        | {"tools": FUNCTIONS}
        | {"tool_choice": {"type": "allowed_tools", "allowed_tools": ALLOW_ALL}},
        asked(said_by("assistant", "a", content_blocks=[DELTA_OF_MANY] * MANY)),
        asked(said_by("assistant", "a" * MANY, thinking_blocks=PLACED * (MANY // 3))),
        asked(said_by("assistant", [THOUGHT] * MANY + REFUSALS)),
        asked(*[said_by("user")] * MANY),
        asked(said_by("assistant" * MANY)),
    ],
    ids=["tools", "deltas", "blocks", "refusals", "messages", "role"],
)
def test_many_of_a_kind(sample: dict[str, Any]) -> None:
    """Bodies near the limit take time in proportion to their size."""
    assert isinstance(check_answer(json.dumps(sample).encode()), Job)


# -- the whole app -----------------------------------------------------------------------------


class Building(Scripted):
    """Makes the real request before it answers."""

    claude = AnthropicProvider("k")

    async def stream(self, request: ChatRequest) -> AsyncIterator[Batch]:
        self.claude.build(request)
        for batch in REPLY:
            yield batch


async def unknown(scope: Any, receive: Any, send: Any) -> None:
    """The host: says that it was asked."""
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def app(**options: Any) -> ThinkingMiddleware:
    return ThinkingMiddleware(
        unknown, providers={"acme": Building()}, authorize=allow_all, **options
    )


APP = app()


@given(spoiled(ECHOES | {"stream": True}, "messages", "stream", "model"))
@example(json.dumps(ECHOES).encode())
@example(json.dumps(BODY | {"model": "gpt-5"}).encode())
@example(b"[]")
def test_the_app_answers_as_the_service_does(body: bytes) -> None:
    """Through the middleware: a reply, the host's own answer, or an error that says where."""
    client = asyncio.run(call(APP, body))

    assert client.status in (200, 400, 404)
    if client.status == 400:
        assert_envelope(client.json)
        param = client.json["error"]["param"]
        assert param is None or leads_somewhere(json.loads(body), param)


@pytest.mark.parametrize("content", ["x" * 1_100, ["x"] * 300])
def test_the_app_refuses_what_is_too_large(content: Any) -> None:
    """Before anything in it is looked at."""
    body = json.dumps(asked(said_by("user", content))).encode()

    client = asyncio.run(call(app(max_body_size=1_000), body))

    assert 413 == client.status
    assert_envelope(client.json)
