"""Requests of conversations that change their vendor, as hypothesis draws them."""

from __future__ import annotations

from typing import Final, NamedTuple

from hypothesis import strategies as st

from tests.conversations.scene import DIALECTS, ROUND, JSONObject
from tests.simulator import Reply

__all__ = ["BUDGET", "EFFORT", "SPOKEN", "Step", "steps"]

BUDGET: Final[JSONObject] = {"thinking": {"type": "enabled", "budget_tokens": 2_000}}
EFFORT: Final[JSONObject] = {"reasoning_effort": "high"}
SPOKEN: Final = Reply("I know.", "Sunny.")


class Step(NamedTuple):
    """One request: of whom, in which dialect, whether it streams, and what the model says.

    A `plain` client keeps OpenAI's fields of its reply alone.
    """

    model: str
    dialect: str
    stream: bool
    reply: Reply
    asked: JSONObject
    plain: bool = False


REPLIES: Final = (
    *ROUND,
    SPOKEN,
    Reply("", "Just said."),
    Reply("Only thought.", "", ROUND[0].calls),
    Reply("", "", ROUND[1].calls),
    Reply("Hidden.", "Said.", redacted=True),
)
ASKED: Final[tuple[JSONObject, ...]] = (
    {},
    BUDGET,
    EFFORT,
    {"reasoning_effort": "none"},
    {"thinking": {"type": "adaptive"}},
)
MODELS: Final = (
    "anthropic/claude-sonnet-4-5",
    "anthropic/claude-opus-4-6",
    "anthropic/claude-opus-5-5",
    "anthropic/claude-fable-5",
    "bedrock-invoke/us.anthropic.claude-sonnet-4-5",
    "bedrock-invoke/us.anthropic.claude-opus-5-5",
    "bedrock-converse/us.anthropic.claude-opus-4-6",
    "bedrock-converse/us.anthropic.claude-sonnet-5-5",
    "vertex/claude-opus-5-5",
    "vertex/gemini-3.5-flash",
    "gemini/gemini-3.7-flash",
    "gemini/gemini-2.5-flash",
    "openai/gpt-5-mini",
    "deepseek/deepseek-v4-flash",
    "groq/openai/gpt-oss-120b",
    "xai/grok-4.5",
    "mistral/magistral-medium-latest",
    "vllm/Qwen/Qwen3-8B",
)
steps = st.builds(
    Step,
    st.sampled_from(MODELS),
    st.sampled_from([*DIALECTS]),
    st.booleans(),
    st.sampled_from(REPLIES),
    st.sampled_from(ASKED),
    st.booleans(),
)
