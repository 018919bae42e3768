"""What stays the host's own, byte for byte, and what does not."""

from __future__ import annotations

import pytest

from asgi_thinking._host_reply import Form, HostStream, rewritten
from asgi_thinking.dialects import Asked
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
from tests.wire.openai_transcripts import (
    DONE,
    HEAD,
    USAGE,
    JSONObject,
    chunk,
    completion,
    cut,
    finished,
    sse,
)

NOISY: tuple[bytes, ...] = (
    b": hello\n\n",
    b"\n",
    b"id: 1\nretry: 5\n" + sse(chunk({"role": "assistant", "content": ""})),
    sse(chunk(TEXT)) * 2,
    b": ping - 1\r\n\r\n",
    sse(chunk({"content": 'Gr\xfc\xdfe "\\"\n\u2028'})).replace(b"\n\n", b"\r\r"),
    b'event: ping\ndata: {"type":"ping"}\n\n',
    sse(chunk({"content": "", "reasoning_content": None, "vendor": {"x": 7}})).replace(
        b"7", b"7" * 30
    ),
    sse(chunk({"tool_calls": [{"index": 0, **CALL}]})),
    sse(chunk(finish_reason="tool_calls")),
    sse({**HEAD, "choices": [], "usage": USAGE}),
    DONE,
    b": after\n\n",
    b"data: anything\n\n",
    b"\n",
)


@pytest.mark.parametrize("asked", [ASKED, UNASKED], ids=["asked", "unasked"])
@pytest.mark.parametrize("name", ["truefoundry", "litellm", "reasoning"])
@pytest.mark.parametrize("size", [0, 1, 7, 10**6])
def test_a_stream_without_thinking_is_the_hosts(name: str, size: int, asked: Asked) -> None:
    """Where nothing must change, nothing does, comments and ids and unknown keys included."""
    data = b"".join(NOISY)
    reads = [data[at : at + size] for at in range(0, len(data), size)] if size else NOISY
    stream = HostStream(1, Form(KNOWN[name], asked))

    sent = [stream.feed(read) for read in reads]

    assert data == b"".join(sent) + stream.close(b"")
    assert size or list(NOISY) == sent


def test_chunks_that_look_alike_are_not_taken_for_text() -> None:
    """Between the same bytes a chunk may hold what is no plain text, and is then read as any."""
    stream = HostStream(1, Form(KNOWN["portkey"], ASKED))
    model = sse(chunk({"content": "a"}))
    odd = [b'\\"', b"b\\\\", b"", b"\\u00e9", b"\\ud83d", b'b","x":"y', b"b"]
    likes = [model.replace(b'"a"', b'"%s"' % text) for text in odd]
    reads = [model, *[read for like in likes for read in (model, like, model)], finished()]

    sent = b"".join([stream.feed(read) for read in reads]) + stream.close(b"")

    assert said(provided(KNOWN["portkey"], b"".join(reads), ASKED, False)) == said(sent)


@pytest.mark.parametrize("name", ["deepseek", "reasoning"])
def test_a_host_that_speaks_the_dialect_is_not_touched(name: str) -> None:
    """Its thinking stands where the dialect has it, and in no other place."""
    dialect = KNOWN[name]
    (key,) = dialect.own_keys
    deltas: list[JSONObject] = [
        {"role": "assistant", "content": "", key: None},
        *[{"content": None, key: "so"}, {"content": None, key: " it"}],
        *[{"content": "a", key: None}, {"content": "b", key: None}],
    ]
    data = finished(*deltas)

    assert data == rewrite(dialect, [data])
    assert data == rewrite(dialect, cut(data, *range(len(data))))
    assert (
        rewritten(completion({"content": "a", key: None}), 1, Form(dialect, ASKED, False)) is None
    )


NATIVE: dict[str, JSONObject] = {
    "portkey": {"content_blocks": [{"index": 0, "delta": {"thinking": "so"}}]},
    "obiguard": {"content_blocks": [{"index": 0, "delta": {"thinking": "so"}}]},
    "truefoundry-legacy": {"role": "assistant", "thinking": "so"},
    "litellm": {
        "reasoning_content": "so",
        "provider_specific_fields": {"thinking_blocks": [SIGNED]},
    },
}


@pytest.mark.parametrize("name", NATIVE)
def test_a_gateway_behind_the_host_speaks_for_itself(name: str) -> None:
    """What has keys that only this dialect has, is in it already, signatures and all."""
    rest = finished(NATIVE[name], {"content": "a"}, {"signature": "c2ln"})
    stream = HostStream(1, Form(KNOWN[name], ASKED))
    stream.feed(sse(chunk({"role": "assistant", "content": ""})))
    body = completion({"content": "a", **NATIVE[name]})

    assert rest == stream.feed(rest)
    assert stream.passes
    assert stream.failure is None
    assert rewritten(body, 1, Form(KNOWN[name], ASKED)) is None


@pytest.mark.parametrize("name", NATIVE)
def test_a_gateways_thinking_is_not_shown_unasked(name: str) -> None:
    """Nor is it where the caller wants another dialect, or the reply has been begun in ours."""
    data = finished({"content": "a"}, NATIVE[name])
    begun = HostStream(1, Form(KNOWN[name], ASKED))
    begun.feed(sse(chunk({"reasoning_content": "it"})))

    assert b'"so"' not in rewrite(KNOWN[name], [data], UNASKED)
    assert b'"so"' not in rewrite(KNOWN["openai"], [data])
    begun.feed(data)
    assert not begun.passes


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning": "so", "reasoning_content": "so"},
        {"reasoning_details": [detail("so")], "reasoning_content": "so"},
        {"thinking_blocks": [SIGNED]},
        {"reasoning_content": "so", "tool_calls": [{"index": 0, **CALL, **SEAL}]},
        {"content": [{"type": "thinking", "thinking": "so"}], "reasoning_content": None},
        {"content": [{"type": "redacted_thinking", "data": "cmVk"}]},
    ],
)
@pytest.mark.parametrize("name", ["deepseek", "reasoning"])
def test_more_than_the_dialects_own_is_written_anew(name: str, delta: JSONObject) -> None:
    """One key that the dialect does not know, and the encoder takes over."""
    data = finished({"role": "assistant", "content": ""}, delta, {"content": "a"})

    assert provided(KNOWN[name], data, ASKED, False) == rewrite(KNOWN[name], [data])


def test_text_beside_a_missing_key_is_written_anew() -> None:
    """DeepSeek's readers look at both keys of every delta of text."""
    data = finished({"role": "assistant", "content": ""}, TEXT)

    assert b'"content":"a","reasoning_content":null' in rewrite(KNOWN["deepseek"], [data])
    body = rewritten(completion(TEXT), 1, Form(KNOWN["deepseek"], ASKED, False))
    assert body is not None
    assert b'"reasoning_content":null' in body
