"""The conversation that every far end of the demo holds, whoever's wire it speaks.

The user asks whether 3599 is prime; the model thinks and, given a tool, calls it; with the tool's
result it answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ANSWER", "ARGUMENTS", "KEY", "QUESTION", "RESULT", "THOUGHT", "TOOL", "JSONObject"]

JSONObject: TypeAlias = dict[str, Any]

KEY: Final = "demo"
QUESTION: Final = "Is 3599 prime?"
THOUGHT: Final = ("3599 is 60^2 - 1, ", "that is (60 - 1)(60 + 1), ", "so it is not prime.")
ARGUMENTS: Final[Mapping[str, Any]] = {"number": 3599}
RESULT: Final = "59 * 61"
ANSWER: Final = ("No: 3599 ", "= 59 * 61.")
TOOL: Final[Mapping[str, Any]] = {
    "type": "function",
    "function": {
        "name": "factor",
        "description": "The prime factors of a number.",
        "parameters": {
            "type": "object",
            "properties": {"number": {"type": "integer"}},
            "required": ["number"],
        },
    },
}
