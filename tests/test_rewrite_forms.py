"""Every form of thinking that hosts send, in every dialect, however its bytes are cut."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking._host_reply import HOST, Form, HostStream, rewritten
from asgi_thinking.dialects import Asked, Dialect
from asgi_thinking.messages import Message, RedactedThinking, Text, Thinking, ToolCall, assemble
from asgi_thinking.wire.openai import OpenAIDecoder, decode_reply
from tests.host_streams import (
    ASKED,
    CALL,
    KNOWN,
    SEAL,
    SIGNED,
    TEXT,
    UNASKED,
    detail,
    provided,
    rewrite,
    said,
)
from tests.strategies import shared
from tests.strictness import check_completion, check_stream
from tests.wire.openai_transcripts import (
    DETAILED,
    DONE,
    FULL,
    FULL_MESSAGE,
    USAGE,
    JSONObject,
    chunk,
    completion,
    cut,
    finished,
    sse,
)

# By name: the deltas of a stream, and the message that says the same.
FORMS: dict[str, tuple[list[JSONObject], JSONObject]] = {
    key: ([{key: "so"}, {key: " it"}, TEXT], {key: "so it", **TEXT})
    for key in ("reasoning_content", "reasoning")
} | {
    "both": (
        [{"reasoning": "so it", "reasoning_content": "so it"}, TEXT],
        {"reasoning": "so it", "reasoning_content": "so it", **TEXT},
    ),
    "reasoning_details": (
        DETAILED,
        {
            "reasoning": "so it",
            "reasoning_details": [detail("so it") | {"signature": "c2ln"}],
            **TEXT,
        },
    ),
    "encrypted": (
        [{"reasoning_details": [{"type": "reasoning.encrypted", "data": "cmVk"}]}, TEXT],
        {"reasoning_details": [{"type": "reasoning.encrypted", "data": "cmVk"}], **TEXT},
    ),
    "thinking_blocks": (
        [{"reasoning_content": "so it", "thinking_blocks": [SIGNED]}, TEXT],
        {"reasoning_content": "so it", "thinking_blocks": [SIGNED], **TEXT},
    ),
    "reasoning_signature": (
        [{"reasoning_content": "so it"}, {"reasoning_signature": "c2ln"}, TEXT],
        {"reasoning_content": "so it", "reasoning_signature": "c2ln", **TEXT},
    ),
    "mistral": (
        [
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "so it"}]}]},
            TEXT,
        ],
        {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "so it"}]},
                {"type": "text", "text": "a"},
            ]
        },
    ),
    "google": (
        [{"tool_calls": [{"index": 0, **CALL, **SEAL}]}],
        {"content": None, "tool_calls": [CALL | SEAL]},
    ),
    "tags": (
        [{"content": "<th"}, {"content": "ink>so it</thi"}, {"content": "nk>\n\na"}],
        {"content": "<think>so it</think>\n\na"},
    ),
    "thought": (
        [{"content": "<thought>so it</thought>a"}],
        {"content": "<thought>so it</thought>a"},
    ),
}

every_dialect = pytest.mark.parametrize("dialect", KNOWN.values(), ids=KNOWN)
every_form = pytest.mark.parametrize("form", FORMS)


def tags_of(form: str) -> bool:
    return form in ("tags", "thought")


def message_of(form: str) -> Message:
    body = completion(FORMS[form][1])
    return assemble(decode_reply(body, 1, HOST, think_tags=tags_of(form)))


@every_form
def test_the_examples_say_the_same_streamed_and_whole(form: str) -> None:
    """Both examples of a form hold one thought, and an answer or a call."""
    decoder = OpenAIDecoder(1, HOST, think_tags=tags_of(form))
    data = finished(*FORMS[form][0])
    streamed = assemble([*decoder.feed(data), *decoder.close()]).choices[0].blocks
    whole = message_of(form).choices[0].blocks

    assert streamed == whole
    assert any(isinstance(b, Thinking | RedactedThinking | ToolCall) for b in whole)
    assert any(isinstance(block, Text | ToolCall) for block in whole)


@every_dialect
@every_form
@pytest.mark.parametrize("asked", [ASKED, UNASKED], ids=["asked", "unasked"])
def test_a_stream_becomes_what_a_provider_s_would(
    dialect: Dialect, form: str, asked: Asked
) -> None:
    """Where thinking comes first, the host's bytes are written as an upstream's, cut anywhere."""
    data = finished(*FORMS[form][0])
    expected = provided(dialect, data, asked, tags_of(form))

    for size in (1, 7, len(data)):
        reads = [data[at : at + size] for at in range(0, len(data), size)]
        sent = rewrite(dialect, reads, asked, tags_of(form))
        assert sent == data or said(expected) == said(sent)
        assert sent != data or _speaks(dialect, form)


def _speaks(dialect: Dialect, form: str) -> bool:
    return {form} == dialect.own_keys


@every_dialect
@every_form
@pytest.mark.parametrize("asked", [ASKED, UNASKED], ids=["asked", "unasked"])
def test_a_json_reply_becomes_what_a_provider_s_would(
    dialect: Dialect, form: str, asked: Asked
) -> None:
    """The whole reply is the dialect's, unless the host already speaks it."""
    body = completion(FORMS[form][1])

    sent = rewritten(body, 1, Form(dialect, asked, tags_of(form)))

    expected = dialect.encode_message(message_of(form), asked)
    if _speaks(dialect, form) and asked.thinking:
        assert sent is None
    else:
        assert sent is not None
        assert expected == orjson.loads(sent)


@every_form
def test_a_strict_reply_is_openais_to_the_letter(form: str) -> None:
    """Of no form anything is left in a strict reply."""
    strict = KNOWN["openai"]
    sent = rewritten(completion(FORMS[form][1]), 1, Form(strict, ASKED, tags_of(form)))

    assert sent is not None
    check_completion(orjson.loads(sent))
    check_stream(rewrite(strict, [finished(*FORMS[form][0])], ASKED, tags_of(form)))


@every_dialect
@pytest.mark.parametrize("form", ["reasoning_content", "tags", "google"])
@shared(30)
@given(data=st.data())
def test_every_cut_gives_the_same_bytes(dialect: Dialect, form: str, data: st.DataObject) -> None:
    """What a client reads does not depend on how the host cut its stream, or ends its lines."""
    stream = finished({"role": "assistant", "content": ""}, TEXT, *FORMS[form][0], TEXT)
    stream = data.draw(st.sampled_from([stream, stream.replace(b"\n", b"\r\n")]))
    places = data.draw(st.lists(st.integers(0, len(stream))))

    whole = said(rewrite(dialect, [stream], ASKED, tags_of(form)))

    assert whole == said(rewrite(dialect, cut(stream, *places), ASKED, tags_of(form)))


def test_from_the_first_thought_on_the_encoder_writes() -> None:
    """What came before stays the host's; the message with the thought is the dialect's whole."""
    first = sse(chunk({"role": "assistant", "content": "", "x": 1}), chunk(TEXT))
    rest = sse(*map(chunk, FORMS["reasoning"][0]), chunk(finish_reason="stop")) + DONE
    dialect = KNOWN["truefoundry"]
    stream = HostStream(1, Form(dialect, ASKED))

    assert first == stream.feed(first)
    sent = stream.feed(rest)

    assert provided(dialect, first + rest, ASKED, False).endswith(sent)
    assert b'"reasoning_content":"so"' in sent
    assert b'"role"' not in sent
    assert b"" == stream.close(b"")


@pytest.mark.parametrize("name", ["portkey", "obiguard", "truefoundry"])
def test_a_sign_of_life_stays_one(name: str) -> None:
    """Comments of the host's become what the dialect's clients take for nothing, without words."""
    stream = HostStream(1, Form(KNOWN[name], ASKED))
    stream.feed(sse(chunk({"reasoning": "so"})))

    assert stream.feed(b": OPENROUTER PROCESSING\n\n") == KNOWN[name].encoder(ASKED).keep_alive
    assert stream.feed(sse({"type": "ping"})) == b""


def test_the_opening_tag_may_be_the_templates() -> None:
    """A reply that begins inside its thinking is read so where the owner says it."""
    data = finished({"content": "so it"}, {"content": "</think>a"})

    sent = rewrite(KNOWN["truefoundry"], cut(data, *range(len(data))), ASKED, "opened")

    assert b'"reasoning_content":"so it"' in sent
    assert b'"content":"a"' in sent


@pytest.mark.parametrize("bracket", [b"\\u003c", b"\\u003C"])
def test_brackets_may_be_escaped(bracket: bytes) -> None:
    """Some languages escape them in JSON; a tag is found all the same, and none is made up."""
    data = finished({"content": "1 "}, {"content": "< 2 <think>so</think>a"})

    sent = rewrite(KNOWN["openai"], [data.replace(b"<", bracket)], ASKED, think_tags=True)

    assert [("content", "1 < 2 a"), ("finish", "stop"), ("end", "[DONE]")] == said(sent)


@every_dialect
def test_without_a_choice_said_tags_are_text(dialect: Dialect) -> None:
    """`<think>` is looked for only where the owner asked for it."""
    sent = rewrite(dialect, [finished(*FORMS["tags"][0])])

    assert "".join(text for key, text in said(sent) if key == "content").startswith("<think>")


def test_a_full_reply_keeps_what_the_host_says_besides() -> None:
    """Sources, calls, counts and the host's own keys survive in both forms of a reply."""
    body: Any = orjson.loads(
        rewritten(FULL_MESSAGE, 1, Form(KNOWN["litellm"], ASKED, False)) or b""
    )
    stream = rewrite(KNOWN["litellm"], [sse(*FULL) + DONE])

    assert USAGE == body["usage"]
    assert "annotations" in body["choices"][0]["message"]
    for key in (b"url_citation", b'"name":"f"', b'"reasoning_tokens":7', b"Gr\xc3\xbc\xc3\x9fe"):
        assert key in stream
