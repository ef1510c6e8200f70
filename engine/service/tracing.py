"""A span for each request, sent as OpenTelemetry's own variables say, such as OTEL_EXPORTER_OTLP_ENDPOINT.

FastAPI makes the spans, with path and query in them, which name users and what they asked. A span keeps only what
KEPT lists: method, route as declared, status, and when; what a caller puts in beside it is overwritten as it starts.
"""

from typing import TYPE_CHECKING

from fastapi.telemetry import TelemetryConfig

from engine.errors import WeftError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

KEPT = frozenset({
    "http.request.method", "http.route", "http.response.status_code", "url.scheme", "network.protocol.version",
    "error.type",
})  # fmt: skip
"""Attributes that say nothing of who asked for what."""
OFF: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""For FastAPI: nothing, whatever the process around it has set up. Its logs would quote what was asked."""


def provider() -> "TracerProvider":
    """Makes and sends the spans of this process. Raises WeftError where OpenTelemetry is not installed."""
    try:
        from opentelemetry.context import Context
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise WeftError("--otel wants OpenTelemetry: pip install 'weft[otel]'") from None

    class Silent(SpanProcessor):
        def on_start(self, span: Span, parent_context: Context | None = None) -> None:
            for name in set(span.attributes or ()) - KEPT:
                span.set_attribute(name, "-")

    named = Resource({SERVICE_NAME: "weft"}).merge(OTELResourceDetector().detect())
    made = TracerProvider(resource=named)
    made.add_span_processor(Silent())
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return made


def settings(made: "TracerProvider | None") -> TelemetryConfig:
    """What FastAPI is told: to make spans by a provider, if there is one, and nothing else."""
    return OFF if made is None else {**OFF, "tracing": True, "operation_spans": False, "tracer_provider": made}
