"""What the vendors of chat completions say where a model's record is wrong.

Sources, all read 2026-11-22:

- OpenAI: https://platform.openai.com/docs/guides/reasoning; of functions beside reasoning:
  https://community.openai.com/t/gpt-5-6-chat-completion-reasoning-effort-bug-behavior-change/1386454
- DeepSeek: https://api-docs.deepseek.com/guides/thinking_mode
- Groq: https://console.groq.com/docs/openai
- xAI: https://docs.x.ai/docs/guides/reasoning
- Mistral: https://docs.mistral.ai/api
- what gateways pass on of Gemini's and Claude's words: https://ai.google.dev/gemini-api/docs and
  https://platform.claude.com/docs/en/build-with-claude/extended-thinking
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, TypeAlias

from asgi_thinking.capabilities import EFFORTS, Capabilities, Lesson
from asgi_thinking.requests import Effort

__all__ = ["DISOWNED", "LESSONS"]

_Heed: TypeAlias = Callable[[Capabilities], Capabilities]


def _without_effort(effort: Effort) -> _Heed:
    return lambda known: replace(
        known, efforts=tuple(word for word in known.efforts if word != effort)
    )


def _unsupported(*names: str) -> _Heed:
    return lambda known: replace(known, unsupported=known.unsupported | set(names))


def _never_sampling(known: Capabilities) -> Capabilities:
    return replace(known, sampling="never")


def _never_off(known: Capabilities) -> Capabilities:
    return replace(known, thinking=known.thinking - {"disabled"}, off=None)


def _unthinking(known: Capabilities) -> Capabilities:
    return replace(known, thinking=frozenset(), efforts=(), off="disabled", on_by_default=False)


def _of_efforts() -> Iterator[Lesson]:
    """OpenAI's, DeepSeek's, xAI's and Mistral's words for an effort that a model lacks."""
    words: dict[str, _Heed] = {"none": _never_off}
    words |= {effort: _without_effort(effort) for effort in EFFORTS}
    for effort, heed in words.items():
        yield Lesson(f"'reasoning_effort' does not support '{effort}'", heed)
        yield Lesson(f"reasoning_effort: unknown variant `{effort}`", heed)
        yield Lesson(f"Invalid reasoning effort: {effort}", heed)
        yield Lesson(f"reasoning_effort {effort} is not supported", heed)


# Fields of the body and how xAI calls them.
_FIELDS: Final = {
    "stop": "stop",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "logit_bias": "logitBias",
    "logprobs": "logprobs",
    "top_logprobs": "topLogprobs",
    "seed": "seed",
    "user": "user",
    "verbosity": "verbosity",
    "service_tier": "serviceTier",
    "parallel_tool_calls": "parallelToolCalls",
    "top_k": "topK",
}


def _of_fields() -> Iterator[Lesson]:
    """OpenAI's, Groq's, xAI's and Mistral's words for a field that a model does not take."""
    for name, theirs in _FIELDS.items():
        heed = _unsupported(name)
        yield Lesson(f"Unsupported parameter: '{name}'", heed)
        yield Lesson(f"property '{name}' is unsupported", heed)
        yield Lesson(f"does not support parameter {theirs}.", heed)
        yield Lesson(f"not supported on this model: {theirs}", heed)
        yield Lesson(f"body.{name}: Extra inputs are not permitted", heed)


LESSONS: Final = (
    *_of_efforts(),
    *_of_fields(),
    *(
        Lesson(f"Unsupported {kind}: '{name}'", _never_sampling)
        for kind in ("value", "parameter")
        for name in ("temperature", "top_p")
    ),
    Lesson("Unsupported value: 'verbosity'", _unsupported("verbosity")),
    Lesson("Unrecognized request argument supplied: reasoning_effort", _unthinking),
    Lesson("Unsupported parameter: 'reasoning_effort'", _unthinking),
    Lesson("`reasoning_effort` is not supported with this model", _unthinking),
    Lesson("does not support parameter reasoningEffort", lambda known: replace(known, efforts=())),
    Lesson(
        "Function tools with reasoning_effort are not supported",
        lambda known: replace(known, tools_beside_thinking=False),
    ),
    Lesson(
        "Thinking mode does not support this tool_choice",
        lambda known: replace(known, forced_tools="without_thinking"),
    ),
    Lesson(
        "This response_format type is unavailable",
        lambda known: replace(known, structured_outputs=False),
    ),
    Lesson("Web search options not supported", _unsupported("web_search")),
    Lesson(
        "temperature: Input should be less than or equal to 1.5",
        lambda known: replace(known, max_temperature=1.5),
    ),
    Lesson("'n' : number must be at most 1", lambda known: replace(known, choices=False)),
    Lesson("Penalty is not enabled", _unsupported("presence_penalty", "frequency_penalty")),
    Lesson("Multiple candidates is not enabled", lambda known: replace(known, choices=False)),
    Lesson("ending with a model turn", lambda known: replace(known, prefill="never")),
)
"""By words of the message; what a vendor says of one thing in several ways stands several times."""

DISOWNED: Final = (
    "invalid `signature`",
    "bound to a different conversation",
    "thought signature",
    "thought_signature",
)
"""What gateways pass on of a refusal of signed thinking that was sent back."""
