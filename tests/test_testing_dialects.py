"""Built-in dialects keep their promises; dialects that break one are told which."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from asgi_thinking.dialects.openai import OPENAI
from asgi_thinking.registry import BUILT_IN_DIALECTS, load_dialects
from asgi_thinking.testing import Client, check_dialect
from tests.bent import Bent, JSONObject, broken, told


def by_legacy(deltas: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """How readers of the gateway's first format put its parts in order."""
    parts: list[JSONObject] = []
    message: JSONObject = {"role": "assistant", "content": parts}
    calls: dict[int, JSONObject] = {}
    for delta in deltas:
        rest = {key: delta[key] for key in ("signature", "provider", "after") if key in delta}
        if "thinking" in delta:
            _last(parts, "thinking")["thinking"] += delta["thinking"]
        if "redacted_thinking" in delta:
            data = delta["redacted_thinking"]
            parts.append({"type": "redacted_thinking", "data": data, "text": "", **rest})
        elif "signature" in delta:
            parts[-1] |= rest
        if delta.get("content"):
            _last(parts, "text")["text"] += delta["content"]
        for call in delta.get("tool_calls", ()):
            known = calls.setdefault(call["index"], {"function": {"arguments": ""}})
            function = {**known["function"], **call["function"]}
            function["arguments"] = known["function"]["arguments"] + call["function"]["arguments"]
            known |= {**call, "function": function}
        message["refusal"] = message.get("refusal", "") + (delta.get("refusal") or "")
    if not any(part["type"] != "text" for part in parts):
        message["content"] = "".join(part["text"] for part in parts)
    return message | ({"tool_calls": list(calls.values())} if calls else {})


def _last(parts: list[JSONObject], kind: str) -> JSONObject:
    """The part that a fragment belongs to: a signature ends one."""
    if not parts or parts[-1]["type"] != kind or "signature" in parts[-1]:
        parts.append({"type": kind, kind: ""})
    return parts[-1]


CLIENTS: Mapping[str, Client] = {"truefoundry-legacy": by_legacy}


@pytest.mark.parametrize("name", BUILT_IN_DIALECTS)
def test_built_in_dialects_keep_their_promises(name: str) -> None:
    """Each, with the clients that it is written for."""
    check_dialect(load_dialects((name,))[name], client=CLIENTS.get(name))


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"name": "Acme!"}, "the name 'Acme!' is not of lower-case letters, digits and hyphens"),
        ({"opt_in": "x-acme"}, "opt_in 'x-acme' is not None or the bytes of a header's name"),
        ({"opt_in": b"X-Acme"}, "opt_in b'X-Acme' is not None or the bytes of a header's name"),
        ({"ordered": 1}, "ordered is not True or False"),
        ({"own_keys": ["thought"]}, "own_keys is not a frozenset"),
    ],
)
def test_attributes_are_what_they_are_called(more: JSONObject, sentence: str) -> None:
    """Names, headers and flags."""
    assert told(Bent(more=more), sentence)


def test_what_is_missing_is_named() -> None:
    """An object that is no dialect is not asked to write."""
    [sentence] = broken(object())
    assert sentence.startswith("has no name, opt_in, shows_thinking, ordered, in_content, ")


# -- JSON replies ------------------------------------------------------------------------------


def choice(change: Callable[[JSONObject], object]) -> Callable[[JSONObject], JSONObject]:
    """A change of each choice of a reply."""

    def bend(body: JSONObject) -> JSONObject:
        for item in body["choices"]:
            change(item)
        return body

    return bend


def message(change: Callable[[JSONObject], object]) -> Callable[[JSONObject], JSONObject]:
    """A change of each message of a reply."""
    return choice(lambda item: change(item["message"]))


def calls(item: JSONObject) -> None:
    for call in item.get("tool_calls", ()):
        call["function"]["arguments"] = "{"


numbers = itertools.count()

BODIES: Mapping[str, Callable[[JSONObject], Any]] = {
    "one reply is written in two ways": lambda body: body | {"id": str(next(numbers))},
    "the reply has no choices": lambda body: {**body, "choices": None},
    "the reply's object is not chat.completion": lambda body: body | {"object": "message"},
    "the reply has no created": lambda body: body | {"created": "today"},
    "choices[0] has the index 7": choice(lambda item: item.update(index=7)),
    "a choice has no finish_reason": choice(lambda item: item.update(finish_reason=None)),
    "a choice has no message of the role assistant": message(lambda item: item.update(role="me")),
    "a message has no content": message(lambda item: item.pop("content")),
    "a message has empty tool_calls": message(lambda item: item.setdefault("tool_calls", [])),
    "a tool call's arguments are not JSON": message(calls),
    "signature is null, where it should be absent": message(lambda i: i.update(signature=None)),
    "the answer is not in content": message(lambda item: item.update(content="nothing")),
    "adds up to another text than the JSON": message(lambda i: i.update(content="It is 59 * 61.!")),
    "the stream's refusal adds up to another": message(lambda item: item.update(refusal="No!")),
    "the stream's tool calls add up to others": message(lambda item: item.pop("tool_calls", 0)),
    "finish_reason is another than the JSON": choice(lambda i: i.update(finish_reason="cancel")),
    "is not JSON serializable": lambda body: body | {"id": object()},
}


@pytest.mark.parametrize("sentence", BODIES)
def test_json_replies_are_judged(sentence: str) -> None:
    """Each rule for JSON replies, broken alone."""
    assert told(Bent(body=BODIES[sentence]), sentence)


# -- streams -----------------------------------------------------------------------------------


def swap(old: bytes, new: bytes, count: int = -1) -> Callable[[bytes], bytes]:
    return lambda data: data.replace(old, new, count)


def renumber(data: bytes) -> bytes:
    return re.sub(rb'"id":"msg_1"', lambda _: b'"id":"%d"' % next(numbers), data)


USAGE_ONLY = (
    b'data: {"id":"msg_1","object":"chat.completion.chunk","created":1700000000,"model":"acme-1",'
    b'"choices":[],"usage":{"total_tokens":1}}\n\n'
)
DONE = b"data: [DONE]\n\n"
LISTED = b'"content":"It is","parts":[{"text":"x"}]'
BEYOND = b'"content":"It is","parts":[{"index":3}]'

STREAMS: Mapping[str, Callable[[bytes], bytes]] = {
    "a good stream does not end with one [DONE]": swap(DONE, b""),
    "the stream has 2 [DONE] and no error": swap(DONE, DONE * 2),
    "something follows the stream's end": swap(DONE, DONE + b"data: {}\n\n"),
    "the stream does not end with a blank line": swap(DONE, DONE[:-1]),
    "the stream has a line of the field 'id'": swap(DONE, b"id: 7\n" + DONE),
    "the stream is not UTF-8": swap("π".encode(), b"\xff"),
    "the stream has an event that is not JSON": swap(b"}]}\n\n", b"}]\n\n"),
    "the stream has an event that is no object": swap(DONE, b"data: []\n\n" + DONE),
    "id, created and model change within the stream": renumber,
    "a chunk's object is not chat.completion.chunk": swap(b"completion.chunk", b"completion"),
    "a chunk has no model": swap(b'"model":"acme-1",', b""),
    "a chunk has neither choices nor usage": swap(
        DONE, USAGE_ONLY.replace(b'{"total_tokens":1}', b"null") + DONE
    ),
    "a chunk has only usage, for which nobody asked": swap(DONE, USAGE_ONLY + DONE),
    "usage was asked for, and the stream has none": swap(b',"usage":', b',"used":'),
    "a choice has no role": swap(b'"role":"assistant",', b""),
    "a delta has the role 'model'": swap(b'"role":"assistant"', b'"role":"model"'),
    "a chunk's choice has no index or no delta": swap(b'"delta":{}', b'"delta":null'),
    "a delta or a second finish_reason comes after": swap(
        DONE,
        USAGE_ONLY.replace(b"[]", b'[{"index":0,"delta":{},"finish_reason":"stop"}]') + DONE,
    ),
    "a choice has no finish_reason": swap(b'"finish_reason":"stop"', b'"finish_reason":null'),
    "an item of a delta's parts has no integer index": swap(b'"content":"It is"', LISTED),
    "an item of a delta's parts has an index beyond": swap(b'"content":"It is"', BEYOND),
    "a tool call's first delta has no id": swap(b'"id":"call_1",', b""),
    "a tool call's arguments do not add up to JSON": swap(b'"arguments":"{}"', b'"arguments":"{"'),
    "content adds up to another text than the JSON": swap(b'"It is"', b'"It was"'),
}


@pytest.mark.parametrize("sentence", STREAMS)
def test_streams_are_judged(sentence: str) -> None:
    """Each rule for streams, broken alone."""
    assert told(Bent(data=STREAMS[sentence]), sentence)


STRICT_BODIES: Mapping[str, Callable[[JSONObject], Any]] = {
    "choices[0].message.thinking is not OpenAI's": message(lambda i: i.update(thinking="hm")),
    "choices[0].message.refusal is missing": message(lambda item: item.pop("refusal")),
    "choices[0].finish_reason is 'end_turn'": choice(lambda i: i.update(finish_reason="end_turn")),
    "created is of type bool": lambda body: body | {"created": True},
    "the body is no object": lambda _: [],
    "choices is no array": lambda body: body | {"choices": {}},
}
STRICT_STREAMS: Mapping[str, Callable[[bytes], bytes]] = {
    "choices[0].delta.thought is not OpenAI's": swap(b'"delta":{}', b'"delta":{"thought":""}'),
    "the role is not in the choice's first delta alone": swap(
        b'"delta":{"content"', b'"delta":{"role":"assistant","content"'
    ),
}


@pytest.mark.parametrize("sentence", STRICT_BODIES)
def test_strict_replies_are_openais(sentence: str) -> None:
    """A dialect that shows no thinking has nothing that OpenAI does not have."""
    assert told(Bent(OPENAI, body=STRICT_BODIES[sentence]), sentence)


@pytest.mark.parametrize("sentence", STRICT_STREAMS)
def test_strict_streams_are_openais(sentence: str) -> None:
    """Neither has any of its chunks."""
    assert told(Bent(OPENAI, data=STRICT_STREAMS[sentence]), sentence)
