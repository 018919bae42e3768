"""What Gemini takes as the name of a function.

Source: https://ai.google.dev/api/caching#FunctionDeclaration, read 2026-11-22.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from asgi_thinking.wire.checks import check_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asgi_thinking.requests import Tool

__all__ = ["call_name", "check_tools"]

_LONGEST: Final = 128
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]*")
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_.:-]")


def check_tools(tools: Sequence[Tool]) -> None:
    """Refuse names that the API does not take, and those of two functions.

    Raises:
        InvalidRequest: `param` is such as `tools[1].function.name`.
    """
    rule = f"1 to {_LONGEST} letters, digits, _, ., : or -, a letter or _ before all"
    check_names(tools, _fits, rule)


def call_name(name: str) -> str:
    """The name of a call in the history; another vendor's may be none that the API takes."""
    return name if _fits(name) else f"_{_NOT_IN_NAMES.sub('_', name)}"[:_LONGEST]


def _fits(name: str) -> bool:
    return len(name) <= _LONGEST and _NAME.fullmatch(name) is not None
