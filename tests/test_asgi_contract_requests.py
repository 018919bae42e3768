"""ASGI's contract on the way in: scopes, paths, methods and bodies.

Each promise is kept whether a provider answers, the host's reply is rewritten, or it passes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from asgi_thinking import ThinkingMiddleware, allow_all
from tests.asgi import JSON_HEADERS, Client, Headers, scope_for
from tests.hosts.play import ASK, FOREIGN, WHOLE
from tests.scripted import Scripted

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(30)]

ASKED: Headers = ((b"x-thinking-dialect", b"portkey"), (b"accept-encoding", b"gzip, br"))
DELEGATE = pytest.param(ASK, (), id="delegate")
REWRITE = pytest.param(FOREIGN, ASKED, id="rewrite")
PASS = pytest.param(FOREIGN, (), id="pass")
KINDS = pytest.mark.parametrize(("body", "headers"), [DELEGATE, REWRITE, PASS])
THE_HOSTS = pytest.mark.parametrize(("body", "headers"), [REWRITE, PASS])


@pytest.fixture
def anyio_backend() -> str:
    """Replies of ours need asyncio."""
    return "asyncio"


class Host:
    """Keeps what it was called with, reads the body, and answers as an OpenAI-compatible server."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.channels: list[tuple[Receive, Send]] = []
        self.received: list[Message] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        self.channels.append((receive, send))
        scope["endpoint"] = self
        more = True
        while more:
            self.received.append(await receive())
            more = self.received[-1].get("more_body", False)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(WHOLE).encode()})


def wrap(host: Host, **options: Any) -> ThinkingMiddleware:
    options = {"providers": {"acme": Scripted()}, "authorize": allow_all} | options
    return ThinkingMiddleware(host, **options)


def receiving(messages: Iterable[Message]) -> Receive:
    pending = iter(messages)

    async def receive() -> Message:
        return next(pending, {"type": "http.disconnect"})

    return receive


async def asked(
    host: Host, body: dict[str, Any], headers: Headers, **scope: Any
) -> tuple[Client, Scope]:
    """One request, and the scope that the server had made."""
    client = Client([json.dumps(body).encode()])
    made = scope_for(headers=[*JSON_HEADERS, *headers], **scope)
    await wrap(host)(made, client.receive, client.send)
    return client, made


# -- 1. the scope ------------------------------------------------------------------------------


@KINDS
async def test_the_servers_scope_keeps_what_it_has(body: Any, headers: Headers) -> None:
    """No key of it is changed or removed, and none of ours is left in it."""
    extensions: dict[str, Any] = {"http.response.pathsend": {}, "http.response.push": {}}
    before = scope_for(headers=[*JSON_HEADERS, *headers], extensions=dict(extensions), state={})

    _, after = await asked(Host(), body, headers, extensions=extensions, state={})

    after.pop("endpoint", None)
    assert before == after


@THE_HOSTS
async def test_what_the_host_says_in_its_scope_is_heard_outside(
    body: Any, headers: Headers
) -> None:
    """Routers name the endpoint there, for tracers and reporters outside."""
    host = Host()

    _, scope = await asked(host, body, headers)

    assert host is scope["endpoint"]


async def test_a_host_that_is_rewritten_sees_the_same_but_what_would_seal_its_reply() -> None:
    """Compression and files are not asked for; all other headers stay in their order."""
    host = Host()
    extensions = {
        "http.response.pathsend": {},
        "http.response.zerocopysend": {},
        "http.response.push": {"x": 1},
    }

    _, made = await asked(host, FOREIGN, ASKED, extensions=extensions, state={"a": 1})

    (seen,) = host.scopes
    assert [*JSON_HEADERS, ASKED[0]] == seen["headers"]
    assert {"http.response.push": {"x": 1}} == seen["extensions"]
    assert made["state"] is seen["state"]
    mine = {"headers", "extensions", "asgi_thinking"}
    assert {k: v for k, v in made.items() if k not in mine} == {
        k: v for k, v in seen.items() if k not in mine
    }


async def test_a_host_that_is_not_rewritten_keeps_its_scope() -> None:
    """It is the server's own, and may be compressed and sent as a file."""
    host, extensions = Host(), {"http.response.pathsend": {}}

    _, made = await asked(host, FOREIGN, ASKED[1:], extensions=extensions)

    assert made is host.scopes[0]
    assert ASKED[1] in made["headers"]
    assert {"http.response.pathsend": {}} == made["extensions"]


# -- 3. the path, 4. the method ----------------------------------------------------------------


@KINDS
@pytest.mark.parametrize(
    "change",
    [
        {"path": "/модели/chat/completions", "raw_path": None},
        {"path": "/a/v1/chat/completions", "root_path": "/a"},
        {"path": "/ab/chat/completions", "root_path": "/a"},
        {"path": "/приложение/chat/completions", "root_path": "/приложение"},
        {"raw_path": b"/nothing/of/the/kind"},
    ],
    ids=["no raw path", "root path", "not at a segment", "not ASCII", "another raw path"],
)
async def test_paths_are_read_as_they_are_decoded(
    body: Any, headers: Headers, change: dict[str, Any]
) -> None:
    """Neither the raw path counts, which may be missing, nor a root path within a segment."""
    host = Host()

    client, _ = await asked(host, body, headers, **change)

    assert 200 == client.status
    assert bool(host.scopes) is (body is FOREIGN)
    assert (b"x-thinking-dialect" in dict(client.sent[0]["headers"])) is bool(
        body is ASK or headers
    )


@KINDS
@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "QUERY", "post"]
)
async def test_other_methods_are_the_hosts(body: Any, headers: Headers, method: str) -> None:
    """Methods are upper-case, and only POST completes: preflights and probes go by."""
    host, client = Host(), Client([json.dumps(body).encode()])
    scope = scope_for(headers=[*JSON_HEADERS, *headers], method=method)
    receive, send = client.receive, client.send

    await wrap(host)(scope, receive, send)

    assert host.scopes[0] is scope
    assert [(receive, send)] == host.channels


# -- 5. the body -------------------------------------------------------------------------------


@THE_HOSTS
async def test_the_host_receives_the_servers_own_messages(body: Any, headers: Headers) -> None:
    """The same objects, views and further keys included, then whatever the server says."""
    raw = json.dumps(body).encode()
    messages: list[Message] = [
        {"type": "http.request", "body": memoryview(raw[:9]), "more_body": True, "x-server": 1},
        {"type": "http.request", "more_body": True},
        {"type": "http.request", "body": bytearray(raw[9:])},
    ]
    host, scope = Host(), scope_for(headers=[*JSON_HEADERS, *headers])

    await wrap(host)(scope, receiving(messages), Client().send)

    assert 3 == len(host.received)
    assert all(a is b for a, b in zip(messages, host.received, strict=True))
    assert {"type": "http.disconnect"} == await host.channels[0][0]()


async def test_a_body_in_odd_messages_is_read() -> None:
    """Keys may be missing where they say nothing, also in the middle."""
    raw = json.dumps(ASK).encode()
    messages: list[Message] = [
        {"type": "http.request", "more_body": True},
        {"type": "http.request", "body": memoryview(raw[:9]), "more_body": True},
        {"type": "http.request", "body": bytearray(raw[9:]), "more_body": True},
        {"type": "http.request"},
    ]
    client = Client()

    await wrap(Host())(scope_for(), receiving(messages), client.send)

    assert "the answer" == client.json["choices"][0]["message"]["content"]


@pytest.mark.parametrize("headers", [(), ASKED], ids=["plain", "asked"])
async def test_a_client_that_leaves_while_it_sends_is_asked_nothing(headers: Headers) -> None:
    """Half a request reaches no provider, and nobody is answered."""
    provider, host, client = Scripted(), Host(), Client()
    messages = [{"type": "http.request", "body": b'{"model": "claude', "more_body": True}]
    scope = scope_for(headers=[*JSON_HEADERS, *headers])

    await wrap(host, providers={"a": provider})(scope, receiving(messages), client.send)

    assert [] == client.sent == provider.requests == host.received


@pytest.mark.parametrize("headers", [(), ASKED], ids=["plain", "asked"])
async def test_a_coded_request_is_the_hosts(headers: Headers) -> None:
    """What is compressed is neither guessed at nor refused."""
    host, coded = Host(), (b"content-encoding", b"gzip")
    client = Client([b"\x1f\x8b not JSON"])
    scope = scope_for(headers=[*JSON_HEADERS, *headers, coded])

    await wrap(host)(scope, client.receive, client.send)

    assert b"\x1f\x8b not JSON" == host.received[0]["body"]
    assert coded in host.scopes[0]["headers"]
    assert 200 == client.status


# -- 6. the request is never changed -----------------------------------------------------------


@THE_HOSTS
async def test_the_bodys_length_stays_true(body: Any, headers: Headers) -> None:
    """The host gets the bytes that `content-length` counts."""
    raw = json.dumps(body, indent=3).encode()
    host, client = Host(), Client([raw])
    length = (b"content-length", b"%d" % len(raw))

    await wrap(host)(
        scope_for(headers=[*JSON_HEADERS, *headers, length]), client.receive, client.send
    )

    assert raw == b"".join(message["body"] for message in host.received)
    assert length in host.scopes[0]["headers"]
