"""`demo`: one conversation in every dialect over real HTTP, without keys, network or SDK.

Upstreams on the loopback play Claude, Bedrock and Gemini, a Starlette app mounts the middleware,
and a client asks, shows the thinking apart from the answer, calls the tool, sends everything back
in the form it came in, and gets the answer.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sys
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, TextIO

import httpx
from starlette.applications import Starlette

from asgi_thinking._demo.anthropic import Claude
from asgi_thinking._demo.bedrock import Bedrock
from asgi_thinking._demo.gemini import Gemini
from asgi_thinking._demo.script import KEY, QUESTION, RESULT, TOOL, JSONObject
from asgi_thinking._demo.upstream import FarEnd, Upstream
from asgi_thinking.middleware import ThinkingMiddleware, allow_all
from asgi_thinking.providers.anthropic import AnthropicProvider
from asgi_thinking.providers.bedrock import BedrockProvider
from asgi_thinking.providers.gemini import GeminiProvider

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.types import ASGIApp

    from asgi_thinking.providers import Provider

__all__ = ["run_demo", "show"]

_DEFAULT: Final = "truefoundry"

# As much of the bytes' representation as a line holds, with no escape sequence cut in two.
_ROWS: Final = re.compile(r".{1,90}(?<!\\)(?<!\\x)(?<!\\x.)")

# How each dialect is asked for.
_ASKED_BY: Final[dict[str, dict[str, str]]] = {
    _DEFAULT: {},
    "truefoundry-legacy": {"x-tfy-strict-openai": "false"},
    "portkey": {"x-portkey-strict-open-ai-compliance": "false"},
    "obiguard": {"x-obiguard-strict-open-ai-compliance": "false"},
    "openai": {"x-thinking-dialect": "openai"},
}

_INTRODUCTION: Final = f"""\
Asked with thinking and a tool: {QUESTION} First of {Claude.model} in each dialect, then of
other vendors' APIs in the default one. The far ends are transcripts, the rest is real HTTP.

  ·      thinking, as it streams
  wire   its first piece, as the vendor sends it
  delta  its first piece, as the client gets it
  call   the tool call that the model makes, and the client's result
  echo   what the vendor says of the turn when it is sent back
"""

_SERVING: Final = """
Serving {models} until Ctrl-C. Ask for yourself:

curl -s {url} -H 'content-type: application/json' -d '{body}'
"""


def run_demo(*, keep: bool) -> int:
    """Show the demo on standard output; `keep` leaves its server up. Returns the exit status."""
    if find_spec("uvicorn") is None:
        wanted = "pip install 'asgi-thinking[server]'"
        print(f"asgi-thinking: the demo needs uvicorn: {wanted}", file=sys.stderr)
        return 2
    return asyncio.run(_show_until_interrupted(keep=keep))


async def show(out: TextIO, *, keep: bool = False) -> None:
    """Hold the conversation in every dialect and with every vendor, and write it to `out`.

    Raises:
        httpx.HTTPStatusError: a request was refused.
    """
    screen = _Screen(out)
    claude, bedrock, gemini = Claude(), Bedrock(), Gemini()
    # No proxy, whatever the environment says: everything is on the loopback.
    async with (
        httpx.AsyncClient(trust_env=False) as http,
        Upstream(claude) as messages,
        Upstream(bedrock) as invoke,
        Upstream(gemini) as generate,
        _serving(_host(http, messages, invoke, generate), keep=keep) as url,
    ):
        screen.write(_INTRODUCTION)
        for dialect, headers in _ASKED_BY.items():
            asked = ", ".join(f"{name}: {value}" for name, value in headers.items())
            screen.title(dialect, asked or "the default")
            await _converse(_Client(http, url, dialect), claude, screen)
        for far_end, how in (
            (bedrock, "Bedrock's InvokeModel: binary frames"),
            (gemini, "Gemini's API: server-sent events"),
        ):
            screen.title(far_end.model, how)
            await _converse(_Client(http, url, _DEFAULT), far_end, screen)
        if keep:
            body = json.dumps(_question(claude.model, reasoning_effort="high"))
            models = ", ".join(each.model for each in (claude, bedrock, gemini))
            screen.write(_SERVING.format(url=url, body=body, models=models))


async def _show_until_interrupted(*, keep: bool) -> int:
    # A Ctrl-C comes as a cancellation, once uvicorn has shut down; it is how --serve should end.
    with suppress(asyncio.CancelledError):
        await show(sys.stdout, keep=keep)
    return 0


def _host(http: httpx.AsyncClient, messages: str, invoke: str, generate: str) -> ASGIApp:
    """The app, which asks each vendor at its URL; nothing is left to the environment."""
    providers: dict[str, Provider] = {
        "anthropic": AnthropicProvider(KEY, base_url=messages, transport=http),
        "bedrock": BedrockProvider("us-east-1", api_key=KEY, base_url=invoke, transport=http),
        "gemini": GeminiProvider(KEY, base_url=generate, api_version="v1beta", transport=http),
    }
    # Everybody who reaches a port of the loopback may ask: nothing here costs money.
    return ThinkingMiddleware(Starlette(), providers=providers, authorize=allow_all)


@asynccontextmanager
async def _serving(app: ASGIApp, *, keep: bool) -> AsyncGenerator[str]:
    """The app on a free port of the loopback, until the block ends, or with `keep` for good."""
    import uvicorn

    # The socket listens before the server runs, so that nobody has to wait for it.
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, ws="none", log_level="warning"))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    stays = False
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1/chat/completions"
        stays = keep
    finally:
        server.should_exit |= not stays  # a Ctrl-C may have been before us
        await task


def _question(model: str, **fields: Any) -> JSONObject:
    return {"model": model, "messages": [{"role": "user", "content": QUESTION}], **fields}


async def _converse(client: _Client, far_end: FarEnd, screen: _Screen) -> None:
    """Question, tool call, result, answer."""
    body = _question(
        far_end.model,
        stream=True,
        max_tokens=4000,
        thinking={"type": "enabled", "budget_tokens": 2000},
        tools=[TOOL],
    )
    asked = await client.ask(body, screen)
    screen.excerpt("wire", far_end.sample)
    screen.line("delta", asked.sample or "none: OpenAI's schema has no place for thinking")
    for call in asked.calls:
        # Gemini signs the call, which has a place of its own in OpenAI's form of it.
        signed = f", {json.dumps(call['extra_content'])}" if "extra_content" in call else ""
        name, arguments = call["function"]["name"], call["function"]["arguments"]
        screen.line("call", f"{name}({arguments}) -> {RESULT}{signed}")
        result = {"role": "tool", "tool_call_id": call["id"], "content": RESULT}
        body["messages"] += [asked.echo(client.dialect), result]
    await client.ask(body, screen)
    kept = "" if asked.sample else " (remembered: the client kept none)"
    screen.line("echo", far_end.verdict + kept)


@dataclass(frozen=True, slots=True)
class _Client:
    """What any client of chat completions does: post, and read the stream."""

    http: httpx.AsyncClient
    url: str
    dialect: str

    async def ask(self, body: JSONObject, screen: _Screen) -> _Reply:
        reply, headers = _Reply(), _ASKED_BY[self.dialect]
        async with self.http.stream("POST", self.url, json=body, headers=headers) as response:
            response.raise_for_status()
            async for line in response.aiter_lines():
                if line.startswith("data: {"):
                    chunk = json.loads(line.removeprefix("data: "))
                    thinking, text = reply.add(chunk["choices"][0]["delta"])
                    screen.stream("thinking", thinking)
                    screen.stream("answer", text)
        screen.end()
        return reply


@dataclass(slots=True)
class _Reply:
    """A streamed reply, put together as a client of its dialect puts it together."""

    thinking: str = ""
    signature: str = ""
    text: str = ""
    sample: str = ""
    blocks: list[JSONObject] = field(default_factory=list[JSONObject])
    calls: list[JSONObject] = field(default_factory=list[JSONObject])

    def add(self, delta: JSONObject) -> tuple[str, str]:
        """Take one delta; returns its fragments of thinking and of the answer."""
        blocks = [block["delta"] for block in delta.get("content_blocks", ())]
        thinking = delta.get("reasoning_content") or delta.get("thinking") or ""
        thinking += "".join(block.get("thinking", "") for block in blocks)
        self.thinking += thinking
        self.signature += delta.get("signature") or ""
        self.signature += "".join(block.get("signature", "") for block in blocks)
        self.blocks += delta.get("thinking_blocks", ())
        if thinking and not self.sample:
            self.sample = json.dumps(delta)
        text: str = delta.get("content") or ""
        self.text += text
        for call in delta.get("tool_calls", ()):
            self._add_call(call)
        return thinking, text

    def _add_call(self, call: JSONObject) -> None:
        if "id" in call:
            self.calls.append({**call, "function": {**call["function"]}})
        else:
            index: int = call["index"]
            self.calls[index]["function"]["arguments"] += call["function"]["arguments"]

    def echo(self, dialect: str) -> JSONObject:
        """The reply as the dialect's clients send it back."""
        thinking = [{"type": "thinking", "thinking": self.thinking, "signature": self.signature}]
        message = {"role": "assistant", "content": self.text or None, "tool_calls": self.calls}
        match dialect:
            case "truefoundry":
                return {**message, "thinking_blocks": self.blocks}
            case "truefoundry-legacy":
                return {**message, "content": thinking}
            case "portkey" | "obiguard":
                return {**message, "content_blocks": thinking}
            case _:
                return message


class _Screen:
    """Lines of text; thinking is set apart by a dot, and dim on a terminal."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._dim, self._plain = ("\x1b[2m", "\x1b[0m") if out.isatty() else ("", "")
        self._open = ""

    def write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()

    def title(self, what: str, how: str) -> None:
        self.write(f"\n{what} ({how})\n")

    def line(self, label: str, text: str) -> None:
        self.write(f"  {label:6} {text}\n")

    def excerpt(self, label: str, data: bytes) -> None:
        """The first two lines of bytes, as Python shows them."""
        rows = _ROWS.findall(repr(data)[2:-1])
        if rows[2:]:
            rows[1] += "…"
        for row in rows[:2]:
            self.line(label, row)
            label = ""

    def stream(self, kind: str, text: str) -> None:
        """A fragment, which goes on in the line of the one before it if that was of its kind."""
        if not text:
            return
        if kind != self._open:
            self.end()
            self._open = kind
            self.write(f"  {self._dim}·      " if kind == "thinking" else "  answer ")
        self.write(text)

    def end(self) -> None:
        """Close the line that is open."""
        if self._open:
            self.write(f"{self._plain}\n")
        self._open = ""
