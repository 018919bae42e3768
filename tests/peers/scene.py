"""A client and an upstream with the whole middleware between them.

    edge = Edge("anthropic")
    edge.says([thinking("hm", "c2ln"), text("Hello")])
    client = await edge.ask(dialect="portkey", stream=True)
    edge.sent[0]  # what the upstream was sent

Only the HTTP engine is another: it hands each request to the edge and reads the next reply.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, Final

import httpx
import orjson
from openai.types.chat import ChatCompletion
from starlette.applications import Starlette

from asgi_thinking import ThinkingMiddleware, allow_all
from tests.asgi import Client, call
from tests.dialects import clients
from tests.peers.vendors import VENDORS, Blocks, JSONObject, Reply
from tests.providers.peers_scene import MODELS, provider_of

__all__ = ["DIALECTS", "GEMINI_3", "TOOLS", "USER", "Edge", "deltas", "dumped", "results"]

USER: Final[JSONObject] = {"role": "user", "content": "Weather in Tokyo?"}
TOOLS: Final = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
GEMINI_3: Final = "gemini-3-pro-preview"

# Every dialect that shows thinking whole, and how its clients put a stream together.
DIALECTS: Final[dict[str, Any]] = {
    "truefoundry": clients.by_truefoundry,
    "truefoundry-legacy": clients.by_truefoundry_legacy,
    "portkey": clients.by_portkey,
    "obiguard": clients.by_portkey,
    "openrouter": clients.by_openrouter,
    "litellm": clients.by_litellm,
}


class Edge:
    """An upstream that answers with the replies it was given, the last one again and again."""

    def __init__(self, name: str, model: str = "", *, retries: int = 0, **options: Any) -> None:
        self.name = name
        self.model = model or MODELS[name]
        self.vendor = VENDORS.get(name) or VENDORS["openrouter"]
        self.requests: list[httpx.Request] = []
        self._replies: list[Reply] = []
        engine = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))
        self.provider = provider_of(name, transport=engine, **options)
        self.app = ThinkingMiddleware(
            Starlette(), providers={"p": self.provider}, authorize=allow_all, max_retries=retries
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        reply = self._replies[min(len(self.requests), len(self._replies)) - 1]
        headers = [("content-type", reply.content_type), *reply.headers]
        content = in_reads(reply.body, reply.size) if reply.size else reply.body
        return httpx.Response(reply.status, headers=headers, content=content)

    @property
    def sent(self) -> list[JSONObject]:
        """The bodies that the upstream was sent."""
        return [orjson.loads(request.content) for request in self.requests]

    def replies(self, *replies: Reply) -> None:
        """Answer with these."""
        self._replies += replies

    def says(self, blocks: Blocks, *, stream: bool = False, end: str = "") -> None:
        """Answer with these blocks."""
        self.replies(self.vendor.reply(blocks, stream=stream, end=end))

    async def ask(
        self,
        *turns: JSONObject,
        dialect: str = "truefoundry",
        headers: tuple[tuple[bytes, bytes], ...] = (),
        **body: Any,
    ) -> Client:
        """One request of a client that wants to see thinking, and what the client gets."""
        asked = {
            "model": f"p/{self.model}",
            "max_tokens": 3000,
            "thinking": {"type": "enabled", "budget_tokens": 2030},
            "messages": list(turns) or [USER],
            "tools": TOOLS,
            **body,
        }
        named = [(b"x-thinking-dialect", dialect.encode())] if dialect else []
        return await call(self.app, orjson.dumps(asked), [*named, *headers])

    async def echo(self, *, dialect: str = "truefoundry", stream: bool = False) -> JSONObject:
        """The message that a client of the dialect makes of a reply."""
        client = await self.ask(dialect=dialect, stream=stream)
        assert 200 == client.status
        if stream:
            message: JSONObject = DIALECTS[dialect](client.content)
            return message
        return dumped(client.json)

    async def replayed(self, *turns: JSONObject, **body: Any) -> Blocks:
        """What the upstream is sent back of the assistant's last turn."""
        client = await self.ask(*turns, **body)
        assert 200 == client.status, client.content
        return self.vendor.read(self.sent[-1])[-1]


async def in_reads(body: bytes, size: int) -> AsyncGenerator[bytes]:
    """The body, as the network may cut it."""
    for place in range(0, len(body), size):
        yield body[place : place + size]


def dumped(body: JSONObject) -> JSONObject:
    """The message of a JSON reply, as openai-python's users send it back."""
    message = ChatCompletion.construct(**body).choices[0].message
    return message.model_dump(exclude_none=True, warnings=False)


def results(message: JSONObject) -> list[JSONObject]:
    """A user's turn after a message: the results of its calls, or what is said next."""
    called = message.get("tool_calls") or []
    told = [{"role": "tool", "tool_call_id": each["id"], "content": "Sunny"} for each in called]
    return told or [{"role": "user", "content": "And Oslo?"}]


def deltas(client: Client) -> list[JSONObject]:
    """The deltas of a stream that ended well."""
    return clients.deltas(client.content)
