"""How a prepared request is answered: whole, streamed, failing, abandoned, silent."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from starlette.background import BackgroundTask
from starlette.types import Message

from asgi_thinking import Service, ThinkingResponse
from asgi_thinking.events import StreamError, TextDelta
from asgi_thinking.exceptions import InvalidRequest, UpstreamStatusError, UpstreamUnreachable
from asgi_thinking.exchange import Refusal
from tests.asgi import Client, scope_for
from tests.scripted import ANSWER, END, ONLY, REPLY, START, THOUGHT, Scripted

pytestmark = pytest.mark.anyio

ASK: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "messages": [{"role": "user", "content": "hi"}],
    "reasoning_effort": "high",
    "max_tokens": 4000,
}


def respond(
    provider: Scripted, headers: Any = (), keep_alive: float = 15, **body: Any
) -> ThinkingResponse:
    service = Service(providers={"acme": provider}, max_retries=0, keep_alive=keep_alive)
    return ThinkingResponse(service.answer(headers, json.dumps(ASK | body).encode()))


async def run(response: ThinkingResponse) -> Client:
    client = Client()
    await response(scope_for(), client.receive, client.send)
    return client


async def test_a_whole_reply_is_one_json_body() -> None:
    """Without `stream` the events become one object in the dialect."""
    client = await run(respond(Scripted()))

    assert client.headers["content-type"] == "application/json"
    assert client.json["choices"][0]["message"]["reasoning_content"] == "secret thought"
    assert client.headers["x-thinking-dialect"] == "truefoundry"
    assert "x-portkey-strict-open-ai-compliance" in client.headers["vary"]
    assert client.headers["x-thinking-applied"]


async def test_a_stream_sends_once_for_each_batch() -> None:
    """Every network read that yields output leaves in one send, the last ends the body."""
    client = await run(respond(Scripted(), stream=True))

    assert client.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert client.headers["x-accel-buffering"] == "no"
    assert len(client.sent) == 1 + len(REPLY)
    assert [message["more_body"] for message in client.sent[1:]] == [True, True, True, False]
    assert client.content.endswith(b"data: [DONE]\n\n")
    assert b"secret thought" in client.content


async def test_a_stream_may_come_in_one_read() -> None:
    """A reply that is whole in its first batch is sent once, and complete."""
    whole = [event for batch in REPLY for event in batch]

    client = await run(respond(Scripted([[whole]]), stream=True))

    assert len(client.sent) == 2
    assert client.sent[-1]["more_body"] is False
    assert client.content.endswith(b"data: [DONE]\n\n")


async def test_a_batch_without_output_is_not_sent() -> None:
    """Hidden thinking costs a strict reply no message at all."""
    strict = [(b"x-thinking-dialect", b"openai")]

    client = await run(respond(Scripted(), strict, stream=True))

    assert b"secret thought" not in client.content
    assert len(client.sent) == len(REPLY)


async def test_the_first_event_is_sent_before_the_last_exists() -> None:
    """A stream is not collected."""
    hold = asyncio.Event()
    client = Client()
    response = respond(Scripted([[START, THOUGHT, hold, ANSWER, END]]), stream=True)
    task = asyncio.create_task(response(scope_for(), client.receive, client.send))

    await client.until(3)
    assert b"secret thought" in client.content
    hold.set()
    await task

    assert client.content.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("stream", [True, False])
async def test_an_early_failure_keeps_its_status(stream: bool) -> None:
    """Before the first event an error is a JSON body with the upstream's status."""
    error = UpstreamStatusError("busy", status=503, retry_after=1.2, code="overloaded_error")

    client = await run(respond(Scripted([[error]]), stream=stream))

    assert client.status == 503
    assert client.json == {
        "error": {
            "message": "busy",
            "type": "server_error",
            "param": None,
            "code": "overloaded_error",
        }
    }
    assert client.headers["retry-after"] == "2"
    assert client.headers["x-should-retry"] == "false"
    assert client.headers["x-thinking-dialect"] == "truefoundry"


async def test_a_failure_without_a_waiting_time_names_none() -> None:
    """`retry-after` is only sent where the upstream gave one."""
    client = await run(respond(Scripted([[UpstreamUnreachable("gone")]])))

    assert client.status == 502
    assert "retry-after" not in client.headers


async def test_a_late_failure_of_a_whole_reply_keeps_its_status() -> None:
    """Without `stream` nothing was sent yet, so even a late error has a status."""
    client = await run(respond(Scripted([[START, ONLY, UpstreamUnreachable("broke off")]])))

    assert client.status == 502


async def test_a_late_failure_of_a_stream_is_in_band() -> None:
    """After the first event an error is an event of its own, and nothing follows it."""
    failure = [StreamError(UpstreamStatusError("overloaded", status=503, code="overloaded_error"))]

    client = await run(respond(Scripted([[START, ONLY, failure]]), stream=True))

    assert client.status == 200
    assert client.content.count(b"event: error\ndata: ") == 1
    assert b"[DONE]" not in client.content
    assert client.sent[-1]["more_body"] is False


async def test_a_refusal_is_its_error() -> None:
    """What cannot be sent is answered, with the JSON path."""
    response = ThinkingResponse(Refusal(InvalidRequest("messages: required", param="messages")))

    client = await run(response)

    assert client.status == 400
    assert client.json["error"]["param"] == "messages"
    assert "vary" not in client.headers


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("before", [[], [START]])
async def test_leaving_ends_the_upstream_request(stream: bool, before: list[Any]) -> None:
    """A client that leaves, at any moment, releases the provider; the app returns normally."""
    tasks = asyncio.all_tasks()
    provider, client = Scripted([[*before, asyncio.Event()]]), Client()
    response = respond(provider, stream=stream)
    task = asyncio.create_task(response(scope_for(), client.receive, client.send))
    if stream and before:
        await client.until(2)

    client.leave()
    await task

    assert not provider.requests or provider.released.is_set()
    assert not any(m.get("more_body") is False for m in client.sent)
    assert asyncio.all_tasks() == tasks


async def test_a_cancelled_request_stays_cancelled() -> None:
    """Only the client's leaving is swallowed; a server that shuts down is obeyed."""
    tasks = asyncio.all_tasks()
    provider, client = Scripted([[START, asyncio.Event()]]), Client()
    task = asyncio.create_task(
        respond(provider, stream=True)(scope_for(), client.receive, client.send)
    )
    await client.until(2)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert provider.released.is_set()
    assert asyncio.all_tasks() == tasks


async def test_silence_is_filled_with_comments() -> None:
    """While the model thinks without a word, comments keep the connection open."""
    hold, client = asyncio.Event(), Client()
    response = respond(Scripted([[START, hold, ONLY, END]]), keep_alive=0.01, stream=True)
    task = asyncio.create_task(response(scope_for(), client.receive, client.send))

    await client.until(5)
    hold.set()
    await task

    assert [m["body"] for m in client.sent[2:5]] == [b": keep-alive\n\n"] * 3
    assert client.content.endswith(b"data: [DONE]\n\n")


async def test_a_keep_alive_that_cannot_be_sent_is_no_failure() -> None:
    """A server whose `send` raises for a comment ends the stream at the next batch, not before."""
    hold, client = asyncio.Event(), Client()
    tried = asyncio.Event()

    async def send(message: Message) -> None:
        if message.get("body") == b": keep-alive\n\n":
            tried.set()
            raise OSError("gone")
        await client.send(message)

    response = respond(Scripted([[START, hold, ONLY, END]]), keep_alive=0.01, stream=True)
    task = asyncio.create_task(response(scope_for(), client.receive, send))
    await tried.wait()
    hold.set()
    await task

    assert client.sent[-1]["more_body"] is False


async def test_comments_do_not_come_between_frequent_batches() -> None:
    """A stream that flows is not interrupted, and a slow client gets no comment on top."""
    gate, client = asyncio.Event(), Client()

    async def slow(message: Message) -> None:
        await client.send(message)
        await gate.wait()

    response = respond(Scripted(), keep_alive=0.005, stream=True)
    task = asyncio.create_task(response(scope_for(), client.receive, slow))
    await client.until(1)
    await asyncio.sleep(0.02)
    gate.set()
    await task

    assert b"keep-alive" not in client.content


BROKEN: list[Any] = [TextDelta(7, "a delta of no block")]


@pytest.mark.parametrize("stream", [True, False])
async def test_a_provider_that_breaks_the_grammar_ends_in_an_error(
    stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Events that cannot be written are logged, and the caller hears that something failed."""
    provider = Scripted([[START, BROKEN, ONLY, END]])

    with caplog.at_level(logging.ERROR):
        client = await run(respond(provider, stream=stream))

    assert client.status == (200 if stream else 500)
    assert b"provider 'acme' failed" in client.content
    assert b"the answer" not in client.content
    assert "provider acme failed" in caplog.text
    assert provider.released.is_set()


async def test_a_send_that_fails_is_the_servers_matter() -> None:
    """Where the server cannot send, no further bytes are tried."""
    client = Client()

    async def send(message: Message) -> None:
        if client.sent:
            raise OSError("gone")
        await client.send(message)

    provider = Scripted()
    with pytest.raises(OSError, match="gone"):
        await respond(provider, stream=True)(scope_for(), client.receive, send)

    assert len(client.sent) == 1
    assert provider.released.is_set()


@pytest.mark.parametrize("stream", [True, False])
async def test_a_failure_after_the_end_is_no_failure(stream: bool) -> None:
    """A provider that fails once its reply is complete spoils nothing of it."""
    late = UpstreamUnreachable("late")
    client = await run(respond(Scripted([[START, ONLY, END, late]]), stream=stream))

    assert client.status == 200
    assert b"the answer" in client.content
    assert [m["type"] for m in client.sent].count("http.response.start") == 1


@pytest.mark.parametrize("stream", [True, False])
async def test_the_caller_does_not_wait_for_the_end_of_the_connection(stream: bool) -> None:
    """The reply is whole for the client while the provider still reads on."""
    hold, client = asyncio.Event(), Client()
    response = respond(Scripted([[START, ONLY, END, hold]]), stream=stream)
    task = asyncio.create_task(response(scope_for(), client.receive, client.send))

    await client.until(4 if stream else 2)
    assert b"the answer" in client.content
    assert not task.done()
    hold.set()
    await task


@pytest.mark.parametrize("rest", [[ONLY[:2], ONLY[2:], END], [[*ONLY, *END]]], ids=len)
async def test_a_batch_waits_for_a_comment_that_is_being_sent(rest: list[Any]) -> None:
    """The server is asked to send one thing at a time, and the stream's last bytes wait as well."""
    hold, gate, client = asyncio.Event(), asyncio.Event(), Client()
    sending = asyncio.Event()

    async def send(message: Message) -> None:
        if message.get("body") == b": keep-alive\n\n":
            sending.set()
            await gate.wait()
        await client.send(message)

    response = respond(Scripted([[START, hold, *rest]]), keep_alive=0.01, stream=True)
    task = asyncio.create_task(response(scope_for(), client.receive, send))
    await sending.wait()
    hold.set()
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(client.sent) == 2
    gate.set()
    await task

    assert client.sent[2]["body"] == b": keep-alive\n\n"
    assert client.content.endswith(b"data: [DONE]\n\n")


async def test_leaving_while_a_comment_is_being_sent_leaves_no_task() -> None:
    """A comment that nobody will read is given up with the stream."""
    tasks = asyncio.all_tasks()
    sending, client = asyncio.Event(), Client()

    async def send(message: Message) -> None:
        await client.send(message)
        if message.get("body") == b": keep-alive\n\n":
            sending.set()
            await asyncio.Event().wait()

    response = respond(Scripted([[START, asyncio.Event()]]), keep_alive=0.01, stream=True)
    task = asyncio.create_task(response(scope_for(), client.receive, send))
    await sending.wait()
    client.leave()
    await task

    assert asyncio.all_tasks() == tasks


async def test_headers_and_background_of_the_response_are_kept() -> None:
    """It is a Starlette response like any other."""
    ran = asyncio.Event()
    response = respond(Scripted())
    response.headers["x-host"] = "kept"
    response.background = BackgroundTask(ran.set)

    client = await run(response)

    assert client.headers["x-host"] == "kept"
    assert ran.is_set()


async def test_a_broken_receive_is_not_swallowed() -> None:
    """A server whose `receive` raises is heard, after the reply."""

    async def receive() -> Message:
        raise RuntimeError("broken server")

    client = Client()
    with pytest.raises(RuntimeError, match="broken server"):
        await respond(Scripted([[asyncio.Event()]]))(scope_for(), receive, client.send)


async def test_outside_a_task_it_says_so() -> None:
    """Without an asyncio task there is nothing to cancel."""
    client = Client()
    steps = respond(Scripted())(scope_for(), client.receive, client.send).__await__()
    loop = asyncio.get_running_loop()
    failure: list[BaseException] = []

    def step() -> None:
        try:
            next(steps)
        except RuntimeError as error:
            failure.append(error)
        done.set()

    done = asyncio.Event()
    loop.call_soon(step)
    await done.wait()

    assert "asyncio task" in str(failure[0])
