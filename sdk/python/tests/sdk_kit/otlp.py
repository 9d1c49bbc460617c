"""Reads an export as a collector does."""

from collections.abc import Iterable, Iterator
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, SpanFlags
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

_IS_REMOTE = SpanFlags.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK


def read_spans(body: bytes) -> Iterator[ReadableSpan]:
    """The spans of an export, as the OpenTelemetry SDK has them."""
    for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans:
        for scope_spans in resource_spans.scope_spans:
            yield from map(_read, scope_spans.spans)


def _read(span: Span) -> ReadableSpan:
    context = _context(span.trace_id, span.span_id, span.trace_state)
    parent = None
    if span.parent_span_id:
        parent = _context(
            span.trace_id,
            span.parent_span_id,
            is_remote=bool(span.flags & SpanFlags.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK),
        )
    return ReadableSpan(
        span.name,
        context,
        parent,
        attributes=_attributes(span.attributes),
        events=[Event(one.name, _attributes(one.attributes), one.time_unix_nano) for one in span.events],
        links=[
            Link(_context(one.trace_id, one.span_id, one.trace_state), _attributes(one.attributes))
            for one in span.links
        ],
        kind=SpanKind(span.kind - 1),
        status=Status(StatusCode(span.status.code), span.status.message or None),
        start_time=span.start_time_unix_nano,
        end_time=span.end_time_unix_nano,
    )


def _context(trace_id: bytes, span_id: bytes, state: str = "", *, is_remote: bool = False) -> SpanContext:
    ids = int.from_bytes(trace_id), int.from_bytes(span_id)
    return SpanContext(*ids, is_remote, TraceFlags(TraceFlags.SAMPLED), TraceState.from_header([state]))


def _attributes(attributes: Iterable[KeyValue]) -> dict[str, Any]:
    return {one.key: read_value(one.value) for one in attributes}


def read_value(value: AnyValue) -> Any:
    """A value as Python has it; a list is a tuple."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return tuple(map(read_value, value.array_value.values))
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    return getattr(value, kind) if kind else None
