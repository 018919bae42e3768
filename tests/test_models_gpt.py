"""Promises of the table of OpenAI's own models."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from asgi_thinking.exceptions import InvalidRequest
from asgi_thinking.models_openai import FAMILIES, find_model
from asgi_thinking.reconcile import Reconciled, reconcile
from asgi_thinking.requests import ChatRequest, ThinkingConfig, Tool
from asgi_thinking.wire.openai import encode_request
from tests.wire.openai_transcripts import JSONObject

OPENAI = FAMILIES["openai"]
TOOLS = (Tool("f"),)


def fixed(model: str, effort: Any = None, **fields: Any) -> Reconciled:
    """A request that was brought within what the model accepts."""
    request = ChatRequest(model, (), thinking=ThinkingConfig(effort=effort), **fields)
    return reconcile(request, find_model(OPENAI, model).accepts, shows_thinking=False)


def sent(model: str, effort: Any = None, **fields: Any) -> JSONObject:
    """The body that goes upstream."""
    switch = find_model(OPENAI, model).switch
    request = fixed(model, effort, **fields).request
    body: JSONObject = orjson.loads(encode_request(request, OPENAI, switch, stream=False))
    return body


@pytest.mark.parametrize(
    ("model", "effort", "word"),
    [
        ("gpt-5.2", "high", "high"),
        ("gpt-5.4", None, None),
        ("gpt-5.4-mini", "high", None),
        ("gpt-5.5", None, "none"),
        ("gpt-5.6-sol", None, "none"),
        ("gpt-5.6", "high", "none"),
        ("gpt-5.6", "none", "none"),
        ("gpt-6-luna", "max", "none"),
        ("gpt-6.1-terra", None, "none"),
        ("gpt-7", "high", "high"),
        ("our-deployment", "high", "high"),
    ],
)
def test_functions_stand_beside_no_reasoning(
    model: str, effort: str | None, word: str | None
) -> None:
    """From 5.4 on, be it asked for or not; where it is on by default it has to be said."""
    body = sent(model, effort, tools=TOOLS)
    assert (word, 1) == (body.get("reasoning_effort"), len(body["tools"]))


@pytest.mark.parametrize("model", ["gpt-6-astra", "gpt-6.2-astra", "gpt-6.1-sol", "gpt-6"])
def test_the_largest_take_no_functions_here(model: str) -> None:
    """They never stop reasoning: a caller is told where functions are taken."""
    with pytest.raises(InvalidRequest, match="Responses API") as caught:
        fixed(model, tools=TOOLS)
    assert "tools" == caught.value.param
    assert () == fixed(model).applied


@pytest.mark.parametrize(
    ("model", "effort", "stops"),
    [
        ("gpt-4o", None, True),
        ("o3", None, False),
        ("gpt-5-mini", None, False),
        ("gpt-5.2", None, True),
        ("gpt-5.2", "low", False),
        ("gpt-5.6", None, False),
        ("gpt-5.6", "none", True),
        ("gpt-5.1-chat-latest", None, False),
    ],
)
def test_what_reasoning_models_refuse(model: str, effort: str | None, stops: bool) -> None:
    """Stop words, penalties, probabilities and sampling; what is dropped is said."""
    said: dict[str, Any] = {
        "stop": ("END",),
        "presence_penalty": 0.5,
        "logprobs": True,
        "top_p": 0.97,
    }
    found = fixed(model, effort, **said)
    names = ("stop dropped", "presence_penalty dropped", "logprobs dropped", "top_p dropped")
    assert [not stops] * 4 == [name in found.applied for name in names]
    assert len(set(found.applied)) == len(found.applied)
    kept = sent(model, effort, **said)
    assert [stops] * 4 == [name in kept for name in said]


@pytest.mark.parametrize(
    ("model", "verbosity", "tier", "parallel"),
    [
        ("gpt-4o", False, True, True),
        ("gpt-5-chat-latest", False, True, True),
        ("gpt-5.2-chat-latest", False, True, True),
        ("o3", False, True, False),
        ("gpt-5", True, True, True),
        ("gpt-5.6", True, True, True),
    ],
)
def test_fields_of_some_models(model: str, verbosity: bool, tier: bool, parallel: bool) -> None:
    """Verbosity since GPT-5; every model has tiers, and but for o all call in parallel."""
    unsupported = find_model(OPENAI, model).accepts.unsupported
    names = ("verbosity", "service_tier", "parallel_tool_calls")
    assert (verbosity, tier, parallel) == tuple(name not in unsupported for name in names)


def test_search_models_search() -> None:
    """They take no sampling parameters and give one choice."""
    accepts = find_model(OPENAI, "gpt-4o-search-preview").accepts
    assert "web_search" not in accepts.unsupported
    assert ("never", False) == (accepts.sampling, accepts.choices)
