"""What the tests of Bedrock's providers share: an environment without AWS, and a first request."""

from __future__ import annotations

from typing import Any, Final

import pytest

from asgi_thinking.messages import Text, Turn
from asgi_thinking.requests import ChatRequest

__all__ = ["CLAUDE", "NOVA", "REGION", "asking", "forget_aws"]

REGION: Final = "eu-west-1"
CLAUDE: Final = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA: Final = "us.amazon.nova-2-lite-v1:0"

_NAMES: Final = (
    *("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "BEARER_TOKEN_BEDROCK", "PROFILE"),
    *("REGION", "DEFAULT_REGION", "DEFAULT_PROFILE", "USE_FIPS_ENDPOINT", "ROLE_ARN"),
    *("ENDPOINT_URL", "ENDPOINT_URL_BEDROCK_RUNTIME", "WEB_IDENTITY_TOKEN_FILE"),
    *("CONTAINER_CREDENTIALS_RELATIVE_URI", "CONTAINER_CREDENTIALS_FULL_URI"),
)


def forget_aws(monkeypatch: pytest.MonkeyPatch, folder: Any) -> None:
    """No credential, region or endpoint of this machine is found, and no instance is asked."""
    for name in _NAMES:
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def asking(model: str = CLAUDE, **fields: Any) -> ChatRequest:
    """A request for a model."""
    fields.setdefault("messages", (Turn("user", (Text("hi"),)),))
    return ChatRequest(model, max_tokens=4096, **fields)
