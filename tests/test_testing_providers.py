"""Every built-in provider keeps what the package promises of providers."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

import orjson
import pytest

from asgi_thinking.providers import HTTPProvider
from asgi_thinking.providers.anthropic import AnthropicProvider
from asgi_thinking.providers.bedrock import (
    BedrockConverseProvider,
    BedrockInvokeProvider,
    BedrockProvider,
)
from asgi_thinking.providers.gemini import GeminiProvider
from asgi_thinking.providers.openai import OpenAIProvider
from asgi_thinking.providers.vertex import VertexProvider
from asgi_thinking.registry import provider_names
from asgi_thinking.testing import Answer, check_provider
from tests.providers.bedrock_scene import CLAUDE, NOVA, REGION, forget_aws
from tests.providers.vertex_scene import VARIABLES, Tokens
from tests.wire import anthropic_transcripts as anthropic
from tests.wire import converse_transcripts as converse
from tests.wire import gemini_transcripts as gemini
from tests.wire import openai_transcripts as openai
from tests.wire.aws_frames import frame

AWS_STREAM = "application/vnd.amazon.eventstream"
REQUEST_ID = {"x-amzn-requestid": "req-1"}
KEY = "key-of-the-owner"


def sent_by_aws(body: bytes, kind: str) -> Answer:
    return Answer(body, headers={"content-type": kind, **REQUEST_ID})


def invoked() -> bytes:
    """Anthropic's events as Bedrock's invoke API frames them."""
    events = [base64.b64encode(orjson.dumps(event)).decode() for event in anthropic.FULL]
    parts = [orjson.dumps({"bytes": event}) for event in events]
    head = {":message-type": "event", ":event-type": "chunk", ":content-type": "application/json"}
    return b"".join(frame(head, part) for part in parts)


ANTHROPIC: Mapping[str, bytes | tuple[int, bytes] | Answer] = {
    "stream": anthropic.sse(*anthropic.FULL),
    "json": orjson.dumps(anthropic.FULL_MESSAGE),
    "error": (529, b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'),
}
GEMINI: Mapping[str, bytes | tuple[int, bytes] | Answer] = {
    "stream": gemini.sse(*gemini.FULL),
    "stream as an array": Answer(
        gemini.array(*gemini.FULL), headers={"content-type": "application/json"}
    ),
    "json": orjson.dumps(gemini.FULL_REPLY),
    "error": (429, b'[{"error":{"code":429,"message":"quota","status":"RESOURCE_EXHAUSTED"}}]'),
}
OPENAI: Mapping[str, bytes | tuple[int, bytes] | Answer] = {
    "stream": openai.FULL_STREAM,
    "json": openai.FULL_MESSAGE,
    "error": (400, b'{"error":{"message":"no","type":"invalid_request_error","param":"model"}}'),
}
CONVERSE: Mapping[str, bytes | tuple[int, bytes] | Answer] = {
    "stream": sent_by_aws(b"".join(converse.FULL), AWS_STREAM),
    "json": sent_by_aws(orjson.dumps(converse.FULL_REPLY), "application/json"),
    "error": (400, b'{"message":"no"}'),
}
INVOKE: Mapping[str, bytes | tuple[int, bytes] | Answer] = {
    "stream": sent_by_aws(invoked(), AWS_STREAM),
    "json": sent_by_aws(orjson.dumps(anthropic.FULL_MESSAGE), "application/json"),
    "error": (424, b'{"message":"the model failed"}'),
}


@pytest.fixture(autouse=True)
def nobodys_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No provider finds a credential or an address of the machine that it is tested on."""
    forget_aws(monkeypatch, tmp_path)
    for name in (*VARIABLES, "ANTHROPIC_BASE_URL", "GOOGLE_GEMINI_BASE_URL", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def providers() -> Mapping[str, tuple[HTTPProvider, str, Mapping[str, object]]]:
    """A provider of each kind, a model of it, and what the vendor answers."""
    vertex = VertexProvider("project", credentials=Tokens())
    return {
        "anthropic": (AnthropicProvider(KEY), "claude-opus-5", ANTHROPIC),
        "bedrock": (BedrockProvider(REGION, api_key=KEY), CLAUDE, INVOKE),
        "bedrock-converse": (BedrockConverseProvider(REGION, api_key=KEY), NOVA, CONVERSE),
        "bedrock-invoke": (BedrockInvokeProvider(REGION, api_key=KEY), CLAUDE, INVOKE),
        "gemini": (GeminiProvider(KEY), "gemini-3-pro", GEMINI),
        "openai": (OpenAIProvider(KEY), "gpt-5.1", OPENAI),
        "vertex": (vertex, "gemini-3-pro", GEMINI),
        "claude on vertex": (vertex, "claude-opus-5", ANTHROPIC),
    }


@pytest.mark.parametrize("what", [*provider_names(), "claude on vertex"])
def test_built_in_providers_keep_their_promises(what: str) -> None:
    """Each, with replies in each of its forms."""
    provider, model, replies = providers()[what]
    check_provider(provider, model=model, replies=replies)  # type: ignore[arg-type] (one of a few)
