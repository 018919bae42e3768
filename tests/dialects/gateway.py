"""Transcripts of Portkey's gateway: what an upstream said, what the gateway made of it, its shape.

Source: https://github.com/Portkey-AI/gateway 1.15.2, read 2026-11-22.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from asgi_thinking.dialects import Asked, Dialect
from asgi_thinking.dialects.content_blocks import PORTKEY
from asgi_thinking.events import Batch, MessageStart
from asgi_thinking.exceptions import UpstreamStatusError
from asgi_thinking.messages import assemble
from asgi_thinking.wire import Decoder, anthropic, converse, gemini, openai

__all__ = ["JSONObject", "Transcript", "answer", "recorded", "shape"]

JSONObject = dict[str, Any]

HEAD = MessageStart("req-1", "anthropic.claude-3-7-sonnet-20250219-v1:0", 1, "bedrock")
READ = 7  # bytes; no stream is read at once

# Where the gateway loses a reply for its framing: the same reply in another framing.
SAME = {
    "anthropic_stream_crlf": "anthropic_stream_full",
    "anthropic_stream_comment_keepalive": "anthropic_stream_full",
    "bedrock_stream_7byte_chunks": "bedrock_stream_full",
    "vertex_gemini_stream_sse_lf": "gemini_stream_array_7byte_chunks",
}

# Anthropic's own status for an overloaded model is none that clients know.
STATUSES = {529: 503}


@dataclass(frozen=True)
class Transcript:
    """What an upstream said, and what the gateway made of it."""

    name: str
    status: int
    upstream: bytes
    gateway: bytes
    streamed: bool


def recorded(root: Path) -> Iterator[Transcript]:
    """The transcripts of a directory, without those of requests that went to no upstream."""
    for case in sorted(root.iterdir()):
        folder, told = (root / name / "strict_false" for name in _names(case.name))
        if not orjson.loads(folder.joinpath("upstream_request.json").read_bytes()):
            continue
        (upstream,) = folder.glob("upstream_response.*")
        (gateway,) = told.glob("response.*")
        status = orjson.loads(folder.joinpath("response_meta.json").read_bytes())["status"]
        streamed = gateway.suffix == ".sse"
        yield Transcript(case.name, status, upstream.read_bytes(), gateway.read_bytes(), streamed)


def _names(name: str) -> tuple[str, str]:
    return name, SAME.get(name, name)


# -- what we make of it ------------------------------------------------------------------------


class Wire(NamedTuple):
    """How an upstream's replies are decoded."""

    stream: Callable[[], Decoder]
    whole: Callable[[bytes], Batch]
    error: Callable[[int, bytes], UpstreamStatusError]


def _wire(decoder: Any, module: Any, provider: str, *model: str) -> Wire:
    return Wire(
        partial(decoder, 1, provider, *model),
        lambda body: module.decode_reply(body, 1, provider, *model),
        lambda status, body: module.decode_error(status, body, provider),
    )


# By the beginning of a transcript's name.
WIRES = {
    "vertex_claude": _wire(anthropic.AnthropicDecoder, anthropic, "vertex"),
    "vertex_gemini": _wire(gemini.GeminiDecoder, gemini, "vertex", "asked"),
    "gemini": _wire(gemini.GeminiDecoder, gemini, "gemini", "asked"),
    "open": _wire(openai.OpenAIDecoder, openai, "openai"),
    "bedrock": Wire(
        partial(converse.ConverseDecoder, HEAD),
        partial(converse.decode_reply, head=HEAD),
        partial(converse.decode_error, provider="bedrock"),
    ),
    "": _wire(anthropic.AnthropicDecoder, anthropic, "anthropic"),
}


def answer(transcript: Transcript, dialect: Dialect = PORTKEY) -> bytes:
    """What we make of a transcript's upstream: a body or a stream."""
    wire = next(wire for name, wire in WIRES.items() if transcript.name.startswith(name))
    upstream, asked = transcript.upstream, Asked(thinking=True)
    if transcript.status >= 400:
        error = wire.error(transcript.status, upstream)
        assert STATUSES.get(transcript.status, transcript.status) == error.status
        return error.envelope()
    if not transcript.streamed:
        return orjson.dumps(dialect.encode_message(assemble(wire.whole(upstream)), asked))
    decoder, encoder = wire.stream(), dialect.encoder(asked)
    reads = [upstream[place : place + READ] for place in range(0, len(upstream), READ)]
    batches = [*map(decoder.feed, reads), decoder.close()]
    return b"".join(encoder.feed(batch) for batch in batches if batch)


# -- shapes ------------------------------------------------------------------------------------

# Values that are words of the format.
WORDS = {"object", "provider", "role", "type", "finish_reason"}
TYPES = {str: "string", bool: "boolean", int: "number", float: "number", type(None): "null"}


def shape(body: bytes, *, streamed: bool) -> set[str]:
    """Every path through a reply with the type at its end, as in `.choices.message.role 'user'`.

    Those of a stream are said by each kind of chunk, as in `thinking: .choices.delta…`; what stands
    around the deltas is said of `each` chunk that has one, or only of `some`.
    """
    if not streamed:
        return paths(orjson.loads(body))
    lines = re.findall(rb"^data: (.*)$", body, re.MULTILINE)
    found = {line.decode() for line in lines if line == b"[DONE]"}
    around: list[set[str]] = []
    for line in lines[: len(lines) - len(found)]:
        for chunk in single(orjson.loads(line)):
            name, said = kind(chunk), paths(chunk)
            within = {path for path in said if path.startswith(".choices.delta")}
            if within and name != "finish":
                around.append(said - within)
                said = within
            found |= {f"{name}: {path}" for path in said}
    each = set.intersection(*around)
    some = set.union(*around) - each
    return found | {f"each: {path}" for path in each} | {f"some: {path}" for path in some}


def paths(value: Any, path: str = "") -> set[str]:
    """Every path through a JSON value; arrays add nothing to it."""
    inner: list[set[str]]
    if isinstance(value, dict):
        inner = [paths(item, f"{path}.{key}") for key, item in value.items()]
    elif isinstance(value, list):
        inner = [paths(item, path) for item in value]
    else:
        is_word = isinstance(value, str) and path.rpartition(".")[2] in WORDS
        return {f"{path} {value!r}" if is_word else f"{path} {TYPES[type(value)]}"}
    return set().union(*inner) if inner else {f"{path} empty"}


def kind(chunk: JSONObject) -> str:
    """What a chunk says, in a word or two."""
    if not chunk.get("choices"):
        return next((key for key in ("error", "hook_results") if key in chunk), "empty")
    (choice,) = chunk["choices"]
    delta = choice["delta"]
    if choice.get("finish_reason"):
        return "finish"
    parts = [key for part in delta.get("content_blocks", ()) for key in part["delta"]]
    if parts == ["text"] and "content" not in delta:
        return "start of text"
    calls = ["call" if "id" in call else "arguments" for call in delta.get("tool_calls", ())]
    return "+".join(sorted({*parts, *calls}) or sorted(delta)) or "nothing"


def single(chunk: JSONObject) -> Iterator[JSONObject]:
    """A chunk with several blocks or calls as one chunk for each."""
    choice = next(iter(chunk.get("choices", ())), {})
    delta = choice.get("delta", {})
    several = [key for key in ("content_blocks", "tool_calls") if len(delta.get(key, ())) > 1]
    if not several:
        yield chunk
    for key in several:
        for item in delta[key]:
            yield {**chunk, "choices": [{**choice, "delta": {**delta, key: [item]}}]}
