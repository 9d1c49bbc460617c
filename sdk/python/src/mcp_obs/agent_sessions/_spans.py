"""Spans around what an agent does."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry.trace import NoOpTracer, Span, SpanKind

from mcp_obs import _telemetry, semconv
from mcp_obs._guard import Guard

_failing = Guard("recording what failed an agent's session")


@contextmanager
def spanning(name: str, attributes: Mapping[str, Any], kind: SpanKind = SpanKind.INTERNAL) -> Generator[Span]:
    """A span that is current in the block; the exception that leaves the block is on it and goes on as it is.

    A cancellation is none.
    """
    telemetry = _telemetry.current()
    tracer = telemetry.tracer if telemetry is not None else NoOpTracer()
    with tracer.start_as_current_span(
        name, kind=kind, attributes=dict(attributes), record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except Exception as error:
            with _failing:
                span.set_attribute(semconv.ERROR_TYPE, type(error).__qualname__)
                if telemetry is not None:
                    telemetry.details.failure(error).mark(span)
            raise
