"""Gemini's generateContent API, which AI Studio and Vertex AI both serve.

Source: https://ai.google.dev/api/generate-content, read 2026-11-22.
"""

from __future__ import annotations

from asgi_thinking.wire.gemini.errors import decode_error
from asgi_thinking.wire.gemini.replies import decode_reply
from asgi_thinking.wire.gemini.requests import encode_request
from asgi_thinking.wire.gemini.streams import GeminiDecoder

__all__ = ["GeminiDecoder", "decode_error", "decode_reply", "encode_request"]
