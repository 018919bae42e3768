"""What ASGI's scopes and messages say of a reply that may be rewritten.

Source: https://asgi.readthedocs.io/en/latest/specs/www.html and
https://asgi.readthedocs.io/en/latest/extensions.html, read 2026-11-22.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from starlette.types import Message, Receive, Scope, Send

from asgi_thinking.exceptions import ProviderError, ThinkingError

__all__ = [
    "BODY",
    "KEY",
    "START",
    "UNSEEN",
    "Kind",
    "Overhearing",
    "carry_back",
    "kind_of",
    "marked",
    "readable",
    "send_error",
    "without_shortcuts",
]

KEY: Final = "asgi_thinking"
"""Where in a scope the `HostReply` stands."""

START: Final = "http.response.start"
BODY: Final = "http.response.body"

UNSEEN: Final = frozenset({"http.response.pathsend", "http.response.zerocopysend"})
"""Messages that send bytes which nobody between the host and the server sees; also the names of the
extensions that allow them."""

Kind: TypeAlias = Literal["json", "stream", "sealed", "other"]

_RawHeaders: TypeAlias = list[tuple[bytes, bytes]]

_MARK: Final = b"x-thinking-dialect"

_KINDS: Final[dict[bytes, Kind]] = {b"application/json": "json", b"text/event-stream": "stream"}

# What is true of the host's bytes alone.
_OF_BYTES: Final = frozenset(
    {
        *(b"content-length", b"etag", b"content-md5", b"digest"),
        *(b"content-digest", b"repr-digest", b"accept-ranges", b"transfer-encoding"),
    }
)


class Overhearing:
    """Keeps a request's body, up to a limit in bytes, while it goes to the host as it is."""

    __slots__ = ("_limit", "_parts", "_size", "_whole")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] | None = []  # None: not kept, or not any more
        self._size = 0
        self._whole = False

    def hear(self, message: Message) -> None:
        """Take a message that the host receives."""
        if self._parts is None or self._whole or message["type"] != "http.request":
            return
        part = message.get("body", b"")
        self._size += len(part)
        self._parts.append(part)
        self._whole = not message.get("more_body", False)
        if self._size > self._limit:
            self._parts = None

    def around(self, receive: Receive) -> Receive:
        """A `receive` that gives the very same messages."""

        async def receive_overheard() -> Message:
            message = await receive()
            self.hear(message)
            return message

        return receive_overheard

    def take(self) -> bytes | None:
        """The body, which is not kept any longer; None where not all of it is known."""
        parts, self._parts = self._parts, None
        return b"".join(parts) if parts is not None and self._whole else None


def without_shortcuts(scope: Scope) -> Scope:
    """A copy of the scope in which nothing invites the host to send what cannot be read."""
    inner = dict(scope)
    inner["headers"] = [pair for pair in scope["headers"] if pair[0].lower() != b"accept-encoding"]
    if extensions := scope.get("extensions"):
        inner["extensions"] = {k: v for k, v in extensions.items() if k not in UNSEEN}
    return inner


def carry_back(inner: Scope, scope: Scope) -> None:
    """Let the scope of those outside have what the host has put into its copy, such as `route`."""
    for key, value in inner.items():
        if key != KEY:
            scope.setdefault(key, value)


def readable(start: Message) -> Message:
    """The start, with headers that can be read more than once."""
    headers = start.get("headers", ())
    if isinstance(headers, (list, tuple)):
        return start
    return {**start, "headers": list(headers)}


def kind_of(start: Message) -> Kind:
    """What a reply is to us: "sealed" is of a kind that we rewrite, but cannot be read."""
    kind: Kind = "other"
    sealed = False
    if not 200 <= start["status"] < 300:
        return kind
    for raw, value in start.get("headers", ()):
        name = raw.lower()
        if name == b"content-type":
            kind = _KINDS.get(value.partition(b";")[0].strip().lower(), "other")
        elif name == _MARK:
            return "other"  # it has been written in a dialect before
        elif name == b"content-range":
            sealed = True
        elif name == b"content-encoding":
            sealed = sealed or value.strip().lower() not in (b"", b"identity")
    return "sealed" if sealed and kind != "other" else kind


def marked(start: Message, dialect: str, vary: bytes, size: int | None = None) -> Message:
    """The start of a reply with another body, of `size` bytes if that is known."""
    headers = [(name.lower(), value) for name, value in start.get("headers", ())]
    headers = [pair for pair in headers if pair[0] not in _OF_BYTES]
    # With trailers the body's end is not the reply's, and servers would not wait for them.
    if size is not None and not start.get("trailers", False):
        headers.append((b"content-length", b"%d" % size))
    headers = [*_varying(headers, vary), (_MARK, dialect.encode())]
    return {**start, "headers": headers}


def _varying(headers: _RawHeaders, vary: bytes) -> _RawHeaders:
    """The headers with `vary` merged into what the host says there."""
    said = b",".join([value for name, value in headers if name == b"vary"]).lower().split(b",")
    known = {name.strip() for name in said}
    if b"*" in known:
        return headers
    news = [name for name in vary.split(b", ") if name not in known]
    return [*headers, (b"vary", b", ".join(news))] if news else headers


async def send_error(send: Send, error: ThinkingError, vary: bytes, dialect: str = "") -> None:
    """Answer with OpenAI's envelope; it needs no event loop of any kind."""
    body = error.envelope()
    headers: _RawHeaders = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"vary", vary),
    ]
    if dialect:
        headers.append((_MARK, dialect.encode()))
    if isinstance(error, ProviderError):
        headers.append((b"x-should-retry", b"false"))  # the host would give the same again
    await send({"type": START, "status": error.status, "headers": headers})
    await send({"type": BODY, "body": body})
