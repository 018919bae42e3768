"""Bedrock's replies over HTTP, by every engine, and whether the signatures are AWS's."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from asgi_thinking.events import Done, Event, MessageStart, StreamError, TextDelta
from asgi_thinking.exceptions import UpstreamStatusError
from asgi_thinking.messages import assemble
from asgi_thinking.providers._bedrock_invoke import InvokeDecoder
from asgi_thinking.providers.bedrock import BedrockProvider
from tests.engines import engine
from tests.loopback import Loopback, Request, replying
from tests.providers.bedrock_scene import CLAUDE, NOVA, REGION, asking, forget_aws
from tests.wire.anthropic_transcripts import FULL, FULL_EVENTS, FULL_MESSAGE
from tests.wire.aws_frames import event, exception, frame
from tests.wire.converse_transcripts import FULL as CONVERSED
from tests.wire.converse_transcripts import FULL_REPLY, START, delta

pytestmark = pytest.mark.anyio

ARN = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3"
ODD = "anthropic.claude-x@1+y"
JSON = (("content-type", "application/json"), ("x-amzn-requestid", "req-7"))
STREAM = (("content-type", "application/vnd.amazon.eventstream"), ("x-amzn-requestid", "req-7"))
KEYS = ReadOnlyCredentials("AKIATEST", "secret", "session-token")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """The environment has credentials of its own."""
    forget_aws(monkeypatch, tmp_path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS.secret_key)
    monkeypatch.setenv("AWS_SESSION_TOKEN", str(KEYS.token))
    monkeypatch.setenv("AWS_REGION", REGION)


def chunk(payload: Any) -> bytes:
    """An event of the Messages API as InvokeModel frames it."""
    return event("chunk", bytes=base64.b64encode(orjson.dumps(payload)).decode())


METRICS = {"inputTokenCount": 10, "outputTokenCount": 89, "invocationLatency": 5}
INVOKED = [chunk(found) for found in FULL[:-1]]
INVOKED += [chunk({**FULL[-1], "amazon-bedrock-invocationMetrics": METRICS})]


def base(upstream: Loopback) -> str:
    return upstream.url.removesuffix("/v1/messages")


async def ask(provider: BedrockProvider, **fields: Any) -> list[Event]:
    """All events of a reply."""
    return [found async for batch in provider.stream(asking(**fields)) for found in batch]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", [CLAUDE, NOVA])
async def test_a_reply_is_decoded_by_its_content_type(model: str, stream: bool) -> None:
    """JSON and event streams give the same answer by both APIs, whichever was asked for."""
    whole = FULL_MESSAGE if model == CLAUDE else FULL_REPLY
    frames = INVOKED if model == CLAUDE else CONVERSED
    reply = replying(*frames, headers=STREAM)
    if not stream:
        reply = replying(orjson.dumps(whole), headers=JSON)
    async with Loopback(reply) as upstream:
        provider = BedrockProvider(base_url=base(upstream))
        events = await ask(provider, model=model)
        await provider.aclose()

    head = events[0]
    assert isinstance(head, MessageStart)
    assert "bedrock" == head.provider
    assert isinstance(events[-1], Done)
    expected = ("msg_1", "claude-opus-5") if model == CLAUDE else ("req-7", NOVA)
    assert expected == (head.id, head.model)
    assert assemble(events).choices[0].text


async def test_a_reply_without_a_name_gets_one() -> None:
    """Where the service says no request id, no two replies have the same."""
    async with Loopback(replying(orjson.dumps(FULL_REPLY), headers=JSON[:1])) as upstream:
        provider = BedrockProvider(base_url=base(upstream))
        heads = [(await ask(provider, model=NOVA))[0] for _ in range(2)]
        await provider.aclose()

    names = {head.id for head in heads if isinstance(head, MessageStart)}
    assert 2 == len(names)


async def test_thinking_of_other_families_is_not_claudes() -> None:
    """The origin follows the model that was asked."""
    async with Loopback(replying(orjson.dumps(FULL_REPLY), headers=JSON)) as upstream:
        provider = BedrockProvider(base_url=base(upstream), families={"mine": CLAUDE})
        theirs = assemble(await ask(provider, model=NOVA)).choices[0].blocks[0]
        ours = BedrockProvider(base_url=base(upstream), api="converse", families={"mine": CLAUDE})
        claudes = assemble(await ask(ours, model="mine")).choices[0].blocks[0]
        await provider.aclose()
        await ours.aclose()

    assert ("bedrock-amazon", "") == tuple(
        getattr(block, "origin", None) for block in (theirs, claudes)
    )


async def test_an_error_status_is_the_vendors_error() -> None:
    """Status, message and waiting time survive."""
    more = (*JSON, ("x-amzn-errortype", "ThrottlingException:http://x"), ("retry-after", "3"))
    answer = replying(b'{"message":"Too many requests"}', status=429, headers=more)
    async with Loopback(answer) as upstream:
        provider = BedrockProvider(base_url=base(upstream), name="main")
        with pytest.raises(UpstreamStatusError, match="Too many requests") as caught:
            await anext(aiter(provider.stream(asking())))
        await provider.aclose()

    assert (429, 3, "main") == (
        caught.value.status,
        caught.value.retry_after,
        caught.value.provider,
    )


async def test_a_stream_may_fail_in_the_middle() -> None:
    """An exception is an error with the vendor's words, never an end."""
    frames = (START, delta(0, text="a"), exception("throttlingException", "Slow down."))
    async with Loopback(replying(*frames, headers=STREAM)) as upstream:
        provider = BedrockProvider(base_url=base(upstream))
        events = await ask(provider, model=NOVA, stream=True)
        await provider.aclose()

    last = events[-1]
    assert isinstance(last, StreamError)
    assert ("Slow down.", 429) == (last.error.message, last.error.status)
    assert ["a"] == [found.text for found in events if isinstance(found, TextDelta)]


def verified(received: Request, url: str) -> bool:
    """Whether botocore's signer comes to the signature of a request as it was received."""
    given = dict(part.split("=", 1) for part in received.header("authorization").split(", "))
    names = given["SignedHeaders"].split(";")
    headers = {name: received.header(name) for name in names if name != "host"}
    request = AWSRequest("POST", url + received.target, headers=headers, data=received.body)
    request.context["timestamp"] = received.header("x-amz-date")
    signer = SigV4Auth(KEYS, "bedrock", REGION)
    canonical = signer.canonical_request(request)
    assert f"host:{received.header('host')}\n" in canonical
    expected = signer.signature(signer.string_to_sign(request, canonical), request)
    return expected == given["Signature"]


@pytest.mark.parametrize("transport", ["httpx", "aiohttp", "client of httpx2"])
@pytest.mark.parametrize("model", [CLAUDE, ARN, ODD, NOVA])
async def test_what_arrives_is_what_was_signed(transport: str, model: str) -> None:
    """No engine changes the path, the body or a signed header of any id on its way."""
    failing = replying(b"{}", status=400, headers=JSON)
    request = asking(model, stream=True, service_tier="flex", headers=(("x-caller", "1"),))
    async with Loopback(failing) as upstream, engine(transport) as given:
        families = {ARN: CLAUDE, ODD: CLAUDE}
        provider = BedrockProvider(base_url=base(upstream), transport=given, families=families)
        with pytest.raises(UpstreamStatusError):
            await anext(aiter(provider.stream(request)))

    received = upstream.requests[0]
    assert verified(received, base(upstream))
    assert provider.build(request).url == base(upstream) + received.target
    assert "session-token" == received.header("x-amz-security-token")
    assert "1" == received.header("x-caller")
    assert "x-caller" not in received.header("authorization")
    changed = Request(received.method, received.target, received.headers, received.body + b" ")
    assert not verified(changed, base(upstream))


def decode(*reads: bytes) -> list[Event]:
    """All events of a stream of InvokeModel."""
    decoder = InvokeDecoder(1, "anthropic")
    return [found for data in reads for found in decoder.feed(data)] + decoder.close()


def failure(*reads: bytes) -> tuple[list[Event], str]:
    """The events of a stream up to its error, and what that says."""
    events = decode(*reads)
    last = events[-1]
    assert isinstance(last, StreamError)
    return events[:-1], last.error.message


def test_claudes_events_come_out_of_their_frames() -> None:
    """Whole, frame by frame and byte by byte the events are those of Anthropic's own API."""
    stream = b"".join(INVOKED)
    assert FULL_EVENTS == decode(stream)
    assert FULL_EVENTS == decode(*INVOKED)
    assert FULL_EVENTS == decode(*(stream[i : i + 1] for i in range(len(stream))))
    late = exception("internalServerException", "x")
    assert FULL_EVENTS == decode(event("new") + stream + late, late)


def test_a_stream_of_claudes_that_ends_early_is_an_error() -> None:
    """Within a frame, or before Claude's own end."""
    events, why = failure(*INVOKED[:-1])
    assert FULL_EVENTS[:-2] == events
    assert "anthropic: the stream ended before message_stop" == why
    assert failure(INVOKED[0][:-1])[1].startswith("anthropic: the event stream ends within")


def test_an_exception_among_claudes_frames_ends_them() -> None:
    """What came before it in the same read is kept, what comes after is not."""
    first = decode(INVOKED[0])[:-1]
    late = b"".join((INVOKED[0], exception("modelTimeoutException", "Slow."), *INVOKED[1:]))
    assert (first, "Slow.") == failure(late)
    error = frame({":message-type": "error", ":error-message": "No."}, b"")
    assert (first, "No.") == failure(INVOKED[0], error)
    assert (first, "Slow.") == failure(INVOKED[0], exception("modelTimeoutException", "Slow."))


@pytest.mark.parametrize(
    "broken",
    [
        event("chunk"),
        event("chunk", bytes="a"),
        event("chunk", bytes=1),
        event("chunk", bytes="é"),
        frame({":event-type": "chunk"}, b"[]"),
        frame({":event-type": "chunk"}, b"no JSON"),
    ],
)
def test_a_chunk_that_is_none_is_an_error(broken: bytes) -> None:
    """The events before it in the same read are kept."""
    first = decode(INVOKED[0])[:-1]
    expected = "anthropic: malformed chunk, expected base64 in `bytes`"
    assert (first, expected) == failure(INVOKED[0] + broken)
    assert FULL_EVENTS == decode(b"".join(INVOKED) + broken)


def test_a_broken_frame_of_claudes_is_an_error() -> None:
    """Its checksum tells; a frame that is too large is not waited for."""
    broken = INVOKED[0][:-1] + bytes([INVOKED[0][-1] ^ 1])
    assert failure(broken)[1].startswith("anthropic: wrong checksum of a message")
    decoder = InvokeDecoder(1, "anthropic", max_frame_size=100)
    assert isinstance(decoder.feed(INVOKED[0])[0], StreamError)
    assert [] == decoder.feed(INVOKED[0]) + decoder.close()


def test_an_event_that_is_not_claudes_is_an_error() -> None:
    """And an exception behind it in the same read changes nothing."""
    other = chunk({"completion": "a"})
    expected = "anthropic: malformed event '', expected the Messages API"
    assert ([], expected) == failure(other + exception("throttlingException", "x"))
