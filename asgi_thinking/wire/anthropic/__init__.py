"""Anthropic's Messages API, which Bedrock and Vertex serve as well.

Source: https://platform.claude.com/docs/en/api/messages, read 2026-11-22.
"""

from __future__ import annotations

from asgi_thinking.wire.anthropic.betas import betas_for
from asgi_thinking.wire.anthropic.errors import decode_error
from asgi_thinking.wire.anthropic.replies import MessageDecoder
from asgi_thinking.wire.anthropic.requests import encode_request
from asgi_thinking.wire.anthropic.stream import AnthropicDecoder
from asgi_thinking.wire.anthropic.whole import decode_reply

__all__ = [
    "AnthropicDecoder",
    "MessageDecoder",
    "betas_for",
    "decode_error",
    "decode_reply",
    "encode_request",
]
