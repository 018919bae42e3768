"""Features that the Messages API serves behind a header, or behind a field where there is none.

Source: https://platform.claude.com/docs/en/build-with-claude/extended-thinking, read 2026-11-22.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from asgi_thinking.capabilities import Capabilities
    from asgi_thinking.requests import ChatRequest

__all__ = ["betas_for"]

_INTERLEAVED: Final = "interleaved-thinking-2025-05-14"


def betas_for(
    request: ChatRequest, capabilities: Capabilities, betas: tuple[str, ...]
) -> tuple[str, ...]:
    """The owner's `betas`, and what the request needs to think between its tool calls."""
    interleaves = capabilities.interleaved_beta and request.thinking.type == "enabled"
    if not (interleaves and request.tools):
        return betas
    return tuple(dict.fromkeys((*betas, _INTERLEAVED)))
