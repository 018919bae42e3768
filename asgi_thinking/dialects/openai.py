"""OpenAI's own format and nothing beyond it: no thinking, in no reply, at no level.

    message = {"role", "content", "refusal", "annotations"?, "tool_calls"?}
    delta = {"role", "content", "refusal"} | {"content"} | {"refusal"} | {"tool_calls": […]}

OpenAI's deltas have no place for sources, so only a JSON reply names them, and only web pages.

Source: https://platform.openai.com/docs/api-reference/chat, and the types of openai 3.54; read
2026-11-22.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from asgi_thinking.chunks import StreamEncoder
from asgi_thinking.completions import JSONObject, completion, plain_choice, plain_message
from asgi_thinking.events import Annotation, Extra, ExtraLevel
from asgi_thinking.messages import Block, Choice, Message, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asgi_thinking.dialects import Asked

__all__ = ["OPENAI", "OpenAIDialect", "StrictEncoder"]

_SERVICE_TIERS: Final = ("auto", "default", "flex", "scale", "priority", "fast")


class OpenAIDialect:
    """The strict dialect, which every route allows."""

    __slots__ = ()

    name = "openai"
    opt_in: bytes | None = None
    shows_thinking = False
    ordered = False
    in_content = False
    own_keys: frozenset[str] = frozenset()
    plain = True

    def encode_message(self, message: Message, asked: Asked) -> dict[str, Any]:
        """A whole reply, exactly as OpenAI would have written it."""
        del asked
        choices = [_choice(index, choice) for index, choice in enumerate(message.choices)]
        return completion(replace(message, extras=_known("body", message.extras)), choices)

    def encoder(self, asked: Asked) -> StreamEncoder:
        """An encoder whose chunks are exactly OpenAI's."""
        return StrictEncoder(include_usage=asked.include_usage)

    def read_echo(self, message: Mapping[str, Any]) -> list[Block] | None:
        """None: OpenAI's own fields carry no thinking."""
        del message
        return None


class StrictEncoder(StreamEncoder):
    """Writes nothing that OpenAI's own types have no place for."""

    __slots__ = ()

    def _extra(self, event: Extra) -> None:
        super()._extra(Extra(event.level, _known(event.level, event.values), event.choice))

    def _cite(self, event: Annotation) -> None:
        pass


OPENAI: Final = OpenAIDialect()


def _choice(index: int, choice: Choice) -> JSONObject:
    blocks = tuple(
        _web_only(block) if isinstance(block, Text) else block for block in choice.blocks
    )
    strict = replace(choice, blocks=blocks, extras=_known("choice", choice.extras), delta_extras={})
    return plain_choice(index, strict, plain_message(strict))


def _web_only(text: Text) -> Text:
    return replace(text, citations=tuple(source for source in text.citations if source.url))


def _known(level: ExtraLevel, values: Mapping[str, Any]) -> JSONObject:
    """Of what an upstream said beside the vocabulary, what OpenAI's types have a place for."""
    match level:
        case "body":
            return {key: value for key, value in values.items() if _is_known(key, value)}
        case "choice" if (logprobs := _logprobs(values.get("logprobs"))) is not None:
            return {"logprobs": logprobs}
        case _:
            return {}


def _is_known(key: str, value: Any) -> bool:
    if key == "service_tier":
        return value in _SERVICE_TIERS
    return key == "system_fingerprint" and isinstance(value, str)


def _logprobs(value: Any) -> JSONObject | None:
    """OpenAI's `logprobs` without what others add to it; None where it is not OpenAI's at all."""
    if not isinstance(value, dict):
        return None
    given: JSONObject = value  # pyright: ignore[reportUnknownVariableType] (JSON)
    try:
        return {
            key: None if given.get(key) is None else [_token(token) for token in given[key]]
            for key in ("content", "refusal")
        }
    except (LookupError, TypeError, ValueError, AttributeError):
        return None


def _token(token: JSONObject) -> JSONObject:
    return {**_likely(token), "top_logprobs": [_likely(top) for top in token["top_logprobs"]]}


def _likely(token: JSONObject) -> JSONObject:
    if not isinstance(token["token"], str):
        raise TypeError("a token is a string")
    octets = token.get("bytes")
    return {
        "token": token["token"],
        "bytes": None if octets is None else [int(octet) for octet in octets],
        "logprob": float(token["logprob"]),
    }
