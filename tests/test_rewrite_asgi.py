"""Rewriting a host's reply by ASGI's rules: what passes, in which order, and what is exact."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from asgi_thinking import ThinkingMiddleware
from tests.asgi import JSON_HEADERS, Client, call, scope_for
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
    replying,
    streaming,
    wants,
)
from tests.wire.openai_transcripts import (
    FULL_MESSAGE,
    FULL_STREAM,
    chunk,
    completion,
    finished,
    sse,
)

pytestmark = pytest.mark.anyio

OBIGUARD = b"x-obiguard-strict-open-ai-compliance"
THOUGHT = completion({"content": "a", "reasoning_content": "so"})
QUIET = completion({"content": "a"})


async def test_without_a_signal_the_host_gets_the_very_same_objects() -> None:
    """Nothing is copied, wrapped or read for a request that names no dialect."""
    host, client, scope = replying(THOUGHT), Client(), scope_for()
    receive, send = client.receive, client.send

    await ThinkingMiddleware(host)(scope, receive, send)

    assert host.scopes[0] is scope
    assert [(receive, send)] == host.channels
    assert all(a is b for a, b in zip(host.replies, client.sent, strict=True))


@pytest.mark.parametrize(
    ("options", "dialect"),
    [
        ({"default_dialect": "portkey"}, "portkey"),
        ({"default_dialect": "truefoundry"}, "truefoundry"),
        ({"dialects": ["portkey", "openai"]}, "portkey"),
        ({"dialects": ["openai"]}, "openai"),
    ],
)
async def test_an_explicit_default_rewrites_without_a_signal(
    options: dict[str, Any], dialect: str
) -> None:
    """An owner who chose the dialect means it for every reply."""
    client = await ask(replying(THOUGHT), (), **options)

    assert dialect == client.headers["x-thinking-dialect"]


async def test_the_usual_default_among_the_allowed_is_no_choice() -> None:
    """Allowing the usual dialect besides others changes no reply by itself."""
    client = await ask(replying(THOUGHT), (), dialects=["truefoundry", "portkey"])

    assert THOUGHT == client.content


@pytest.mark.parametrize(
    "header",
    [
        (b"X-TFY-STRICT-OPENAI", b"false"),
        (b"x-tfy-strict-openai", b"true"),
        (b"x-thinking-dialect", b"litellm"),
        (b"x-portkey-strict-open-ai-compliance", b"false"),
        (b"x-obiguard-api-key", b"k"),
    ],
)
async def test_any_signal_rewrites(header: tuple[bytes, bytes]) -> None:
    """Each of the rules that read the request's headers is a signal."""
    client = await ask(replying(THOUGHT, (b"x-host", b"1")), [header])

    assert "x-thinking-dialect" in client.headers
    assert "1" == client.headers["x-host"]


@pytest.mark.parametrize("change", [{"method": "GET"}, {"method": "HEAD"}, {"path": "/v1/other"}])
async def test_only_posts_on_matching_paths_are_rewritten(change: dict[str, Any]) -> None:
    """Whatever the headers say, other requests are the host's."""
    host, client = replying(THOUGHT), Client()

    await ThinkingMiddleware(host)(scope_for(headers=PLAIN, **change), client.receive, client.send)

    assert THOUGHT == content(client)


async def test_an_unknown_dialect_is_refused_before_the_host_is_asked() -> None:
    """The caller learns of a mistake in the header as with a delegated request."""
    host = replying(THOUGHT)

    client = await ask(host, [(b"x-thinking-dialect", b"acme")])

    assert 400 == client.status
    assert "unknown_dialect" == client.json["error"]["code"]
    assert "x-thinking-dialect" in client.headers["vary"]
    assert not host.scopes


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
async def test_the_host_receives_the_servers_own_messages(kind: type) -> None:
    """The body is overheard, not read: the same messages with the same boundaries arrive."""
    parts = [b'{"reasoning', b"", b'_effort":"low"}']
    host, client = replying(THOUGHT), Client([kind(part) for part in parts])

    await ThinkingMiddleware(host)(scope_for(headers=PLAIN), client.receive, client.send)

    assert parts == [bytes(message["body"]) for message in host.received]
    assert [True, True, False] == [message["more_body"] for message in host.received]
    assert b"reasoning_content" in content(client)


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ({"reasoning_effort": "high"}, True),
        ({"thinking": {"type": "enabled", "budget_tokens": 9}}, True),
        ({"thinking": {"type": "a fault"}, "include_reasoning": True}, True),
        ({"thinking": {"type": "disabled"}}, False),
        ({}, False),
        (b"no JSON", True),
        (b"[]", True),
        ({"reasoning_effort": "none", "padding": "x" * 200}, True),
    ],
)
async def test_what_was_asked_of_the_host_decides(asked: Any, shown: bool) -> None:
    """Thinking shows where it was asked for, or where nobody knows what was asked."""
    client = await ask(replying(THOUGHT), asked=asked, max_body_size=100)

    assert shown is (b'"so"' in client.content)


async def test_a_host_that_does_not_read_is_rewritten_as_it_is() -> None:
    """Of a request that nobody has read, it is taken that it asks for what it gets."""

    async def host(scope: Scope, receive: Receive, send: Send) -> None:
        for message in replying(THOUGHT).replies:
            await send(message)

    assert b'"so"' in (await ask(host, asked={})).content


async def test_the_hosts_scope_invites_no_bytes_that_nobody_can_read() -> None:
    """In a copy, accepted encodings and the server's shortcuts are gone; the original has them."""
    extensions: dict[str, Any] = {"http.response.pathsend": {}, "http.response.trailers": {}}
    extensions["http.response.zerocopysend"] = {}
    headers = [*JSON_HEADERS, *PLAIN, (b"Accept-Encoding", b"gzip"), (b"x-a", b"1"), (b"x-a", b"2")]
    scope, host, client = scope_for(headers=headers, extensions=extensions), Host(), Client()

    await ThinkingMiddleware(host)(scope, client.receive, client.send)

    assert ["http.response.trailers"] == list(host.scopes[0]["extensions"])
    assert [pair for pair in headers if pair[0] != b"Accept-Encoding"] == host.scopes[0]["headers"]
    assert headers == scope["headers"]
    assert 3 == len(scope["extensions"])


@pytest.mark.parametrize("fails", [False, True])
async def test_what_the_host_adds_to_its_scope_is_carried_back(fails: bool) -> None:
    """Tracing reads the route from the scope of its own, after errors too; nothing is replaced."""

    async def host(scope: Scope, receive: Receive, send: Send) -> None:
        scope.update(route="/{x}", endpoint="f", path="/changed")
        if fails:
            raise ZeroDivisionError

    scope, client = scope_for(headers=PLAIN), Client()
    try:
        await ThinkingMiddleware(host)(scope, client.receive, client.send)
    except ZeroDivisionError:
        assert fails

    assert ("/{x}", "f") == (scope["route"], scope["endpoint"])
    assert "/v1/chat/completions" == scope["path"]
    assert "asgi_thinking" not in scope


@pytest.mark.parametrize("headers", [PLAIN, STRICT])
@pytest.mark.parametrize("start", [JSON_START, SSE_START])
async def test_messages_beside_the_body_keep_their_place(headers: Any, start: Message) -> None:
    """What comes before the start, after it and at the end passes as it is, in its order."""
    debug: Message = {"type": "http.response.debug", "info": {}}
    hint: Message = {"type": "http.response.early_hint", "links": [b"</a>"]}
    push: Message = {"type": "http.response.push", "path": "/a", "headers": []}
    trailers: Message = {"type": "http.response.trailers", "headers": ()}
    data = THOUGHT if start is JSON_START else FULL_STREAM
    host = Host(debug, hint, start, push, body(data[:9], more=True), push, body(data[9:]), trailers)

    client = await ask(host, headers)

    kinds = [message["type"].rpartition(".")[2] for message in client.sent]
    assert ["debug", "early_hint", "start", "push", "push", "body", "trailers"] == kinds
    assert all(message in client.sent for message in (debug, hint, push, trailers))
    assert "content-length" not in dict(client.sent[2]["headers"])
    assert b"reasoning_content" not in content(client) or headers is PLAIN


@pytest.mark.parametrize("start", [JSON_START, SSE_START])
@pytest.mark.parametrize("kind", ["http.response.pathsend", "http.response.zerocopysend"])
async def test_bytes_that_nobody_sees_pass(start: Message, kind: str) -> None:
    """A host that sends a file although nothing invited it is left alone, in its order."""
    file: Message = {"type": kind, "path": "/a", "file": 3, "more_body": False}
    host = Host(start, body(b"data: {", more=True), file)

    client = await ask(host)

    assert ["http.response.start", "http.response.body", kind] == [m["type"] for m in client.sent]
    assert b"data: {" == content(client)
    assert client.sent[-1] is file


@pytest.mark.parametrize("headers", [PLAIN, STRICT])
@pytest.mark.parametrize("start", [JSON_START, SSE_START])
async def test_a_start_without_a_body_is_not_lost(headers: Any, start: Message) -> None:
    """When the host returns after its start alone, the server gets that."""
    client = await ask(Host(start), headers)

    assert ["http.response.start"] == [message["type"] for message in client.sent]


@pytest.mark.parametrize("start", [JSON_START, SSE_START])
async def test_a_host_that_returns_too_early_completes_nothing(start: Message) -> None:
    """What it said reaches the server, which sees that the end is missing."""
    client = await ask(Host(start, body(b'data: {"x', more=True)))

    assert b'data: {"x' == content(client)
    assert [True] == [message["more_body"] for message in bodies(client)]


@pytest.mark.parametrize("replies", [[], [JSON_START, body(b"{", more=True)], [SSE_START]])
async def test_exceptions_of_the_host_pass_untouched(replies: list[Message]) -> None:
    """A start that is held back is not sent, so that the server can answer with its own error."""
    error = ValueError("the host's own")
    client = Client()

    with pytest.raises(ValueError, match="the host's own") as caught:
        await ThinkingMiddleware(Host(*replies, error=error))(
            scope_for(headers=PLAIN), client.receive, client.send
        )

    assert caught.value is error
    assert replies[:1] == [SSE_START] or not client.sent


async def test_each_message_waits_for_its_send() -> None:
    """Back-pressure reaches the host: its next message is made when the last one is sent."""
    log: list[str] = []

    async def host(scope: Scope, receive: Receive, send: Send) -> None:
        await send(SSE_START)
        for at in range(0, len(FULL_STREAM), 100):
            log.append("host")
            await send(body(FULL_STREAM[at : at + 100], more=True))
        await send(body(b""))

    async def send(message: Message) -> None:
        log.append("server")
        assert "host" in log or message["type"] == "http.response.start"

    await ThinkingMiddleware(host)(scope_for(headers=PLAIN), Client().receive, send)

    pairs = list(zip(log, log[1:], log[2:], strict=False))
    assert ("server", "server", "server") not in pairs


def test_rewriting_needs_no_event_loop() -> None:
    """Under trio or any other loop it is plain ASGI: nothing is scheduled, errors included."""
    for headers in (PLAIN, STRICT, ((b"x-thinking-dialect", b"acme"),)):
        for host in (replying(THOUGHT), streaming(FULL_STREAM), replying(b"{")):
            sent: list[Message] = []

            async def receive() -> Message:
                return {"type": "http.request"}

            async def send(message: Message) -> None:
                sent.append(message)  # noqa: B023 (called within the round)

            with pytest.raises(StopIteration):
                ThinkingMiddleware(host)(scope_for(headers=headers), receive, send).send(None)
            check_order(sent)


async def test_nothing_is_shared_between_requests() -> None:
    """One middleware answers the same again and again, in several dialects."""
    app = ThinkingMiddleware(replying(FULL_MESSAGE))
    first = [
        (await call(app, ASK, list(PLAIN))).content,
        (await call(app, ASK, list(STRICT))).content,
    ]

    again = [
        (await call(app, ASK, list(PLAIN))).content,
        (await call(app, ASK, list(STRICT))).content,
    ]

    assert first == again
    assert first[0] != first[1]


@pytest.mark.parametrize("type_", [JSON_TYPE, SSE_TYPE])
async def test_a_reply_that_was_read_for_a_provider_is_rewritten_too(
    type_: tuple[bytes, bytes],
) -> None:
    """Where the body was read to see whose model it is, what it asks is known from that."""
    from asgi_thinking import allow_all
    from tests.scripted import Scripted

    data = THOUGHT if type_ is JSON_TYPE else FULL_STREAM
    host = Host(JSON_START | {"headers": [type_]}, body(data))

    client = await ask(
        host, asked={"model": "m"}, providers={"acme": Scripted()}, authorize=allow_all
    )

    assert "truefoundry" == client.headers["x-thinking-dialect"]
    assert b'"so' not in content(client)


@pytest.mark.parametrize("dialect", ["openai", "portkey"])
async def test_a_host_that_thinks_for_long_does_not_look_dead(dialect: str) -> None:
    """While nothing of what it says is shown, comments are sent, and no more often than wanted."""
    thought, ping = sse(chunk({"reasoning": "so"})), b'data: {"type":"ping"}\n\n'
    hidden = thought if dialect == "openai" else ping
    parts = [sse(chunk({"role": "assistant"})), *[hidden] * 5, thought]
    for seconds, at_least in ((0.0, 1), (60.0, 0)):
        client = await ask(
            streaming(*parts, finished({"content": "a"})), wants(dialect), keep_alive=seconds
        )
        check_order(client.sent)
        assert at_least <= content(client).count(b": keep-alive\n\n") <= at_least * 6
        assert content(client).endswith(b"[DONE]\n\n")
