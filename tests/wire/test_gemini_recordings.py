"""Gemini's replies decode the same however they are cut."""

from __future__ import annotations

import json
import random

import pytest

from asgi_thinking.events import Event, StreamError
from asgi_thinking.messages import assemble
from asgi_thinking.wire.gemini import GeminiDecoder, decode_error, decode_reply
from tests.strategies import check_grammar
from tests.wire.gemini_recordings import ALL, BAD, GOOD, Reply, name_of, objects


def decode(reply: Reply, size: int) -> list[Event]:
    """The events of a reply that comes in reads of a size, random if that is 0."""
    if reply.status >= 400:
        return [StreamError(decode_error(reply.status, reply.body, "gemini"))]
    decoder, sizes = GeminiDecoder(1, "gemini"), random.Random(reply.name)
    events: list[Event] = []
    place = 0
    while place < len(reply.body):
        end = place + (size or sizes.randint(1, 400))
        events += decoder.feed(reply.body[place:end])
        place = end
    return events + decoder.close()


@pytest.mark.parametrize("reply", ALL, ids=name_of)
def test_a_reply_decodes_the_same_at_every_split(reply: Reply) -> None:
    """Whole, in single bytes, in pieces of 7, 64 and random sizes: the events are the same."""
    expected = repr(decode(reply, len(reply.body)))
    assert [expected] * 4 == [repr(decode(reply, size)) for size in (1, 7, 64, 0)]


@pytest.mark.parametrize("reply", GOOD, ids=name_of)
def test_a_reply_is_the_same_as_one_object(reply: Reply) -> None:
    """All objects at once, as one array, give the events of the stream."""
    events = decode(reply, 64)
    check_grammar(events)
    array = b"[" + b",".join(objects(reply)) + b"]"
    assert repr(events) == repr(decode_reply(array, 1, "gemini"))


@pytest.mark.parametrize("reply", BAD, ids=name_of)
def test_a_failure_says_what_the_vendor_said(reply: Reply) -> None:
    """The message of every error body comes through."""
    expected = json.loads(reply.body)["error"]
    with pytest.raises(Exception) as caught:
        assemble(decode(reply, 64))
    error = vars(caught.value)
    assert expected["message"] == error["message"]
    assert (expected["code"], expected["status"]) == (error["status"], error["code"])
