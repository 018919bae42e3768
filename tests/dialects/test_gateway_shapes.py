"""Replies in Portkey's format have the keys and types that the gateway has, for every provider.

A few transcripts are of our own writing, in its manner; recorded ones are used as well where
ASGI_THINKING_GOLDENS names a directory of them. What differs on purpose is in `DEVIATIONS`, and
nothing else does.
"""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest

from asgi_thinking.dialects.openai import OPENAI
from tests.dialects.gateway import SAME, Transcript, answer, recorded, shape
from tests.dialects.gateway_own import OWN
from tests.strictness import check_completion, check_stream

ROOT = os.environ.get("ASGI_THINKING_GOLDENS", "")
RECORDED = list(recorded(Path(ROOT, "portkey"))) if ROOT else []
_NONE = pytest.param(
    None,
    marks=pytest.mark.skip(reason="ASGI_THINKING_GOLDENS names no directory of transcripts"),
    id="goldens",
)
TOLD = [transcript for transcript in (*OWN, *RECORDED) if transcript.status == 200]
WHOLE = [transcript for transcript in TOLD if not transcript.streamed]
STREAMS = [
    transcript
    for transcript in TOLD
    if transcript.streamed and not transcript.name.endswith(("_mid", "_eof_without_stop"))
]

# Those whose chunks the gateway writes otherwise than Claude's.
OTHERS = "bedrock_* gemini_* vertex_* openrouter_*"
GEMINI = "gemini_* vertex_gemini_*"

# What the gateway's strict streams say for each token of thinking.
NOTHING = b'"delta":{},"logprobs":null,"finish_reason":null'


class Deviation(NamedTuple):
    """What we do otherwise than the gateway.

    `cases` and `changes` are patterns; a change begins with what it does to the gateway's shape: +
    for what only we say, - for what only the gateway says.
    """

    why: str
    cases: str
    changes: tuple[str, ...]


DEVIATIONS = (
    Deviation(
        "the role is said once, in the first delta, as for Claude",
        OTHERS,
        (
            "+content+role: *",
            "-content: .choices.delta.content string",
            "-*: .choices.delta.role 'assistant'",
            "-thinking: .choices.delta.content string",
        ),
    ),
    Deviation(
        "a block starts with its empty part, as for Claude",
        OTHERS,
        ("+signature+thinking: *", "+start of text: *"),
    ),
    Deviation(
        "a choice has the same keys for every provider and in every chunk",
        OTHERS,
        (
            "+.choices.logprobs null",
            "+each: .choices.logprobs null",
            "+some: .choices.logprobs null",
            "+each: .choices.finish_reason null",
            "-some: .choices.finish_reason null",
            "+each: .choices.index number",
            "-some: .choices.index number",
        ),
    ),
    Deviation(
        "the last delta is empty, and its chunk is the only one with usage",
        OTHERS,
        (
            "-some: .usage.*",
            "-nothing: .choices.delta empty",
            "-finish: .choices.delta.*",
            "+finish: .choices.delta empty",
            "+finish: .usage.*_tokens number",
        ),
    ),
    Deviation(
        "cache counts stand within `prompt_tokens_details` only, and `cached_tokens` always does",
        "*",
        (
            "-.usage.cache_*_input_tokens number",
            "-finish: .usage.cache_*_input_tokens number",
            "+.usage.prompt_tokens_details.cache*_tokens number",
            "+finish: .usage.prompt_tokens_details.cache*_tokens number",
        ),
    ),
    Deviation("audio is not counted apart", GEMINI, ("-*.usage.*.audio_tokens number",)),
    Deviation(
        "an error is OpenAI's: its words for types, the vendor's as the code, no `provider`",
        "*_error_*",
        ("-.provider *", "?.error.type *", "-.error.code null", "+.error.code string"),
    ),
    Deviation(
        "an error in a stream is an event that raises in clients, without a finish or [DONE]",
        "*_mid *_eof_without_stop",
        (
            "+error: .error.*",
            "-finish: *",
            "-finish_reason+role: *",
            "-empty: *",
            "-[[]DONE]",
        ),
    ),
    Deviation(
        "a signature is told when its block is whole, which no signature of a failed stream is",
        "anthropic_stream_eof_without_stop bedrock_stream_throttling_mid",
        ("-signature: *",),
    ),
    Deviation(
        "redacted data in a form that is Bedrock's alone says so, for other clouds refuse it",
        "bedrock_*",
        ("+.choices.message.content_blocks.provider 'bedrock'", "+data+provider: *", "-data: *"),
    ),
    Deviation(
        "calls have the same keys as Claude's, and arguments come apart from their call",
        "bedrock_* gemini_*",
        (
            "+call: .choices.delta.tool_calls.function.arguments string",
            "-arguments: .choices.delta.tool_calls.type 'function'",
            "+arguments: *",
        ),
    ),
    Deviation(
        "an unknown block keeps its type and input; a server tool's is no call of the client's",
        "anthropic_stream_server_tool_citations",
        ("+block_type+id+input+name: *", "-id+input+name: *", "-arguments: *"),
    ),
    Deviation(
        "sources reach OpenAI's clients too, and the vendor's own object comes before the finish",
        "anthropic_stream_server_tool_citations " + GEMINI,
        (
            "+annotations: .choices.delta.annotations.*",
            "+citation: *",
            "+nothing: .choices.delta empty",
            "+some: .choices.groundingMetadata.*",
            "-finish: .choices.groundingMetadata.*",
        ),
    ),
    Deviation(
        "a text's signature is not lost",
        GEMINI,
        ("+provider+text: *", "+thought_signature: *"),
    ),
    Deviation(
        "a reply with calls finishes as one, and no text or call is lost beside another",
        "gemini_json_tool gemini_stream_tool",
        ("?*.choices.finish_reason '*", "+text: *", "+.choices.message.content null"),
    ),
    Deviation(
        "a block that stood behind calls says so, for its place matters when it comes back",
        "gemini_stream_tool",
        ("+after+text: *",),
    ),
    Deviation("every good stream ends with [DONE]", GEMINI, ("+[[]DONE]",)),
    Deviation(
        "Claude's blocks stand in the same place by Vertex, redacted ones among them",
        "vertex_claude_json_*",
        ("-.choices.message.content.*", "+.choices.message.content*"),
    ),
    Deviation(
        "thinking has one form whoever compatible with OpenAI it came from, with its signature",
        "openai_json openrouter_*",
        (
            "-*.reasoning*",
            "+.choices.message.content_blocks.*",
            "+signature: .choices.delta.content_blocks.*",
        ),
    ),
    Deviation(
        "one provider serves all that is compatible with OpenAI, and always names itself",
        "openai_json openrouter_*",
        ("?*.provider 'open*'",),
    ),
    Deviation(
        "guardrails are the host's",
        "cfg_guardrail_stream_hook_results",
        ("-hook_results: *",),
    ),
    Deviation(
        "the header's value may be written in any case",
        "hdr_False_capitalised",
        ("?.choices.finish_reason *", "+.choices.message.content_blocks.*"),
    ),
    Deviation(
        "what the gateway loses by this service is compared with its answer by the other one",
        "vertex_gemini_stream_sse_lf",
        ("?*: .provider '*'",),
    ),
)


def changes(transcript: Transcript) -> list[str]:
    """What we say otherwise than the gateway."""
    gateway = shape(transcript.gateway, streamed=transcript.streamed)
    ours = shape(answer(transcript), streamed=transcript.streamed)
    return sorted({f"+{path}" for path in ours - gateway} | {f"-{path}" for path in gateway - ours})


def explains(pattern: str, deviation: Deviation, name: str, change: str) -> bool:
    """Whether a pattern of a deviation is meant for this change."""
    cases = deviation.cases.split()
    return fnmatchcase(change, pattern) and any(fnmatchcase(name, case) for case in cases)


def named(transcript: Transcript | None) -> str | None:
    """The name of a test."""
    return getattr(transcript, "name", None)


@pytest.mark.parametrize("transcript", [*OWN, *(RECORDED or [_NONE])], ids=named)
def test_a_reply_has_the_gateways_keys_and_types(transcript: Transcript) -> None:
    """Whatever the provider, streamed or not, good or bad; what differs is a named deviation."""
    unexplained = [
        change
        for change in changes(transcript)
        if not any(
            explains(pattern, deviation, transcript.name, change)
            for deviation in DEVIATIONS
            for pattern in deviation.changes
        )
    ]
    assert [] == unexplained


def test_every_deviation_is_one() -> None:
    """A pattern that no recorded transcript needs any more is not kept."""
    found = [(transcript.name, change) for transcript in RECORDED for change in changes(transcript)]
    idle = [
        (deviation.why, pattern)
        for deviation in DEVIATIONS
        for pattern in deviation.changes
        if not any(explains(pattern, deviation, name, change) for name, change in found)
    ]
    assert not (RECORDED and idle), idle


@pytest.mark.parametrize("transcript", WHOLE, ids=named)
def test_a_strict_reply_is_openais(transcript: Transcript) -> None:
    """From the same upstreams strict clients get OpenAI's schema, without any thinking."""
    body = answer(transcript, OPENAI)
    assert b"thinking" not in body
    check_completion(orjson.loads(body))


@pytest.mark.parametrize("transcript", STREAMS, ids=named)
def test_a_strict_stream_is_openais(transcript: Transcript) -> None:
    """No chunk is the gateway's, and none is there for thinking alone."""
    data = answer(transcript, OPENAI)
    assert not any(word in data for word in (b"thinking", b"content_blocks", NOTHING))
    check_stream(data)


def test_a_directory_is_read(tmp_path: Path) -> None:
    """Transcripts of lost replies are compared with others, and those of no upstream left out."""
    first, *_ = (transcript for transcript in OWN if transcript.streamed)
    for name, asked in (
        *((name, {"path": "/"}) for pair in SAME.items() for name in pair),
        ("x", []),
    ):
        folder = tmp_path / name / "strict_false"
        folder.mkdir(parents=True, exist_ok=True)
        folder.joinpath("upstream_request.json").write_bytes(orjson.dumps(asked))
        folder.joinpath("upstream_response.sse").write_bytes(first.upstream)
        folder.joinpath("response.sse").write_bytes(name.encode())
        folder.joinpath("response_meta.json").write_bytes(b'{"status":200}')
    found = {transcript.name: transcript for transcript in recorded(tmp_path)}
    assert {*SAME, *SAME.values()} == found.keys()
    assert [SAME[name].encode() for name in SAME] == [found[name].gateway for name in SAME]
    assert {(200, first.upstream, True)} == {
        (t.status, t.upstream, t.streamed) for t in found.values()
    }
