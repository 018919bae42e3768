"""Bedrock's Converse API, which serves every vendor's models in one form.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html, read
2026-11-22.
"""

from __future__ import annotations

from asgi_thinking.wire.converse.errors import decode_error, frame_error
from asgi_thinking.wire.converse.replies import ConverseDecoder, decode_reply
from asgi_thinking.wire.converse.requests import encode_request

__all__ = ["ConverseDecoder", "decode_error", "decode_reply", "encode_request", "frame_error"]
