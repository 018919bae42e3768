"""What a host says that is not for us, or that nobody asked us to change, arrives as it was said.

Each request is put to the host on its own and to the host in the middleware, over real sockets.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.hosts.caller import calling
from tests.hosts.play import (
    COOKIES,
    FOREIGN,
    PIECES,
    SIGHTS,
    BrokenHost,
    Play,
    gates,
    interleaved,
)
from tests.hosts.setups import SETUPS, Setup, wrap

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.timeout(60),
    pytest.mark.parametrize("setup", SETUPS, ids=str),
]

ASKED = ("x-thinking-dialect", "portkey")


async def both(
    setup: Setup,
    body: Any,
    *headers: tuple[str, str],
    path: str = "/v1/chat/completions",
    **play: Any,
) -> list[tuple[Any, list[bytes]]]:
    """The head and the chunks of the host's own reply, and of the same through the middleware."""
    replies = []
    for dress in (lambda host: host, wrap):
        async with (
            setup.serving(dress(setup.app(Play(**play)))) as port,
            calling(port) as caller,
        ):
            head = await caller.ask(body, *headers, path=path)
            replies.append((head.of_the_app(), await caller.chunks()))
    return replies


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
async def test_without_a_signal_nothing_changes(setup: Setup, stream: bool) -> None:
    """Status, headers in their order and case, both cookies, chunks and bytes are the host's."""
    own, ours = await both(setup, FOREIGN | {"stream": stream})

    assert own == ours
    (_, headers), chunks = ours
    cookies = [value for name, value in headers if name.lower() == "set-cookie"]
    assert list(COOKIES) == [cookie.split("=")[0] for cookie in cookies]
    assert (b"".join(PIECES) if stream else Play().whole) == b"".join(chunks)


@pytest.mark.parametrize("headers", [(), (ASKED,)], ids=["plain", "asked"])
async def test_other_routes_are_the_hosts(setup: Setup, headers: Any) -> None:
    """Any bytes go in and come out, whatever the caller asks for."""
    body = bytes(range(256)) * 300

    own, ours = await both(setup, body, *headers, path="/v1/other")

    assert own == ours
    assert body == b"".join(ours[1])


@pytest.mark.parametrize("headers", [(), (ASKED,)], ids=["plain", "asked"])
@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
async def test_errors_of_the_host_are_its_own(setup: Setup, stream: bool, headers: Any) -> None:
    """A reply that is no success keeps its status, headers and bytes."""
    own, ours = await both(setup, FOREIGN | {"stream": stream}, *headers, status=418)

    assert own == ours
    assert 418 == ours[0][0]


@pytest.mark.parametrize("headers", [(), (ASKED,)], ids=["plain", "asked"])
async def test_exceptions_of_the_host_are_answered_by_it(setup: Setup, headers: Any) -> None:
    """Whoever answered them before, the framework or the server, does so still."""
    own, ours = await both(setup, FOREIGN, *headers, error=BrokenHost())

    assert own == ours
    assert 500 == ours[0][0]


async def test_streams_of_the_host_pass_one_by_one(setup: Setup) -> None:
    """Each piece reaches the caller before the host says the next."""
    opened = gates()
    host = setup.app(Play(interleaved(PIECES, opened)))

    async with setup.serving(wrap(host)) as port, calling(port) as caller:
        await caller.ask(FOREIGN | {"stream": True})
        body = await caller.watch(*zip(SIGHTS, opened, strict=True))

    assert b"".join(PIECES) == body
