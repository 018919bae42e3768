"""ASGI's contract on the way out, where the host's reply is rewritten."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.types import Message

from asgi_thinking import ThinkingMiddleware
from tests.asgi import JSON_HEADERS, Client, Headers, scope_for
from tests.asgi_replies import (
    ASKED,
    JSON,
    RAW,
    STREAM,
    Host,
    body,
    kinds,
    rewritten,
    start,
    streamed,
    told,
)
from tests.hosts.play import FOREIGN, PIECES

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(30)]

COOKIES: Headers = ((b"Set-Cookie", b"a=1"), (b"set-cookie", b"b=2"))


@pytest.fixture
def anyio_backend() -> str:
    """As servers run."""
    return "asyncio"


# -- 7. the start ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [tuple, list, iter], ids=["tuple", "list", "iterator"])
@pytest.mark.parametrize("pair", [tuple, list], ids=["of tuples", "of lists"])
@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
async def test_headers_of_any_form_are_read(stream: bool, kind: Any, pair: Any) -> None:
    """Names come out in lower case, and every cookie with its own line, in order."""
    usual = STREAM if stream else JSON
    given = kind([pair(each) for each in (*usual, *COOKIES, (b"X-Own", b"Value"))])
    rest = streamed()[1:] if stream else [body(RAW)]

    client = await told(start(given), *rest)

    headers = [tuple(each) for each in client.sent[0]["headers"]]
    assert rewritten(client)
    assert all(name == name.lower() for name, _ in headers)
    own = [each for each in headers if each[0] in (b"set-cookie", b"x-own")]
    assert [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"x-own", b"Value")] == own


async def test_a_start_without_headers_passes() -> None:
    """Headers may be missing, and then nothing says that there is JSON."""
    bare = {"type": "http.response.start", "status": 200}

    client = await told(bare, body(RAW))

    assert [bare, body(RAW)] == client.sent
    assert client.sent[0] is bare


@pytest.mark.parametrize("vary", [[], [(b"Vary", b"Origin")], [(b"vary", b"*")]])
async def test_vary_is_added_to(vary: Any) -> None:
    """Caches tell dialects apart, and what the host varies by as well."""
    client = await told(start([*JSON, *vary]), body(RAW))

    said = b", ".join(v for k, v in client.sent[0]["headers"] if k == b"vary").split(b", ")
    assert [value.lower() for _, value in vary] == [each.lower() for each in said[: len(vary)]]
    assert (b"x-thinking-dialect" in said) is (b"*" not in said)


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
async def test_the_hosts_framing_goes_with_its_bytes(stream: bool) -> None:
    """A host that copies its upstream's headers does not end up with two framings."""
    usual, *rest = streamed() if stream else [start(), body(RAW)]
    framing = ((b"Transfer-Encoding", b"chunked"), (b"Content-Length", b"7"), (b"ETag", b"1"))

    client = await told(usual | {"headers": [*usual["headers"], *framing]}, *rest)

    names = [name for name, _ in client.sent[0]["headers"]]
    assert rewritten(client)
    assert [0, int(not stream), 0] == [names.count(name.lower()) for name, _ in framing]


async def test_further_keys_of_messages_stay() -> None:
    """Servers and extensions have keys of their own in starts and bodies."""
    client = await told(start(x=1), body(RAW, y=2))

    assert [1, 2] == [client.sent[0]["x"], client.sent[-1]["y"]]


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
async def test_one_start_comes_first(stream: bool) -> None:
    """Then bodies, of which only the last says that it is the last."""
    client = await told(*(streamed() if stream else [start(), body(RAW)]))

    first, *bodies = client.sent
    assert ["start", *["body"] * len(bodies)] == kinds(client)
    assert [*[True] * (len(bodies) - 1), False] == [m.get("more_body", False) for m in bodies]
    assert all(type(message["body"]) is bytes for message in bodies)
    assert all(message["body"] for message in bodies[:-1])
    assert stream is (b"content-length" not in dict(first["headers"]))


# -- 8. the order ------------------------------------------------------------------------------

DEBUG: Message = {"type": "http.response.debug", "info": {}}
HINT: Message = {"type": "http.response.early_hint", "links": [b"</a>"]}
PUSH: Message = {"type": "http.response.push", "path": "/a", "headers": []}
TRAILERS: Message = {"type": "http.response.trailers", "headers": ()}


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
async def test_what_comes_before_the_start_is_not_held(stream: bool) -> None:
    """Debug information and early hints are sent when they are said."""
    gate = asyncio.Event()
    rest = streamed() if stream else [start(), body(RAW)]
    client = Client([json.dumps(FOREIGN).encode()])
    app = ThinkingMiddleware(Host(DEBUG, HINT, gate, *rest))
    scope = scope_for(headers=[*JSON_HEADERS, *ASKED])

    running = asyncio.create_task(app(scope, client.receive, client.send))
    await client.until(2)
    assert [DEBUG, HINT] == client.sent
    gate.set()
    await running

    assert rewritten(client)
    assert ["debug", "early_hint", "start", "body"] == kinds(client)[:4]


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
async def test_what_comes_after_the_start_finds_it_sent(stream: bool) -> None:
    """A start that is held goes before a push, and nothing is sent twice."""
    rest = streamed() if stream else [start(), body(RAW)]

    client = await told(rest[0], PUSH, *rest[1:])

    assert ["start", "push", "body"] == kinds(client)[:3]
    assert 1 == kinds(client).count("start")
    assert client.sent[1] is PUSH
    assert rewritten(client)


async def test_a_host_that_ends_after_its_start() -> None:
    """The start is not kept for ever: the server gets what it would have got."""
    only = start()

    client = await told(only)

    assert [only] == client.sent


async def test_a_host_that_says_nothing() -> None:
    """Nothing is said for it."""
    assert [] == (await told()).sent


# -- 9. bodies ---------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
async def test_json_in_any_pieces(size: int, kind: Any) -> None:
    """The last message may have no key but its type, as Django has it."""
    parts = [kind(RAW[at : at + size]) for at in range(0, len(RAW), size)]
    pieces = [body(part, more_body=True) for part in parts]

    client = await told(start(), *pieces, {"type": "http.response.body"})

    assert ["start", "body"] == kinds(client)
    message = client.json["choices"][0]["message"]
    assert "thought-1 thought-2" == message["content_blocks"][0]["thinking"]
    assert {"content-length": str(len(client.content))}.items() <= client.headers.items()


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
async def test_each_piece_of_a_stream_is_one_send(kind: Any) -> None:
    """Nothing waits for the next piece, and empty ones are not sent on."""
    gates = [asyncio.Event() for _ in PIECES]
    steps: list[Any] = [start(STREAM)]
    for piece, gate in zip(PIECES, gates, strict=True):
        steps += [body(more_body=True), body(kind(piece), more_body=True), gate]
    client = Client([json.dumps(FOREIGN).encode()])
    app = ThinkingMiddleware(Host(*steps, {"type": "http.response.body"}))
    scope = scope_for(headers=[*JSON_HEADERS, *ASKED])

    running = asyncio.create_task(app(scope, client.receive, client.send))
    for number, gate in enumerate(gates):
        await client.until(2 + number)
        assert 2 + number == len(client.sent)
        gate.set()
    await running

    assert 2 + len(PIECES) == len(client.sent)
    assert rewritten(client)


async def test_one_send_at_a_time() -> None:
    """The host waits until the server has taken what became of its message."""
    client, taken = Client([json.dumps(FOREIGN).encode()]), asyncio.Semaphore(0)
    host = Host(*streamed())

    async def send(message: Message) -> None:
        await client.send(message)
        await taken.acquire()

    scope = scope_for(headers=[*JSON_HEADERS, *ASKED])
    running = asyncio.create_task(ThinkingMiddleware(host)(scope, client.receive, send))
    for count in range(1, 2 + len(PIECES)):
        await client.until(count)
        for _ in range(20):  # turns of the loop, in which nobody may go ahead
            await asyncio.sleep(0)
        assert count == len(client.sent)
        taken.release()
    taken.release()
    await running


# -- 10. files, 11. trailers -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["http.response.pathsend", "http.response.zerocopysend"])
async def test_files_pass(name: str) -> None:
    """A host that sends a file unasked has it sent, for nobody could read it on its way."""
    given = [start(), {"type": name, "path": "/a", "file": 3}]

    client = await told(*given)

    assert given == client.sent


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
async def test_trailers_come_last(stream: bool) -> None:
    """The start still announces them, and no length ends the reply before they come."""
    usual, *rest = streamed() if stream else [start(), body(RAW)]
    length = (b"content-length", b"%d" % len(RAW))
    announced = usual | {"trailers": True, "headers": [*usual["headers"], length]}

    client = await told(announced, *rest, TRAILERS)

    assert rewritten(client)
    assert client.sent[0]["trailers"] is True
    assert b"content-length" not in dict(client.sent[0]["headers"])
    assert client.sent[-1] is TRAILERS
    assert client.sent[-2].get("more_body", False) is False
