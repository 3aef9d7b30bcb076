"""OpenTelemetry traces: a span for each request, sent to a collector. Its libraries are loaded only when it is on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from api.version import version
from rag.errors import ConfigError
from rag.optional_packages import require_extra
from rag.state.traces import Trace, TraceStore

_LIBRARIES = (
    "opentelemetry.exporter.otlp.proto.http",
    "opentelemetry.instrumentation.fastapi",
    "opentelemetry.sdk",
)
_UNTRACED = "/health/live,/health/ready,/metrics"
_EXPORT_SECONDS = 2
"""Short, because an unreachable collector must not delay the shutdown."""


def add_telemetry(app: FastAPI, endpoint: str, traces: TraceStore) -> None:
    """Send a span for each request to the collector at `endpoint`, with the figures of its answer. "" switches it off.

    Raises ConfigError if the extra `telemetry` is not installed.
    """
    if not endpoint:
        return
    require_extra("telemetry", _LIBRARIES, purpose="serve.otlp_endpoint", error=ConfigError)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor  # noqa: PLC0415
    from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    service = Resource.create({SERVICE_NAME: "zhiwen", SERVICE_VERSION: version()})
    provider = TracerProvider(resource=service)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=_EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    # No spans for `receive` and `send`: a stream would have one for each piece.
    FastAPIInstrumentor.instrument_app(
        app, tracer_provider=provider, excluded_urls=_UNTRACED, exclude_spans=["receive", "send"]
    )
    traces.observe(_note_answer)
    before = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(running: FastAPI) -> AsyncIterator[Any]:
        async with before(running) as state:
            yield state
        await asyncio.to_thread(provider.shutdown)

    app.router.lifespan_context = lifespan


def _note_answer(trace: Trace) -> None:
    """Add the answer's trace id and the durations of its stages to the request's span. No text is added."""
    from opentelemetry.trace import get_current_span  # noqa: PLC0415

    span = get_current_span()
    span.set_attribute("zhiwen.trace_id", trace.trace_id)
    span.set_attribute("zhiwen.generation", trace.answer.generation)
    span.set_attribute("zhiwen.refused", trace.answer.refused)
    for stage, milliseconds in trace.milliseconds.items():
        span.set_attribute(f"zhiwen.{stage}_ms", milliseconds)
