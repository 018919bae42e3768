"""What Mistral's chat completions refuse: whatever its schema does not know, and more.

Importing it writes its rules into Mistral's book; `openai_rules.py` says how they are sourced.
What a call's id may be: https://mistralai.github.io/mistral-common/usage/tools/, read 2026-11-22.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from tests.simulator.openai_others import BOOKS
from tests.simulator.openai_rules import orphan, unanswered
from tests.simulator.openai_vendors import SHAPES, Request, strangers

__all__ = ["BOOK"]

_API: Final = "https://docs.mistral.ai/api"
_GITHUB: Final = "https://github.com"

BOOK: Final = BOOKS["mistral"]
_mistral = BOOK.rule

_CALL_ID: Final = re.compile(r"[a-zA-Z0-9]{9}")
_ORDER: Final = {
    "system": {"system", "user", "assistant"},
    "user": {"user", "assistant", "system"},
    "assistant": {"user", "assistant", "tool"},
    "tool": {"assistant", "tool"},
}


@_mistral("mistral.role", _API, status=422)  # words unverified
def _mistral_role(request: Request) -> str:
    for number, message in enumerate(request.messages):
        if message["role"] not in _ORDER:
            return (
                f"body.messages.{number}: Input tag '{message['role']}' found using 'role' does"
                " not match any of the expected tags: 'assistant', 'system', 'tool', 'user'"
            )
    return ""


@_mistral("mistral.unknown_field", f"{_GITHUB}/charmbracelet/crush/issues/1590", status=422)
def _mistral_unknown(request: Request) -> str:
    for place in strangers(request.body, SHAPES["mistral"]):
        keys = list(place)
        if keys[0] == "messages":
            keys.insert(2, request.messages[int(keys[1])]["role"])
        return f"body.{'.'.join(map(str, keys))}: Extra inputs are not permitted"
    return ""


@_mistral("mistral.temperature", _API, status=422)  # words unverified
def _mistral_temperature(request: Request) -> str:
    if request.body.get("temperature", 0) <= 1.5:
        return ""
    return "body.temperature: Input should be less than or equal to 1.5"


@_mistral(
    "mistral.effort", f"{_GITHUB}/architects-toolkit/SmartHopper/issues/647"
)  # in words of our own
def _mistral_effort(request: Request) -> str:
    said = request.body.get("reasoning_effort")
    if said is None or said in request.model.efforts:
        return ""
    return f"reasoning_effort {said} is not supported for model {request.id}"


@_mistral("mistral.call_id", f"{_GITHUB}/editor-code-assistant/eca/issues/233", code="3280")
def _mistral_call_id(request: Request) -> str:
    for _, call in request.calls:
        if not _CALL_ID.fullmatch(call["id"]):
            return f"Tool call id was {call['id']} but must be a-z, A-Z, 0-9, with a length of 9."
    return ""


@_mistral("mistral.order", f"{_GITHUB}/avante-corp/avante.nvim/issues/2562", code="3230")
def _mistral_order(request: Request) -> str:
    roles = [message["role"] for message in request.messages]
    for one, other in pairwise(["system", *roles]):
        if other not in _ORDER[one]:
            return f"Unexpected role '{other}' after role '{one}'"
    return ""


@_mistral("mistral.last_role", f"{_GITHUB}/0xPlaygrounds/rig/pull/1130", code="3230")
def _last_role(request: Request) -> str:
    last = request.messages[-1]
    if last["role"] in ("user", "tool") or last.get("prefix"):
        return ""
    return (
        "Expected last role User or Tool (or Assistant with prefix True) for serving but got"
        f" {last['role']}"
    )


@_mistral("mistral.unanswered_call", f"{_GITHUB}/mistralai/client-python/issues/234", code="3230")
def _mistral_unanswered(request: Request) -> str:
    if unanswered(request.messages) is None and orphan(request.messages) is None:
        return ""
    return "Not the same number of function calls and responses"
