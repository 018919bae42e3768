"""Thinking that comes back to Claude: whose it is, whether it is whole, and what it is bound to.

A signature carries the model, what was shown of the thinking, where in its reply the block stood,
and fingerprints of everything before it. Anthropic, Bedrock and Vertex read each other's.
"""

from __future__ import annotations

from typing import Any

from tests.simulator import digest
from tests.simulator.claude_ask import BINDING, Ask, Block, Place, blocks, rule

__all__ = ["VENDOR", "Prefix", "last_mark"]

VENDOR = "claude"

# All read 2026-11-22.
_ERRORS = "https://platform.claude.com/docs/en/api/errors"
_EXTENDED = "https://platform.claude.com/docs/en/build-with-claude/extended-thinking"
_PRESERVED = "https://platform.claude.com/docs/en/build-with-claude/preserved-thinking"
_TROUBLE = "https://platform.claude.com/docs/en/build-with-claude/thinking-troubleshooting"

_THINKING = ("thinking", "redacted_thinking")


def _is_own(place: Place) -> bool:
    return place.facts.get("vendor") == VENDOR and place.facts.get("kind") == place.block["type"]


def _is_edited(place: Place) -> bool:
    """Whether text that was shown is another now; text beside hidden thinking does not count."""
    shown = place.facts.get("shown")
    return bool(shown) and shown != digest(place.block.get("thinking"))


# A block of another vendor, or a signature that nobody made; the text of older turns is checked
# here, that of the latest one by `thinking_unmodified`.
@rule(f"{_TROUBLE}#error-thinking-block-signature")
def signature_valid(ask: Ask) -> str:
    latest = _latest(ask)
    for place in ask.thinking:
        edited = place.turn != latest and _is_edited(place)
        if place.block["type"] == "thinking" and (not _is_own(place) or edited):
            return f"{place.path}: Invalid `signature` in `thinking` block"
    return ""


@rule(f"{_TROUBLE}#error-thinking-block-signature")
def redacted_data_valid(ask: Ask) -> str:
    for place in ask.thinking:
        if place.block["type"] == "redacted_thinking" and not _is_own(place):
            return f"{place.path}: Invalid `data` in `redacted_thinking` block"
    return ""


@rule(_EXTENDED)
def assistant_ends_without_thinking(ask: Ask) -> str:
    for i, (_, content) in enumerate(ask.turns):
        if content and content[-1]["type"] in _THINKING:
            kind = content[-1]["type"]
            return f"messages.{i}: The final block in an assistant message cannot be `{kind}`."
    return ""


# With a budget, the turn whose calls are being answered has to begin with thinking; so has one that
# the caller begins.
@rule(f"{_EXTENDED}#preserving-thinking-blocks")
def turn_starts_with_thinking(ask: Ask) -> str:
    start = ask.answering
    if ask.mode != "enabled" or start is None or not ask.turns[start][1]:
        return ""
    found = ask.turns[start][1][0]["type"]
    if found in _THINKING:
        return ""
    return (
        f"messages.{start}.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
        f"`{found}`. When `thinking` is enabled, a final `assistant` message must start with a "
        "thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks). We "
        "recommend you include thinking blocks from previous turns. To avoid this requirement, "
        "disable `thinking`. Please consult our documentation at "
        "https://docs.claude.com/en/docs/build-with-claude/extended-thinking"
    )


def _latest(ask: Ask) -> int:
    roles = [role for role, _ in ask.turns]
    return max((i for i, role in enumerate(roles) if role == "assistant"), default=-1)


# All blocks of one reply, in their order, each behind what it stood behind; or none at all.
@rule(f"{_ERRORS}#thinking-blocks-cannot-be-modified")
def thinking_unmodified(ask: Ask) -> str:
    latest = _latest(ask)
    places = [place for place in ask.thinking if place.turn == latest]
    for number, place in enumerate(places):
        facts = place.facts
        behind = ask.turns[latest][1][place.index - 1]["type"] if place.index else ""
        expected = (places[0].facts["reply"], number, len(places), behind)
        given = (facts["reply"], facts["number"], facts["count"], facts["behind"])
        if expected != given or _is_edited(place):
            return (
                f"{place.path}: `thinking` or `redacted_thinking` blocks in the latest assistant "
                "message cannot be modified. These blocks must remain as they were in the original "
                "response."
            )
    return ""


class Prefix:
    """Fingerprints of what stands before the blocks of a conversation.

    Cache marks, thinking, blank texts and the space around texts do not count, nor does the order
    of tools or keys; a string is one block of text.
    """

    def __init__(self, ask: Ask) -> None:
        tools = sorted(ask.body.get("tools") or (), key=lambda tool: str(tool["name"]))
        self.system = digest(_compared(blocks(ask.body.get("system") or [])))
        self.tools = digest(_plain(tools))
        self._before = [""]
        for role, content in ask.turns:
            self._before.append(digest(self._before[-1], role, _compared(content)))

    def messages(self, turn: int, content: list[Block]) -> str:
        """Of the messages before `turn`, and of the content that the turn has so far."""
        return digest(self._before[turn], _compared(content))


def _plain(value: Any) -> Any:
    """A value without its cache marks."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items() if name != "cache_control"}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _compared(content: list[Block]) -> list[Any]:
    kept: list[Any] = []
    for block in content:
        if block["type"] == "text":
            if block["text"].strip():
                kept.append(block["text"].strip())
        elif block["type"] == "tool_result":
            result = _compared(blocks(block.get("content") or []))
            kept.append([block["tool_use_id"], result, bool(block.get("is_error"))])
        elif block["type"] not in _THINKING:
            kept.append(_plain(block))
    return kept


def _drops(ask: Ask) -> bool:
    binding = (ask.body.get("thinking") or {}).get("block_binding") or {}
    return binding.get("prefix_mismatch_behavior") == "drop_block"


def _readable(ask: Ask) -> list[Place]:
    """The blocks that the model reads: its own. The API drops others without a word."""
    return [place for place in ask.thinking if place.facts.get("model") == ask.known]


def _mismatches(ask: Ask) -> list[tuple[Place, str]]:
    """The blocks whose prefix is another than when they were made, and what differs."""
    found: list[tuple[Place, str]] = []
    previous: Place | None = None
    prefix: Prefix | None = None
    for place in _readable(ask) if ask.model.binds else ():
        prefix = prefix or Prefix(ask)
        before = ask.turns[place.turn][1][: place.index]
        sentence = ""
        if place.facts["system"] != prefix.system:
            sentence = "The `system` prompt differs from the one this block was created with."
        elif place.facts["tools"] != prefix.tools:
            sentence = "The `tools` list differs from the one this block was created with."
        elif place.facts["messages"] != prefix.messages(place.turn, before):
            sentence = "Content before this block differs from when this block was created."
        elif previous is not None and place.facts["previous"] != previous.mark:
            sentence = "A thinking block before this block is missing from this request."
        if sentence or found:
            found.append((place, sentence))
        previous = place
    return found


# A gap in the thinking fails the check as a change of anything else does, but removing it from
# either end, or all of it, does not.
@rule(f"{_PRESERVED}#prefix-check")
def thinking_bound(ask: Ask) -> str:
    mismatches = _mismatches(ask)
    if not mismatches:
        return ""
    if _drops(ask):
        ask.dropped += [place.path for place, _ in mismatches]
        return ""
    place, sentence = mismatches[0]
    header = (
        ""
        if BINDING in ask.betas
        else (f"That setting requires the `{BINDING}` value in the `anthropic-beta` header. ")
    )
    return (
        f"{place.path}: Invalid `signature` in `thinking` block. The block is bound to a different "
        "conversation. Remove the block, or set `thinking.block_binding.prefix_mismatch_behavior` "
        f'to "drop_block". {header}{sentence}'
    )


def last_mark(ask: Ask) -> str:
    """What the next block of thinking knows the last one by that the model read."""
    read = [place for place in _readable(ask) if place.path not in ask.dropped]
    return read[-1].mark if read else ""
