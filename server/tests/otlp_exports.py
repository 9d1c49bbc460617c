"""Exports to test with: OTLP requests built from a few words, the same bytes every time."""

from collections.abc import Mapping

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from mcp_obs_server.ingest.envelope import digest, frame
from mcp_obs_server.ingest.signal import ANY_TIME, Window

NOW = 1_790_000_000 * 10**9
SECOND = 10**9


def export(
    count: int = 1,
    seed: int = 1,
    tool: str = "search",
    start: int = NOW - 60 * SECOND,
    attributes: Mapping[str, str] | None = None,
) -> ExportTraceServiceRequest:
    """`count` tool calls of 20 ms, one second apart."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource_spans.resource.attributes.add(key="service.name").value.string_value = "test"
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = "tests"
    for index in range(count):
        span = scope_spans.spans.add(
            trace_id=(seed << 64 | index + 1).to_bytes(16, "big"),
            span_id=(seed << 32 | index + 1).to_bytes(8, "big"),
            name=f"tools/call {tool}",
            kind=Span.SPAN_KIND_SERVER,
            start_time_unix_nano=start + index * SECOND,
            end_time_unix_nano=start + index * SECOND + 20_000_000,
        )
        for key, value in {
            "mcp.method.name": "tools/call",
            "gen_ai.tool.name": tool,
            **(attributes or {}),
        }.items():
            span.attributes.add(key=key).value.string_value = value
    return request


def metrics_export(*metrics: Metric) -> ExportMetricsServiceRequest:
    """These metrics of one service."""
    request = ExportMetricsServiceRequest()
    resource_metrics = request.resource_metrics.add()
    resource_metrics.resource.attributes.add(key="service.name").value.string_value = "test"
    scope_metrics = resource_metrics.scope_metrics.add()
    scope_metrics.scope.name = "tests"
    scope_metrics.metrics.extend(metrics)
    return request


def counter(
    values: Mapping[int, int],
    name: str = "mcp.errors",
    started: int = 0,
    attributes: Mapping[str, str] | None = None,
    temporality: AggregationTemporality.ValueType = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA,
) -> Metric:
    """A sum that only grows: its value at each time."""
    metric = Metric(name=name, unit="1")
    metric.sum.aggregation_temporality, metric.sum.is_monotonic = temporality, True
    for time, value in values.items():
        point = metric.sum.data_points.add(time_unix_nano=time, start_time_unix_nano=started, as_int=value)
        for key, text in (attributes or {}).items():
            point.attributes.add(key=key).value.string_value = text
    return metric


def logs_export(
    count: int = 1,
    start: int = NOW - 60 * SECOND,
    event: str = "user_prompt",
    severity: SeverityNumber.ValueType = SeverityNumber.SEVERITY_NUMBER_INFO,
    attributes: Mapping[str, str] | None = None,
) -> ExportLogsServiceRequest:
    """`count` events of one kind, one second apart."""
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    resource_logs.resource.attributes.add(key="service.name").value.string_value = "test"
    scope_logs = resource_logs.scope_logs.add()
    scope_logs.scope.name = "tests"
    for index in range(count):
        record = scope_logs.log_records.add(
            time_unix_nano=start + index * SECOND, severity_number=severity, event_name=event
        )
        record.body.string_value = f"claude_code.{event}"
        for key, value in (attributes or {}).items():
            record.attributes.add(key=key).value.string_value = value
    return request


def batch(org_id: int, *requests: Message, server_id: int = 1, window: Window = ANY_TIME) -> bytes:
    """The exports as the engine takes them: length-delimited envelopes. A log without a time takes the window's."""
    return framed(
        org_id, *(each.SerializeToString() for each in requests), server_id=server_id, window=window
    )


def framed(org_id: int, *bodies: bytes, server_id: int = 1, window: Window = ANY_TIME) -> bytes:
    """The same of their bytes, whatever these are."""
    return b"".join(
        b"".join(frame(org_id, server_id, body, digest(org_id, server_id, body), window)) for body in bodies
    )
