"""From the bytes of an export to plain values, as a collector reads them."""

from collections.abc import Iterable, Iterator
from typing import Any, cast, get_args

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import HistogramDataPoint, Metric, NumberDataPoint
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from mcp_obs.testing._values import Distribution, Event, Link, Point, Span, SpanKind, Status

# In the order of trace.proto, which counts kinds from 1 and statuses from 0.
_KINDS: tuple[SpanKind, ...] = get_args(SpanKind)
_STATUSES: tuple[Status, ...] = get_args(Status)


def read_spans(body: bytes) -> Iterator[Span]:
    """The spans of an export."""
    for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans:
        for scope_spans in resource_spans.scope_spans:
            yield from map(_span, scope_spans.spans)


def read_points(body: bytes) -> Iterator[Point]:
    """The points of an export."""
    for resource_metrics in ExportMetricsServiceRequest.FromString(body).resource_metrics:
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                yield from (_point(metric, point) for point in _data_points(metric))


def _data_points(metric: Metric) -> Iterable[NumberDataPoint | HistogramDataPoint]:
    match metric.WhichOneof("data"):
        case "sum":
            return metric.sum.data_points
        case "gauge":
            return metric.gauge.data_points
        case "histogram":
            return metric.histogram.data_points
        case _:
            return ()


def _point(metric: Metric, point: NumberDataPoint | HistogramDataPoint) -> Point:
    if isinstance(point, NumberDataPoint):
        value = getattr(point, point.WhichOneof("value") or "as_int")
    else:
        value = Distribution(point.count, point.sum, tuple(point.explicit_bounds), tuple(point.bucket_counts))
    return Point(metric.name, metric.unit, attributes_of(point.attributes), value)


def _span(message: SpanMessage) -> Span:
    return Span(
        name=message.name,
        kind=_KINDS[message.kind - 1],
        attributes=attributes_of(message.attributes),
        status=_STATUSES[message.status.code],
        status_message=message.status.message,
        events=tuple(
            Event(one.name, attributes_of(one.attributes), one.time_unix_nano) for one in message.events
        ),
        links=tuple(
            Link(one.trace_id.hex(), one.span_id.hex(), attributes_of(one.attributes))
            for one in message.links
        ),
        trace_id=message.trace_id.hex(),
        span_id=message.span_id.hex(),
        parent_id=message.parent_span_id.hex() or None,
        start_ns=message.start_time_unix_nano,
        end_ns=message.end_time_unix_nano,
    )


def attributes_of(attributes: Iterable[KeyValue]) -> dict[str, Any]:
    """Attributes as Python has them."""
    return {one.key: _value(one.value) for one in attributes}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return tuple(map(_value, value.array_value.values))
    if kind == "kvlist_value":
        return attributes_of(cast("Iterable[KeyValue]", value.kvlist_value.values))
    return getattr(value, kind) if kind else None
