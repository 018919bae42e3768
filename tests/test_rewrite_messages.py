"""Starts and bodies of a host's reply: which are rewritten, and what becomes of their headers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from asgi_thinking import ThinkingMiddleware
from tests.asgi import Client, scope_for
from tests.rewriting import (
    JSON_START,
    JSON_TYPE,
    PLAIN,
    SSE_START,
    Host,
    ask,
    body,
    check_order,
    content,
    replying,
)
from tests.wire.openai_transcripts import completion, finished

pytestmark = pytest.mark.anyio

OBIGUARD = b"x-obiguard-strict-open-ai-compliance"
THOUGHT = completion({"content": "a", "reasoning_content": "so"})
QUIET = completion({"content": "a"})


@pytest.mark.parametrize(
    "headers",
    [
        [(b"content-type", b"text/plain")],
        [],
        [JSON_TYPE, (b"x-thinking-dialect", b"portkey")],
        [JSON_TYPE, (b"Content-Encoding", b"gzip")],
        [JSON_TYPE, (b"content-range", b"bytes 0-1/2")],
        [(b"content-type", b"application/jsonl")],
    ],
)
@pytest.mark.parametrize("listed", [list, tuple])
async def test_other_replies_pass_message_by_message(
    headers: list[tuple[bytes, bytes]], listed: Callable[[Any], Any]
) -> None:
    """What is of another type, coded, partial or written in a dialect already stays as it is."""
    host = Host(JSON_START | {"headers": listed(headers)}, body(THOUGHT, more=True), body(b""))

    client = await ask(host)

    assert all(a is b for a, b in zip(host.replies, client.sent, strict=True))


@pytest.mark.parametrize("status", [199, 300, 400, 500])
async def test_other_statuses_pass(status: int) -> None:
    """Errors and redirects of the host's are its own."""
    host = Host(JSON_START | {"status": status}, body(THOUGHT))

    assert THOUGHT == (await ask(host)).content


@pytest.mark.parametrize(
    "value",
    [b"application/json", b"Application/JSON ; charset=utf-8", b"application/json;v=1"],
)
async def test_content_types_in_any_case_and_with_parameters(value: bytes) -> None:
    """A reply is known by its type alone; an identity coding is none."""
    headers = iter([(b"Content-Type", value), (b"content-encoding", b"Identity")])
    host = Host(JSON_START | {"headers": headers}, body(THOUGHT))

    assert b"thinking_blocks" in (await ask(host)).content


async def test_headers_of_a_changed_reply() -> None:
    """What was true of the host's bytes goes, `vary` is merged, and what comes twice stays so."""
    headers = [
        (b"Content-Type", b"application/json"),
        *[(b"Content-Length", b"1"), (b"ETag", b"x"), (b"digest", b"y"), (b"Accept-Ranges", b"z")],
        *[
            (b"Set-Cookie", b"a=1"),
            (b"set-cookie", b"b=2"),
            (b"Vary", b"Origin, X-Tfy-Strict-OpenAI"),
        ],
    ]
    start = JSON_START | {"headers": headers, "x-server": 1}

    client = await ask(Host(start, body(THOUGHT)))

    assert [
        (b"content-type", b"application/json"),
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
        (b"vary", b"Origin, X-Tfy-Strict-OpenAI"),
        (b"content-length", b"%d" % len(client.content)),
        (
            b"vary",
            b"x-thinking-dialect, x-portkey-strict-open-ai-compliance, " + OBIGUARD,
        ),
        (b"x-thinking-dialect", b"truefoundry"),
    ] == client.sent[0]["headers"]
    assert 1 == client.sent[0]["x-server"]


async def test_vary_on_everything_says_it_all() -> None:
    """Nothing is added to `vary: *`."""
    client = await ask(replying(THOUGHT, (b"vary", b"*")))

    assert "*" == client.headers["vary"]


async def test_a_json_reply_that_need_not_change_is_the_hosts_own() -> None:
    """Its messages pass as they are, with their boundaries, length and entity tag."""
    start = JSON_START | {"headers": [JSON_TYPE, (b"etag", b"x")]}
    host = Host(start, body(QUIET[:5], more=True), body(b"", more=True), body(QUIET[5:]))

    client = await ask(host)

    assert all(a is b for a, b in zip(host.replies, client.sent, strict=True))


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
async def test_json_in_several_messages(kind: type) -> None:
    """The new body leaves at once, with what else the last message said."""
    last = body(kind(b"")) | {"x-host": 1}
    host = Host(
        JSON_START, body(kind(THOUGHT[:9]), more=True), body(kind(THOUGHT[9:]), more=True), last
    )

    client = await ask(host)

    check_order(client.sent)
    assert 2 == len(client.sent)
    assert 1 == client.sent[1]["x-host"]
    assert str(len(client.content)) == client.headers["content-length"]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
async def test_streams_in_bodies_of_any_kind(kind: type) -> None:
    """Some frameworks send views of their buffers; what passes is the host's own message."""
    quiet = finished({"content": "a"})
    parts = [body(kind(quiet[:99]), more=True), body(kind(quiet[99:]), more=True), body(kind(b""))]

    client = await ask(Host(SSE_START, *parts))

    check_order(client.sent)
    assert quiet == content(client)
    assert client.sent[-1] is parts[-1]


async def test_a_client_that_leaves_is_the_hosts_matter() -> None:
    """The host hears of it as it would alone; nothing is overheard of that."""
    client = Client([b""])

    async def host(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        client.leave()
        assert "http.disconnect" == (await receive())["type"]
        for message in replying(THOUGHT).replies:
            await send(message)

    await ThinkingMiddleware(host)(scope_for(headers=PLAIN), client.receive, client.send)

    assert b"thinking_blocks" in content(client)


async def test_with_trailers_the_length_is_left_out() -> None:
    """Where trailers follow the body, its length would end the reply too early."""
    trailers: Message = {"type": "http.response.trailers", "headers": []}
    host = Host(JSON_START | {"trailers": True}, body(THOUGHT), trailers)

    client = await ask(host)

    assert "content-length" not in client.headers
    assert client.sent[0]["trailers"]
    assert client.sent[-1] is trailers
