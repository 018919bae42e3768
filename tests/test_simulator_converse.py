"""The simulated Converse API refuses what the service or the model refuses, and answers else."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from botocore.eventstream import EventStreamBuffer

from asgi_thinking.events import MessageStart
from asgi_thinking.messages import assemble
from asgi_thinking.wire.converse import ConverseDecoder, decode_reply
from tests.simulator import Answer, Call, Reply
from tests.simulator.claude_cases_more import BOUND
from tests.simulator.claude_scene import reply as reply_of_anthropic
from tests.simulator.converse import CONVERSE_RULES, bedrock_converse
from tests.simulator.converse_cases import CASES, TOOLS, base, called, user

JSONObject = dict[str, Any]
CALL = Call("find", {"what": "it"})
THINKS = Reply("Let me see.", "I look.", (CALL, CALL), interleaved=True)
SHOWN = {"thinking": {"type": "adaptive", "display": "summarized"}}
ASKS = base(
    toolConfig=TOOLS,
    additionalModelRequestFields=SHOWN,
    additionalModelResponseFieldPaths=["/usage/output_tokens_details", "/stop_sequence"],
)
HEAD = MessageStart("reply", "claude", 0, "bedrock")


def sent(fields: Any, answer: Reply = THINKS, *, operation: str = "converse") -> Answer:
    """What Claude Opus 5.5 answers by Converse."""
    path = f"/model/us.anthropic.claude-opus-5-5/{operation}"
    headers = {"Authorization": "Bearer key"}
    return bedrock_converse(path, headers, orjson.dumps(fields), lambda _: answer)


def content_of(answered: Answer) -> list[JSONObject]:
    """The content of a reply."""
    assert 200 == answered.status
    return list(orjson.loads(answered.body)["output"]["message"]["content"])


def results(content: list[JSONObject]) -> JSONObject:
    """The answers to the calls of a reply, each in a form of its own."""
    calls = [block["toolUse"]["toolUseId"] for block in content if "toolUse" in block]
    forms: list[list[JSONObject]] = [[{"text": "ok"}], [{"json": {"ok": True}}]]
    answers = [
        {"toolResult": {"toolUseId": call, "content": form}}
        for call, form in zip(calls, forms, strict=False)
    ]
    return user(*answers)


def looped(content: list[JSONObject]) -> JSONObject:
    """The request that goes on after a reply."""
    turns = [*ASKS["messages"], {"role": "assistant", "content": content}, results(content)]
    return ASKS | {"messages": turns}


@pytest.mark.parametrize(
    ("rule", "text", "fields"),
    CASES,
    ids=[f"{case[0]}-{number}" for number, case in enumerate(CASES)],
)
def test_a_rule_refuses(rule: str, text: str, fields: Any) -> None:
    """A request that breaks one rule is refused by it, with AWS's name for the error."""
    answered = sent(fields)
    assert (400, rule, {"message": text}) == (
        answered.status,
        answered.headers["x-refused-by"],
        orjson.loads(answered.body),
    )
    assert answered.headers["x-amzn-errortype"].startswith("ValidationException:")


def test_every_rule_is_tested_and_cited() -> None:
    """The table has a case for each rule of the service, and each rule names its page."""
    assert set(CONVERSE_RULES) == {case[0] for case in CASES} & set(CONVERSE_RULES)
    pages = [page.split("/")[2] for page in CONVERSE_RULES.values()]
    assert {"docs.aws.amazon.com"} == set(pages)


def test_thinking_stands_where_it_was_thought() -> None:
    """A reply has reasoning with its signature, text and calls in their order."""
    content = content_of(sent(ASKS))
    expected = ["reasoningContent", "text", "reasoningContent", "toolUse"]
    assert [*expected, "reasoningContent", "toolUse"] == [
        kind for block in content for kind in block
    ]
    assert "Let me see." == content[0]["reasoningContent"]["reasoningText"]["text"]


@pytest.mark.parametrize(
    "answer",
    [
        THINKS,
        Reply(text="Yes."),
        Reply("Hm.", calls=(CALL,), redacted=True),
    ],
    ids=["thinks", "plain", "redacted"],
)
def test_replies_come_back(answer: Reply) -> None:
    """What a reply had is accepted in the next request, redacted thinking included."""
    content = content_of(sent(ASKS, answer))
    turns = looped(content)["messages"]
    fields = ASKS | {"messages": [*turns[:2], turns[2] if turns[2]["content"] else user("And?")]}
    assert 200 == sent(fields).status


def test_signatures_of_other_doors_are_read() -> None:
    """A signature that Anthropic's API made is good here, where the conversation is the same."""
    blocks = reply_of_anthropic(BOUND | {"model": "claude-opus-4-8"}, Reply("Hm.", calls=(CALL,)))
    told = {"text": blocks[0]["thinking"], "signature": blocks[0]["signature"]}
    content = [{"reasoningContent": {"reasoningText": told}}, called(call=blocks[1]["id"])]
    assert 200 == sent(looped(content)).status


def test_edited_thinking_is_refused() -> None:
    """Thinking that was changed is refused by the model, in the service's frame."""
    content = content_of(sent(ASKS))
    content[0]["reasoningContent"]["reasoningText"]["text"] = "I know."
    answered = sent(looped(content))
    assert "claude.thinking_unmodified" == answered.headers["x-refused-by"]
    expected = "The model returned the following errors: messages.1.content.0: `thinking`"
    assert orjson.loads(answered.body)["message"].startswith(expected)


@pytest.mark.parametrize("answer", [THINKS, Reply("Hm.", calls=(CALL,), redacted=True)])
def test_a_stream_says_what_a_whole_reply_says(answer: Reply) -> None:
    """The package reads the same reply from a stream as from JSON, thinking tokens included."""
    whole = assemble(decode_reply(sent(ASKS, answer).body, HEAD))
    decoder = ConverseDecoder(HEAD)
    body = sent(ASKS, answer, operation="converse-stream").body
    streamed = assemble([*decoder.feed(body), *decoder.close()])
    assert (whole.choices, whole.usage) == (streamed.choices, streamed.usage)


def test_hidden_thinking_streams_its_signature_alone() -> None:
    """Where thinking is hidden, a stream has only the signature of it."""
    fields = base()
    body = sent(fields, Reply("Hm.", "Yes."), operation="converse-stream").body
    buffer = EventStreamBuffer()
    buffer.add_data(body)
    deltas = [orjson.loads(each.payload).get("delta", {}) for each in buffer]
    hidden = [delta["reasoningContent"] for delta in deltas if "reasoningContent" in delta]
    assert [["signature"]] == [list(each) for each in hidden]


def test_everything_the_api_takes_is_read() -> None:
    """Settings, cache points, images, documents and formats reach the model's own rules."""
    point: JSONObject = {"cachePoint": {"type": "default", "ttl": "5m"}}
    schema = '{"type":"object","properties":{},"additionalProperties":false}'
    form = {"type": "json_schema", "structure": {"jsonSchema": {"schema": schema}}}
    image = {"image": {"format": "png", "source": {"bytes": "eA=="}}}
    documents = [
        {"document": {"format": kind, "name": kind, "source": {"bytes": "eA=="}}}
        for kind in ("pdf", "csv")
    ]
    tools = {"tools": [*TOOLS["tools"], point], "toolChoice": {"auto": {}}}
    fields = {
        "messages": [user("Hi", image, *documents, point)],
        "system": [{"text": "Be brief."}, {"cachePoint": {"type": "default"}}],
        "inferenceConfig": {"maxTokens": 100, "temperature": 1, "stopSequences": ["END"]},
        "toolConfig": tools,
        "outputConfig": {"effort": "low", "textFormat": form},
    }
    assert 200 == sent(fields).status


def test_blocks_that_claude_does_not_take_are_refused() -> None:
    """A block of another model's is refused by the tags that Claude's API knows."""
    video = {"video": {"format": "mp4", "source": {"bytes": "eA=="}}}
    answered = sent({"messages": [user("Hi", video)]})
    assert "claude.unknown_tag" == answered.headers["x-refused-by"]
