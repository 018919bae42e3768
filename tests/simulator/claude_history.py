"""What the conversation of a request to Claude must be: turns, calls and their answers, texts.

Where a page states a rule without the words of its refusal, they are as the API was seen to answer.
"""

from __future__ import annotations

from tests.simulator.claude_ask import NEWEST, Ask, Block, rule

__all__: list[str] = []

# All read 2026-11-22.
_CREATE = "https://platform.claude.com/docs/en/api/messages/create"
_ERRORS = "https://platform.claude.com/docs/en/api/errors"
_TOOLS = "https://platform.claude.com/docs/en/agents-and-tools/tool-use/implement-tool-use"
_SYSTEM = "https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages"
_VERSIONS = "https://platform.claude.com/docs/en/api/versioning"

_ROLES: dict[str, tuple[str, ...]] = {
    "thinking": ("assistant",),
    "redacted_thinking": ("assistant",),
    "tool_use": ("assistant",),
    "tool_result": ("user",),
    "image": ("user",),
    "document": ("user",),
    "text": ("user", "assistant", "system"),
}


@rule(_CREATE)
def messages_not_empty(ask: Ask) -> str:
    return "" if ask.turns else "messages: at least one message is required"


@rule(_SYSTEM)
def system_role_supported(ask: Ask) -> str:
    # Of the clouds' own APIs none has the role.
    if ask.model.mid_system and ask.door == "anthropic":
        return ""
    if all(role != "system" for role, _ in ask.turns):
        return ""
    return "role 'system' is not supported on this model"


@rule(_SYSTEM)
def system_role_place(ask: Ask) -> str:
    roles = [role for role, _ in ask.turns]
    for i, role in enumerate(roles):
        if role == "system" and roles[i + 1 : i + 2] not in ([], ["assistant"]):
            return (
                f"messages.{i}: role 'system' must precede an 'assistant' message or end the array"
            )
    return ""


@rule(_CREATE)
def first_message_user(ask: Ask) -> str:
    if ask.turns[0][0] == "user":
        return ""
    return 'messages: first message must use the "user" role'


@rule(_CREATE)
def blocks_of_role(ask: Ask) -> str:
    for i, (role, content) in enumerate(ask.turns):
        for j, block in enumerate(content):
            roles = _ROLES[block["type"]]
            if block["type"] == "document" and ask.version != NEWEST:
                roles = ("user", "assistant")
            if role not in roles:
                return (
                    f"messages.{i}.content.{j}: `{block['type']}` blocks can only be in "
                    f"`{roles[0]}` messages"
                )
    return ""


@rule(_VERSIONS)
def citations_of_user(ask: Ask) -> str:
    for path, i, block in ask.places("text"):
        if ask.version == NEWEST and ask.turns[i][0] == "user" and block.get("citations"):
            return f"{path}.text.citations: Extra inputs are not permitted"
    return ""


@rule(_CREATE)
def user_not_empty(ask: Ask) -> str:
    for i, (role, content) in enumerate(ask.turns):
        if role == "user" and content in ([], [{"type": "text", "text": ""}]):
            return f"messages.{i}: user messages must have non-empty content"
    return ""


def _texts(ask: Ask) -> list[tuple[str, list[Block]]]:
    """The contents with their names; a string that is empty says nothing, but is none either."""
    system = ask.body.get("system") or []
    contents = [
        ("system", [{"type": "text", "text": system}] if isinstance(system, str) else system)
    ]
    for (role, content), turn in zip(ask.turns, ask.body["messages"], strict=True):
        if role != "assistant" or turn["content"] != "":
            contents.append(("messages", content))
    return contents


@rule(_CREATE)
def text_not_empty(ask: Ask) -> str:
    for name, content in _texts(ask):
        if any(block["type"] == "text" and not block["text"] for block in content):
            return f"{name}: text content blocks must be non-empty"
    return ""


# Beside a call or another text blank ones pass, as the API was seen to do; of what else may stand
# beside them nothing is known.
@rule(_CREATE)
def text_not_blank(ask: Ask) -> str:
    for name, content in _texts(ask):
        texts = [block["text"] for block in content if block["type"] == "text"]
        calls = any(block["type"] == "tool_use" for block in content)
        if texts and not calls and not any(text.strip() for text in texts):
            return f"{name}: text content blocks must contain non-whitespace text"
    return ""


@rule(_TOOLS)
def tool_use_ids_unique(ask: Ask) -> str:
    seen: set[str] = set()
    for path, _, block in ask.places("tool_use"):
        if block["id"] in seen:
            return f"{path}: `tool_use` ids must be unique"
        seen.add(block["id"])
    return ""


def _called(ask: Ask, turn: int) -> list[str]:
    """The ids of a message's calls."""
    if not 0 <= turn < len(ask.turns):
        return []
    return [block["id"] for block in ask.turns[turn][1] if block["type"] == "tool_use"]


def _leading_results(content: list[Block]) -> set[str]:
    """The calls that a message answers before it says anything else."""
    answered: set[str] = set()
    for block in content:
        if block["type"] != "tool_result":
            break
        answered.add(block["tool_use_id"])
    return answered


@rule(f"{_TOOLS}#handling-results-from-client-tools")
def tool_use_answered(ask: Ask) -> str:
    for i in range(len(ask.turns)):
        calls = _called(ask, i)
        answered = _leading_results(ask.turns[i + 1][1]) if i + 1 < len(ask.turns) else set()
        if missing := [call for call in calls if call not in answered]:
            return (
                f"messages.{i}: `tool_use` ids were found without `tool_result` blocks immediately "
                f"after: {', '.join(missing)}. Each `tool_use` block must have a corresponding "
                "`tool_result` block in the next message."
            )
    return ""


@rule(_TOOLS)
def tool_result_known(ask: Ask) -> str:
    for path, i, block in ask.places("tool_result"):
        if block["tool_use_id"] not in _called(ask, i - 1):
            return (
                f"{path}: unexpected `tool_use_id` found in `tool_result` blocks: "
                f"{block['tool_use_id']}. Each `tool_result` block must have a corresponding "
                "`tool_use` block in the previous message."
            )
    return ""


@rule(_TOOLS)
def tool_result_once(ask: Ask) -> str:
    seen: set[str] = set()
    for path, _, block in ask.places("tool_result"):
        call = block["tool_use_id"]
        if call in seen:
            return (
                f"{path}: each tool_use must have a single result. Found multiple `tool_result` "
                f"blocks with id: {call}"
            )
        seen.add(call)
    return ""


@rule(f"{_ERRORS}#prefill-not-supported")
def prefill_supported(ask: Ask) -> str:
    if ask.turns[-1][0] != "assistant" or ask.model.prefill:
        return ""
    return (
        "This model does not support assistant message prefill. The conversation must end with a "
        "user message."
    )


@rule(_CREATE)
def prefill_whitespace(ask: Ask) -> str:
    role, content = ask.turns[-1]
    text = content[-1].get("text", "") if content else ""
    if role != "assistant" or text == text.rstrip():
        return ""
    return "messages: final assistant content cannot end with trailing whitespace"
