"""`demo`: one conversation in every dialect over real HTTP, without keys, network or SDK.

An upstream on the loopback plays Claude, a Starlette app mounts the middleware, and a client asks,
shows the thinking apart from the answer, calls the tool, sends everything back in the form it came
in, and gets the answer.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, TextIO, TypeAlias

import httpx
from starlette.applications import Starlette

from asgi_thinking._demo.anthropic import KEY, MODEL, QUESTION, RESULT, TOOL, Claude
from asgi_thinking._demo.upstream import Upstream
from asgi_thinking.middleware import ThinkingMiddleware, allow_all
from asgi_thinking.providers.anthropic import AnthropicProvider

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.types import ASGIApp

__all__ = ["run_demo", "show"]

JSONObject: TypeAlias = dict[str, Any]

# How each dialect is asked for.
_ASKED_BY: Final[dict[str, dict[str, str]]] = {
    "truefoundry": {},
    "truefoundry-legacy": {"x-tfy-strict-openai": "false"},
    "portkey": {"x-portkey-strict-open-ai-compliance": "false"},
    "obiguard": {"x-obiguard-strict-open-ai-compliance": "false"},
    "openai": {"x-thinking-dialect": "openai"},
}

_INTRODUCTION: Final = f"""\
The same conversation in each dialect; the far end is a transcript, the rest is real HTTP.
Asked of {MODEL}, with thinking and a tool: {QUESTION}

  ·      thinking, as it streams
  delta  its first piece, as it came over the wire
  call   the tool call that the model makes, and the client's result
  echo   what the upstream says of the turn when it is sent back
"""

_SERVING: Final = """
Serving until Ctrl-C. Ask for yourself:

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
    """Hold the conversation in every dialect and write it to `out`.

    Raises:
        httpx.HTTPStatusError: a request was refused.
    """
    screen = _Screen(out)
    claude = Claude()
    # No proxy, whatever the environment says: everything is on the loopback.
    async with (
        httpx.AsyncClient(trust_env=False) as http,
        Upstream(claude) as upstream,
        _serving(_host(upstream, http), keep=keep) as url,
    ):
        screen.write(_INTRODUCTION)
        for dialect, headers in _ASKED_BY.items():
            screen.title(dialect, headers)
            await _converse(_Client(http, url, headers), dialect, screen)
            screen.line("echo", claude.verdict)
        if keep:
            screen.write(
                _SERVING.format(url=url, body=json.dumps(_question(reasoning_effort="high")))
            )


async def _show_until_interrupted(*, keep: bool) -> int:
    # A Ctrl-C comes as a cancellation, once uvicorn has shut down; it is how --serve should end.
    with suppress(asyncio.CancelledError):
        await show(sys.stdout, keep=keep)
    return 0


def _host(upstream: str, http: httpx.AsyncClient) -> ASGIApp:
    provider = AnthropicProvider(KEY, base_url=upstream, transport=http)
    # Everybody who reaches a port of the loopback may ask: nothing here costs money.
    return ThinkingMiddleware(Starlette(), providers={"anthropic": provider}, authorize=allow_all)


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


def _question(**fields: Any) -> JSONObject:
    return {"model": MODEL, "messages": [{"role": "user", "content": QUESTION}], **fields}


async def _converse(client: _Client, dialect: str, screen: _Screen) -> None:
    """Question, tool call, result, answer."""
    body = _question(
        stream=True,
        max_tokens=4000,
        thinking={"type": "enabled", "budget_tokens": 2000},
        tools=[TOOL],
    )
    asked = await client.ask(body, screen)
    screen.line("delta", asked.sample or "none: OpenAI's schema has no place for thinking")
    for call in asked.calls:
        screen.line("call", f"{call['function']['name']}({call['function']['arguments']})")
        result = {"role": "tool", "tool_call_id": call["id"], "content": RESULT}
        body["messages"] += [asked.echo(dialect), result]
    screen.line("result", RESULT)
    await client.ask(body, screen)


@dataclass(frozen=True, slots=True)
class _Client:
    """What any client of chat completions does: post, and read the stream."""

    http: httpx.AsyncClient
    url: str
    headers: dict[str, str]

    async def ask(self, body: JSONObject, screen: _Screen) -> _Reply:
        reply = _Reply()
        async with self.http.stream("POST", self.url, json=body, headers=self.headers) as response:
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
    calls: list[JSONObject] = field(default_factory=list[JSONObject])

    def add(self, delta: JSONObject) -> tuple[str, str]:
        """Take one delta; returns its fragments of thinking and of the answer."""
        blocks = [block["delta"] for block in delta.get("content_blocks", ())]
        thinking = delta.get("reasoning_content") or delta.get("thinking") or ""
        thinking += "".join(block.get("thinking", "") for block in blocks)
        signature = delta.get("reasoning_signature") or delta.get("signature") or ""
        signature += "".join(block.get("signature", "") for block in blocks)
        self.thinking += thinking
        self.signature += signature
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
                return {**message, "thinking_blocks": thinking}
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

    def title(self, dialect: str, headers: dict[str, str]) -> None:
        asked = ", ".join(f"{name}: {value}" for name, value in headers.items())
        self.write(f"\n{dialect} ({asked or 'the default'})\n")

    def line(self, label: str, text: str) -> None:
        self.write(f"  {label:6} {text}\n")

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
