"""What tells one OpenAI-compatible API from another, as data; `models_openai.py` has the tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from asgi_thinking.capabilities import Capabilities

__all__ = ["Family", "Fields", "Model", "Switch"]

Fields: TypeAlias = Mapping[str, Any]
"""Values by where they stand in the body: `{"thinking.type": "enabled"}`."""

_NONE: Final[Fields] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Switch:
    """How thinking is asked for.

    `on` and `off` are what turns it on and off, `effort` and `budget` where those stand ("" where
    there is no such thing), and `always` what every request says.
    """

    on: Fields = field(default_factory=lambda: _NONE)
    off: Fields = field(default_factory=lambda: _NONE)
    effort: str = "reasoning_effort"
    budget: str = ""
    always: Fields = field(default_factory=lambda: _NONE)


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """What a model accepts, and how its thinking is asked for."""

    accepts: Capabilities
    switch: Switch = field(default_factory=Switch)


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """One vendor's API.

    Attributes:
        name: "deepseek".
        hosts: Ends of host names that are this vendor's.
        ids: Which model ids are this vendor's, a pattern for their beginning.
        models: Patterns of model ids and what they are; the first that is found counts.
        key: The environment variable that holds the vendor's key.
        echo: The key of an assistant message that takes its thinking back, "content" for parts of
            the content; "" where nothing does.
        owes_echo: Whether `echo` must be there, if only empty, while the model thinks.
        accepts: Origins of blocks that the vendor can verify, or takes back.
        limit: The name of `max_tokens`.
        seed: The name of `seed`.
        developer: Whether the role "developer" and OpenAI's other newer words are known.
        counts: Whether a stream has to be asked for its token counts.
        flat: Whether text has to be one string.
        caches: Whether parts take `cache_control`.
        call_ids: Which ids of tool calls are taken: "short" ones of at most 40 characters, or those
            of "nine" letters and digits.
        ordered: Whether the assistant must speak between a tool and the user, and be told when its
            last word is to be continued.
        search: What switches on the vendor's own web search.
    """

    name: str
    hosts: tuple[str, ...] = ()
    ids: str = ""
    models: tuple[tuple[str, Model], ...] = ()
    key: str = "OPENAI_API_KEY"
    echo: Literal["", "reasoning_content", "reasoning", "reasoning_details", "content"] = ""
    owes_echo: bool = False
    accepts: frozenset[str] = frozenset()
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    seed: Literal["seed", "random_seed"] = "seed"
    developer: bool = False
    counts: bool = True
    flat: bool = False
    caches: bool = False
    call_ids: Literal["any", "short", "nine"] = "any"
    ordered: bool = False
    search: Fields = field(default_factory=lambda: _NONE)
