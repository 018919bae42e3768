"""Chat completions of OpenAI and of those who speak them: what each refuses, and what it says.

Sources: the vendors' pages that `openai_vendors.py` names; where each puts its thinking:
https://api-docs.deepseek.com/guides/thinking_mode,
https://openrouter.ai/docs/use-cases/reasoning-tokens, https://console.groq.com/docs/reasoning,
https://docs.mistral.ai/capabilities/reasoning and
https://docs.vllm.ai/en/stable/features/reasoning_outputs, read 2026-11-22.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from tests.simulator import Answer, Refused, Reply, Speaker, digest, sealed
from tests.simulator.openai_mistral import BOOK as MISTRAL
from tests.simulator.openai_others import BOOKS as OTHERS
from tests.simulator.openai_vendors import HOSTS, Request, find

__all__ = ["RULES", "openai_compatible"]

JSONObject = dict[str, Any]

_BOOKS: Final = {**OTHERS, "mistral": MISTRAL}
_DOOR: Final = ("no_such_path", "no_credential", "no_such_model", "json")

# The pages that say where each is reached and what is sent there; how it refuses another path,
# another model, no key and no JSON is on none of them, and unverified but for what was seen.
_PAGES: Final = {
    "openai": "https://platform.openai.com/docs/api-reference/chat/create",
    "deepseek": "https://api-docs.deepseek.com/api/create-chat-completion",
    "openrouter": "https://openrouter.ai/docs/use-cases/reasoning-tokens",
    "groq": "https://console.groq.com/docs/openai",
    "xai": "https://docs.x.ai/docs/guides/reasoning",
    "mistral": "https://docs.mistral.ai/api",
    "vllm": "https://docs.vllm.ai/en/stable/serving/openai_compatible_server",
}
_SEEN: Final = {
    "openai.json": "https://github.com/0xacx/chatGPT-shell-cli/issues/104",
    "deepseek.no_credential": "https://github.com/browserbase/stagehand/issues/1435",
    "openrouter.no_such_model": "https://github.com/OpenRouterTeam/openrouter-examples/issues/74",
}

RULES: Final = {
    **{
        f"{vendor}.{rule}": _SEEN.get(f"{vendor}.{rule}", page)
        for vendor, page in _PAGES.items()
        for rule in _DOOR
        if (vendor, rule) != ("vllm", "no_credential")  # a server of one's own wants none
    },
    **{name: source for book in _BOOKS.values() for name, source in book.sources.items()},
}
"""Every rule, with the page that states it or where its words were seen."""

_JSON: Final = {"content-type": "application/json"}
_SSE: Final = {"content-type": "text/event-stream; charset=utf-8"}

_PATHS: Final = {
    "openai": "/v1/chat/completions",
    "deepseek": "(/v1)?/chat/completions",
    "openrouter": "/api/v1/chat/completions",
    "groq": "/openai/v1/chat/completions",
    "xai": "/v1/chat/completions",
    "mistral": "/v1/chat/completions",
    "vllm": r"(/[\w.-]+)*/chat/completions",
}

# What each says to a request without a key, for a model that it does not have, and to what is not
# JSON; with the status where that is another than 401, 404 and 400.
_KEY: Final = {
    "openai": "You didn't provide an API key. You need to provide your API key in an Authorization"
    " header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
    "deepseek": "Authentication Fails (governor)",
    "openrouter": "Missing Authentication header",
    "groq": "Invalid API Key",
    "xai": "No API key provided.",
    "mistral": "Unauthorized",
}
_MODEL: Final = {
    "openai": ("The model `{}` does not exist or you do not have access to it.", 404),
    "deepseek": ("Model Not Exist", 400),
    "openrouter": ("{} is not a valid model ID", 400),
    "groq": ("The model `{}` does not exist or you do not have access to it.", 404),
    "xai": ("The model {} does not exist or your team does not have access to it.", 404),
    "mistral": ("Invalid model: {}", 400),
    "vllm": ("The model `{}` does not exist.", 404),
}
_NOT_JSON: Final = "We could not parse the JSON body of your request."
_KINDS: Final = {
    "Extra": "extra_forbidden",
    "Input tag": "union_tag_invalid",
    "Input should be less": "less_than_equal",
}
_QUOTED: Final = re.compile(r"'([\w.\[\]]+)'")


def openai_compatible(path: str, headers: Mapping[str, str], body: bytes, speak: Speaker) -> Answer:
    """Answer a request for a chat completion, or refuse it.

    Args:
        path: with its query.
        headers: by their names in any case; `host` says which vendor it is.
        body: JSON.
        speak: chooses what is said.
    """
    known = {name.lower(): headers[name] for name in headers}
    vendor = HOSTS.get(known.get("host", "").partition(":")[0], "vllm")
    try:
        request = _read(vendor, path.partition("?")[0], known, body)
        _BOOKS[vendor].check(request)
    except Refused as refused:
        return _refusal(vendor, refused)
    reply = speak(request.body)
    message = _message(request, reply)
    if not request.body.get("stream"):
        return Answer(200, _JSON, orjson.dumps(_completion(request, message, reply)))
    chunks = [
        b"data: " + orjson.dumps(chunk) + b"\n\n" for chunk in _stream(request, message, reply)
    ]
    return Answer(200, _SSE, b"".join(chunks) + b"data: [DONE]\n\n")


def _read(vendor: str, path: str, headers: Mapping[str, str], body: bytes) -> Request:
    if not re.fullmatch(_PATHS[vendor], path):
        raise Refused(f"{vendor}.no_such_path", f"Unknown request URL: POST {path}.", 404)
    if vendor in _KEY and not headers.get("authorization"):
        raise Refused(f"{vendor}.no_credential", _KEY[vendor], 401)
    try:
        value = orjson.loads(body)
    except ValueError:
        raise Refused(f"{vendor}.json", _NOT_JSON) from None
    model = find(vendor, value["model"])
    if model is None:
        text, status = _MODEL[vendor]
        rule = f"{vendor}.no_such_model"
        raise Refused(rule, text.format(value["model"]), status, "model_not_found")
    return Request(vendor, value["model"], model, value)


def _refusal(vendor: str, refused: Refused) -> Answer:
    headers = {**_JSON, "x-refused-by": refused.rule}
    return Answer(refused.status, headers, orjson.dumps(_error(vendor, refused)))


def _error(vendor: str, refused: Refused) -> JSONObject:
    text, kind = refused.message, "invalid_request_error"
    match vendor:
        case "xai":
            return {"code": "Client specified an invalid argument", "error": text}
        case "openrouter":
            return {"error": {"message": text, "code": refused.status}}
        case "vllm":
            error = {"message": text, "type": "BadRequestError", "param": None}
            return {"error": {**error, "code": refused.status}}
        case "mistral":
            message: Any = _detail(text) if refused.status == 422 else text
            fields = {"type": kind, "param": None, "code": refused.code or None}
            return {"object": "error", "message": message, **fields}
        case "deepseek":
            return {"error": {"message": text, "type": kind, "param": None, "code": kind}}
        case _:
            quoted = _QUOTED.search(text)
            fields = {"param": quoted and quoted[1], "code": refused.code or None}
            return {"error": {"message": text, "type": kind, **fields}}


def _detail(text: str) -> JSONObject:
    """Mistral's account of what does not fit its schema."""
    at, _, why = text.partition(": ")
    place = [int(key) if key.isdigit() else key for key in at.split(".")]
    kind = next(name for start, name in _KINDS.items() if why.startswith(start))
    return {"detail": [{"type": kind, "loc": place, "msg": why}]}


# -- what is said --------------------------------------------------------------------------------


def _message(request: Request, reply: Reply) -> JSONObject:
    """The assistant's message, with its thinking where the vendor has it."""
    thought = reply.thinking if request.reasons else ""
    message: JSONObject = {"role": "assistant", **_thought(request, reply, thought)}
    message.setdefault("content", reply.text or (None if reply.calls else ""))
    if reply.calls:
        message["tool_calls"] = [
            {
                "id": _call_id(request, number),
                "type": "function",
                "function": {"name": call.name, "arguments": orjson.dumps(call.arguments).decode()},
            }
            for number, call in enumerate(reply.calls)
        ]
    return message


def _call_id(request: Request, number: int) -> str:
    mark = digest(request.vendor, len(request.messages), number)
    return mark[:9] if request.vendor == "mistral" else f"call_{mark}"


def _thought(request: Request, reply: Reply, thought: str) -> JSONObject:
    if not thought:
        return {}
    match request.vendor:
        case "openai":
            return {}
        case "deepseek" | "xai":
            return {"reasoning_content": thought}
        case "vllm":
            return {"reasoning": thought}
        case "groq":
            return _groq(request, reply, thought)
        case "openrouter":
            told = request.body.get("reasoning") or {}
            return {} if told.get("exclude") else _details(reply, thought)
        case _:
            parts = [{"type": "thinking", "thinking": [{"type": "text", "text": thought}]}]
            said = [{"type": "text", "text": reply.text}] if reply.text else []
            return {"content": [*parts, *said]}


def _groq(request: Request, reply: Reply, thought: str) -> JSONObject:
    """Qwen's stands in the answer by default, and where its caller wants it."""
    shape = "raw" if "default" in request.model.efforts else "parsed"
    match request.body.get("reasoning_format", shape):
        case "raw":
            return {"content": f"<think>\n{thought}\n</think>\n\n{reply.text}"}
        case "hidden":
            return {}
        case _:
            return {"reasoning": thought}


def _details(reply: Reply, thought: str) -> JSONObject:
    """Each text twice, and signed; what is hidden is sealed."""
    shared = {"format": "anthropic-claude-v1", "index": 0}
    if reply.redacted:
        data = sealed("openrouter", signs=digest(""))
        return {"reasoning_details": [{"type": "reasoning.encrypted", "data": data, **shared}]}
    signature = sealed("openrouter", signs=digest(thought))
    item = {"type": "reasoning.text", "text": thought, "signature": signature, **shared}
    return {"reasoning": thought, "reasoning_details": [item]}


def _usage(request: Request, reply: Reply) -> JSONObject:
    thought = len(reply.thinking) if request.reasons else 0
    said = len(reply.text) + sum(len(str(call)) for call in reply.calls) + thought
    return {
        "prompt_tokens": 10,
        "completion_tokens": said,
        "total_tokens": 10 + said,
        "completion_tokens_details": {"reasoning_tokens": thought},
    }


def _completion(request: Request, message: JSONObject, reply: Reply) -> JSONObject:
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(reply)}
    return {
        **_head(request, "chat.completion"),
        "choices": [choice],
        "usage": _usage(request, reply),
    }


def _finish(reply: Reply) -> str:
    return "tool_calls" if reply.calls else "stop"


def _head(request: Request, kind: str) -> JSONObject:
    mark = f"chatcmpl-{digest(request.body)}"
    return {"id": mark, "object": kind, "created": 1, "model": request.id}


def _stream(request: Request, message: JSONObject, reply: Reply) -> Iterator[JSONObject]:
    head = _head(request, "chat.completion.chunk")
    for delta in _deltas(message):
        yield {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    last: JSONObject = {"index": 0, "delta": {}, "finish_reason": _finish(reply)}
    yield {**head, "choices": [last]}
    told = (request.body.get("stream_options") or {}).get("include_usage")
    if told or request.vendor == "mistral":
        yield {**head, "choices": [], "usage": _usage(request, reply)}


def _deltas(message: JSONObject) -> Iterator[JSONObject]:
    """The message in pieces: texts in halves, calls one by one with their arguments in halves."""
    yield {"role": "assistant", "content": ""}
    yield from _detailed(message)
    for name in ("reasoning_content", "reasoning", "content"):
        said = message.get(name)
        if isinstance(said, list):
            yield from ({"content": [part]} for part in said[:-1])
            yield {"content": said[-1]["text"]} if "text" in said[-1] else {"content": said[-1:]}
        elif said and not (name == "reasoning" and "reasoning_details" in message):
            yield from ({name: piece} for piece in _halves(said))
    for number, call in enumerate(message.get("tool_calls", ())):
        first, *rest = _halves(call["function"]["arguments"])
        function = {**call["function"], "arguments": first}
        yield {"tool_calls": [{**call, "index": number, "function": function}]}
        for piece in rest:
            yield {"tool_calls": [{"index": number, "function": {"arguments": piece}}]}


def _detailed(message: JSONObject) -> Iterator[JSONObject]:
    """OpenRouter says each piece twice in one delta, and signs at the end."""
    for item in message.get("reasoning_details", ()):
        for piece in _halves(item.get("text", "")):
            part = {key: item[key] for key in item if key != "signature"}
            yield {"reasoning": piece, "reasoning_details": [{**part, "text": piece}]}
        yield {"reasoning_details": [{key: item[key] for key in item if key != "text"}]}


def _halves(text: str) -> list[str]:
    middle = len(text) // 2
    return [piece for piece in (text[:middle], text[middle:]) if piece]
