"""Replies that cannot be read where nobody insists on strictness: they pass, with a warning."""

from __future__ import annotations

import logging
from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from asgi_thinking import ThinkingMiddleware
from asgi_thinking._host_reply import Form, HostStream, rewritten
from asgi_thinking.dialects import Asked, Dialect
from asgi_thinking.exceptions import ThinkingError
from tests.asgi import Client, Headers, call
from tests.host_streams import KNOWN
from tests.rewriting import (
    ASK,
    JSON_START,
    JSON_TYPE,
    PLAIN,
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
    wants,
)
from tests.strategies import shared
from tests.wire.openai_transcripts import DONE, chunk, completion, cut, finished, sse

pytestmark = pytest.mark.anyio

FIRST = sse(chunk({"role": "assistant", "content": ""}))
THOUGHT = sse(chunk({"reasoning": "so"}))
TEXT = sse(chunk({"content": "a"}))
PART_OF_NONE = b'{"choices":[{"message":{"content":[null]},"finish_reason":"stop"}]}'
BROKEN = b"data: {broken\n\n"

every_dialect = pytest.mark.parametrize("dialect", ["truefoundry", "portkey", "reasoning"])


@every_dialect
@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"",
        b"[]",
        b'{"status":"queued"}',
        PART_OF_NONE,
        b'"\xff"',
        b"[" * 999,
    ],
)
async def test_json_that_is_no_completion(
    dialect: str, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """The host's messages pass as they are, and the log says why, once for all requests."""
    host = replying(data)
    app = ThinkingMiddleware(host)

    with caplog.at_level(logging.WARNING):
        first, second = [await call(app, ASK, list(wants(dialect))) for _ in range(2)]

    for client in (first, second):
        assert all(a is b for a, b in zip(host.replies, client.sent, strict=True))
    assert 1 == len(caplog.records)
    assert "host: malformed reply" in caplog.text or "without choices" in caplog.text


@every_dialect
@pytest.mark.parametrize("reads", [[BROKEN], [b"data: {bro", b"ken\n\n", FIRST + b"data", DONE]])
async def test_a_stream_that_is_none(
    dialect: str, reads: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    """Before anything was sent, it passes as it is from its first byte to its last."""
    with caplog.at_level(logging.WARNING):
        client = await ask(streaming(*reads), wants(dialect))

    assert b"".join(reads) == content(client)
    assert 1 == len(caplog.records)
    check_order(client.sent)


async def test_a_stream_that_breaks_while_it_passes(caplog: pytest.LogCaptureFixture) -> None:
    """Where nothing was changed, nothing is: the client's parser may be more tolerant than ours."""
    odd = FIRST.replace(b'"m"', b"NaN")

    with caplog.at_level(logging.WARNING):
        client = await ask(streaming(FIRST, TEXT, odd + TEXT[:9], TEXT[9:], DONE))

    assert FIRST + TEXT + odd + TEXT + DONE == content(client)
    assert "malformed chunk" in caplog.text


@pytest.mark.parametrize("dialect", ["truefoundry", "portkey"])
async def test_a_stream_that_breaks_while_it_is_written(dialect: str) -> None:
    """Once the dialect is being written, the error is its last event, whatever follows."""
    client = await ask(streaming(FIRST, THOUGHT, BROKEN, TEXT, DONE), wants(dialect))

    check_order(client.sent)
    before, event, error = content(client).partition(b"event: error\ndata: ")
    assert b'"so"' in before
    assert event
    assert "host: malformed chunk, expected a chat completion" == error_of(error)["message"]


async def test_thinking_and_a_break_in_one_message() -> None:
    """What was thought before the break is written, and then the error."""
    client = await ask(streaming(FIRST + THOUGHT + BROKEN))

    assert b'"reasoning_content":"so"' in content(client)
    assert b"event: error" in content(client)


async def test_an_error_of_the_hosts_passes_while_its_bytes_do(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its own words are no news for the log, as an event or as a body."""
    error = b'data: {"error":{"message":"busy","mine":1}}\n\n'

    with caplog.at_level(logging.WARNING):
        stream = await ask(streaming(FIRST, error, b"data: more\n\n"))
        json = await ask(replying(error[6:].strip()))

    assert FIRST + error + b"data: more\n\n" == content(stream)
    assert error[6:].strip() == content(json)
    assert not caplog.records


async def test_an_error_of_the_hosts_is_written_once_the_dialect_is() -> None:
    """Then it has the one form that every client takes for an error."""
    error = b'data: {"error":{"message":"busy","code":503}}\n\n'

    client = await ask(streaming(FIRST, THOUGHT, error))

    assert "busy" == error_of(content(client).rpartition(b"data: ")[2])["message"]


async def test_a_stream_without_its_end_ends_as_the_host_ended_it() -> None:
    """In the host's bytes with the host's last byte; half an event too."""
    assert FIRST + TEXT[:30] == content(await ask(streaming(FIRST, TEXT[:30])))
    whole = finished({"content": "a"})[:-20]
    assert whole == content(await ask(streaming(whole[:50], whole[50:])))


@pytest.mark.parametrize("headers", [PLAIN, STRICT])
@pytest.mark.parametrize("index", [b"{}", b"0"])
async def test_nothing_after_the_end_is_read(headers: Headers, index: bytes) -> None:
    """Whatever a host sends after [DONE] cannot make the reply fail any more."""
    whole = finished({"content": "a"})
    odd = b'data: {"choices":[7,{"finish_reason":"x","index":' + index + b"}]}\n\n"
    rest = odd + b'data: ["finish_reason":"x"\n\ndata: ["finish_reason"]\n\n'

    client = await ask(streaming(whole, rest, rest + b"data: " + b"x" * 2**24 + b"\n\n"), headers)

    assert b'"content":"a"' in content(client)
    assert b"[DONE]" in content(client)
    check_order(client.sent)


async def test_a_stream_that_broke_off_says_so_in_the_dialect() -> None:
    """Where the dialect is written, an end without a finish reason is an error."""
    client = await ask(streaming(FIRST, THOUGHT, TEXT))

    check_order(client.sent)
    assert "ended before" in error_of(content(client).rpartition(b"data: ")[2])["message"]


async def test_a_finish_reason_is_end_enough() -> None:
    """Hosts that never send [DONE] get it written, once the dialect is."""
    client = await ask(streaming(FIRST, THOUGHT, TEXT, sse(chunk(finish_reason="stop")).strip()))

    assert content(client).endswith(b'"finish_reason":"stop"}]}\n\n' + DONE)


async def test_a_host_that_returns_within_the_dialect() -> None:
    """The stream ends in its error, because the host will say nothing more."""
    client = await ask(Host(SSE_START, body(THOUGHT, more=True)))

    assert b'"so"' in content(client)
    assert content(client).rpartition(b"event: ")[2].startswith(b"error\ndata: ")


async def test_too_large_bodies_pass() -> None:
    """What does not fit into memory's bound passes as it came, message by message."""
    parts = [body(b"x" * 2**24, more=True)] * 3
    host = Host(JSON_START, *parts, body(b"x"))

    client = await ask(host)

    assert all(a is b for a, b in zip(host.replies, client.sent, strict=True))


async def test_too_large_events_pass() -> None:
    """An event beyond its bound is passed on, and so is what follows."""
    client = await ask(streaming(b"data: ", *[b"x" * 2**22] * 5, b"\n\n", TEXT))

    assert len(content(client)) == 6 + 5 * 2**22 + 2 + len(TEXT)


async def test_a_file_after_events_comes_behind_their_beginning() -> None:
    """What is held back of the stream goes before a file that the host sends by itself."""
    file: Message = {"type": "http.response.zerocopysend", "file": 1}

    client = await ask(Host(SSE_START, body(FIRST + TEXT[:9], more=True), file, body(b"")))

    assert FIRST + TEXT[:9] == content(client)
    assert file is client.sent[-2]


async def test_a_file_within_the_dialect_passes() -> None:
    """A host that does so has to know; nothing of ours comes between."""
    file: Message = {"type": "http.response.zerocopysend", "file": 1}

    client = await ask(Host(SSE_START, body(THOUGHT, more=True), file, body(b"")))

    assert [file] == [
        m for m in client.sent if m["type"] not in {SSE_START["type"], body(b"")["type"]}
    ]
    assert b"" == bodies(client)[-1]["body"]


@pytest.mark.parametrize("headers", [[SSE_TYPE], [JSON_TYPE]])
async def test_a_compressed_reply_passes_with_one_warning(
    headers: list[tuple[bytes, bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    """The owner learns that something within compresses."""
    start = JSON_START | {"headers": [*headers, (b"content-encoding", b"gzip")]}
    app = ThinkingMiddleware(Host(start, body(b"gz")))

    with caplog.at_level(logging.WARNING):
        clients = [await call(app, ASK, list(wants("portkey"))) for _ in range(3)]

    assert {b"gz"} == {content(client) for client in clients}
    assert 1 == caplog.text.count("it is compressed")


async def test_tags_are_read_where_the_owner_says_so() -> None:
    """`think_tags` is the middleware's option, for both forms of a reply."""
    text = {"content": "<think>so</think>a"}
    for host in (replying(completion(text)), streaming(finished(text))):
        tagged: Client = await ask(host, think_tags=True)
        plain = await ask(host)
        assert b'"reasoning_content":"so"' in content(tagged)
        assert b"<think>" in content(plain)


KEYS = ("choices", "delta", "message", "content", "reasoning", "thinking_blocks", "tool_calls")
KEYS_OF_ALL = st.sampled_from([*KEYS, "index", "finish_reason", "usage", "error", "id", "function"])
LEAVES = st.sampled_from([None, True, 0, 7, -1, 0.5, "", "a", "stop", [], {}])
ODD = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS_OF_ALL, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("dialect", KNOWN.values(), ids=KNOWN)
@shared(len(KNOWN))
@given(st.lists(ODD, max_size=4), st.lists(st.integers(0, 9999), max_size=4), st.booleans())
def test_no_host_breaks_the_host(
    dialect: Dialect, values: list[object], places: list[int], shown: bool
) -> None:
    """Whatever JSON a host sends, as stream or as reply, the answer is bytes or our own error."""
    form = Form(dialect, Asked(shown, shown))
    chunks = [{"id": "x", "choices": [{"index": 0, "delta": value}]} for value in values]
    data = FIRST + b"".join([b"data: " + orjson.dumps(it) + b"\n\n" for it in [*chunks, *values]])
    stream = HostStream(1, form)
    for read in cut(data, *[place % len(data) for place in places]):
        if not (stream.passes or stream.over):
            stream.feed(read)
    if not (stream.passes or stream.over):
        stream.close(DONE + data)

    for value in (*values, {"choices": [{"message": value} for value in values]}):
        with suppress(ThinkingError):
            rewritten(orjson.dumps(value), 1, form)
