"""Bodies that nobody should send: good ones with a few places spoiled, and how to judge answers.

`spoiled(sample, "messages")` draws bodies that are `sample` with one to three places at or below
its field `messages` replaced by something else, or missing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TypeAlias

import orjson
from hypothesis import strategies as st

from asgi_thinking import Service
from asgi_thinking.exceptions import InvalidRequest, ThinkingError
from asgi_thinking.exchange import Job, Refusal
from asgi_thinking.providers.anthropic import AnthropicProvider
from asgi_thinking.reconcile import applied_header
from tests.scripted import going
from tests.strategies import values

__all__ = ["check_answer", "check_error", "leads_somewhere", "spoiled"]

Path: TypeAlias = "tuple[str | int, ...]"

PROVIDER = AnthropicProvider("k")
SERVICES = {
    mode: Service(providers={"anthropic": PROVIDER}, on_conflict=mode)
    for mode in ("fix", "reject", "pass")
}

# What breaks careless code, first of all.
AWKWARD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 1.5, -0.0, 1e308, 2**63, 2**64, -(2**63) - 1, 10**400),
    *("", " ", "x", "{}", "[]", "null", "\0", "\ud800", "\udfff\ud800", "é\n\r\t", "x" * 5_000),
    *([], {}, [[]], [None], [{}], {"": None}, {"type": None}, {"type": "text"}, [1, "a", {}]),
    *({"type": ["text"]}, {"type": {"a": 1}}, [[[[[[]]]]]], "data:", "data:;base64,", "gs://b"),
    *("thinking", "redacted_thinking", "assistant", "assistantassistant", "tool", "function"),
    *("enabled", "disabled", "none", "max", "[DONE]", "data:image/png;base64,\u0660"),
)
MISSING = object()

# A conflict with the model is told in Anthropic's words, whichever way the caller had put it.
CONFLICTS = {"thinking.type", "thinking.budget_tokens", "thinking.display"}

awkward: st.SearchStrategy[Any] = st.sampled_from((MISSING, *AWKWARD)) | values


def places(value: Any, at: Path = ()) -> Iterator[Path]:
    """The path of a value and those of all below it."""
    yield at
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, child in items:
        yield from places(child, (*at, key))


def put(value: Any, path: Path, new: Any) -> Any:
    """A copy of `value` with something else at `path`, if that is still there."""
    if not path:
        return new
    first, *rest = path
    if isinstance(value, dict) and first in value:
        items: Any = {**value, first: put(value[first], tuple(rest), new)}
        return {key: item for key, item in items.items() if item is not MISSING}
    if isinstance(value, list) and isinstance(first, int) and first < len(value):
        items = [*value[:first], put(value[first], tuple(rest), new), *value[first + 1 :]]
        return [item for item in items if item is not MISSING]
    return value


def spoiled(sample: dict[str, Any], *names: str) -> st.SearchStrategy[bytes]:
    """Bodies with one to three wrong places in the fields `names`."""
    paths = [path for name in names for path in places(sample[name], (name,))]
    changes = st.lists(st.tuples(st.sampled_from(paths), awkward), min_size=1, max_size=3)

    def spoil(drawn: list[tuple[Path, Any]]) -> bytes:
        body: Any = sample
        for path, new in drawn:
            body = put(body, path, new)
        return json.dumps(body).encode()

    return changes.map(spoil)


def check_answer(body: bytes, mode: str = "fix") -> Job | Refusal:
    """What the service makes of a body: a job that can be sent, or a proper refusal."""
    answer = SERVICES[mode].answer((), body)
    if isinstance(answer, Refusal):
        check_error(answer.error, body)
        return answer
    try:
        upstream = orjson.loads(PROVIDER.build(going(answer).request).body)
    except InvalidRequest as error:
        check_error(error, body)
        return Refusal(error)
    assert upstream["messages"] is not None
    assert 0 < upstream["max_tokens"]
    applied = applied_header(going(answer).applied)
    assert applied.isascii()
    assert applied.isprintable()
    return answer


def check_error(error: ThinkingError, body: bytes) -> None:
    """A 4xx in OpenAI's envelope, whose `param` is a place in the body."""
    assert 400 <= error.status < 500
    assert_envelope(json.loads(error.envelope()))
    if error.param is None:
        assert error.message.startswith("body: ")
    else:
        assert error.param in CONFLICTS or leads_somewhere(json.loads(body), error.param)


def assert_envelope(envelope: Any) -> None:
    assert ["error"] == list(envelope)
    error = envelope["error"]
    assert ["message", "type", "param", "code"] == list(error)
    assert error["message"]
    assert isinstance(error["message"], str)
    assert isinstance(error["type"], str)
    assert all(value is None or isinstance(value, str) for value in (error["param"], error["code"]))


def leads_somewhere(value: Any, path: str) -> bool:
    """Whether a path such as `messages[2].content[0].type` is a value, or one that is missing."""
    if not path:
        return True
    if isinstance(value, list):
        index = re.match(r"\[(\d+)\]\.?", path)
        here = index is not None and int(index[1]) < len(value)
        return here and leads_somewhere(value[int(index[1])], path[index.end() :])
    # Keys may hold dots and brackets of their own.
    fields = value if isinstance(value, dict) else {}
    for key, child in fields.items():
        rest = path.removeprefix(key)
        ends_here = path.startswith(key) and (not rest or rest[0] in ".[")
        if ends_here and leads_somewhere(child, rest.removeprefix(".")):
            return True
    return value is fields and re.fullmatch(r"[a-z_]+", path) is not None
