"""Sources, counts and reasons to finish, by every vendor and in every dialect.

Sources, read 2026-11-22: https://platform.claude.com/docs/en/api/handling-stop-reasons,
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html,
https://ai.google.dev/gemini-api/docs/google-search and
https://platform.openai.com/docs/api-reference/chat/object
"""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from tests.asgi import Client
from tests.dialects.clients import read_chunks
from tests.peers.scene import DIALECTS, USER, Edge, deltas
from tests.peers.vendors import COUNTS, VENDORS, Blocks, JSONObject, Reply, text, thinking
from tests.providers.bedrock_scene import forget_aws
from tests.providers.peers_scene import CLAUDES
from tests.wire import anthropic_transcripts as claude
from tests.wire import gemini_transcripts as google

pytestmark = pytest.mark.anyio

SAID: Blocks = [thinking("need weather", "c2ln"), text("Sunny.")]
GEMINIS = ("gemini", "vertex-gemini")
COMPATIBLE = ("openrouter", "deepseek")
STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
EVERY_DIALECT = pytest.mark.parametrize("dialect", [*DIALECTS, "openai"])
EVERY_VENDOR = pytest.mark.parametrize("name", VENDORS)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """No credential of this machine is found."""
    forget_aws(monkeypatch, tmp_path)


async def asked(edge: Edge, *, stream: bool, dialect: str = "truefoundry", **body: Any) -> Client:
    """A reply, with its counts."""
    counted = {"stream_options": {"include_usage": True}} if stream else {}
    client = await edge.ask(dialect=dialect, stream=stream, **counted, **body)
    assert 200 == client.status, client.content
    return client


def usage(client: Client, *, stream: bool) -> JSONObject:
    """The counts of a reply, which stand in one place of it."""
    bodies = read_chunks(client.content) if stream else [client.json]
    (found,) = [body["usage"] for body in bodies if body.get("usage")]
    return dict(found)


def finish(client: Client, *, stream: bool) -> str:
    """The finish reason of a reply, of which there is one."""
    bodies = read_chunks(client.content) if stream else [client.json]
    reasons = [choice.get("finish_reason") for body in bodies for choice in body["choices"]]
    (found,) = [reason for reason in reasons if reason]
    return str(found)


# -- 39: sources -----------------------------------------------------------------------------------

PAGE = {
    "type": "web_search_result_location",
    "cited_text": "sunny",
    "url": "https://example.org/weather",
    "title": "Weather",
    "encrypted_index": "Eo8B",
}
USED = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"q": "x"}}
FOUND: Blocks = [
    thinking("need weather", "c2ln"),
    USED,
    claude.FOUND,
    text("Sunny.", citations=[PAGE]),
]


@STREAMED
@pytest.mark.parametrize("dialect", ["truefoundry", "portkey", "obiguard"])
@pytest.mark.parametrize("name", ["anthropic", "vertex-claude", "invoke"])
async def test_39_sources_stand_beside_thinking(name: str, dialect: str, stream: bool) -> None:
    """Who answered from the web says so, whether the model thought or not."""
    edge = Edge(name)
    edge.says(FOUND, stream=stream)
    client = await asked(edge, dialect=dialect, stream=stream)
    place = {"start_index": 0, "end_index": 6, "url": PAGE["url"], "title": "Weather"}
    assert [{"type": "url_citation", "url_citation": place}] == sources(client, stream=stream)
    assert b"need w" in client.content
    assert b"srvtoolu_1" in client.content or dialect == "truefoundry"


def sources(client: Client, *, stream: bool) -> Blocks:
    """The annotations of a reply."""
    if not stream:
        return list(client.json["choices"][0]["message"]["annotations"])
    return [each for delta in deltas(client) for each in delta.get("annotations", [])]


FORMS: dict[str, JSONObject] = {
    "function": {"tools": [{"type": "function", "function": {"name": "google_search"}}]},
    "camel": {"tools": [{"type": "function", "function": {"name": "googleSearch"}}]},
    "own": {"tools": [{"google_search": {}}]},
    "options": {"web_search_options": {}, "tools": None},
}


@STREAMED
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", GEMINIS)
async def test_39_google_search_is_grounding(name: str, form: str, stream: bool) -> None:
    """A function of that name is the vendor's own search, and its sources are annotations."""
    edge = Edge(name)
    said = google.chunk(
        {"text": "It is 4 °C.", "thoughtSignature": "c2ln"},
        finish="STOP",
        candidate={"groundingMetadata": google.GROUNDING},
    )
    thought = google.chunk({"text": "need weather", "thought": True})
    edge.replies(Reply(google.sse(thought, said), edge.vendor.content_type))
    client = await asked(edge, stream=stream, **FORMS[form])
    assert [{"googleSearch": {}}] == edge.sent[0]["tools"]
    (source,) = sources(client, stream=stream)
    assert "https://example.org/w" == source["url_citation"]["url"]
    assert b"need weather" in client.content


# -- 40 to 42, 45: counts --------------------------------------------------------------------------

REASONING = dict.fromkeys(CLAUDES, 60) | dict.fromkeys(GEMINIS, 57) | dict.fromkeys(COMPATIBLE, 7)


@STREAMED
@EVERY_VENDOR
async def test_40_reasoning_tokens_are_the_vendors(name: str, stream: bool) -> None:
    """The figure is the vendor's own, and a part of the reply's tokens."""
    edge = Edge(name)
    edge.says(SAID, stream=stream)
    found = usage(await asked(edge, stream=stream), stream=stream)
    assert {"reasoning_tokens": REASONING[name]} == found["completion_tokens_details"]
    assert REASONING[name] <= found["completion_tokens"]
    assert found["total_tokens"] == found["prompt_tokens"] + found["completion_tokens"]


# What each vendor says of its tokens, and what it may leave out.
UNSAID: dict[str, tuple[Any, Any]] = {
    **dict.fromkeys(CLAUDES, (b'"thinking_tokens":60', b'"other":1')),
    **dict.fromkeys(GEMINIS, (b'"thoughtsTokenCount":57', b'"other":1')),
    **dict.fromkeys(COMPATIBLE, (b'"reasoning_tokens":7', b'"other":1')),
}


@pytest.mark.parametrize("name", [name for name in VENDORS if name not in ("invoke", "converse")])
@STREAMED
async def test_40_tokens_that_are_unknown_are_not_none(name: str, stream: bool) -> None:
    """A vendor that does not count thinking apart has not said that there was none."""
    edge = Edge(name)
    body = edge.vendor.reply(SAID, stream=stream).body
    assert UNSAID[name][0] in body
    content_type = edge.vendor.content_type if stream else "application/json"
    edge.replies(Reply(body.replace(*UNSAID[name]), content_type))
    found = usage(await asked(edge, stream=stream), stream=stream)
    assert "completion_tokens_details" not in found
    assert found["completion_tokens"]


@STREAMED
async def test_40_reasoning_tokens_are_no_more_than_all(stream: bool) -> None:
    """Clients subtract the one from the other, and must not get below nothing."""
    edge = Edge("anthropic")
    body = edge.vendor.reply(SAID, stream=stream).body
    more = body.replace(b'"thinking_tokens":60', b'"thinking_tokens":600')
    content_type = edge.vendor.content_type if stream else "application/json"
    edge.replies(Reply(more, content_type))
    found = usage(await asked(edge, stream=stream), stream=stream)
    assert {"reasoning_tokens": COUNTS["output_tokens"]} == found["completion_tokens_details"]


@pytest.mark.parametrize("dialect", ["truefoundry", "portkey", "obiguard", "openai"])
@pytest.mark.parametrize("name", ["invoke", "converse"])
async def test_41_bedrock_counts_thinking_in_streams_too(name: str, dialect: str) -> None:
    """Converse says it nowhere itself, but passes on what the model says when asked."""
    edge = Edge(name)
    edge.says(SAID, stream=True)
    client = await asked(edge, stream=True, dialect=dialect)
    found = usage(client, stream=True)
    assert {"reasoning_tokens": 60} == found["completion_tokens_details"]
    if name == "converse":
        asks = edge.sent[0]["additionalModelResponseFieldPaths"]
        assert ["/usage/output_tokens_details"] == asks


@STREAMED
@EVERY_DIALECT
@pytest.mark.parametrize("name", GEMINIS)
async def test_42_geminis_thoughts_are_counted_in(name: str, dialect: str, stream: bool) -> None:
    """The vendor counts its thoughts beside the answer, OpenAI's clients within it."""
    edge = Edge(name)
    edge.says(SAID, stream=stream)
    found = usage(await asked(edge, stream=stream, dialect=dialect), stream=stream)
    assert (12, 87, 99) == tuple(
        found[key] for key in ("prompt_tokens", "completion_tokens", "total_tokens")
    )


@pytest.mark.parametrize("dialect", ["openai", "truefoundry"])
@EVERY_VENDOR
async def test_45_counts_come_when_asked_for_and_in_a_chunk_of_their_own(
    name: str, dialect: str
) -> None:
    """It has no choices, as OpenAI's, and stands directly before the end."""
    edge = Edge(name)
    edge.says(SAID, stream=True)
    unasked = await edge.ask(dialect=dialect, stream=True)
    assert b'"usage"' not in unasked.content.replace(b'"usage":null', b"")
    *chunks, last = read_chunks((await asked(edge, dialect=dialect, stream=True)).content)
    assert [] == last["choices"]
    assert last["usage"]["completion_tokens"]
    assert all(chunk["choices"] and not chunk.get("usage") for chunk in chunks)


# -- 43 and 44: reasons ----------------------------------------------------------------------------

LIMIT = dict.fromkeys(CLAUDES, "max_tokens") | dict.fromkeys(GEMINIS, "MAX_TOKENS")
LIMIT |= dict.fromkeys(COMPATIBLE, "length")


@STREAMED
@pytest.mark.parametrize("dialect", ["openai", "truefoundry"])
@EVERY_VENDOR
async def test_43_a_limit_spent_on_thinking_is_a_length(
    name: str, dialect: str, stream: bool
) -> None:
    """There is no answer then, and the reply says why."""
    edge = Edge(name)
    edge.says(SAID[:1], stream=stream, end=LIMIT[name])
    client = await asked(edge, dialect=dialect, stream=stream)
    assert "length" == finish(client, stream=stream)
    if stream:
        assert "" == "".join(delta.get("content") or "" for delta in deltas(client))
    else:
        assert not client.json["choices"][0]["message"]["content"]


ENDS: list[tuple[str, str, str]] = [
    *(
        (name, *pair)
        for name in CLAUDES
        for pair in (
            ("end_turn", "stop"),
            ("stop_sequence", "stop"),
            ("max_tokens", "length"),
            ("model_context_window_exceeded", "length"),
            ("refusal", "content_filter"),
        )
    ),
    *((name, "pause_turn", "length") for name in CLAUDES if name != "converse"),
    ("converse", "guardrail_intervened", "content_filter"),
    ("converse", "content_filtered", "content_filter"),
    *(
        (name, *pair)
        for name in GEMINIS
        for pair in (
            ("STOP", "stop"),
            ("MAX_TOKENS", "length"),
            ("SAFETY", "content_filter"),
            ("RECITATION", "content_filter"),
            ("OTHER", "content_filter"),
        )
    ),
    *(
        (name, *pair)
        for name in COMPATIBLE
        for pair in (
            ("stop", "stop"),
            ("length", "length"),
            ("content_filter", "content_filter"),
        )
    ),
]


@STREAMED
@pytest.mark.parametrize(("name", "native", "expected"), ENDS)
async def test_44_reasons_to_finish_are_openais(
    name: str, native: str, expected: str, stream: bool
) -> None:
    """A reply that the vendor did not finish does not end as if it had."""
    edge = Edge(name)
    edge.says(SAID, stream=stream, end=native)
    client = await asked(edge, dialect="openai", stream=stream)
    assert expected == finish(client, stream=stream)
    asking = await asked(edge, dialect="portkey", stream=stream)
    assert native == finish(asking, stream=stream)


MALFORMED: list[tuple[str, str]] = [
    ("converse", "malformed_tool_use"),
    ("converse", "malformed_model_output"),
    *((name, "MALFORMED_FUNCTION_CALL") for name in GEMINIS),
    *((name, "UNEXPECTED_TOOL_CALL") for name in GEMINIS),
    *((name, "MISSING_THOUGHT_SIGNATURE") for name in GEMINIS),
]


@EVERY_DIALECT
@pytest.mark.parametrize(("name", "native"), MALFORMED)
async def test_44_a_reply_that_went_wrong_is_an_error(name: str, native: str, dialect: str) -> None:
    """A client would take it for a whole answer, and go on with nothing."""
    edge = Edge(name)
    edge.says(SAID, end=native)
    edge.says(SAID, end=native, stream=True)
    whole = await edge.ask(dialect=dialect)
    assert (502, native) == (whole.status, whole.json["error"]["code"])
    streamed = await edge.ask(USER, dialect=dialect, stream=True)
    last = streamed.content.rpartition(b"data: ")[2]
    assert native == json.loads(last)["error"]["code"]
    assert b"[DONE]" not in streamed.content
    assert not any(word in streamed.content for word in (b'"stop"', b'"tool_calls"'))


@EVERY_DIALECT
async def test_44_a_prompt_that_was_blocked_is_filtered(dialect: str) -> None:
    """Gemini answers with no candidate at all."""
    edge = Edge("gemini")
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {}}
    edge.replies(Reply(orjson.dumps(blocked)))
    client = await edge.ask(dialect=dialect)
    told = client.json["choices"][0]["finish_reason"]
    assert told in ("content_filter", "SAFETY")
