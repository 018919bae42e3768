"""The vocabulary of a streamed reply: every wire decodes into it, every dialect encodes it.

Grammar of one reply::

    MessageStart (block | Extra | Usage)* (Finish (Extra | Usage)*)+ Done     a good reply
    MessageStart? …                       StreamError                         a failed one
    block = BlockStart (delta | SignatureDelta | Annotation)* BlockStop

Several blocks may be open at once. `index` is dense over the whole reply, in order of emission;
`choice` is OpenAI's `choices[].index`. A signature may stand on a block of any kind, comes whole
and replaces; a signed part is always a block of its own. Redacted and opaque blocks carry their
payload in `BlockStart.data`. Tool arguments are fragments of JSON text, never parsed in flight.

Events are read-only by convention, not frozen: one is made for each token, and a frozen dataclass
costs three times as much to construct.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, final

if TYPE_CHECKING:
    from asgi_thinking.exceptions import ThinkingError

__all__ = [
    "Annotation",
    "Batch",
    "BlockKind",
    "BlockStart",
    "BlockStop",
    "Done",
    "Event",
    "Extra",
    "ExtraLevel",
    "Finish",
    "FinishReason",
    "MessageStart",
    "SignatureDelta",
    "StreamError",
    "TextDelta",
    "ThinkingDelta",
    "ToolCallDelta",
    "Usage",
]

BlockKind: TypeAlias = Literal[
    "thinking", "redacted_thinking", "text", "refusal", "tool_call", "opaque"
]
FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter"]
ExtraLevel: TypeAlias = Literal["body", "choice", "delta"]


@final
@dataclass(slots=True)
class MessageStart:
    """First event: the reply's id, model, time (seconds since the epoch) and provider kind."""

    id: str
    model: str
    created: int
    provider: str


@final
@dataclass(slots=True)
class BlockStart:
    """A block opens.

    `id` and `name` belong to tool calls; `data` is a redacted block's data or an opaque block's
    JSON text. `origin` says who can verify the block's signature: "" is Claude's family.
    """

    index: int
    kind: BlockKind
    choice: int = 0
    id: str | None = None
    name: str | None = None
    data: str | None = None
    origin: str = ""


@final
@dataclass(slots=True)
class ThinkingDelta:
    """A fragment of thinking."""

    index: int
    text: str


@final
@dataclass(slots=True)
class TextDelta:
    """A fragment of the answer, or of a refusal's explanation."""

    index: int
    text: str


@final
@dataclass(slots=True)
class ToolCallDelta:
    """A fragment of a call's arguments, as JSON text."""

    index: int
    arguments: str


@final
@dataclass(slots=True)
class SignatureDelta:
    """The whole signature of a block; it replaces, and is never concatenated."""

    index: int
    signature: str


@final
@dataclass(slots=True)
class Annotation:
    """A source of a text block.

    `start` and `end` are code points of the choice's whole answer. `url` is "" for a source that
    is no web page; `raw` is the vendor's own object.
    """

    index: int
    start: int
    end: int
    url: str
    title: str
    raw: Mapping[str, Any] = field(default_factory=dict[str, Any])


@final
@dataclass(slots=True)
class BlockStop:
    """A block closes."""

    index: int


@final
@dataclass(slots=True)
class Usage:
    """Token counts so far: absolute, the last of each field wins, None is unknown.

    `input` includes `cache_read` and `cache_write`; `output` includes `reasoning`.
    """

    input: int | None = None
    output: int | None = None
    reasoning: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None


@final
@dataclass(slots=True)
class Extra:
    """What only OpenAI-shaped upstreams have beside this: logprobs, system_fingerprint."""

    level: ExtraLevel
    values: Mapping[str, Any]
    choice: int = 0


@final
@dataclass(slots=True)
class Finish:
    """A choice is complete: OpenAI's reason, and the vendor's own word for it."""

    reason: FinishReason
    native: str
    choice: int = 0


@final
@dataclass(slots=True)
class Done:
    """The reply is complete, by the wire's own end."""


@final
@dataclass(slots=True)
class StreamError:
    """The reply failed; nothing follows."""

    error: ThinkingError


Event: TypeAlias = (
    MessageStart
    | BlockStart
    | ThinkingDelta
    | TextDelta
    | ToolCallDelta
    | SignatureDelta
    | Annotation
    | BlockStop
    | Usage
    | Extra
    | Finish
    | Done
    | StreamError
)

Batch: TypeAlias = Sequence[Event]
"""All that one network read yielded; never empty; leaves in one `send`."""
