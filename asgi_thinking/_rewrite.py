"""The host's own reply on its way out: whether it is rewritten, and its messages one by one.

A `HostReply` stands in the scope of the requests it belongs to, under `KEY`. Code further inside,
such as a dependency of one router, may `enable` it with a service of its own, and a middleware
further inside that takes the reply over makes it `leave`: the inner one configures, and only one
transforms.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from starlette.types import Message, Scope, Send

from asgi_thinking._asgi import (
    KEY,
    START,
    Overhearing,
    kind_of,
    readable,
)
from asgi_thinking._courses import Course, Manner, StreamCourse, WholeCourse
from asgi_thinking._host_reply import Form, overheard
from asgi_thinking.asker import Asker
from asgi_thinking.dialects import Dialect
from asgi_thinking.policies import Choice
from asgi_thinking.service import Service
from asgi_thinking.transforms import TransformFactory
from asgi_thinking.wire.openai import ThinkTags

__all__ = ["HostReply"]


class HostReply:
    """One reply of a host's, rewritten if and as the request, or somebody within, wants it.

    The host is given `send`, and when it has returned, `finish` is called. Until `enable` is called
    everything passes.
    """

    __slots__ = (
        "_course",
        "_heard",
        "_outer",
        "_scope",
        "_send",
        "_step",
        "_think_tags",
        "_warned",
        "_wish",
    )

    def __init__(
        self,
        scope: Scope,
        send: Send,
        think_tags: ThinkTags,
        warned: set[str],
        heard: Overhearing | None = None,
    ) -> None:
        """Make the reply to a request.

        Args:
            scope: the request's; its headers have to be a sequence.
            send: the server's.
            think_tags: whether the host's models write `<think>` into their answers.
            warned: what has been warned of already.
            heard: what the host receives of the request's body.
        """
        self._scope = scope
        self._outer: HostReply | None = scope.get(KEY)
        self._send = send
        self._think_tags: ThinkTags = think_tags
        self._warned = warned
        self._heard = heard
        self._wish: _Wish | None = None
        self._course: Course | None = None
        self._step: Callable[[Message], Awaitable[None]] = self._before_start

    def enable(
        self,
        service: Service,
        body: bytes | None = None,
        choice: Choice | None = None,
        tenant: str = "",
    ) -> bool:
        """Rewrite the reply as `service` has it: where the request, or its own default, says so.

        It has to be called before the reply begins; the answer is whether it will be rewritten.

        Args:
            service: whose dialects and default hold from now on.
            body: the request's, where it is known; it says what was asked of the reply.
            choice: what a policy has decided about the request.
            tenant: who asks, for what changes the thinking.

        Raises:
            InvalidRequest: `x-thinking-dialect` names no known dialect.
        """
        found = service.for_host(self._scope["headers"], choice)
        self._wish = None
        if found is not None:
            self._wish = _Wish(
                *found, service.vary, service.keep_alive, service.transform(choice), tenant
            )
        if body is not None:
            self._heard = Overhearing(len(body))
            self._heard.hear({"type": "http.request", "body": body})
        if found is not None and self._outer is not None:
            self._outer.leave()
        return found is not None

    def leave(self) -> None:
        """Let everything pass: somebody else answers, or rewrites."""
        self._wish = None

    def send(self, message: Message) -> Awaitable[None]:
        """Take a message of the host's."""
        return self._step(message)

    async def finish(self) -> None:
        """The host has returned: send what is still held back, completing nothing for it."""
        if self._course is not None:
            await self._course.finish()

    async def _before_start(self, message: Message) -> None:
        if message["type"] != START:
            await self._send(message)
            return
        self._step = self._send
        if self._wish is not None:
            message = readable(message)
            kind = kind_of(message)
            if kind != "other":
                course = self._begin(self._wish, streams=kind == "stream")
                self._step = course.take
                await course.begin(message, sealed=kind == "sealed")
                return
        await self._send(message)

    def _begin(self, wish: _Wish, *, streams: bool) -> Course:
        asked, model = overheard(None if self._heard is None else self._heard.take())
        make = None
        if wish.transform is not None:
            make = partial(wish.transform, Asker(model, wish.tenant, self._scope))
        strictly = wish.explicit and not wish.dialect.shows_thinking
        form = Form(wish.dialect, asked, self._think_tags, make)
        manner = Manner(form, strictly, wish.vary, wish.keep_alive, self._warned)
        self._course = (StreamCourse if streams else WholeCourse)(self._send, manner)
        return self._course


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a service makes of a request whose reply is the host's."""

    dialect: Dialect
    explicit: bool
    vary: bytes
    keep_alive: float
    transform: TransformFactory | None
    tenant: str
