"""The simulated Claude accepts what the real one accepts, and answers in its format."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import orjson
import pytest

from asgi_thinking.messages import assemble
from asgi_thinking.providers._bedrock_invoke import InvokeDecoder
from asgi_thinking.wire.anthropic import AnthropicDecoder, decode_reply
from tests.simulator import Answer, Reply, opened
from tests.simulator.claude import bedrock_invoke, messages_api, vertex_claude
from tests.simulator.claude_cases_more import BOUND, MANUAL, THINKS, edited, grown, without
from tests.simulator.claude_models import MODELS, canonical
from tests.simulator.claude_scene import (
    CALL,
    HEADERS,
    TOOL,
    YES,
    body,
    looped,
    refusal,
    reply,
    said,
    sent,
    user,
)

BETA = "thinking-binding-controls-2026-08-01"
INTERLEAVED = "interleaved-thinking-2025-05-14"
PROFILE = "arn:aws:bedrock:eu-west-1:1:application-inference-profile/x"
JSONObject = dict[str, Any]


def kinds(content: list[JSONObject]) -> list[str]:
    """The types of a reply's blocks."""
    return [block["type"] for block in content]


def accepted(answered: Answer) -> bool:
    """Whether a request was answered by the model."""
    return (answered.status, "x-refused-by" in answered.headers) == (200, False)


def test_thinking_is_hidden_by_default() -> None:
    """A model that hides its thinking gives an empty text with a signature."""
    [thinking, text] = reply(body("claude-opus-5-5"), Reply("Hm.", "Yes."))
    assert ("", "claude") == (thinking["thinking"], opened(thinking["signature"])["vendor"])
    assert {"type": "text", "text": "Yes."} == text


def test_thinking_is_shown_when_asked() -> None:
    """With display "summarized" the thinking has its text."""
    fields = body("claude-opus-5-5", thinking={"type": "adaptive", "display": "summarized"})
    assert "Hm." == reply(fields, Reply("Hm.", "Yes."))[0]["thinking"]


def test_thinking_stands_where_it_was_thought() -> None:
    """Interleaved thinking stands before each call, all of it signed in order."""
    content = reply(BOUND, THINKS)
    expected = ["thinking", "text", "thinking", "tool_use", "thinking", "tool_use"]
    assert expected == kinds(content)
    facts = [opened(block["signature"]) for block in content if block["type"] == "thinking"]
    assert [(0, 3), (1, 3), (2, 3)] == [(fact["number"], fact["count"]) for fact in facts]


def test_calls_have_ids_of_their_own() -> None:
    """No two calls of a conversation share an id."""
    fields = looped(looped(BOUND, THINKS), THINKS)
    ids = [
        block["id"]
        for turn in fields["messages"]
        for block in turn["content"]
        if block["type"] == "tool_use"
    ]
    assert 4 == len(ids) == len(set(ids))


def test_redacted_thinking_is_data() -> None:
    """Thinking that is redacted comes as data, and goes back as it came."""
    answer = Reply("Hm.", calls=(CALL,), redacted=True)
    assert ["redacted_thinking", "tool_use"] == kinds(reply(BOUND, answer))
    assert accepted(sent(looped(BOUND, answer)))


@pytest.mark.parametrize(
    ("fields", "answer", "expected"),
    [
        (body("claude-opus-5", thinking={"type": "disabled"}), THINKS, ["text"]),
        (body("claude-opus-4-8"), Reply("Hm.", "Yes."), ["text"]),
        (
            body("claude-opus-5", tools=[TOOL], tool_choice={"type": "any"}),
            Reply("Hm."),
            ["tool_use"],
        ),
        (
            body("claude-opus-5", tools=[TOOL], tool_choice={"type": "tool", "name": "find"}),
            Reply("Hm.", calls=(CALL,)),
            ["tool_use"],
        ),
        (
            body("claude-opus-5", tools=[TOOL], tool_choice={"type": "none"}),
            Reply(calls=(CALL,)),
            ["text"],
        ),
        (
            body(
                "claude-opus-5",
                tools=[TOOL],
                tool_choice={"type": "auto", "disable_parallel_tool_use": True},
            ),
            Reply(calls=(CALL, CALL)),
            ["tool_use"],
        ),
        (MANUAL, YES, ["thinking", "text"]),
        (
            body("claude-sonnet-5-5", thinking={"type": "between_tools"}),
            Reply("Hm.", "Yes."),
            ["text"],
        ),
    ],
    ids=["off", "default", "any", "tool", "none", "one", "manual", "between"],
)
def test_a_reply_is_what_the_request_allows(
    fields: JSONObject, answer: Reply, expected: list[str]
) -> None:
    """Thinking and calls are as the request wants them."""
    assert expected == kinds(reply(fields, answer))


def test_thinking_after_results_needs_interleaving() -> None:
    """With a budget the model thinks once in a turn, unless the beta asks for more."""
    fields = looped(MANUAL, Reply("Hm.", calls=(CALL,)))
    assert ["text"] == kinds(reply(fields, Reply("So.", "Found.")))
    more = reply(fields, Reply("So.", "Found."), anthropic_beta=INTERLEAVED)
    assert ["thinking", "text"] == kinds(more)
    between = body("claude-sonnet-5-5", thinking={"type": "between_tools"}, tools=[TOOL])
    assert ["thinking", "text"] == kinds(
        reply(looped(between, Reply(calls=(CALL,))), Reply("So.", "Found."))
    )


def test_a_turn_begins_before_its_calls() -> None:
    """With a budget, thinking at the beginning of a turn is enough for all its rounds of calls."""
    fields = looped(looped(MANUAL, Reply("Hm.", calls=(CALL,))), Reply(calls=(CALL,)))
    assert accepted(sent(fields))
    ended = fields | {"messages": [*fields["messages"][:-1], {**fields["messages"][-1]}]}
    assert accepted(sent(looped(ended, YES) | {"thinking": {"type": "disabled"}}))


def test_a_budget_of_interleaved_thinking_may_pass_the_limit() -> None:
    """Interleaved thinking with tools may have a larger budget than the limit of a reply."""
    large = {"type": "enabled", "budget_tokens": 9000}
    fields = body(thinking=large, tools=[TOOL])
    assert "claude.budget_below_max_tokens" == sent(fields).headers["x-refused-by"]
    assert accepted(sent(fields, anthropic_beta=INTERLEAVED))


def test_unchanged_history_is_accepted() -> None:
    """A conversation that only grew is accepted, with all its thinking."""
    assert accepted(sent(grown()))


def test_thinking_may_be_left_out_from_the_beginning() -> None:
    """The oldest thinking may be removed, and all of it, but not some in the middle."""
    fields = grown(lambda content: [block for block in content if block["type"] != "thinking"])
    assert accepted(sent(fields))
    bare = [
        turn | {"content": [block for block in turn["content"] if block["type"] != "thinking"]}
        for turn in fields["messages"]
    ]
    assert accepted(sent(fields | {"messages": bare}))


def test_harmless_changes_are_no_changes() -> None:
    """Cache marks, strings for texts, and settings outside the prefix may change."""
    fields = looped(BOUND | {"system": "Be brief."}, THINKS)
    mark = {"cache_control": {"type": "ephemeral"}}
    turns = [{"role": "user", "content": "Hi"}, *fields["messages"][1:]]
    changed = fields | {
        "system": [{"type": "text", "text": "Be brief.\n"} | mark],
        "messages": turns,
        "max_tokens": 9000,
        "output_config": {"effort": "low"},
    }
    assert accepted(sent(changed))


USE: JSONObject = {"type": "tool_use", "id": "toolu_1", "name": "find", "input": {}}
OK: JSONObject = {"type": "tool_result", "tool_use_id": "toolu_1", "content": ""}
MEMBERS: JSONObject = {"a": {"type": "integer"}, "b": {"type": ["string", "null"]}}
SCHEMA: JSONObject = {"type": "object", "properties": MEMBERS, "additionalProperties": False}


@pytest.mark.parametrize(
    "fields",
    [
        body("claude-opus-5", said(), user("And?")),
        body("claude-opus-5", {"role": "assistant", "content": ""}, user("And?")),
        body("claude-opus-5", said("\n", USE), user(OK), tools=[TOOL]),
        body("claude-opus-5", user("And?", " ")),
        body("claude-opus-5", user("And?"), system=""),
        body("claude-opus-5", {"role": "system", "content": "Be brief."}),
        body(output_config={"format": {"type": "json_schema", "schema": SCHEMA}}),
        body() | {"metadata": None},
        body("claude-opus-4-7", temperature=1),
        body("claude-sonnet-4-5", said("It is")),
    ],
    ids=[
        *("nothing", "no text", "blank beside a call", "blank beside a text", "no system"),
        *("system at the end", "schema", "null", "default temperature", "prefill"),
    ],
)
def test_what_is_odd_but_allowed_passes(fields: JSONObject) -> None:
    """Odd requests that the API takes are accepted."""
    assert accepted(sent(fields))


def test_blank_texts_are_no_part_of_the_prefix() -> None:
    """A blank text beside others may come or go without unbinding the thinking after it."""
    fields = looped(BOUND, THINKS)
    assert accepted(sent(fields | {"messages": [user("Hi", " "), *fields["messages"][1:]]}))


def test_text_of_hidden_thinking_is_ignored() -> None:
    """What is written into hidden thinking does not count."""
    fields = body("claude-opus-5-5", tools=[TOOL])
    answer = Reply("Hm.", calls=(CALL,))
    assert accepted(sent(looped(fields, answer, edited(0, thinking="What?"))))


def test_mismatches_can_be_dropped() -> None:
    """With "drop_block" a changed prefix costs the thinking after it, and the reply says so."""
    binding = {"block_binding": {"prefix_mismatch_behavior": "drop_block"}}
    thinking = BOUND["thinking"] | binding
    fields = looped(BOUND, Reply("Hm.", calls=(CALL,)))
    changed = fields | {"system": "Be brief.", "thinking": thinking}
    told = orjson.loads(sent(changed, anthropic_beta=BETA).body)
    dropped = {
        "type": "thinking_dropped",
        "path": "messages.1.content.0",
        "reason": "prefix_binding_mismatch",
    }
    assert [dropped] == told["input_transformations"]
    strict = sent(fields | {"system": "Be brief."}, anthropic_beta=BETA)
    assert "That setting requires" not in refusal(strict)[2]


def test_only_some_models_bind() -> None:
    """Of a model that does not bind, and of another model, thinking survives a changed prefix."""
    fields = looped(BOUND | {"model": "claude-opus-5"}, THINKS)
    assert accepted(sent(fields | {"system": "Be brief."}))
    elsewhere = looped(BOUND, THINKS) | {"system": "Be brief.", "model": "claude-fable-5-1"}
    assert accepted(sent(elsewhere))
    assert (
        "claude.thinking_unmodified"
        == sent(fields | {"messages": looped(BOUND, THINKS, without(2))["messages"]}).headers[
            "x-refused-by"
        ]
    )


def at_vertex(fields: JSONObject, answer: Reply, model: str) -> Answer:
    """What Vertex AI answers to a request of Anthropic's."""
    path = f"/v1/projects/p/locations/us/publishers/anthropic/models/{model}:streamRawPredict"
    moved = {**fields, "anthropic_version": "2026-10-21"}
    del moved["model"]
    headers = {"Authorization": "Bearer x"}
    return vertex_claude(path, headers, orjson.dumps(moved), lambda _: answer)


def at_bedrock(fields: JSONObject, answer: Reply, model: str, *, stream: bool) -> Answer:
    """What InvokeModel answers to a request of Anthropic's."""
    operation = "invoke-with-response-stream" if stream else "invoke"
    moved = {**fields, "anthropic_version": "bedrock-2023-05-31"}
    del moved["model"]
    return bedrock_invoke(
        f"/model/{model}/{operation}",
        {"authorization": "AWS4 x"},
        orjson.dumps(moved),
        lambda _: answer,
        {PROFILE: "us.anthropic.claude-opus-5-5"},
    )


def test_signatures_are_good_at_every_door() -> None:
    """Anthropic, Vertex AI and Bedrock read each other's signatures."""
    fields = looped(BOUND, THINKS)
    assert accepted(at_vertex(fields, YES, "claude-opus-5-5@default"))
    assert accepted(at_bedrock(fields, YES, "global.anthropic.claude-opus-5-5", stream=False))
    assert accepted(at_bedrock(fields, YES, quote(PROFILE, safe=""), stream=True))


@pytest.mark.parametrize("answer", [THINKS, YES, Reply("Hm.", calls=(CALL,), redacted=True)])
def test_a_stream_says_what_a_whole_reply_says(answer: Reply) -> None:
    """At every door a stream carries the blocks of the whole reply."""
    whole = decode_reply(sent(BOUND, answer).body, 0, "anthropic")
    decoder = AnthropicDecoder(0, "anthropic")
    streamed = [*decoder.feed(sent(BOUND | {"stream": True}, answer).body), *decoder.close()]
    assert assemble(whole).choices == assemble(streamed).choices

    model = "us.anthropic.claude-opus-5-5"
    whole = decode_reply(at_bedrock(BOUND, answer, model, stream=False).body, 0, "bedrock")
    frames = InvokeDecoder(0, "bedrock")
    body_of_frames = at_bedrock(BOUND, answer, model, stream=True).body
    streamed = [*frames.feed(body_of_frames), *frames.close()]
    assert assemble(whole).choices == assemble(streamed).choices


def test_usage_counts_thinking() -> None:
    """Hidden thinking is counted as well."""
    usage = orjson.loads(sent(BOUND, THINKS).body)["usage"]
    assert 0 < usage["output_tokens_details"]["thinking_tokens"] < usage["output_tokens"]


def test_the_speaker_sees_the_request() -> None:
    """What is said may depend on the request's own body."""
    answered = messages_api(
        "/v1/messages",
        HEADERS,
        orjson.dumps(body("claude-opus-5", user("And?"))),
        lambda fields: Reply(text=str(len(fields["messages"]))),
    )
    assert "2" == orjson.loads(answered.body)["content"][0]["text"]


@pytest.mark.parametrize(
    ("door", "model", "expected"),
    [
        ("anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("anthropic", "claude-opus-4-0", "claude-opus-4"),
        ("anthropic", "claude-opus-5@default", None),
        ("vertex", "claude-sonnet-4@20250514", "claude-sonnet-4"),
        ("bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"),
        ("bedrock", "us.anthropic.claude-opus-4-6-v1", "claude-opus-4-6"),
        (
            "bedrock",
            "arn:aws:bedrock:r:1:inference-profile/eu.anthropic.claude-opus-5",
            "claude-opus-5",
        ),
        ("bedrock", "claude-opus-5", None),
    ],
)
def test_models_go_by_their_vendors_names(door: str, model: str, expected: str | None) -> None:
    """Each door has its own spellings of the same models, and knows no others."""
    assert expected == canonical(door, model)


@pytest.mark.parametrize("model", MODELS)
def test_every_model_answers(model: str) -> None:
    """A plain request is accepted by every model of the table."""
    assert accepted(sent(body(model)))
