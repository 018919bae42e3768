"""Where an answer's statements come from, by grounding and by citation.

Source: https://ai.google.dev/gemini-api/docs/google-search and
https://ai.google.dev/api/generate-content#groundingmetadata, read 2026-11-22.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from asgi_thinking.events import Annotation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["sources_of"]

JSONObject: TypeAlias = dict[str, Any]
Span: TypeAlias = tuple[int, int]


def sources_of(
    index: int, answer: str, grounding: Iterable[JSONObject], cited: Iterable[JSONObject]
) -> list[Annotation]:
    """The sources of a whole answer, as annotations of the block `index`, each once.

    Shapes: `{"groundingChunks": [{"web": {"uri", "title"}}, …], "groundingSupports": [{"segment":
    {"startIndex", "endIndex", "text"}, "groundingChunkIndices": [0]}, …]}` and `{"citations":
    [{"startIndex", "endIndex", "uri", "title"}, …]}`, offsets in bytes of UTF-8. A stream may say
    the same thing several times. Sources without any segment are those of the whole answer.

    Raises:
        ValueError, LookupError, TypeError, AttributeError: the JSON is not of this wire.
    """
    measure = _Measure(answer)
    found: dict[tuple[int, int, str, str], Annotation] = {}
    places = [place for metadata in grounding for place in _grounded(metadata, measure)]
    places += [
        (measure.span(citation), citation)
        for metadata in cited
        for citation in metadata.get("citations") or ()
    ]
    for (start, end), raw in places:
        url, title = _name(raw)
        found.setdefault(
            (start, end, url, title), Annotation(index, start, end, url, title, raw=raw)
        )
    return list(found.values())


def _grounded(metadata: JSONObject, measure: _Measure) -> Iterator[tuple[Span, JSONObject]]:
    chunks: list[JSONObject] = metadata.get("groundingChunks") or []
    supports: list[JSONObject] = metadata.get("groundingSupports") or []
    for support in supports:
        span = measure.span(support.get("segment") or {})
        for number in support.get("groundingChunkIndices") or ():
            if 0 <= number < len(chunks):
                yield span, chunks[number]
    if not supports:
        for chunk in chunks:
            yield (0, measure.length), chunk


def _name(source: JSONObject) -> tuple[str, str]:
    """URL and title: of a citation, or of what stands in a chunk as `web`, `maps` or alike."""
    nested = (value for value in source.values() if value.__class__ is dict)
    named: JSONObject = next(nested, source)
    url = named.get("uri") or named.get("sourceUri") or ""
    title = named.get("title") or named.get("domain") or ""
    if url.__class__ is not str or title.__class__ is not str:
        raise TypeError("expected strings")
    return url, title


class _Measure:
    """Turns offsets in bytes of an answer's UTF-8 into code points."""

    __slots__ = ("_data", "_text", "length")

    def __init__(self, text: str) -> None:
        self._text = text
        self._data = text.encode(errors="replace")
        self.length = len(text)

    def span(self, segment: JSONObject) -> Span:
        """Where a segment stands.

        The offsets count from the beginning of a part, and a stream's parts are not the answer's:
        where they do not fit the segment's own text, that is looked for.
        """
        start = self._points(segment.get("startIndex") or 0)
        end = max(start, self._points(segment.get("endIndex") or 0))
        quoted: str = segment.get("text") or ""
        if not quoted or self._text[start:end] == quoted:
            return start, end
        place = self._text.find(quoted, start)
        place = self._text.find(quoted) if place < 0 else place
        return (start, end) if place < 0 else (place, place + len(quoted))

    def _points(self, offset: int) -> int:
        if len(self._data) == self.length:
            return max(0, min(offset, self.length))
        return len(self._data[: max(0, offset)].decode(errors="ignore"))
