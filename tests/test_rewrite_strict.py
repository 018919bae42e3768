"""Strict means strict: what a host's reply may not show, in whatever it is hidden, is not shown."""

from __future__ import annotations

import json
import logging
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from asgi_thinking._host_reply import Form, HostStream
from asgi_thinking.dialects import Asked
from asgi_thinking.dialects.openai import OPENAI
from tests.asgi import Client
from tests.rewriting import (
    ASK,
    JSON_START,
    JSON_TYPE,
    SSE_START,
    SSE_TYPE,
    STRICT,
    Host,
    ask,
    bodies,
    body,
    check_order,
    content,
    error_of,
    replying,
    streaming,
)
from tests.strictness import check_completion, check_stream
from tests.wire.openai_transcripts import (
    DONE,
    FULL_MESSAGE,
    FULL_STREAM,
    HEAD,
    USAGE,
    chunk,
    completion,
    cut,
    sse,
)

pytestmark = pytest.mark.anyio

MARK = "#secret#"
JSONObject = dict[str, Any]

# Where a host may put what it thinks.
HIDDEN: dict[str, JSONObject] = {
    "reasoning_content": {"reasoning_content": MARK},
    "reasoning": {"reasoning": MARK},
    "details": {"reasoning_details": [{"type": "reasoning.text", "text": MARK, "index": 0}]},
    "blocks": {"thinking_blocks": [{"type": "thinking", "thinking": MARK, "signature": MARK}]},
    "redacted": {"thinking_blocks": [{"type": "redacted_thinking", "data": MARK}]},
    "signature": {"reasoning_signature": MARK},
    "thinking": {"thinking": MARK},
    "parts": {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": MARK}]}]},
    "content_blocks": {"content_blocks": [{"index": 0, "delta": {"thinking": MARK}}]},
    "vendor": {"provider_specific_fields": {"thinking_blocks": [{"thinking": MARK}]}},
    "unknown": {"chain_of_thought": MARK},
    "google": {
        "tool_calls": [
            {
                "index": 0,
                "id": "c",
                "type": "function",
                "function": {"name": "f", "arguments": "{}"},
                "extra_content": {"google": {"thought_signature": MARK}},
            }
        ]
    },
}
ODD_CHUNKS: dict[str, JSONObject] = {
    "body": {**chunk(), "reasoning": MARK},
    "choice": chunk(reasoning=MARK, finish_reason=None),
    "no choices": {**HEAD, "choices": [], "thinking": MARK},
    "no chunk": {"type": "thinking", "thinking": MARK},
    "usage": {**HEAD, "choices": [], "usage": {**USAGE, "thoughts": MARK}},
    "logprobs": chunk(logprobs={"content": [], "reasoning": MARK}, finish_reason=None),
}
FIRST = sse(chunk({"role": "assistant", "content": ""}, finish_reason=None))
SAID = sse(chunk({"content": "a"}, finish_reason=None))
LAST = sse(chunk(finish_reason="stop")) + DONE


async def strictly(host: Host, *more: tuple[bytes, bytes]) -> Client:
    client = await ask(host, [*STRICT, *more])
    check_order(client.sent)
    assert MARK.encode() not in content(client)
    return client


@pytest.mark.parametrize("delta", HIDDEN.values(), ids=HIDDEN)
@pytest.mark.parametrize("before", [FIRST, FIRST + SAID, b""], ids=["role", "text", "none"])
async def test_no_delta_shows_it(delta: JSONObject, before: bytes) -> None:
    """Each way to say thinking in a stream is taken out, wherever it stands, and only that."""
    data = before + sse(chunk(delta, finish_reason=None)) + SAID + LAST

    for parts in ([data], [data[at : at + 1] for at in range(len(data))]):
        client = await strictly(streaming(*parts))
        check_stream(content(client))
        assert b'"content":"a"' in content(client)


@pytest.mark.parametrize("message", HIDDEN.values(), ids=HIDDEN)
async def test_no_message_shows_it(message: JSONObject) -> None:
    """Each way to say thinking in a JSON reply is taken out."""
    client = await strictly(replying(completion({"content": "a"} | message)))

    check_completion(client.json)
    assert "openai" == client.headers["x-thinking-dialect"]


@pytest.mark.parametrize("odd", ODD_CHUNKS.values(), ids=ODD_CHUNKS)
@pytest.mark.parametrize("name", [b"", b"event: thinking\n"])
async def test_no_event_shows_it(odd: JSONObject, name: bytes) -> None:
    """Neither chunks with keys of their own nor events of another kind get through."""
    data = FIRST + name + sse(odd) + SAID + LAST

    check_stream(content(await strictly(streaming(data))))
    check_stream(content(await strictly(streaming(FIRST, SAID, name + sse(odd), SAID, LAST))))


@pytest.mark.parametrize(
    "error",
    [
        b'data: {"error":{"message":"no","reasoning":"#secret#"}}\n\n',
        b'event: error\ndata: {"message":"no","thinking":"#secret#"}\n\n',
    ],
)
@pytest.mark.parametrize("before", [[], [FIRST], [FIRST, SAID]])
async def test_no_error_shows_it(error: bytes, before: list[bytes]) -> None:
    """An error of the host's keeps its message: as a status if nothing has been said, or within."""
    client = await strictly(streaming(*before, error, b"data: #secret#\n\n"))

    data = content(client)
    if before:
        assert 200 == client.status
        assert data.startswith(b"".join(before))
        data = data.rpartition(b"event: error\ndata: ")[2]
    else:
        assert 502 == client.status
    assert "no" == error_of(data)["message"]


async def test_a_json_error_under_a_good_status_gets_one_of_its_own() -> None:
    """What is no completion is not shown; what the host told of it is."""
    data = json.dumps({"error": {"message": "busy", "code": 503, "thinking": MARK}}).encode()

    client = await strictly(replying(data))

    assert 503 == client.status
    assert "busy" == client.json["error"]["message"]
    assert "false" == client.headers["x-should-retry"]


UNREADABLE: dict[str, list[Message]] = {
    "no JSON": [JSON_START, body(b"#secret#")],
    "another object": [JSON_START, body(b'{"thinking":"#secret#"}')],
    "compressed": [
        JSON_START | {"headers": [JSON_TYPE, (b"content-encoding", b"gzip")]},
        body(b"#secret#"),
    ],
    "compressed stream": [
        SSE_START | {"headers": [SSE_TYPE, (b"content-encoding", b"br")]},
        body(b"#secret#", more=True),
        body(b""),
    ],
    "a part": [JSON_START | {"status": 206, "headers": [JSON_TYPE, (b"content-range", b"x")]}],
    "a file": [JSON_START, {"type": "http.response.pathsend", "path": "/a"}],
    "a file within": [
        JSON_START,
        body(b"{", more=True),
        {"type": "http.response.zerocopysend", "file": 1},
    ],
    "a file as stream": [SSE_START, {"type": "http.response.pathsend", "path": "/a"}],
    "a mislabelled stream": [JSON_START, body(b'data: {"reasoning":"#secret#"}\n\n')],
    "a broken stream": [SSE_START, body(b"data: #secret#\n\n", more=True), body(b"")],
    "unfinished": [JSON_START, body(b'{"reasoning":"#secret#"', more=True)],
    "an unfinished stream": [SSE_START, body(b'data: {"reasoning":"#secret#"', more=True)],
    "an endless event": [SSE_START, body(b'data: {"reasoning":"#secret#', more=True)]
    + [body(b"x" * 2**20, more=True)] * 17,
    "an endless body": [JSON_START] + [body(b"#secret#" * 2**19, more=True)] * 9,
}


@pytest.mark.parametrize("messages", UNREADABLE.values(), ids=UNREADABLE)
async def test_what_cannot_be_read_is_not_sent(messages: list[Message]) -> None:
    """Who asked to be spared all thinking gets an error rather than bytes of an unknown kind."""
    client = await strictly(Host(*messages))

    assert 502 == client.status
    assert "upstream" not in client.json["error"]["message"]
    assert "x-tfy-strict-openai" in client.headers["vary"]


@pytest.mark.parametrize("messages", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("headers", [[], [(b"x-portkey-api-key", b"k")]])
async def test_strict_by_default_lets_it_pass_and_says_so(
    messages: list[Message], headers: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Where strictness is merely the usual, the host's bytes stay, with one warning."""
    with caplog.at_level(logging.WARNING):
        client = await ask(Host(*messages), headers, default_dialect="openai")

    assert client.status in (200, 206)
    sent = b"".join(m["body"] for m in messages if m["type"] == "http.response.body")
    assert sent == content(client)
    assert 1 == len(caplog.records)
    assert "not rewritten" in caplog.text
    assert MARK not in caplog.text


@pytest.mark.parametrize(
    "then",
    [
        [body(b"data: #secret#\n\n", more=True), body(SAID, more=True), body(LAST)],
        [{"type": "http.response.zerocopysend", "file": 1}, body(SAID, more=True), body(b"")],
        [body(b'data: {"reasoning":"#secret#"')],
        [body(b'data: {"reasoning":"#secret#"', more=True)],
    ],
    ids=["broken", "a file", "cut off", "unfinished"],
)
async def test_later_the_error_comes_within_and_ends_the_stream(then: list[Message]) -> None:
    """Once something was sent, what cannot be read becomes the stream's own last event."""
    client = await strictly(Host(SSE_START, body(FIRST, more=True), body(SAID, more=True), *then))

    data = content(client)
    assert 200 == client.status
    assert data.startswith(FIRST + SAID + b"event: error\ndata: ")
    error_of(data.rpartition(b"data: ")[2])
    assert not bodies(client)[-1].get("more_body", False)


async def test_json_that_has_begun_ends_in_an_error_too() -> None:
    """Where another message made the start leave early, the body is the error."""
    push: Message = {"type": "http.response.push", "path": "/a", "headers": []}

    client = await strictly(Host(JSON_START, push, body(b"#secret#")))

    error_of(bodies(client)[0]["body"])


async def test_an_exact_stream_passes_byte_for_byte() -> None:
    """A host that writes exactly OpenAI's format is not written again: comments, ids and all."""
    logprobs = {"content": [{"token": "a", "bytes": [97], "logprob": -1, "top_logprobs": []}]}
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}
    parts = [
        b": connected\n\n",
        b"id: 1\r\n" + FIRST.replace(b"\n", b"\r\n"),
        *[SAID, SAID.replace(b'"a"', rb'"\"b\" \u00e9"'), SAID, SAID.replace(b'":"a', b'": "a')],
        sse({**chunk({"content": "a"}, logprobs=logprobs, finish_reason=None), "obfuscation": "x"}),
        sse(chunk({"tool_calls": [call]}, finish_reason=None) | {"usage": None}),
        sse(chunk(finish_reason="tool_calls")),
        sse({**HEAD, "choices": [], "usage": USAGE, "service_tier": "default"}),
        DONE,
        b"\n",
    ]

    client = await strictly(streaming(*parts))

    assert parts == [message["body"] for message in bodies(client)][:-1]


async def test_an_exact_reply_passes_byte_for_byte() -> None:
    """A JSON reply that is exactly OpenAI's keeps its spaces and the order of its keys."""
    message = {"role": "assistant", "refusal": None, "content": "a"}
    choice = {"finish_reason": "stop", "logprobs": None, "message": message, "index": 0}
    reply = {"object": "chat.completion", "choices": [choice], "usage": USAGE}
    data = json.dumps(reply | {"id": "x", "created": 1, "model": "m"}, indent=1).encode()

    client = await strictly(replying(data, (b"etag", b"e")))

    assert data == client.content
    assert "x-thinking-dialect" not in client.headers


@pytest.mark.parametrize("late", [{"reasoning": MARK}, {"usage": USAGE, "x_vendor": MARK}])
async def test_what_is_odd_after_the_finish_repeats_no_finish(late: JSONObject) -> None:
    """Where the host's finish chunk has passed already, it is not sent a second time."""
    odd = {**HEAD, "choices": [], **late}

    data = content(
        await strictly(streaming(FIRST, SAID, sse(chunk(finish_reason="stop")), sse(odd), DONE))
    )

    check_stream(data)
    assert 1 == data.count(b'"finish_reason":"stop"')


async def test_a_role_in_every_delta_is_said_once() -> None:
    """Clients that add up deltas would make `assistantassistant` of it."""
    delta = {"role": "assistant", "content": "a"}

    data = content(await strictly(streaming(*[sse(chunk(delta, finish_reason=None))] * 3, LAST)))

    check_stream(data)
    assert 3 == data.count(b'"content":"a"')


async def test_usage_beside_the_finish_comes_where_openai_has_it() -> None:
    """Counts in a chunk with choices move into one of their own, for who asked for them."""
    end = sse(chunk(finish_reason="stop") | {"usage": USAGE}) + DONE

    check_stream(content(await strictly(streaming(FIRST, SAID, end))))


@given(
    # The same call twice would be one call with broken arguments.
    st.lists(st.sampled_from([*HIDDEN, *ODD_CHUNKS, "text"])).filter(
        lambda names: names.count("google") < 2
    ),
    st.lists(st.integers(0, 9999)),
)
def test_whatever_a_host_says_in_whatever_order_stays_strict(
    names: list[str], places: list[int]
) -> None:
    """Of any mixture of chunks, cut anywhere, OpenAI's part is left, and ends well."""
    known = ODD_CHUNKS | {name: chunk(delta, finish_reason=None) for name, delta in HIDDEN.items()}
    said = [sse(known[name]) if name in known else SAID for name in names]
    data = b"".join([FIRST, *said, LAST])
    stream = HostStream(1, Form(OPENAI, Asked(thinking=True, include_usage=True)))

    reads = cut(data, *[place % len(data) for place in places])
    sent = b"".join([stream.feed(read) for read in reads]) + stream.close(b"")

    check_stream(sent)
    assert MARK.encode() not in sent
    assert names.count("text") <= sent.count(b'"content":"a"')


async def test_everything_at_once() -> None:
    """The full reply of the transcripts, as stream and as JSON, is OpenAI's to the letter."""
    check_stream(content(await strictly(streaming(FULL_STREAM))))
    check_completion((await strictly(replying(FULL_MESSAGE))).json)
    assert b"so" not in orjson.dumps(ASK["messages"])
