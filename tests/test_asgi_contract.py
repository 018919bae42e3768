"""ASGI's contract, as odd hosts and servers test it: identity, replay, order, isolation, loops."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from asgi_thinking import ThinkingMiddleware, allow_all
from tests.asgi import JSON_HEADERS, Client, call, scope_for
from tests.scripted import REPLY, Scripted

ASK: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "messages": [{"role": "user", "content": "hi"}],
}
FOREIGN = ASK | {"model": "gpt-5"}


pytestmark = pytest.mark.timeout(30)


@pytest.fixture
def anyio_backend() -> str:
    """Replies of ours need asyncio."""
    return "asyncio"


class Host:
    """A host that keeps what it was called with, reads the body, and sends the messages given."""

    def __init__(self, *replies: Message, error: BaseException | None = None) -> None:
        self.replies = replies
        self.error = error
        self.calls: list[tuple[Any, Any, Any]] = []
        self.received: list[Message] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.calls.append((scope, receive, send))
        more = scope["type"] == "http"
        while more:
            self.received.append(await receive())
            more = self.received[-1].get("more_body", False)
        for reply in self.replies:
            await send(reply)
        if self.error is not None:
            raise self.error


def wrap(host: Any, provider: Any = None, **options: Any) -> ThinkingMiddleware:
    options = {"authorize": allow_all, "providers": {"acme": provider or Scripted()}} | options
    return ThinkingMiddleware(host, **options)


# -- what is not ours --------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["websocket", "http.upgrade", "sse", "webtransport"])
async def test_other_types_pass_with_the_same_three_objects(kind: str) -> None:
    """Websockets, and types that nobody knows yet, are the host's alone."""
    host, client = Host(), Client()
    scope = {"type": kind}  # nothing else is looked at
    receive, send = client.receive, client.send

    await wrap(host)(scope, receive, send)

    ((seen, *channels),) = host.calls
    assert scope is seen
    assert [receive, send] == channels
    assert {"type": kind} == scope


@pytest.mark.parametrize(
    "change",
    [
        {"method": "OPTIONS"},
        {"method": "HEAD"},
        {"path": "/v1/модели"},
        {"type": "websocket"},
        {"headers": [(b"content-type", b"multipart/form-data; boundary=x")]},
    ],
)
def test_what_passes_needs_no_event_loop(change: dict[str, Any]) -> None:
    """Under trio, or any other loop, requests that are not ours only pass through."""
    host = Host({"type": "http.response.start"})

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        assert message is host.replies[0]

    coroutine = wrap(host)(scope_for(**change), receive, send)
    with pytest.raises(StopIteration):
        coroutine.send(None)

    assert 1 == len(host.calls)


def test_a_foreign_model_needs_no_event_loop_either() -> None:
    """Reading and replaying the body is plain ASGI."""
    host = Host()
    message: Message = {"type": "http.request", "body": json.dumps(FOREIGN).encode()}

    async def receive() -> Message:
        return message

    async def send(_: Message) -> None: ...

    with pytest.raises(StopIteration):
        wrap(host)(scope_for(), receive, send).send(None)

    assert host.received[0] is message


@pytest.mark.anyio
async def test_the_scope_stays_the_hosts() -> None:
    """Routers below speak to those above through the scope: it is neither copied nor written."""
    host, client, scope = Host(), Client([json.dumps(FOREIGN).encode()]), scope_for()
    before = dict(scope)

    await wrap(host)(scope, client.receive, client.send)

    assert host.calls[0][0] is scope
    assert before == scope


@pytest.mark.anyio
async def test_every_message_of_the_host_passes_as_it_is() -> None:
    """Extensions come before the start and after the end, with keys of their own."""
    messages: list[Message] = [
        {"type": "http.response.debug", "info": {}},
        {"type": "http.response.early_hint", "links": [b"</a>"]},
        {"type": "http.response.start", "status": 200, "headers": iter(()), "trailers": True},
        {"type": "http.response.push", "path": "/a", "headers": []},
        {"type": "http.response.body", "body": memoryview(b"a"), "more_body": True, "x": 1},
        {"type": "http.response.zerocopysend", "file": 3},
        {"type": "http.response.pathsend", "path": "/a"},
        {"type": "http.response.body"},
        {"type": "http.response.trailers", "headers": ()},
    ]

    client = await call(wrap(Host(*messages)), FOREIGN)

    assert len(messages) == len(client.sent)
    assert all(a is b for a, b in zip(messages, client.sent, strict=True))


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["lifespan", "http"])
async def test_exceptions_of_the_host_are_not_touched(kind: str) -> None:
    """Error middleware and reporters see the very object; a host without lifespan says so."""
    error = ValueError("Django can only handle ASGI/HTTP connections, not lifespan.")
    client = Client([json.dumps(FOREIGN).encode()])

    with pytest.raises(ValueError, match="Django") as caught:
        await wrap(Host(error=error))(scope_for(type=kind), client.receive, client.send)

    assert caught.value is error


# -- the body ----------------------------------------------------------------------------------


def messages_of(*bodies: Any) -> list[Message]:
    last = len(bodies) - 1
    return [
        {"type": "http.request", "body": body, "more_body": n < last, "x-server": n}
        for n, body in enumerate(bodies)
    ]


def receiving(messages: Iterable[Message]) -> Receive:
    pending = iter(messages)

    async def receive() -> Message:
        return next(pending, {"type": "http.disconnect"})

    return receive


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_bodies_of_any_kind_and_cut_are_read(kind: type, size: int) -> None:
    """Some servers give views of their buffers."""
    raw = json.dumps(ASK).encode()
    parts = [kind(raw[at : at + size]) for at in range(0, len(raw), size)]
    client = Client(parts)

    await wrap(Host())(scope_for(), client.receive, client.send)

    assert "the answer" == client.json["choices"][0]["message"]["content"]


@pytest.mark.anyio
async def test_the_hosts_body_is_the_servers_own_messages() -> None:
    """Not equal ones: the same objects in the same order, then whatever the server says."""
    raw = json.dumps(FOREIGN).encode()
    messages = messages_of(raw[:5], memoryview(b""), bytearray(raw[5:]))
    host = Host()

    await wrap(host)(scope_for(), receiving(messages), Client().send)

    assert 3 == len(host.received)
    assert all(a is b for a, b in zip(messages, host.received, strict=True))
    assert {"type": "http.disconnect"} == await host.calls[0][1]()


@pytest.mark.anyio
async def test_messages_without_keys_are_an_empty_body() -> None:
    """`body` and `more_body` may be missing."""
    client = Client()

    await wrap(Host())(scope_for(), receiving([{"type": "http.request"}]), client.send)

    assert 400 == client.status


@pytest.mark.anyio
@pytest.mark.parametrize("name", [b"content-type", b"Content-Type", b"CONTENT-TYPE"])
async def test_header_names_in_any_case(name: bytes) -> None:
    """A form stays the host's, however its server writes header names."""
    host = Host()

    await call(wrap(host), ASK, headers=[(name, b"multipart/form-data")])

    assert 1 == len(host.calls)


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [tuple, iter])
async def test_headers_that_can_be_read_once(kind: Any) -> None:
    """Headers may be any iterable; the host and `authorize` still get all of them."""
    host, seen = Host(), []

    def authorize(scope: Scope) -> str:
        seen.extend(scope["headers"])
        return "tenant"

    for body in (FOREIGN, ASK):
        client = Client([json.dumps(body).encode()])
        scope = scope_for()
        scope["headers"] = kind(JSON_HEADERS)
        await wrap(host, authorize=authorize)(scope, client.receive, client.send)

    assert list(JSON_HEADERS) == list(host.calls[0][0]["headers"])
    assert list(JSON_HEADERS) == seen


# -- our own replies ---------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("wrong", [True, False])
async def test_messages_come_once_and_in_order(stream: bool, wrong: bool) -> None:
    """One start, then bodies, of which only the last says that it is the last."""
    body = ASK | {"stream": stream} | ({"messages": 1} if wrong else {})

    client = await call(wrap(Host()), body)

    start, *bodies = client.sent
    assert "http.response.start" == start["type"]
    assert {"http.response.body"} == {message["type"] for message in bodies}
    assert [*[True] * (len(bodies) - 1), False] == [m.get("more_body", False) for m in bodies]
    assert all(type(message["body"]) is bytes for message in bodies)
    assert all(name == name.lower() for name, _ in start["headers"])
    assert len(start["headers"]) == len(dict(start["headers"]))


@pytest.mark.anyio
async def test_a_server_whose_send_raises_ends_the_upstream_request() -> None:
    """Since ASGI 2.4 `send` may say that the client left."""
    provider = Scripted([[*REPLY[:2], asyncio.Event()]])
    client = Client([json.dumps(ASK | {"stream": True}).encode()])
    gone = OSError("gone")

    async def send(message: Message) -> None:
        raise gone

    before = asyncio.all_tasks()
    with pytest.raises(OSError, match="gone"):
        await wrap(Host(), provider)(scope_for(), client.receive, send)

    assert provider.released.is_set()
    assert before == asyncio.all_tasks()
