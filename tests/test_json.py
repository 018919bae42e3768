"""JSON as the package reads it: depth, encodings, and what orjson does with odd input."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking._json import MAX_DEPTH, Fragment, InvalidJSON, check_object, dumps, loads
from tests.strategies import objects, values

# What stands around a call's arguments: body, messages, message, tool_calls, call, function.
AROUND = 6


def nested(depth: int) -> bytes:
    """Arrays and objects in turn, `depth` of them in one another."""
    pairs, innermost = depth // 2, b"[]" if depth % 2 else b"0"
    return b'[{"a":' * pairs + innermost + b"}]" * pairs


@given(values)
def test_what_is_written_is_read(value: Any) -> None:
    """Any JSON value comes back as it was written."""
    assert value == loads(dumps(value))


@given(st.binary())
def test_any_bytes_are_json_or_refused(data: bytes) -> None:
    """Bytes that are no JSON raise `InvalidJSON` and nothing else."""
    try:
        said = dumps(loads(data)).decode()
    except InvalidJSON as error:
        said = str(error)
    assert said


@pytest.mark.parametrize("depth", [1, 2, MAX_DEPTH - 1, MAX_DEPTH])
def test_depth_up_to_the_limit_is_read_and_can_be_written(depth: int) -> None:
    """The deepest body that is read can still be sent on."""
    assert nested(depth) == dumps(loads(nested(depth)))


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 255, 1_025, 100_000])
@pytest.mark.parametrize(
    "build",
    [
        nested,
        lambda depth: b"[" * depth + b"]" * depth,
        lambda depth: b'{"a":' * depth + b"0" + b"}" * depth,
    ],
    ids=["mixed", "arrays", "objects"],
)
def test_deeper_is_refused(build: Callable[[int], bytes], depth: int) -> None:
    """One level too many is refused, and so are a hundred thousand."""
    with pytest.raises(InvalidJSON, match="nested deeper than 200 levels"):
        loads(build(depth))


def test_open_brackets_without_end_are_refused() -> None:
    """A body of nothing but brackets is an error, not a crash."""
    with pytest.raises(InvalidJSON, match="nested deeper than 200 levels"):
        loads(b"[" * 100_000)


def test_brackets_in_strings_have_no_depth() -> None:
    """Text may be full of brackets."""
    text = "[{" * 5_000
    assert [text, {"a": text}] == loads(dumps([text, {"a": text}]))
    assert text == loads(dumps(text))


def test_wide_is_not_deep() -> None:
    """Any number of containers may stand beside one another."""
    assert [[]] * 5_000 == loads(b"[" + b",".join([b"[]"] * 5_000) + b"]")


@pytest.mark.parametrize(
    ("escaped", "expected"),
    [
        (rb"\ud83d", "\ufffd"),
        (rb"\uDE00", "\ufffd"),
        (rb"a\ud83dz", "a\ufffdz"),
        (rb"\ud83d\ude00", "\U0001f600"),
        (rb"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        (rb"\ud83d\ude00\ude00", "\U0001f600\ufffd"),
        (rb"\ud83d\n", "\ufffd\n"),
        (rb"\\ud83d\ud83d", "\\ud83d\ufffd"),
        (rb"\\\ud83d", "\\\ufffd"),
        (rb"\ud83d\\ude00", "\ufffd\\ude00"),
        (rb"\\ud83d\ude00", "\\ud83d\ufffd"),
        (rb"\\\ud83d\ude00\ude00", "\\\U0001f600\ufffd"),
        (rb"\u00e9\ud83d", "\u00e9\ufffd"),
    ],
)
def test_half_a_pair_is_mended(escaped: bytes, expected: str) -> None:
    """A half surrogate pair becomes U+FFFD; whole pairs and escaped backslashes stay."""
    assert {"a": expected} == loads(b'{"a":"' + escaped + b'"}')


@given(st.text())
def test_mending_touches_half_pairs_only(text: str) -> None:
    """Whatever JavaScript may escape is read, and differs in nothing but half pairs."""
    data = json.dumps([text, "\ud800"]).encode()
    expected = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert [expected, "\ufffd"] == loads(data)


@pytest.mark.parametrize("pairs", [511, 512, 513, 50_000])
def test_long_runs_of_backslashes_keep_their_meaning(pairs: int) -> None:
    """An escape after whole escaped backslashes is an escape, after half of one it is text."""
    run = rb"\\" * pairs
    assert "\\" * pairs + "\ufffd" == loads(b'"' + run + rb'\ud83d"')
    assert "\\" * pairs + "\\ud83d\ufffd" == loads(b'"' + run + rb'\\ud83d\ud83d"')
    with pytest.raises(InvalidJSON, match="not JSON"):
        loads(run + rb"\ud83d")


def test_a_body_of_halves_is_refused() -> None:
    """Mending is bounded; what nobody would write as text is not mended for long."""
    with pytest.raises(InvalidJSON, match="not JSON"):
        loads(b'"' + rb"\ud83d" * 100_001 + b'"')


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty, expected JSON"),
        (b" \n", "empty, expected JSON"),
        (b"\xef\xbb\xbf{}", "begins with a byte order mark"),
        ("{}".encode("utf-16"), "not UTF-8: this looks like UTF-16 or UTF-32"),
        ("{}".encode("utf-16-le"), "not UTF-8: this looks like UTF-16 or UTF-32"),
        ("{}".encode("utf-16-be"), "not UTF-8: this looks like UTF-16 or UTF-32"),
        ("{}".encode("utf-32"), "not UTF-8: this looks like UTF-16 or UTF-32"),
        (b'{"a":"\xff"}', "not UTF-8 at byte 6"),
        (b'"\xed\xa0\xbd"', "not UTF-8 at byte 1"),
        (b"{", "not JSON"),
        (b"[1,]", "not JSON"),
        (b"{'a':1}", "not JSON"),
        (b"{} x", "not JSON"),
        (b"[NaN]", "not JSON"),
        (b"[Infinity]", "not JSON"),
        (b"[-Infinity]", "not JSON"),
        (b"[1e400]", "not JSON"),
        (b'["\\x"]', "not JSON"),
        (b'["\\ud83d', "not JSON"),
        (b'["\\ud8', "not JSON"),
    ],
)
def test_what_is_not_json_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    """The message says what is wrong."""
    with pytest.raises(InvalidJSON, match=reason):
        loads(data)


def test_the_refusal_shows_nothing_of_the_text() -> None:
    """Neither the message nor a chained error holds what the caller wrote."""
    with pytest.raises(InvalidJSON) as caught:
        loads(b'{"prompt": "my secret", oops}')
    assert "secret" not in str(caught.value)
    assert (None, None) == (caught.value.__cause__, caught.value.__context__)


def test_the_last_of_equal_keys_wins() -> None:
    """Duplicate keys are no error."""
    assert {"a": 2} == loads(b'{"a":1,"a":2}')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"18446744073709551615", 2**64 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b"36893488147419103232", 3.6893488147419103e19),
    ],
)
def test_integers_beyond_64_bits_become_floats(text: bytes, expected: float) -> None:
    """Integers keep their value within 64 bits."""
    assert (expected, type(expected)) == (loads(text), type(loads(text)))


def test_fragments_are_written_verbatim() -> None:
    """A fragment is never serialised again."""
    assert b'{"input":{ "b":1, "a":1.0 }}' == dumps({"input": Fragment('{ "b":1, "a":1.0 }')})


@given(objects)
def test_arguments_come_back_as_they_are(arguments: dict[str, Any]) -> None:
    """The text of an object is neither parsed away nor rewritten."""
    text = json.dumps(arguments, indent=1, ensure_ascii=False)
    assert text == check_object(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("[]", "not a JSON object"),
        ("null", "not a JSON object"),
        ('"{}"', "not a JSON object"),
        ("{", "not JSON"),
        ('{"a": NaN}', "not JSON"),
        ('{"a": "\ud800"}', "not UTF-8"),
        ('{"a":' * 100_000, "nested deeper"),
    ],
)
def test_other_arguments_are_refused(text: str, reason: str) -> None:
    """Arguments must be one JSON object."""
    with pytest.raises(InvalidJSON, match=reason):
        check_object(text)


def test_the_depth_of_arguments_counts_with_the_bodys() -> None:
    """Arguments may be as deep as the levels around them leave."""
    deepest = '{"a":' + nested(MAX_DEPTH - AROUND - 1).decode() + "}"
    assert deepest == check_object(deepest)
    with pytest.raises(InvalidJSON, match="nested deeper than 194 levels"):
        check_object('{"a":' + deepest + "}")


def test_half_pairs_in_arguments_are_mended() -> None:
    """No vendor takes half a pair, so it is replaced; all else stays as it is."""
    assert r'{"a": "\ufffd",  "b":1.0}' == check_object(r'{"a": "\ud83d",  "b":1.0}')
