"""What `build` promises: pure, repeatable, and nothing in the URL that a caller chose."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from asgi_thinking.exceptions import ThinkingError
from asgi_thinking.providers import HTTPProvider
from asgi_thinking.requests import ChatRequest
from asgi_thinking.testing._asking import Asking
from asgi_thinking.transport import UpstreamRequest

__all__ = ["building_faults"]

_NAME: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

# Ids with the characters that ids may have; what has others is refused before it gets here.
_ODD: Final = ("{}/v2/keys", "{}@evil.example", "{}:8080", "{}+x", "//evil.example/{}", "@{}")


def building_faults(
    provider: HTTPProvider, asking: Asking, asked: Mapping[str, ChatRequest]
) -> Iterator[str]:
    """All that `build` does wrong with the requests, and with odd model ids."""
    for what, request in asked.items():
        before = copy.deepcopy(request)
        built = provider.build(request)
        if built != provider.build(request):
            yield f"build makes two different requests of {what}"
        if request != before:
            yield f"build changes {what} that it is given"
        yield from _form_faults(built)
    plain = provider.build(asking.fitted({"messages": _HELLO}))
    for form in _ODD:
        odd = form.format(asking.model)
        try:
            built = provider.build(asking.fitted({"messages": _HELLO}, odd))
        except ThinkingError:
            continue
        for fault in _chosen(plain, built):
            yield f"the model id {odd!r} {fault}"


_HELLO: Final = [{"role": "user", "content": "hi"}]


def _form_faults(built: UpstreamRequest) -> Iterator[str]:
    url = urlsplit(built.url)
    if url.scheme not in ("http", "https") or not url.hostname:
        yield "build gives a URL that does not begin with https:// or http:// and a host"
    if url.username or url.password or url.fragment:
        yield "build gives a URL with credentials or a fragment"
    for name, value in built.headers:
        if not _NAME.fullmatch(name):
            yield f"build gives the header {name!r}, which is no name in lower case"
        if _CONTROL.search(value):
            yield f"build gives the header {name} a value with control characters"
    if not isinstance(built.body, bytes):  # pyright: ignore[reportUnnecessaryIsInstance] (judged)
        yield "build gives a body that is not bytes"


def _chosen(plain: UpstreamRequest, odd: UpstreamRequest) -> Iterator[str]:
    """What the model id of a request has decided that is not its to decide."""
    usual, found = urlsplit(plain.url), urlsplit(odd.url)
    if (usual.scheme, usual.netloc) != (found.scheme, found.netloc):
        yield "changes the host"
    if usual.query != found.query or found.fragment:
        yield "changes the URL's query"
    if usual.path.count("/") != found.path.count("/"):
        yield "is not one segment of the URL's path"
    if {name for name, _ in plain.headers} != {name for name, _ in odd.headers}:
        yield "changes which headers are sent"
