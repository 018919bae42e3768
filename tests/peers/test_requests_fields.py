"""What else stands in a request that thinks: sampling, tools, structured output, by every API.

Sources, read 2026-11-22: https://platform.claude.com/docs/en/build-with-claude/extended-thinking,
https://platform.claude.com/docs/en/about-claude/models/migration-guide,
https://platform.claude.com/docs/en/api/versioning,
https://platform.claude.com/docs/en/build-with-claude/structured-outputs and
https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.peers.requests_scene import CLAUDES, TOOLS, Asking, JSONObject, Mode, Told, spelled

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("name", CLAUDES)]

THINKING: JSONObject = {"thinking": {"type": "enabled", "budget_tokens": 2_000}}
ADAPTIVE: JSONObject = {"thinking": {"type": "adaptive"}}
SCHEMA: JSONObject = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "additionalProperties": False,
}
FORMAT: JSONObject = {
    "type": "json_schema",
    "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True},
}


def samplers(told: Told) -> JSONObject:
    """The sampling parameters that went upstream, under Anthropic's names."""
    fields = {**told.sent, **told.sent.get("inferenceConfig", {})}
    names = {"temperature": "temperature", "top_p": "top_p", "topP": "top_p", "top_k": "top_k"}
    return {names[key]: fields[key] for key in names if key in fields}


def choice(told: Told) -> Any:
    """Which call the model has to make: "auto", "any", or a tool's name."""
    tools = told.sent.get("toolConfig", told.sent)
    chosen: JSONObject = tools.get("tool_choice") or tools.get("toolChoice", {"auto": {}})
    kind = chosen.get("type") or next(iter(chosen))
    return chosen.get("name") or chosen.get("tool", {}).get("name") if kind == "tool" else kind


@pytest.mark.parametrize("model", ["3-7-sonnet", "sonnet-4-5", "opus-4-5", "opus-4-6"])
@pytest.mark.parametrize(
    ("said", "kept", "applied"),
    [
        ({"temperature": 0.2}, {}, "temperature dropped"),
        ({"temperature": 1}, {}, "temperature dropped"),
        ({"top_p": 0.5}, {}, "top_p dropped"),
        ({"top_p": 0.95}, {"top_p": 0.95}, ""),
        ({"top_k": 5}, {}, "top_k dropped"),
        (
            {"temperature": 0.2, "top_p": 0.5, "top_k": 5},
            {},
            "temperature dropped; top_p dropped; top_k dropped",
        ),
    ],
)
async def test_17_sampling_gives_way_to_thinking(
    name: str, model: str, said: JSONObject, kept: JSONObject, applied: str
) -> None:
    """The API refuses it; a `top_p` that cuts little may stay, and all of it without thinking."""
    ask = Asking.of(name)
    told = await ask(spelled(name, model), **THINKING, **said)
    assert (kept, applied, "enabled 2000") == (samplers(told), told.applied, told.claude[:12])
    without = await ask(spelled(name, model), temperature=0.2)
    assert ({"temperature": 0.2}, "") == (samplers(without), without.applied)


async def test_17_the_default_temperature_is_no_conflict(name: str) -> None:
    """Many clients always send it, and it changes nothing."""
    ask = Asking.of(name, on_conflict="reject")
    for model in ("sonnet-4-5", "opus-4-8", "opus-5-5"):
        told = await ask(spelled(name, model), temperature=1, reasoning_effort="high")
        assert (200, {}) == (told.status, samplers(told))
    told = await ask(spelled(name, "sonnet-4-5"), temperature=0.2, **THINKING)
    assert (400, "temperature") == (told.status, told.param)


@pytest.mark.parametrize("model", ["opus-4-7", "opus-4-8", "sonnet-5", "haiku-5-5", "fable-5-1"])
@pytest.mark.parametrize("said", [{"temperature": 0.2}, {"top_p": 0.9}, {"top_k": 5}])
async def test_18_newer_models_take_no_sampling_at_all(
    name: str, model: str, said: JSONObject
) -> None:
    """Dropped and reported, rejected by its name, or left to the API: the owner's choice."""
    (param,) = said
    told = await Asking.of(name)(spelled(name, model), **said)
    assert ({}, f"{param} dropped") == (samplers(told), told.applied)
    told = await Asking.of(name, on_conflict="reject")(spelled(name, model), **said)
    assert (400, param, None) == (told.status, told.param, told.upstream)
    told = await Asking.of(name, on_conflict="pass")(spelled(name, model), **said)
    assert (said, "") == (samplers(told), told.applied)


FORCED: list[Any] = ["required", {"type": "function", "function": {"name": "f"}}]


@pytest.mark.parametrize("model", ["3-7-sonnet", "sonnet-4-5", "opus-4-5", "opus-4-6"])
@pytest.mark.parametrize("forced", FORCED)
async def test_19_a_forced_call_gives_way_to_a_budget(name: str, model: str, forced: Any) -> None:
    """The API refuses both together; without thinking the call is forced as the caller says."""
    ask = Asking.of(name)
    told = await ask(spelled(name, model), tools=TOOLS, tool_choice=forced, **THINKING)
    mode = "required" if forced == "required" else "tool"
    assert ("auto", f"tool_choice {mode}->auto") == (choice(told), told.applied)
    assert "enabled 2000" == told.claude[:12]
    told = await ask(spelled(name, model), tools=TOOLS, tool_choice=forced)
    assert ("any" if mode == "required" else "f", "") == (choice(told), told.applied)
    rejecting = Asking.of(name, on_conflict="reject")
    told = await rejecting(spelled(name, model), tools=TOOLS, tool_choice=forced, **THINKING)
    assert (400, "tool_choice", None) == (told.status, told.param, told.upstream)


@pytest.mark.parametrize(
    "model", ["opus-4-6", "sonnet-4-6", "opus-4-8", "sonnet-5", "opus-5", "haiku-5-5", "fable-5"]
)
async def test_19_a_forced_call_stays_beside_adaptive_thinking(name: str, model: str) -> None:
    """These models take both."""
    told = await Asking.of(name)(
        spelled(name, model), tools=TOOLS, tool_choice="required", **ADAPTIVE
    )
    assert ("any", "") == (choice(told), told.applied)


@pytest.mark.parametrize(
    "model", ["fable-5-1", "mythos-5-1", "opus-5-5", "sonnet-5-5", "newfamily-7"]
)
async def test_20_a_forced_call_is_refused_by_the_newest_models(name: str, model: str) -> None:
    """Whether they think or not: "auto" and a report, 400, or the API's own answer."""
    modes: tuple[Mode, ...] = ("fix", "reject", "pass")
    asks = {mode: Asking.of(name, on_conflict=mode) for mode in modes}
    for forced, mode, form in ((FORCED[0], "required", "any"), (FORCED[1], "tool", "f")):
        body: JSONObject = {"tools": TOOLS, "tool_choice": forced}
        for wish in ({}, {"reasoning_effort": "none"}, ADAPTIVE):
            told = await asks["fix"](spelled(name, model), **body, **wish)
            assert "auto" == choice(told)
            assert f"tool_choice {mode}->auto" in told.applied
        told = await asks["reject"](spelled(name, model), **body)
        assert (400, "tool_choice", None) == (told.status, told.param, told.upstream)
        told = await asks["pass"](spelled(name, model), **body)
        assert (form, "") == (choice(told), told.applied)


@pytest.mark.parametrize("model", ["sonnet-4-5", "haiku-4-5", "opus-4-6", "sonnet-5", "fable-5-1"])
@pytest.mark.parametrize("wish", [THINKING, {"reasoning_effort": "low"}, {}])
async def test_21_a_schema_goes_by_the_apis_own_format(
    name: str, model: str, wish: JSONObject
) -> None:
    """Beside thinking, and never as a tool that the model is forced to call."""
    told = await Asking.of(name)(spelled(name, model), response_format=FORMAT, **wish)
    body = told.body
    if name == "converse":
        form = body["outputConfig"]["textFormat"]
        assert ("json_schema", "answer") == (
            form["type"],
            form["structure"]["jsonSchema"]["name"],
        )
    else:
        assert {"type": "json_schema", "schema": SCHEMA} == body["output_config"]["format"]
    assert not {"tools", "tool_choice", "toolConfig"} & body.keys()
    assert "response_format" not in told.applied


async def test_21_a_schema_that_the_model_cannot_keep_is_reported(name: str) -> None:
    """Or rejected; no tool is made of it, which a model could not be forced to call."""
    told = await Asking.of(name)(spelled(name, "opus-4-1"), response_format=FORMAT, **THINKING)
    assert ("enabled 2000", "response_format json_schema dropped") == (told.claude, told.applied)
    assert not {"tools", "toolConfig", "output_config", "outputConfig"} & told.body.keys()
    told = await Asking.of(name, on_conflict="reject")(
        spelled(name, "opus-4-1"), response_format=FORMAT
    )
    assert (400, "response_format") == (told.status, told.param)
