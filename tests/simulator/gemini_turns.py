"""What Gemini's API refuses in a conversation: turns, calls and their results, signatures.

Importing it writes its rules into the book of `gemini_rules.py`, which says how they are sourced.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

from tests.simulator import digest, opened, sealed
from tests.simulator.gemini_rules import BOOK, Request, unable

__all__ = ["STAND_INS", "sign"]

JSONObject = dict[str, Any]

STAND_INS: Final = frozenset(
    {"skip_thought_signature_validator", "context_engineering_is_the_way_to_go"}
)
"""What is taken for a signature that is lost, or that never was."""

_DATA: Final = frozenset(
    {
        "text",
        "inlineData",
        "fileData",
        "functionCall",
        "functionResponse",
        "executableCode",
        "codeExecutionResult",
        "toolCall",
        "toolResponse",
    }
)
_LEARN: Final = (
    "Learn more: https://docs.cloud.google.com/vertex-ai/generative-ai/docs/thought-signatures"
)
_GENERATE: Final = "https://ai.google.dev/api/generate-content"
_CALLING: Final = "https://ai.google.dev/gemini-api/docs/function-calling"
_SIGNATURES: Final = "https://ai.google.dev/gemini-api/docs/thought-signatures"
_GITHUB: Final = "https://github.com"
_rule = BOOK.rule


def sign(part: JSONObject, *, vertex: bool) -> str:
    """The signature of a part: good at the door where it was given, and for this part."""
    return sealed("gemini", door=_door(vertex), signs=_meant(part))


def _door(vertex: bool) -> str:
    return "vertex" if vertex else "studio"


def _meant(part: JSONObject) -> str:
    """What a signature is bound to: a call with its arguments, or any text."""
    call = part.get("functionCall")
    return digest(call["name"], call.get("args", {})) if call else "text"


def _calls(content: JSONObject) -> list[JSONObject]:
    return _all(content, "functionCall")


def _all(content: JSONObject, kind: str) -> list[JSONObject]:
    return [part[kind] for part in content.get("parts", ()) if kind in part]


def _responses(content: JSONObject) -> list[JSONObject]:
    return _all(content, "functionResponse")


def _role(content: JSONObject) -> str:
    return content.get("role") or "user"


def _pairs(request: Request) -> Iterator[tuple[JSONObject, JSONObject]]:
    """Each content and the one before it; nothing stands before the first and after the last."""
    contents = [{}, *request.contents, {}]
    yield from pairwise(contents)


def _parts(request: Request) -> Iterator[tuple[str, JSONObject]]:
    for i, content in enumerate(request.contents):
        for j, part in enumerate(content.get("parts", ())):
            yield f"GenerateContentRequest.contents[{i}].parts[{j}]", part


# -- contents and parts --------------------------------------------------------------------------


@_rule("gemini.no_contents", _GENERATE)  # words unverified
def _no_contents(request: Request) -> str:
    if request.contents:
        return ""
    if request.vertex:
        return unable("at least one contents field is required")
    return "* GenerateContentRequest.contents: contents is not specified\n"


@_rule("gemini.invalid_role", f"{_GITHUB}/songquanpeng/one-api/issues/1385")
def _invalid_role(request: Request) -> str:
    if {_role(content) for content in request.contents} <= {"user", "model"}:
        return ""
    return "Please use a valid role: user, model."


@_rule("gemini.no_parts", f"{_GITHUB}/egoist/chatwise-releases/issues/250")
def _no_parts(request: Request) -> str:
    for number, content in enumerate(request.contents):
        if not content.get("parts"):
            return (
                f"* GenerateContentRequest.contents[{number}].parts:"
                " contents.parts must not be empty.\n"
            )
    return ""


@_rule("gemini.empty_part", f"{_GITHUB}/genkit-ai/genkit/issues/3816")
def _empty_part(request: Request) -> str:
    """A signature may ride on an empty text, nothing else."""
    for at, part in _parts(request):
        empty = not part.get("text", " ") and "thoughtSignature" not in part
        if empty or not _DATA & set(part):
            return f"* {at}.data: required oneof field 'data' must have one initialized field\n"
    return ""


@_rule("gemini.two_data", f"{_GITHUB}/googleapis/google-cloud-dart/issues/26")
def _two_data(request: Request) -> str:
    for at, part in _parts(request):
        if len(_DATA & set(part)) > 1:
            place = at.removeprefix("GenerateContentRequest.")
            return f"Invalid value at '{place}' (oneof), oneof field 'data' is already set."
    return ""


# -- turns ---------------------------------------------------------------------------------------


@_rule("gemini.call_after_user", f"{_GITHUB}/google-gemini/gemini-cli/issues/11814")
def _call_after_user(request: Request) -> str:
    for before, content in _pairs(request):
        if _calls(content) and (not before or _role(before) == "model"):
            return (
                "Please ensure that function call turn comes immediately after a user turn or"
                " after a function response turn."
            )
    return ""


@_rule(
    "gemini.first_not_user", f"{_GITHUB}/microsoft/semantic-kernel/pull/13288"
)  # told there, not quoted
def _first_not_user(request: Request) -> str:
    """The words are those for a conversation of one turn."""
    if _role(request.contents[0]) == "user":
        return ""
    return (
        "Please ensure that single turn requests end with a user role or the role field is empty."
    )


@_rule("gemini.response_after_call", f"{_GITHUB}/lobehub/lobehub/issues/7298")
def _response_after_call(request: Request) -> str:
    for before, content in _pairs(request):
        if _responses(content) and not _calls(before):
            return (
                "Please ensure that function response turn comes immediately after a function"
                " call turn."
            )
    return ""


@_rule("gemini.roles_alternate", f"{_GITHUB}/NousResearch/hermes-agent/pull/55623")
def _roles_alternate(request: Request) -> str:
    roles = [_role(content) for content in request.contents]
    if all(one != other for one, other in pairwise(roles)):
        return ""
    return "Please ensure that multiturn requests alternate between user and model."


@_rule("gemini.ends_with_model", f"{_GITHUB}/anomalyco/opencode/issues/47034")
def _ends_with_model(request: Request) -> str:
    if request.model.prefill or _role(request.contents[-1]) == "user":
        return ""
    return "Requests ending with a model turn are not supported."


@_rule("gemini.response_count", f"{_GITHUB}/google-gemini/gemini-cli/issues/5443")
def _response_count(request: Request) -> str:
    if all(len(_calls(before)) == len(_responses(after)) for before, after in _pairs(request)):
        return ""
    return (
        "Please ensure that the number of function response parts is equal to the number of"
        " function call parts of the function call turn."
    )


@_rule("gemini.response_name", _CALLING)  # words unverified
def _response_name(request: Request) -> str:
    """Results may come in any order, but each is some call's."""
    for before, after in _pairs(request):
        if _names(_calls(before)) != _names(_responses(after)):
            return "Request contains an invalid argument."
    return ""


def _names(items: Sequence[JSONObject]) -> list[str]:
    return sorted(item.get("name", "") for item in items)


@_rule("gemini.response_id", _CALLING)  # words unverified
def _response_id(request: Request) -> str:
    for before, after in _pairs(request):
        answered = {item["id"] for item in _responses(after) if item.get("id")}
        if not answered <= {item.get("id") for item in _calls(before)}:
            return "Request contains an invalid argument."
    return ""


# -- signatures ----------------------------------------------------------------------------------


@_rule("gemini.missing_signature", f"{_GITHUB}/karthink/gptel/issues/1146")
def _missing_signature(request: Request) -> str:
    """From Gemini 3 on, the first call of each step since the user last spoke is signed."""
    if request.model.major < 3:
        return ""
    for number, content in _steps(request):
        parts = [part for part in content["parts"] if "functionCall" in part]
        if parts and not parts[0].get("thoughtSignature"):
            return _missing(request, parts[0]["functionCall"]["name"], number)
    return ""


def _steps(request: Request) -> Iterator[tuple[int, JSONObject]]:
    """The model's contents of the current turn, with their numbers."""
    start = 0
    for number, content in enumerate(request.contents):
        if _role(content) == "user" and not _responses(content):
            start = number
    return (
        (number, content)
        for number, content in enumerate(request.contents, 1)
        if number > start and _role(content) == "model"
    )


def _missing(request: Request, name: str, number: int) -> str:
    if request.vertex:
        return (
            f"Unable to submit request because function call `{name}` in the {number}. content"
            f" block is missing a `thought_signature`. {_LEARN}"
        )
    return (
        "Function call is missing a thought_signature in functionCall parts. This is required for"
        " tools to work correctly, and missing thought_signature may lead to degraded model"
        f" performance. Additional data, function call `default_api:{name}` , position {number}."
        " Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more"
        " details."
    )


def _signed(request: Request) -> Iterator[tuple[dict[str, Any], JSONObject]]:
    """What each signature vouches for, and where it stands."""
    for _, part in _parts(request):
        signature = part.get("thoughtSignature")
        if signature and signature not in STAND_INS:
            yield opened(signature), part


def _corrupted(request: Request) -> str:
    if request.vertex:
        return unable("Thought signature is not valid.")
    return "Corrupted thought signature."


@_rule("gemini.foreign_signature", f"{_GITHUB}/google-gemini/gemini-cli/issues/13467")
def _foreign_signature(request: Request) -> str:
    """Another vendor's, nobody's, or Google's by its other door."""
    ours = {"vendor": "gemini", "door": _door(request.vertex)}
    own = all(ours.items() <= facts.items() for facts, _ in _signed(request))
    return "" if own else _corrupted(request)


@_rule("gemini.moved_signature", _SIGNATURES)  # that it is refused too is unverified
def _moved_signature(request: Request) -> str:
    """What signed one call stands on another, or on a changed one."""
    kept = all(facts["signs"] == _meant(part) for facts, part in _signed(request))
    return "" if kept else _corrupted(request)
