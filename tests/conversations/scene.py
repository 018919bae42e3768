"""A middleware before all vendors, and clients that hold conversations through it.

    scene = Scene()
    scene.says = Reply("hm", "", (Call("find", {"place": "Oslo"}),))
    client = await scene.ask("anthropic/claude-opus-4-6", [USER], stream=True)
    scene.sent[-1].history == [scene.sent[0].made]

What a vendor made of a reply is known because its signatures hang on the request alone: the same
request, asked whole, has them again.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any, Final

import httpx
import orjson
from starlette.applications import Starlette

from asgi_thinking import ThinkingMiddleware, allow_all
from tests.asgi import Client, call
from tests.dialects import clients
from tests.simulator import Call, Reply
from tests.simulator.edge import answer, providers
from tests.simulator.gemini_turns import STAND_INS

__all__ = [
    "DIALECTS",
    "ROUND",
    "SYSTEM",
    "TOOLS",
    "USER",
    "JSONObject",
    "Parts",
    "Scene",
    "Sent",
    "echoed",
    "expected",
    "lean",
    "results",
    "seals",
]

JSONObject = dict[str, Any]
Parts = list[JSONObject]

SYSTEM: Final[JSONObject] = {"role": "system", "content": "You know the weather."}
USER: Final[JSONObject] = {"role": "user", "content": "Weather in Tōkyō?"}
TOOLS: Final[list[JSONObject]] = [
    {
        "type": "function",
        "function": {
            "name": "find",
            "parameters": {"type": "object", "properties": {"place": {"type": "string"}}},
        },
    }
]

DIALECTS: Final[dict[str, Any]] = {
    "openai": clients.plain,
    "truefoundry": clients.by_truefoundry,
    "truefoundry-legacy": clients.by_truefoundry_legacy,
    "portkey": clients.by_portkey,
    "obiguard": clients.by_portkey,
    "openrouter": clients.by_openrouter,
    "litellm": clients.by_litellm,
    "deepseek": clients.by_text("reasoning_content"),
    "reasoning": clients.by_text("reasoning"),
    "think-tags": clients.plain,
}
"""Every built-in dialect, and how its clients put a stream together."""


def _search(*places: str) -> tuple[Call, ...]:
    """Calls whose arguments can be written in many ways."""
    return tuple(
        Call("find", {"place": place, "days": 3, "near": {"lon": 139.5, "lat": 35}, "units": ["C"]})
        for place in places
    )


ROUND: Final = (
    Reply("I look it up.", "", _search("Tōkyō")),
    Reply("Two more.", "One moment.", _search("Oslo", "Lima"), interleaved=True),
    Reply("Nobody may see this.", "", _search("Rome"), redacted=True),
    Reply("Once again.", "Wait.", _search("Kyōto", "Bonn", "Nice"), interleaved=True),
    Reply("I know.", "Sunny."),
)
"""A turn of the user's, from its first call to its answer."""

# What says in each vendor's paths that a reply streams, and the same without it.
_WHOLE: Final = (
    ("invoke-with-response-stream", "invoke"),
    ("converse-stream", "converse"),
    ("streamRawPredict", "rawPredict"),
    ("streamGenerateContent?alt=sse", "generateContent"),
)


@dataclass(frozen=True, slots=True)
class Sent:
    """One request that a vendor was sent, and how it was answered."""

    host: str
    path: str
    headers: dict[str, str]
    content: bytes
    said: Reply
    status: int

    @property
    def body(self) -> JSONObject:
        """The request's body."""
        value: JSONObject = orjson.loads(self.content)
        return value

    @property
    def history(self) -> list[Parts]:
        """The assistant's turns that the vendor was sent, in the vendor's own form."""
        return [turn.get("content") or turn["parts"] for turn in _turns(self.body)]

    @property
    def made(self) -> Parts:
        """The turn that the vendor answered with, in its own form."""
        path = self.path
        for streams, whole in _WHOLE:
            path = path.replace(streams, whole)
        body = orjson.dumps({**self.body, "stream": False} if "stream" in self.body else self.body)
        told = orjson.loads(answer(path, self.headers, body, lambda _: self.said).body)
        match told:
            case {"candidates": [{"content": {"parts": parts}}]}:
                return list(parts)
            case {"output": {"message": {"content": parts}}}:
                return list(parts)
            case _:
                return list(told["content"])


def _turns(body: JSONObject) -> Parts:
    turns = body.get("messages") or body["contents"]
    return [turn for turn in turns if turn["role"] in ("assistant", "model")]


class Scene:
    """All vendors behind one middleware; `says` is what the next model says.

    `faults` are what the next requests get instead of the vendor's answer, by a part of their URL;
    `options` are those of the middleware.
    """

    def __init__(self, **options: Any) -> None:
        self.says = Reply("hm", "Sunny.")
        self.sent: list[Sent] = []
        self.faults: list[tuple[str, httpx.Response | Exception]] = []
        engine = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))
        self.app = ThinkingMiddleware(
            Starlette(),
            providers=providers(lambda _: self.says, transport=engine),
            **{
                "authorize": allow_all,
                "max_retries": 0,
                "dialects": tuple(DIALECTS),
                **options,
            },
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path, headers = request.url.raw_path.decode(), dict(request.headers)
        response = self._fault(str(request.url))
        if response is None:
            told = answer(path, headers, request.content, lambda _: self.says)
            response = httpx.Response(told.status, headers=told.headers, content=told.body)
        status = response.status_code if isinstance(response, httpx.Response) else 0
        sent = Sent(request.url.host, path, headers, request.content, self.says, status)
        self.sent.append(sent)
        if isinstance(response, Exception):
            raise response
        return response

    def _fault(self, url: str) -> httpx.Response | Exception | None:
        number = next((n for n, (place, _) in enumerate(self.faults) if place in url), None)
        return None if number is None else self.faults.pop(number)[1]

    async def ask(
        self,
        model: str,
        messages: Parts,
        *,
        dialect: str = "openai",
        headers: tuple[tuple[bytes, bytes], ...] = (),
        **body: Any,
    ) -> Client:
        """One request, and what its client gets."""
        asked = {"model": model, "max_tokens": 8_000, "messages": messages, **body}
        named = (b"x-thinking-dialect", dialect.encode())
        return await call(self.app, orjson.dumps(asked), (named, *headers))


def echoed(client: Client, dialect: str, *, stream: bool) -> JSONObject:
    """The message of a good reply, as a client of the dialect keeps it."""
    assert 200 == client.status, client.content
    if stream:
        message: JSONObject = DIALECTS[dialect](client.content)
        return message
    kept: JSONObject = client.json["choices"][0]["message"]
    return kept


def lean(client: Client, *, stream: bool) -> JSONObject:
    """The message of a good reply, as a client keeps it that knows OpenAI's own fields alone.

    It reads the arguments of calls, and writes them anew in its own way.
    """
    message = echoed(client, "openai", stream=stream)
    used = [
        {
            "id": each["id"],
            "type": "function",
            "function": {
                "arguments": _anew(each["function"]["arguments"]),
                "name": each["function"]["name"],
            },
        }
        for each in message.get("tool_calls") or []
    ]
    called: JSONObject = {"tool_calls": used} if used else {}
    return {"content": _text(message["content"]) or None, **called, "role": "assistant"}


def _text(content: Any) -> str:
    """The text of a message; one dialect's content may have parts of other types."""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part["type"] == "text")
    return content or ""


def _anew(arguments: str) -> str:
    """The same arguments with spaces, with escapes, and with the keys the other way round."""
    return json.dumps(_reversed(json.loads(arguments)))


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _reversed(value[name]) for name in reversed(value)}
    return value


def results(message: JSONObject, told: str = "Sunny") -> Parts:
    """What comes after a message: the results of its calls, or what the user says next."""
    called = message.get("tool_calls") or []
    given = [{"role": "tool", "tool_call_id": each["id"], "content": told} for each in called]
    return given or [{"role": "user", "content": "And tomorrow?"}]


def expected(parts: Parts) -> Parts:
    """What has to be sent back of a reply whose client knows OpenAI's fields alone.

    Nothing of a reply without calls is lost that is needed; thoughts that nobody signed are not.
    """
    kept = [part for part in parts if not part.get("thought")]
    if any(
        {"toolUse", "functionCall"} & {*part} or part.get("type") == "tool_use" for part in kept
    ):
        return kept
    return [_unsigned(part) for part in kept if "text" in part]


def _unsigned(part: JSONObject) -> JSONObject:
    return {name: value for name, value in part.items() if name != "thoughtSignature"}


def seals(parts: Parts) -> list[str]:
    """Everything in a vendor's turn that only its maker can have written, whatever the vendor."""
    found: list[str] = []
    for part in parts:
        shown = part.get("reasoningContent") or part
        told = shown.get("reasoningText") or shown
        found += [told[name] for name in ("signature", "data", "thoughtSignature") if name in told]
        if hidden := told.get("redactedContent"):
            found.append(base64.b64decode(hidden).decode())
    return [seal for seal in found if seal not in STAND_INS]
