"""Gemini's reasons to finish and to refuse, in words and in numbers.

Source: https://ai.google.dev/api/generate-content#finishreason and, for the numbers that
`enum-encoding=int` gives, google/cloud/aiplatform/v1/content.proto of googleapis; read 2026-11-22.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asgi_thinking.events import FinishReason

__all__ = ["BLOCK_REASONS", "FAILURES", "FINISH", "FINISH_REASONS", "NEVER_AGAIN"]

FINISH: Final[Mapping[str, FinishReason]] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "OTHER": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "ESCALATION": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "IMAGE_OTHER": "content_filter",
    "NO_IMAGE": "content_filter",
}
"""What each reason is for OpenAI's clients; why a prompt was blocked is added below."""

FAILURES: Final[Mapping[str, str]] = {
    "MALFORMED_FUNCTION_CALL": "the model wrote a function call that cannot be parsed",
    "UNEXPECTED_TOOL_CALL": "the model called a function that it was not given",
    "TOO_MANY_TOOL_CALLS": "the model called too many of the vendor's tools",
    "MALFORMED_RESPONSE": "the model's response was malformed",
    "MISSING_THOUGHT_SIGNATURE": "a thought signature is missing in the request",
    "PUP_LIMITED_DISABLED": "the account is limited or disabled",
}
"""Reasons that leave no answer, which a client would take for an empty one."""

NEVER_AGAIN: Final = frozenset({"MISSING_THOUGHT_SIGNATURE", "PUP_LIMITED_DISABLED"})
"""Failures that the same request would meet again."""

FINISH_REASONS: Final[Mapping[Any, str]] = {
    1: "STOP",
    2: "MAX_TOKENS",
    3: "SAFETY",
    4: "RECITATION",
    5: "OTHER",
    6: "BLOCKLIST",
    7: "PROHIBITED_CONTENT",
    8: "SPII",
    9: "MALFORMED_FUNCTION_CALL",
    10: "MODEL_ARMOR",
}
"""Vertex AI's numbers; AI Studio gives words."""

BLOCK_REASONS: Final[Mapping[Any, str]] = {
    1: "SAFETY",
    2: "OTHER",
    3: "BLOCKLIST",
    4: "PROHIBITED_CONTENT",
}
