"""OpenAI's chat completions, and what the many servers compatible with them make of these.

Source: https://platform.openai.com/docs/api-reference/chat, read 2026-11-22.
"""

from __future__ import annotations

from asgi_thinking.wire.openai.errors import decode_error
from asgi_thinking.wire.openai.replies import CompletionDecoder, ThinkTags, decode_reply
from asgi_thinking.wire.openai.requests import encode_request
from asgi_thinking.wire.openai.stream import OpenAIDecoder

__all__ = [
    "CompletionDecoder",
    "OpenAIDecoder",
    "ThinkTags",
    "decode_error",
    "decode_reply",
    "encode_request",
]
