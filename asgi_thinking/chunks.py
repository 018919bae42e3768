"""The OpenAI envelope of a streamed reply, which every dialect fills with its own deltas.

    {"id", "object": "chat.completion.chunk", "created", "model", "choices": [choice, …], "usage"?}
    choice = {"index", "delta": {…}, "logprobs", "finish_reason"}

One chunk is made for each token, and each block has a lane that makes it cheaply.

Source: https://platform.openai.com/docs/api-reference/chat-streaming, read 2026-11-22.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias, assert_never

from asgi_thinking.completions import (
    JSONObject,
    Seal,
    annotation,
    passed_on,
    unsealed,
    usage_object,
)
from asgi_thinking.echo import is_array, is_object
from asgi_thinking.events import (
    Annotation,
    Batch,
    BlockStart,
    BlockStop,
    Done,
    Extra,
    Finish,
    MessageStart,
    SignatureDelta,
    StreamError,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    Usage,
)
from asgi_thinking.lanes import Lane, json_line, members

__all__ = ["DONE", "KEEP_ALIVE", "Account", "StreamEncoder"]

KEEP_ALIVE: Final = b": keep-alive\n\n"
DONE: Final = b"data: [DONE]\n\n"

_Envelope: TypeAlias = MessageStart | Usage | Extra | Finish | Done | StreamError
_Block: TypeAlias = BlockStart | BlockStop | SignatureDelta | Annotation

_COUNTS: Final = ("input", "output", "reasoning", "cache_read", "cache_write")


class Account:
    """What a stream said of itself, which is known at its end."""

    __slots__ = ("finish_reasons", "start", "usage")

    def __init__(self) -> None:
        self.start: MessageStart | None = None
        self.finish_reasons: list[str] = []
        self.usage: Usage | None = None


class StreamEncoder:
    """Writes the events of one reply as OpenAI's chunks; dialects override what they do otherwise.

    As it stands it shows the answer, refusals and tool calls, and passes on what else an upstream
    said; thinking stays hidden.
    """

    __slots__ = (
        "_calls",
        "_citations",
        "_extras",
        "_greeted",
        "_head",
        "_include_usage",
        "_lanes",
        "_out",
        "_over",
        "_seal",
        "account",
        "keep_alive",
    )

    role: bytes = b'"role":"assistant","content":"","refusal":null'
    """Members of a choice's first delta."""

    finish: bytes = b'"delta":{},"logprobs":null,'
    """What stands between `index` and `finish_reason` in a choice's last chunk."""

    def __init__(
        self, *, include_usage: bool, seal: Seal = unsealed, keep_alive: bytes = KEEP_ALIVE
    ) -> None:
        self.keep_alive = keep_alive
        self._include_usage = include_usage
        self._seal = seal
        self._out = bytearray()
        self._over = False
        self._head = b""
        self._extras: JSONObject = {}
        self._lanes: list[Lane] = []
        self._greeted: set[int] = set()
        self._calls: dict[int, int] = {}
        self._citations: dict[int, list[JSONObject]] = {}
        self.account = Account()

    def feed(self, batch: Batch) -> bytes:
        """The SSE bytes of a batch, possibly none; a `StreamError` or `Done` ends the stream."""
        if len(batch) == 1:
            only = batch[0]
            # What nearly every batch of a live stream is.
            if type(only) is ThinkingDelta or type(only) is TextDelta:
                lane = self._lanes[only.index]
                if lane.flows and (text := only.text):
                    return lane.fragment(text)
        out, lanes = self._out, self._lanes
        for event in batch:
            if self._over:
                break
            match event:
                case TextDelta() | ThinkingDelta():
                    text = event.text
                case ToolCallDelta():
                    text = event.arguments
                case _:
                    self._turn(event)
                    continue
            lane = lanes[event.index]
            if lane.prefix and text:
                out += self._say(lane, text)
        data = bytes(out)
        out.clear()
        return data

    def _say(self, lane: Lane, text: str) -> bytes:
        if lane.flows:
            return lane.fragment(text)
        lane.flows = True
        prefix = lane.prefix
        lane.prefix, text = self._begin(lane, text)
        first = lane.fragment(text)
        lane.prefix = prefix
        return first

    # -- one event of another kind -------------------------------------------------------------

    def _turn(self, event: _Block | _Envelope) -> None:
        match event:
            case BlockStart():
                lane = Lane(event)
                self._lanes.append(lane)
                self._greet(event.choice)
                self._open(lane)
            case BlockStop(index):
                self._close(self._lanes[index])
                self._lanes[index].hide()
            case SignatureDelta(index, signature):
                self._lanes[index].signature = signature
            case Annotation():
                self._cite(event)
            case _:
                self._turn_envelope(event)

    def _turn_envelope(self, event: _Envelope) -> None:
        match event:
            case MessageStart():
                self.account.start = event
                self._extras = self._head_fields(event)
                self._render_head()
                self._greet(0)
            case Usage():
                self._count(event)
            case Extra():
                self._extra(event)
            case Finish():
                self.account.finish_reasons.append(event.reason)
                self._finish(event)
            case Done():
                self._end()
                self._out += DONE
                self._over = True
            case StreamError(error):
                # Of all forms, only this one raises in every client that was tried.
                self._out += b"event: error\ndata: " + error.envelope() + b"\n\n"
                self._over = True
                for lane in self._lanes:
                    lane.hide()
            case _ as unreachable:
                assert_never(unreachable)

    # -- the envelope --------------------------------------------------------------------------

    def _head_fields(self, start: MessageStart) -> JSONObject:
        """What stands before `choices` in every chunk."""
        return {
            "id": start.id,
            "object": "chat.completion.chunk",
            "created": start.created,
            "model": start.model,
        }

    def _render_head(self) -> None:
        self._head = b"data: " + json_line(self._extras)[:-1] + b',"choices":['
        for lane in self._lanes:
            if lane.prefix:
                self._frame(lane)

    def _around(self, choice: int) -> tuple[bytes, bytes]:
        """What stands before and after the members of a delta."""
        before = self._head + b'{"index":%d,"delta":{' % choice
        return before, b'},"logprobs":null,"finish_reason":null}]}\n\n'

    def _chunk(self, choice: int, delta: bytes) -> None:
        """Send a delta, given by its members."""
        before, after = self._around(choice)
        self._out += before + delta + after

    def _greet(self, choice: int) -> None:
        """Send the role, once for each choice."""
        if choice not in self._greeted:
            self._greeted.add(choice)
            self._chunk(choice, self.role)

    def _count(self, usage: Usage) -> None:
        if self.account.usage is None:
            self.account.usage = Usage()
        for name in _COUNTS:
            if (count := getattr(usage, name)) is not None:
                setattr(self.account.usage, name, count)

    def _usage_fields(self, usage: Usage) -> JSONObject:
        return usage_object(usage)

    def _extra(self, event: Extra) -> None:
        """Pass on what the upstream said beside the vocabulary."""
        values = passed_on(event.values)
        match event.level:
            case "body":
                if any(self._extras.get(key, values) != value for key, value in values.items()):
                    self._extras |= values
                    self._render_head()
            case "choice" if values:
                self._greet(event.choice)
                index = b'{"index":%d,"delta":{},' % event.choice
                self._out += self._head + index + members(values) + b',"finish_reason":null}]}\n\n'
            case "delta" if values := {k: v for k, v in values.items() if _is_mergeable(v)}:
                self._greet(event.choice)
                self._chunk(event.choice, members(values))
            case _:
                pass

    def _finish_reason(self, event: Finish) -> str:
        return event.reason

    def _finish(self, event: Finish) -> None:
        """Send a choice's last deltas and its finish chunk."""
        self._send_finish(event, b"")

    def _send_finish(self, event: Finish, rest: bytes) -> None:
        choice = event.choice
        self._greet(choice)
        if citations := self._citations.pop(choice, None):
            # All in one delta: items of a list that comes twice would need an `index`.
            self._chunk(choice, b'"annotations":' + json_line(citations))
        reason = json_line(self._finish_reason(event))
        index = b'{"index":%d,' % choice
        self._out += self._head + index + self.finish
        self._out += b'"finish_reason":' + reason + b"}]" + rest + b"}\n\n"

    def _end(self) -> None:
        """Send what comes after every choice is complete."""
        if self._include_usage and self.account.usage is not None:
            usage = json_line(self._usage_fields(self.account.usage))
            self._out += self._head + b'],"usage":' + usage + b"}\n\n"

    # -- blocks --------------------------------------------------------------------------------

    def _open(self, lane: Lane) -> None:
        """A block starts: give its fragments a frame, unless it is hidden."""
        match lane.block.kind:
            case "text" | "refusal":
                self._frame(lane)
            case "tool_call":
                lane.number = self._calls.get(lane.block.choice, 0)
                self._calls[lane.block.choice] = lane.number + 1
                self._frame(lane)
                # Readers of signatures look for them where a call starts, and one may be coming.
                if not lane.block.origin:
                    self._start_call(lane)
            case "thinking" | "redacted_thinking" | "opaque":
                pass
            case _ as unreachable:
                assert_never(unreachable)

    def _frame(self, lane: Lane) -> None:
        """Render what stands around a fragment of the block."""
        before, after = self._around(lane.block.choice)
        if lane.block.kind == "tool_call":
            call = b'"tool_calls":[{"index":%d,"function":{"arguments":' % lane.number
            lane.prefix, lane.suffix = before + call, b"}}]" + after
        else:
            key = b'"refusal":' if lane.block.kind == "refusal" else b'"content":'
            lane.prefix, lane.suffix = before + key, after

    def _begin(self, lane: Lane, text: str) -> tuple[bytes, str]:
        """The block's first fragment is about to be sent: the prefix and text to send for it."""
        if lane.block.kind == "tool_call" and not lane.sent:
            self._start_call(lane)
        return lane.prefix, text

    def _close(self, lane: Lane) -> None:
        """A block stops: send what is still missing of it."""
        if lane.block.kind != "tool_call":
            return
        if not lane.flows:
            self._out += self._say(lane, "{}")
        if lane.signature and lane.signature != lane.sealed:
            within, beside = self._seal(lane.signature, lane.block.origin)
            if within or beside:
                self._send_call(lane, {}, {"arguments": "", **within}, beside)

    def _start_call(self, lane: Lane) -> None:
        lane.sent = True
        within: JSONObject = {}
        beside: JSONObject = {}
        if lane.signature:
            lane.sealed = lane.signature
            within, beside = self._seal(lane.signature, lane.block.origin)
        call = {"id": lane.block.id or "", "type": "function"}
        function = {"name": lane.block.name or "", "arguments": "", **within}
        self._send_call(lane, call, function, beside)

    def _send_call(
        self, lane: Lane, call: JSONObject, function: JSONObject, beside: JSONObject
    ) -> None:
        item = {"index": lane.number, **call, "function": function, **beside}
        self._chunk(lane.block.choice, b'"tool_calls":' + json_line([item]))

    def _cite(self, event: Annotation) -> None:
        """Keep a source until the choice's end."""
        choice = self._lanes[event.index].block.choice
        self._citations.setdefault(choice, []).append(annotation(event))


def _is_mergeable(value: Any) -> bool:
    """Whether openai-python's stream helper can merge it: a list's items need an `index`."""
    if not is_array(value):
        return True
    return all(is_object(item) and isinstance(item.get("index"), int) for item in value)
