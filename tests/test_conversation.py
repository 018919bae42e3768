"""The messages of a body, as turns."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi_thinking import _json
from asgi_thinking.conversation import decode_messages, read_answer, read_plain
from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.messages import File, Image, Part, Refusal, Text, ToolCall, Turn
from tests.strategies import likely, shared, values

MARK = {"type": "ephemeral"}
USER = {"role": "user", "content": "hi"}


def turn(message: dict[str, Any], allowed: frozenset[str] = frozenset()) -> Turn:
    """The turn of a message, read from its bytes."""
    return decode_messages(_json.loads(_json.dumps([message])), read_plain, allowed)[0]


def user(part: dict[str, Any]) -> dict[str, Any]:
    """A user message with one part."""
    return {"role": "user", "content": [part]}


def image(url: str) -> dict[str, Any]:
    """A user message with one image."""
    return user({"type": "image_url", "image_url": {"url": url, "detail": "low"}})


def file(**fields: Any) -> dict[str, Any]:
    """A user message with one file."""
    return user({"type": "file", "file": fields})


def call(arguments: Any = "{}", **fields: Any) -> dict[str, Any]:
    """An assistant message with one tool call."""
    function = {"name": "f", "arguments": arguments}
    return {"role": "assistant", "tool_calls": [{"id": "c", "function": function, **fields}]}


@pytest.mark.parametrize("role", ["system", "developer", "user"])
@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("hi", (Text("hi"),)),
        ("", ()),
        ([], ()),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": ""}], (Text("a"),)),
        (
            [{"type": "text", "text": "a", "cache_control": MARK}],
            (Text("a", cache_control=MARK),),
        ),
    ],
)
def test_text_of_either_form(role: Any, content: Any, parts: tuple[Part, ...]) -> None:
    """A string and an array of text parts are read alike; empty text is nothing."""
    assert Turn(role, parts) == turn({"role": role, "content": content})


@pytest.mark.parametrize(
    ("message", "part"),
    [
        (image("data:image/png;base64,iVBORw0="), Image("image/png", "iVBORw0=")),
        (image("DATA:image/JPG;x=y;BASE64,AA-_"), Image("image/jpeg", "AA-_")),
        (image("https://example.com/a.png"), Image(url="https://example.com/a.png")),
        (image("HTTP://example.com/a.png"), Image(url="HTTP://example.com/a.png")),
        (
            user({"type": "image_url", "image_url": "http://a/b", "cache_control": MARK}),
            Image(url="http://a/b", cache_control=MARK),
        ),
        (file(file_data="JVBE"), File("application/pdf", "JVBE")),
        (file(file_data="JVBE", filename="a.PDF"), File("application/pdf", "JVBE", "a.PDF")),
        (file(file_data="YQ==", filename="a.b.txt"), File("text/plain", "YQ==", "a.b.txt")),
        (file(file_data="YQ==", filename="noname"), File("application/pdf", "YQ==", "noname")),
        (
            file(file_data="data:text/csv;base64,YQ==", filename="a.xyz"),
            File("text/csv", "YQ==", "a.xyz"),
        ),
        (
            user({"type": "file", "file": {"file_data": "JVBE"}, "cache_control": MARK}),
            File("application/pdf", "JVBE", cache_control=MARK),
        ),
    ],
)
def test_images_and_files(message: dict[str, Any], part: Part) -> None:
    """Images and documents arrive as base64 with their type, or as a web address."""
    assert (part,) == turn(message).parts
    assert (part,) == turn({**message, "role": "tool", "tool_call_id": "c"}).parts


@pytest.mark.parametrize("scheme", ["gs://", "s3://"])
def test_the_owners_buckets_are_lent_by_name_only(scheme: str) -> None:
    """A reference into the owner's storage is refused until the owner allows its scheme."""
    with pytest.raises(InvalidRequest, match=f"{scheme} references are not allowed"):
        turn(image(f"{scheme}bucket/a.png"))
    allowed = turn(image(f"{scheme}bucket/a.png"), frozenset({scheme}))
    assert (Image(url=f"{scheme}bucket/a.png"),) == allowed.parts


def test_tool_results() -> None:
    """A result answers its call, may be marked as a failure, and may be empty."""
    message = {"role": "tool", "tool_call_id": "c", "content": "42", "cache_control": MARK}
    assert Turn("tool", (Text("42"),), "c", cache_control=MARK) == turn(message)
    failed = {"role": "tool", "tool_call_id": "c", "content": "", "is_error": True}
    assert Turn("tool", (), "c", is_error=True) == turn(failed)


@pytest.mark.parametrize("role", ["assistant", "assistantassistant", "assistant" * 500])
def test_a_repeated_role_is_one_role(role: str) -> None:
    """A client that concatenates the role of every chunk is understood."""
    assert Turn("assistant", (Text("a"),)) == turn({"role": role, "content": "a"})


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ({}, ()),
        ({"content": None, "tool_calls": None, "refusal": None, "function_call": None}, ()),
        ({"content": " "}, (Text(" "),)),
        ({"content": None, "refusal": "no"}, (Refusal("no"),)),
        (
            {"content": [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "no"}]},
            (Text("a"), Refusal("no")),
        ),
        (
            {"content": [{"type": "refusal", "refusal": "no"}], "refusal": "no"},
            (Refusal("no"),),
        ),
        ({"content": "a", "annotations": [], "audio": None, "index": 0}, (Text("a"),)),
        (
            {"content": "a", "tool_calls": call()["tool_calls"]},
            (Text("a"), ToolCall("c", "f", "{}")),
        ),
    ],
)
def test_assistant_messages(message: dict[str, Any], parts: tuple[Part, ...]) -> None:
    """Content may be missing, refusals are kept, and other clients' keys are harmless."""
    expected = Turn("assistant", parts, cache_control=MARK)
    assert expected == turn({"role": "assistant", "cache_control": MARK, **message})


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (call(type="function", index=3), ToolCall("c", "f", "{}")),
        (call(None), ToolCall("c", "f", "")),
        (call(""), ToolCall("c", "f", "")),
        (call('{ "b":1.0, "a":[] }'), ToolCall("c", "f", '{ "b":1.0, "a":[] }')),
        (call('{"a":"\\ud83d"}'), ToolCall("c", "f", '{"a":"\\ufffd"}')),
        (call(cache_control=MARK), ToolCall("c", "f", "{}", cache_control=MARK)),
        (
            call(extra_content={"google": {"thought_signature": "S"}}),
            ToolCall("c", "f", "{}", "S", "gemini"),
        ),
        (
            call(extra_content={"google": {"thought_signature": "S", "provider": "vertex"}}),
            ToolCall("c", "f", "{}", "S", "vertex"),
        ),
        (call(extra_content={"google": {"thought_signature": ""}}), ToolCall("c", "f", "{}")),
        (call(extra_content={"google": None}), ToolCall("c", "f", "{}")),
        (call(extra_content={}), ToolCall("c", "f", "{}")),
    ],
)
def test_tool_calls(message: dict[str, Any], expected: ToolCall) -> None:
    """Arguments stay as they were written; Google's signature of a call is kept with it."""
    assert (expected,) == turn(message).parts


def test_there_is_a_turn_for_each_message() -> None:
    """Order and number of messages are kept."""
    messages = [{"role": "user", "content": str(n)} for n in range(50)]
    expected = tuple(Turn("user", (Text(str(n)),)) for n in range(50))
    assert expected == decode_messages(messages, read_plain)


def test_loose_reading_passes_over_what_a_dialect_reads() -> None:
    """Parts that only a dialect knows are no error where it has read them."""
    content = [{"type": "thinking"}, {"type": ["x"]}, {}, {"type": "text", "text": "a"}]
    assert (Text("a"),) == read_answer({"content": content}, strict=False)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "role"),
    ({"role": None}, "role"),
    ({"role": ""}, "role"),
    ({"role": 1}, "role"),
    ({"role": ["user"]}, "role"),
    ({"role": "function", "name": "f", "content": "x"}, "role"),
    ({"role": "assistantx"}, "role"),
    ({**USER, "cache_control": "ephemeral"}, "cache_control"),
    ({"role": "user"}, "content"),
    ({"role": "user", "content": None}, "content"),
    ({"role": "user", "content": 1}, "content"),
    ({"role": "user", "content": {"type": "text"}}, "content"),
    ({"role": "user", "content": ["hi"]}, "content[0]"),
    ({"role": "system"}, "content"),
    ({"role": "tool", "tool_call_id": "c"}, "content"),
    ({"role": "tool", "content": "x"}, "tool_call_id"),
    ({"role": "tool", "content": "x", "tool_call_id": ""}, "tool_call_id"),
    ({"role": "tool", "content": "x", "tool_call_id": 1}, "tool_call_id"),
    ({"role": "tool", "content": "x", "tool_call_id": "c", "is_error": "no"}, "is_error"),
    (user({}), "content[0].type"),
    (user({"type": 1}), "content[0].type"),
    (user({"type": "input_audio", "input_audio": {}}), "content[0].type"),
    (user({"type": "thinking", "thinking": "x"}), "content[0].type"),
    ({"role": "system", "content": image("http://a")["content"]}, "content[0].type"),
    (user({"type": "text"}), "content[0].text"),
    (user({"type": "text", "text": 1}), "content[0].text"),
    (user({"type": "text", "text": "a", "cache_control": 1}), "content[0].cache_control"),
    (user({"type": "image_url"}), "content[0].image_url"),
    (user({"type": "image_url", "image_url": 1}), "content[0].image_url"),
    (user({"type": "image_url", "image_url": "file:///etc/passwd"}), "content[0].image_url"),
    (user({"type": "image_url", "image_url": {}}), "content[0].image_url.url"),
    (image(""), "content[0].image_url.url"),
    (image("iVBORw0="), "content[0].image_url.url"),
    (image("ftp://example.com/a.png"), "content[0].image_url.url"),
    (image("data:image/png,x"), "content[0].image_url.url"),
    (image("data:;base64,AA=="), "content[0].image_url.url"),
    (image("data:image/png;base64,"), "content[0].image_url.url"),
    (image("data:image/png;base64,A A="), "content[0].image_url.url"),
    (image("data:image/png;base64,\u00e4"), "content[0].image_url.url"),
    (image("data:application/pdf;base64,AA=="), "content[0].image_url.url"),
    (user({"type": "file"}), "content[0].file"),
    (file(), "content[0].file.file_data"),
    (file(file_id="file-1"), "content[0].file.file_id"),
    (file(file_data=1), "content[0].file.file_data"),
    (file(file_data="gs://b/o"), "content[0].file.file_data"),
    (file(file_data="data:text/csv,a"), "content[0].file.file_data"),
    (file(file_data="AA==", filename=1), "content[0].file.filename"),
    (file(file_data="AA==", filename="a.exe"), "content[0].file.filename"),
    ({"role": "assistant", "content": 1}, "content"),
    ({"role": "assistant", "content": [{"type": "image_url"}]}, "content[0].type"),
    ({"role": "assistant", "content": [{"type": "refusal"}]}, "content[0].refusal"),
    ({"role": "assistant", "refusal": 1}, "refusal"),
    ({"role": "assistant", "function_call": {"name": "f"}}, "function_call"),
    ({"role": "assistant", "tool_calls": {}}, "tool_calls"),
    ({"role": "assistant", "tool_calls": ["c"]}, "tool_calls[0]"),
    ({"role": "assistant", "tool_calls": [{}]}, "tool_calls[0].id"),
    ({"role": "assistant", "tool_calls": [{"id": "c"}]}, "tool_calls[0].function"),
    (
        {"role": "assistant", "tool_calls": [{"id": "c", "function": {}}]},
        "tool_calls[0].function.name",
    ),
    (call(id=""), "tool_calls[0].id"),
    (call(type="custom"), "tool_calls[0].type"),
    (call(type=1), "tool_calls[0].type"),
    (call(cache_control=1), "tool_calls[0].cache_control"),
    (call(extra_content=1), "tool_calls[0].extra_content"),
    (call(extra_content={"google": 1}), "tool_calls[0].extra_content.google"),
    (
        call(extra_content={"google": {"thought_signature": 1}}),
        "tool_calls[0].extra_content.google.thought_signature",
    ),
    (call({}), "tool_calls[0].function.arguments"),
    (call("[]"), "tool_calls[0].function.arguments"),
    (call("{"), "tool_calls[0].function.arguments"),
    (call('{"a":' * 255 + "1" + "}" * 255), "tool_calls[0].function.arguments"),
    (call('{"a":' * 1_025 + "1" + "}" * 1_025), "tool_calls[0].function.arguments"),
    (call('{"a":' * 100_000), "tool_calls[0].function.arguments"),
]


@pytest.mark.parametrize(
    ("message", "path"), WRONG, ids=[f"{path}-{n}" for n, (_, path) in enumerate(WRONG)]
)
def test_a_wrong_value_is_an_error_at_its_path(message: dict[str, Any], path: str) -> None:
    """The path leads from the body to the wrong value, through the message's place."""
    with pytest.raises(InvalidRequest) as caught:
        decode_messages([USER, message], read_plain)
    assert f"messages[1].{path}" == caught.value.param


@pytest.mark.parametrize(
    ("messages", "path"),
    [
        (None, "messages"),
        ([], "messages"),
        ({}, "messages"),
        (["hi"], "messages[0]"),
        ([USER, None], "messages[1]"),
        ([USER] * 100_001, "messages"),
    ],
)
def test_messages_must_be_an_array_of_objects(messages: Any, path: str) -> None:
    """None, too many, or things that are no messages are refused."""
    with pytest.raises(InvalidRequest) as caught:
        decode_messages(messages, read_plain)
    assert path == caught.value.param


def test_errors_never_show_what_was_said() -> None:
    """Neither text, nor arguments, nor addresses stand in an error."""
    for message in (
        image("ftp://secret.example.com/?token=secret"),
        image("data:secret"),
        call('{"secret": oops}'),
        {"role": "user", "content": ["secret"]},
    ):
        with pytest.raises(InvalidRequest) as caught:
            turn(message)
        assert "secret" not in caught.value.message


@shared(2)
@given(st.lists(likely | st.dictionaries(st.sampled_from(["role", "content"]), values)))
def test_any_json_is_turns_or_an_error(messages: list[Any]) -> None:
    """Whatever the messages hold, nothing but `InvalidRequest` is raised, and it has a path."""
    try:
        number = len(decode_messages(messages, read_plain))
    except InvalidRequest as error:
        number = len(messages) if error.param else -1
    assert number == len(messages)


ROLES = st.sampled_from(["system", "developer", "user", "assistant", "tool"])
FIELDS = st.sampled_from(["content", "tool_calls", "refusal", "tool_call_id", "cache_control"])


@shared(2)
@given(ROLES, st.dictionaries(FIELDS, likely))
def test_any_json_in_a_message_is_a_turn_or_an_error(role: str, fields: dict[str, Any]) -> None:
    """A message of any role with anything in its fields is a turn or an error inside it."""
    try:
        path = f"messages[0].{turn({'role': role, **fields}).role}"
    except InvalidRequest as error:
        path = error.param or ""
    assert path.startswith("messages[0].")
