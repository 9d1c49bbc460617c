"""Metrics within bounds: what is over is cut, and named in `mcp_obs.truncated` among the metric's or point's own."""

from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from mcp_obs_server.ingest.caps import (
    MAX_COUNT,
    MAX_KEY_BYTES,
    SMALL_BYTES,
    cap_attributes,
    cap_ids,
    cap_origin,
    cap_texts,
    record_truncated,
)


def cap_metrics(request: ExportMetricsServiceRequest, wire: bytes) -> bool:
    """Cut what is too much; whether anything was. `wire` is what the request was read from, or would be."""
    if len(wire) <= SMALL_BYTES:
        return False
    cut = False
    for resource_metrics in request.resource_metrics:
        cut |= cap_origin(resource_metrics.resource, resource_metrics)
        for scope_metrics in resource_metrics.scope_metrics:
            cut |= cap_origin(scope_metrics.scope, scope_metrics)
            for metric in scope_metrics.metrics:
                cut |= metric.ByteSize() > SMALL_BYTES and _cap_metric(metric)
    return cut


def _cap_metric(metric: Metric) -> bool:
    # All three are in dictionaries that every row of a part shares.
    names = cap_texts(metric, MAX_KEY_BYTES, "name", "description", "unit")
    dropped, shortened = cap_attributes(metric.metadata)
    names += shortened + ["metadata"] * bool(dropped)
    if names:
        record_truncated(metric.metadata, names)
    kind = metric.WhichOneof("data")
    points: Any = getattr(metric, kind).data_points if kind else ()
    cut = [_cap_point(point) for point in points if point.ByteSize() > SMALL_BYTES]
    return bool(names) or any(cut)


def _cap_point(point: Any) -> bool:
    dropped, names = cap_attributes(point.attributes)
    if dropped:
        names.append("attributes")
    # A summary has none.
    exemplars = getattr(point, "exemplars", [])
    if len(exemplars) > MAX_COUNT:
        del exemplars[MAX_COUNT:]
        names.append("exemplars")
    for exemplar in exemplars:
        dropped, cut = cap_attributes(exemplar.filtered_attributes)
        cut += ["filtered_attributes"] * bool(dropped) + cap_ids(exemplar, "trace_id", "span_id")
        names += [f"exemplars.{each}" for each in cut]
    if names:
        record_truncated(point.attributes, names)
    return bool(names)
