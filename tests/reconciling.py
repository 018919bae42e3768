"""Requests for the tests of `reconcile`, and thinking configurations written in one word each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from asgi_thinking.capabilities import Capabilities
from asgi_thinking.messages import Text, Turn
from asgi_thinking.models import claude
from asgi_thinking.reconcile import OnConflict, Reconciled, reconcile
from asgi_thinking.requests import ChatRequest, ThinkingConfig

QUESTION = Turn("user", (Text("Why?"),))


def config(words: str) -> ThinkingConfig:
    """Read "enabled 2000 effort=high display=omitted include"; "exclude" is its opposite."""
    made: dict[str, Any] = {}
    for word in words.split():
        name, _, value = word.partition("=")
        if value:
            made[name] = value
        elif name in {"include", "exclude"}:
            made["include"] = name == "include"
        elif name.isdecimal():
            made["budget"] = int(name)
        else:
            made["type"] = name
    return replace(ThinkingConfig(), **made)


def run(
    model: str | Capabilities,
    thinking: str = "",
    *,
    shows: bool = True,
    mode: OnConflict = "fix",
    **given: Any,
) -> Reconciled:
    """Reconcile a short request with what `model` accepts."""
    fields: dict[str, Any] = {"messages": (QUESTION,), "max_tokens": 8_000, **given}
    request = ChatRequest("m", thinking=config(thinking), **fields)
    known = claude(f"claude-{model}") if isinstance(model, str) else model
    return reconcile(request, known, shows_thinking=shows, on_conflict=mode)
