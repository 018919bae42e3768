"""Spans and metrics of requests, by the conventions for GenAI."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from asgi_thinking import Service, ThinkingResponse
from asgi_thinking.events import Done, Finish, Usage
from asgi_thinking.exceptions import ConfigurationError, UpstreamStatusError
from asgi_thinking.opentelemetry import Telemetry
from tests.asgi import Client, scope_for
from tests.scripted import ANSWER, START, THOUGHT, Scripted, Step

pytestmark = pytest.mark.anyio

ASK: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "messages": [{"role": "user", "content": "a secret prompt"}],
    "reasoning_effort": "high",
    "max_tokens": 4000,
}
REPLY: list[Any] = [
    START,
    THOUGHT,
    ANSWER,
    [Usage(30, 70, 40, 10, 5), Finish("stop", "end_turn"), Done()],
]
BUSY = UpstreamStatusError("busy with a secret", status=503, code="overloaded_error")


@dataclass
class Scene:
    """A service whose telemetry is kept in memory."""

    spans: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    reader: InMemoryMetricReader = field(default_factory=InMemoryMetricReader)

    def __post_init__(self) -> None:
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.spans))
        meters = MeterProvider(metric_readers=[self.reader])
        self.telemetry = Telemetry(self.tracers, meters)

    async def ask(self, provider: Scripted, leave: bool = False, **options: Any) -> Client:
        """One request, whose client leaves once it has been sent, if so wanted."""
        stream = options.pop("stream", False)
        providers = options.pop("providers", {"acme": provider})
        service = Service(providers=providers, max_retries=0, on_complete=self.telemetry, **options)
        body = json.dumps(ASK | {"stream": stream}).encode()
        client = Client()
        response = ThinkingResponse(service.answer((), body))
        task = asyncio.create_task(response(scope_for(), client.receive, client.send))
        if leave:
            client.leave()
        await task
        return client

    @property
    def span(self) -> ReadableSpan:
        [span] = self.spans.get_finished_spans()
        return span

    @property
    def metrics(self) -> dict[str, Any]:
        """The points of each metric."""
        data = self.reader.get_metrics_data()
        assert data is not None
        [resource] = data.resource_metrics
        [scope] = resource.scope_metrics
        return {metric.name: [*metric.data.data_points] for metric in scope.metrics}


def provider(*steps: Step, kind: str = "anthropic", name: str = "acme") -> Scripted:
    return Scripted([[*steps]], name=name, kind=kind)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_request_is_a_client_span(stream: bool) -> None:
    """With the names and values of the conventions, thinking's tokens among them."""
    scene = Scene()

    await scene.ask(provider(*REPLY), stream=stream)

    span = scene.span
    assert ("chat claude-sonnet-4-5", SpanKind.CLIENT) == (span.name, span.kind)
    attributes = dict(span.attributes or {})
    first = attributes.pop("gen_ai.response.time_to_first_chunk", None)
    assert isinstance(first, float) is stream
    assert {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-sonnet-4-5",
        "gen_ai.request.stream": stream,
        "gen_ai.response.model": "claude-sonnet-4-5",
        "gen_ai.response.id": "msg_1",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 30,
        "gen_ai.usage.output_tokens": 70,
        "gen_ai.usage.reasoning.output_tokens": 40,
        "gen_ai.usage.cache_read.input_tokens": 10,
        "gen_ai.usage.cache_write.input_tokens": 5,
    } == attributes
    assert StatusCode.UNSET is span.status.status_code
    assert "asgi_thinking" == (span.instrumentation_scope and span.instrumentation_scope.name)


async def test_metrics_have_durations_and_tokens() -> None:
    """Once for each request."""
    scene = Scene()

    await scene.ask(provider(*REPLY))

    tokens = scene.metrics["gen_ai.client.token.usage"]
    assert {"input": 30, "output": 70} == {
        point.attributes["gen_ai.token.type"]: point.sum for point in tokens
    }
    [duration] = scene.metrics["gen_ai.client.operation.duration"]
    assert 1 == duration.count
    assert "anthropic" == duration.attributes["gen_ai.provider.name"]


@pytest.mark.parametrize("capture", ["true", "SPAN_ONLY", "SPAN_AND_EVENT"])
async def test_nothing_that_was_said_is_recorded(
    monkeypatch: pytest.MonkeyPatch, capture: str
) -> None:
    """Whatever the switch for capturing content says: it is given nothing to capture."""
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "gen_ai_latest_experimental")
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", capture)
    scene = Scene()

    await scene.ask(provider(*REPLY))

    told = scene.span.to_json()
    assert "secret" not in told
    assert "the answer" not in told


async def test_a_failure_has_a_type_and_no_message() -> None:
    """A vendor's message may quote the request."""
    scene = Scene()

    await scene.ask(provider(BUSY))

    assert "overloaded_error" == (scene.span.attributes or {})["error.type"]
    assert StatusCode.ERROR is scene.span.status.status_code
    assert "secret" not in scene.span.to_json()
    [duration] = scene.metrics["gen_ai.client.operation.duration"]
    assert "overloaded_error" == duration.attributes["error.type"]


async def test_who_leaves_is_no_success() -> None:
    """A span that ends with its client says so."""
    scene = Scene()

    await scene.ask(provider(START, asyncio.Event()), leave=True, stream=True)

    assert "cancelled" == (scene.span.attributes or {})["error.type"]


async def test_a_fallback_is_named_as_who_answered() -> None:
    """In the span and in the metrics, though another was asked first."""
    scene = Scene()
    first = provider(BUSY)
    other = provider(*REPLY, name="other", kind="bedrock")

    await scene.ask(
        first, providers={"acme": first, "other": other}, fallbacks=["other/claude-haiku-4-5"]
    )

    attributes = scene.span.attributes or {}
    assert "aws.bedrock" == attributes["gen_ai.provider.name"]
    assert "claude-haiku-4-5" == attributes["gen_ai.request.model"]
    [duration] = scene.metrics["gen_ai.client.operation.duration"]
    assert "aws.bedrock" == duration.attributes["gen_ai.provider.name"]


class Nested(Scripted):
    """A provider whose HTTP client is traced as well."""

    tracer: trace.Tracer

    def stream(self, request: Any) -> Any:
        self.tracer.start_span("POST").end()
        return super().stream(request)


async def test_spans_of_the_http_client_are_its_children() -> None:
    """And what follows the request is not."""
    scene = Scene()
    nested = Nested([REPLY])
    nested.tracer = scene.tracers.get_tracer("http")

    await scene.ask(nested)

    inner, outer = scene.spans.get_finished_spans()
    assert inner.parent is not None
    assert outer.context.span_id == inner.parent.span_id
    assert not trace.get_current_span().get_span_context().is_valid


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has to be installed is said at construction."""
    monkeypatch.setitem(sys.modules, "opentelemetry.util.genai.handler", None)

    with pytest.raises(ConfigurationError, match=r"pip install 'asgi-thinking\[otel\]'"):
        Telemetry()
