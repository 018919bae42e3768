"""Beside other middleware, inside or outside of it, everything works and streams still stream."""

from __future__ import annotations

import gzip as zipped
import json
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.types import ASGIApp

from tests.hosts.caller import calling
from tests.hosts.neighbours import (
    NEIGHBOURS,
    ORIGIN,
    Neighbour,
    Tracing,
    correlation,
    cors,
    gzip,
    marking,
)
from tests.hosts.play import ASK, FOREIGN, PIECES, SIGHTS, Gate, Play, gates, interleaved, provider
from tests.hosts.setups import Setup, wrap

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]

SETUP = Setup("starlette")
ASKED = ("x-thinking-dialect", "portkey")
# What a request is, which headers it has, and whether a provider of ours answers it.
KINDS = [
    pytest.param((ASK, ()), id="delegate"),
    pytest.param((FOREIGN, (ASKED,)), id="rewrite"),
    pytest.param((FOREIGN, ()), id="pass"),
]
THE_HOSTS = KINDS[1:]
SIDES = pytest.mark.parametrize("side", ["inside", "outside"])

Kind = tuple[dict[str, Any], Sequence[tuple[str, str]]]


def stack(neighbour: Neighbour, side: str, opened: Sequence[Gate] = ()) -> ASGIApp:
    """A Starlette host, ours, and a neighbour inside or outside of ours."""
    host = SETUP.app(Play(interleaved(PIECES, opened) if opened else PIECES))
    acme = provider(opened)
    return wrap(neighbour(host), acme) if side == "inside" else neighbour(wrap(host, acme))


async def whole(app: ASGIApp, kind: Kind, *more: tuple[str, str]) -> tuple[dict[str, str], bytes]:
    """The headers and the body of a reply in JSON."""
    async with SETUP.serving(app) as port, calling(port) as caller:
        head = await caller.ask(kind[0], *kind[1], *more)
        assert 200 == head.status
        return {name.lower(): value for name, value in head.headers}, await caller.body()


@SIDES
@pytest.mark.parametrize("neighbour", NEIGHBOURS)
@pytest.mark.parametrize("kind", KINDS)
async def test_replies_are_whole(neighbour: Neighbour, side: str, kind: Kind) -> None:
    """Status, length and JSON are as without the neighbour."""
    headers, body = await whole(stack(neighbour, side), kind)

    assert str(len(body)) == headers["content-length"]
    assert "answer-1" in json.loads(body)["choices"][0]["message"]["content"]


@SIDES
@pytest.mark.parametrize("neighbour", NEIGHBOURS)
@pytest.mark.parametrize("kind", KINDS)
async def test_streams_arrive_one_by_one(neighbour: Neighbour, side: str, kind: Kind) -> None:
    """Nobody holds an event back, compressed or not, for a browser or not."""
    opened = gates()
    browser = (("accept-encoding", "gzip"), ("origin", ORIGIN))

    async with SETUP.serving(stack(neighbour, side, opened)) as port, calling(port) as caller:
        head = await caller.ask(kind[0] | {"stream": True}, *kind[1], *browser)
        await caller.watch(*zip(SIGHTS, opened, strict=True))

    assert [] == head.all("content-encoding")


@SIDES
@pytest.mark.parametrize("neighbour", NEIGHBOURS)
@pytest.mark.parametrize("kind", KINDS)
async def test_leaving_is_noticed(neighbour: Neighbour, side: str, kind: Kind) -> None:
    """The provider's stream, or the host's, ends with the caller."""
    opened = gates()
    play, acme = Play(interleaved(PIECES, opened)), provider(opened)
    inner = neighbour(SETUP.app(play)) if side == "inside" else SETUP.app(play)
    app = wrap(inner, acme) if side == "inside" else neighbour(wrap(inner, acme))

    async with SETUP.serving(app) as port, calling(port) as caller:
        await caller.ask(kind[0] | {"stream": True}, *kind[1])
        await caller.until(SIGHTS[0])
        await caller.leave()
        await (acme if kind[0] is ASK else play).released.wait()


# -- GZip --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
async def test_gzip_outside_compresses_what_we_say(kind: Kind) -> None:
    """The order that is recommended: JSON is compressed, once it is what it is to be."""
    headers, body = await whole(stack(gzip, "outside"), kind, ("accept-encoding", "gzip"))

    assert "gzip" == headers["content-encoding"]
    assert "accept-encoding" in headers["vary"].lower()
    assert "answer-1" in zipped.decompress(body).decode()


async def test_gzip_inside_is_not_asked_for_what_we_rewrite() -> None:
    """A reply that is to be rewritten is made without compression, another one with it."""
    app, gzipped = stack(gzip, "inside"), ("accept-encoding", "gzip")

    rewritten, body = await whole(app, (FOREIGN, (ASKED,)), gzipped)
    passed, _ = await whole(stack(gzip, "inside"), (FOREIGN, ()), gzipped)

    assert "content-encoding" not in rewritten
    assert "content_blocks" in json.loads(body)["choices"][0]["message"]
    assert "gzip" == passed["content-encoding"]


# -- CORS --------------------------------------------------------------------------------------


@SIDES
async def test_a_preflight_is_answered(side: str) -> None:
    """It is OPTIONS, hence not ours, and comes without credentials."""
    asking = (
        ("origin", ORIGIN),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "x-thinking-dialect"),
    )
    async with SETUP.serving(stack(cors, side)) as port, calling(port) as caller:
        head = await caller.ask(b"", *asking, method="OPTIONS")

    assert 200 == head.status
    assert [ORIGIN] == head.all("access-control-allow-origin")
    assert ["x-thinking-dialect"] == head.all("access-control-allow-headers")


@pytest.mark.parametrize(
    ("side", "kind"),
    [("outside", each.values[0]) for each in KINDS] + [("inside", e.values[0]) for e in THE_HOSTS],
)
@pytest.mark.parametrize("stream", [True, False])
async def test_scripts_may_read_replies(side: str, kind: Kind, stream: bool) -> None:
    """Replies carry CORS headers, and vary by the origin beside what we look at."""
    async with SETUP.serving(stack(cors, side)) as port, calling(port) as caller:
        head = await caller.ask(kind[0] | {"stream": stream}, *kind[1], ("origin", ORIGIN))
        await caller.body()

    assert [ORIGIN] == head.all("access-control-allow-origin")
    vary = ", ".join(head.all("vary")).lower().split(", ")
    assert "origin" in vary
    assert ("x-thinking-dialect" in vary) is bool(head.all("x-thinking-dialect"))


# -- those that mark what they see -------------------------------------------------------------


@pytest.mark.parametrize(
    ("neighbour", "mark"), [(correlation, "x-request-id"), (marking, "x-marked")]
)
@pytest.mark.parametrize("stream", [True, False])
@SIDES
async def test_marks_stay(neighbour: Neighbour, mark: str, side: str, stream: bool) -> None:
    """A header that the neighbour sets is on every reply that went through it."""
    async with SETUP.serving(stack(neighbour, side)) as port, calling(port) as caller:
        marks = []
        for kind in KINDS:
            body, headers = kind.values[0]
            head = await caller.ask(body | {"stream": stream}, *headers)
            await caller.body()
            marks.append(len(head.all(mark)))

    assert [int(side == "outside"), 1, 1] == marks


@pytest.mark.parametrize("kind", KINDS)
async def test_a_trace_covers_the_whole_stream(kind: Kind) -> None:
    """The request's span ends with the last event, not with the head."""
    tracing, opened = Tracing(), gates()

    async with (
        SETUP.serving(stack(tracing, "outside", opened)) as port,
        calling(port) as caller,
    ):
        await caller.ask(kind[0] | {"stream": True}, *kind[1])
        before: list[Any] = []
        for sight, gate in zip(SIGHTS[:-1], opened, strict=False):
            await caller.until(sight)
            before += tracing.requests()
            gate.set()
        opened[-1].set()
        await caller.body()

    assert [] == before
    (span,) = tracing.requests()
    assert 200 == (span.attributes or {})["http.status_code"]
