"""`Telemetry`: a span and metrics for each request, by OpenTelemetry's conventions for GenAI.

They come from `opentelemetry-util-genai` (extra `otel`), which is given no prompt, no thinking and
no answer: whatever its switch for capturing content says, there is nothing to capture.

Source: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/, read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

from asgi_thinking._version import __version__
from asgi_thinking.events import Usage
from asgi_thinking.exceptions import ConfigurationError
from asgi_thinking.outcomes import Begun, OnComplete, Outcome

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider
    from opentelemetry.util.genai.invocation import (  # pyright: ignore[reportMissingTypeStubs] (none)
        InferenceInvocation,
    )

__all__ = ["Telemetry"]

# The conventions' names of the kinds of providers that have one; the others keep their own.
# Source: https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/, read 2026-11-22.
_PROVIDERS: Final[Mapping[str, str]] = {
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "vertex": "gcp.vertex_ai",
}


class Telemetry:
    """Records each request that is sent to a provider.

    ::

        Service(providers=["anthropic"], on_complete=Telemetry())

    The span `chat <model>` is a child of the host's own and the parent of the HTTP client's; it has
    the provider, the models, the tokens with those of thinking, the finish reasons and the type of
    an error, but no error's message.

    Args:
        tracer_provider: where spans go; by default the global one.
        meter_provider: where metrics go; by default the global one.

    Raises:
        ConfigurationError: `opentelemetry-util-genai` is not installed.
    """

    def __init__(
        self,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        try:
            from opentelemetry.util.genai.handler import (  # pyright: ignore[reportMissingTypeStubs] (none)
                TelemetryHandler,
            )
            from opentelemetry.util.genai.types import (  # pyright: ignore[reportMissingTypeStubs] (none)
                Error,
            )
        except ImportError as error:
            raise ConfigurationError(
                "Telemetry needs opentelemetry-util-genai: pip install 'asgi-thinking[otel]'"
            ) from error
        self._error = Error
        self._handler = TelemetryHandler(
            tracer_provider=tracer_provider,
            meter_provider=meter_provider,
            instrumentation_scope_name="asgi_thinking",
            instrumentation_scope_version=__version__,
        )

    def begin(self, begun: Begun, /) -> OnComplete:
        """Start the span."""
        provider = _PROVIDERS.get(begun.kind, begun.kind)
        invocation = self._handler.inference(provider, request_model=begun.model)
        invocation.request_stream = begun.stream
        return partial(self._finish, invocation)

    def _finish(self, invocation: InferenceInvocation, outcome: Outcome) -> None:
        usage = outcome.usage or Usage()
        provider = _PROVIDERS.get(outcome.kind, outcome.kind)
        if (provider, outcome.model) != (invocation.provider, invocation.request_model):
            # Another one has answered than was asked first.
            invocation.data.provider_name = provider
            invocation.data.request_model = outcome.model
            names = {"gen_ai.provider.name": provider, "gen_ai.request.model": outcome.model}
            invocation.span.set_attributes(names)
        invocation.response_model_name = outcome.response_model or None
        invocation.response_id = outcome.response_id or None
        invocation.finish_reasons = list(outcome.finish_reasons) or None
        invocation.input_tokens = usage.input
        invocation.output_tokens = usage.output
        invocation.thinking_tokens = usage.reasoning
        invocation.cache_read_input_tokens = usage.cache_read
        invocation.cache_write_input_tokens = usage.cache_write
        if outcome.stream:
            invocation.ttfc_seconds = outcome.first_event
        if outcome.result == "complete":
            invocation.stop()
        else:
            # No message, for a vendor's may quote the request.
            reason = outcome.error_code or outcome.error_type or outcome.result
            invocation.fail(self._error(message=None, type=reason))
