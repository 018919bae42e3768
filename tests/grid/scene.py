"""A middleware before all vendors, its clients, and the conversations that they have had.

Every conversation is had with the simulated vendors, so that its signatures are what the vendor
gave. A client keeps what its dialect showed it: `openai` keeps nothing else than OpenAI's fields.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import httpx
import orjson
from starlette.applications import Starlette

from asgi_thinking import ThinkingMiddleware, allow_all
from tests.asgi import Client, call
from tests.dialects import clients
from tests.grid.forms import FORMS, TOOLS
from tests.grid.targets import Target
from tests.simulator import Call, Reply
from tests.simulator.edge import answer as answered
from tests.simulator.edge import providers

__all__ = ["SHAPES", "Asked", "Edge", "answer", "told"]

JSONObject = dict[str, Any]

_ANSWER: Final = Reply("I know.", "Sunny.")
_SEARCH: Final = Reply("I look it up.", "One moment.", (Call("find", {"place": "Tokyo"}),))
_SEARCHES: Final = Reply(
    "I look both up.", "", (Call("find", {"place": "Tokyo"}), Call("find", {"place": "Oslo"}))
)
_ASKED: Final[list[JSONObject]] = [
    {"role": "system", "content": "You know the weather."},
    {"role": "user", "content": "Weather in Tokyo?"},
]
_NEXT: Final[JSONObject] = {"role": "user", "content": "And in Oslo?"}

_READERS: Final[dict[str, Any]] = {
    "openai": clients.plain,
    "truefoundry": clients.by_truefoundry,
    "truefoundry-legacy": clients.by_truefoundry_legacy,
    "portkey": clients.by_portkey,
    "obiguard": clients.by_portkey,
    "openrouter": clients.by_openrouter,
    "litellm": clients.by_litellm,
    "deepseek": clients.by_text("reasoning_content"),
    "reasoning": clients.by_text("reasoning"),
}


class Shape(NamedTuple):
    """How a conversation has gone: what the model said, and who the model was.

    `plain` clients keep OpenAI's fields only, `foreign` conversations were had with another model,
    and tools that are `gone` are not sent any more.
    """

    replies: tuple[Reply, ...] = ()
    tools: bool = True
    plain: bool = False
    foreign: bool = False
    gone: bool = False


SHAPES: Final[dict[str, Shape]] = {
    "question": Shape(tools=False, plain=True),
    "turns": Shape((_ANSWER, _ANSWER), tools=False),
    "tool turn": Shape((_ANSWER, _SEARCH)),
    "plain tool turn": Shape((_SEARCH,), plain=True),
    "parallel tool turn": Shape((_SEARCHES, _SEARCH)),
    "plain parallel tool turn": Shape((_SEARCHES,), plain=True),
    "after a tool turn": Shape((_SEARCH, _ANSWER)),
    "tools gone": Shape((_SEARCH, _ANSWER), gone=True),
    "plain tools gone": Shape((_SEARCHES,), plain=True, gone=True),
    "another's turns": Shape((_ANSWER, _ANSWER), tools=False, foreign=True),
    "another's tool turn": Shape((_SEARCHES,), foreign=True),
}
"""The histories of the grid."""

_GEMINI: Final = Target("gemini", "gemini-3.5-flash")
_CLAUDE: Final = Target("anthropic", "claude-opus-4-6")
# Who has the conversations of a model that cannot have them itself.
_STAND_INS: Final = {"openai/gpt-6": Target("openai", "gpt-5.2")}


class Asked(NamedTuple):
    """What one client asks, after which history, in which dialect; a cell of the grid.

    `remembers` says whether the middleware remembers replies for clients that cannot.
    """

    target: Target
    form: str
    shape: str
    stream: bool
    dialect: str
    remembers: bool

    @property
    def fields(self) -> JSONObject:
        """The body but for its messages."""
        shape = SHAPES[self.shape]
        tools = {"tools": TOOLS} if shape.tools and not shape.gone else {}
        return {"model": self.target.name, "stream": self.stream, **tools, **FORMS[self.form]}

    @property
    def changes_tools(self) -> bool:
        """Whether other tools are sent than in the conversation so far."""
        return SHAPES[self.shape].tools is not ("tools" in self.fields)


class Edge:
    """All vendors behind one middleware; `refusals` are the rules by which they refused the last.

    The middleware may have asked again in another way, so that the client saw none of it.
    """

    def __init__(self, *, remembers: bool) -> None:
        self.says = _ANSWER
        self.refusals: list[str] = []
        engine = httpx.AsyncClient(transport=httpx.MockTransport(self._vendors))
        self._app = ThinkingMiddleware(
            Starlette(),
            providers=providers(lambda _: self.says, transport=engine),
            authorize=allow_all,
            max_retries=0,
            continuity="memory" if remembers else None,
        )
        self._histories: dict[tuple[Target, str, str], list[JSONObject]] = {}

    def _vendors(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode()
        said = answered(path, request.headers, request.content, lambda _: self.says)
        self.refusals += [said.headers["x-refused-by"]] if "x-refused-by" in said.headers else []
        return httpx.Response(said.status, headers=said.headers, content=said.body)

    async def ask(self, asked: Asked) -> Client:
        """What a client gets."""
        shape = SHAPES[asked.shape]
        maker = _STAND_INS.get(asked.target.name, asked.target)
        if shape.foreign:
            maker = _CLAUDE if "gemini" in asked.target.model else _GEMINI
        key = (maker, asked.shape, asked.dialect)
        if key not in self._histories:
            self._histories[key] = await self._talk(maker, shape, asked.dialect)
        self.says = _ANSWER
        self.refusals.clear()
        return await self._send(asked.dialect, messages=self._histories[key], **asked.fields)

    async def _talk(self, target: Target, shape: Shape, dialect: str) -> list[JSONObject]:
        """A conversation as its client has kept it; every other reply was streamed."""
        turns = list(_ASKED)
        for number, reply in enumerate(shape.replies):
            self.says = reply
            stream = bool(number % 2)
            client = await self._send(
                dialect,
                model=target.name,
                messages=turns,
                stream=stream,
                thinking={"type": "enabled", "budget_tokens": 2_000},
                **({"tools": TOOLS} if shape.tools else {}),
            )
            message = told(client, dialect, stream=stream)
            turns = [*turns, message, *_results(message)]
        return turns

    async def _send(self, dialect: str, **fields: Any) -> Client:
        body = {"max_tokens": 8_000, **fields}
        said = {name: value for name, value in body.items() if value is not None}
        return await call(
            self._app, orjson.dumps(said), [(b"x-thinking-dialect", dialect.encode())]
        )


def told(client: Client, dialect: str, *, stream: bool) -> JSONObject:
    """The message of a reply, as a client of the dialect keeps it."""
    assert 200 == client.status, client.content
    if stream:
        message: JSONObject = _READERS[dialect](client.content)
        return message
    kept: JSONObject = client.json["choices"][0]["message"]
    return kept


def answer(message: JSONObject) -> str:
    """The text of a message; some dialects have it among other parts."""
    content: str | list[JSONObject] = message["content"]
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return "".join(part["text"] for part in parts if part["type"] == "text")


def _results(message: JSONObject) -> list[JSONObject]:
    """The results of a message's calls, or what the user says next."""
    called = message.get("tool_calls") or []
    given = [{"role": "tool", "tool_call_id": each["id"], "content": "Sunny"} for each in called]
    return given or [_NEXT]
