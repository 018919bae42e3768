"""Acme's own tests: whether its provider and its dialect keep what asgi-thinking promises.

They need no network and no key; pytest runs them, and so does whatever calls functions.
"""

from __future__ import annotations

import os

from acme_dialect import ACME
from acme_provider import AcmeProvider

from asgi_thinking.testing import check_dialect, check_provider, replay

os.environ["ACME_KEY"] = "a-key-that-opens-nothing"
os.environ["ACME_URL"] = "https://acme.example/chat"

STREAM = b"""\
data: {"thought": "Hm, "}

data: {"thought": "3599?"}

data: {"say": "It is 59 * 61."}

data: {"tokens": [5, 9]}

"""


def test_the_provider_keeps_what_is_promised() -> None:
    """Its requests, its decoder, its errors, and what it leaves behind."""
    check_provider(
        AcmeProvider(),
        model="acme-1",
        replies={"stream": STREAM, "error": (429, b'{"error": {"message": "slow down"}}')},
        dialects=[ACME],
    )


def test_the_dialect_keeps_what_is_promised() -> None:
    """What it writes, whole and streamed, and what it reads of what its clients send back."""
    check_dialect(ACME)


def test_clients_get_what_acme_said() -> None:
    """The reply as it stands in the README."""
    received = replay(AcmeProvider(), STREAM, model="acme-1", dialect=ACME)

    if received.message != {
        "role": "assistant",
        "content": "It is 59 * 61.",
        "refusal": None,
        "thought": "Hm, 3599?",
    }:
        raise AssertionError(received.message)
