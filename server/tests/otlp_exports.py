"""Exports to test with: OTLP requests built from a few words, the same bytes every time."""

from collections.abc import Mapping

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from mcp_obs_server.ingest.envelope import digest, frame

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


def batch(org_id: int, *requests: ExportTraceServiceRequest, server_id: int = 1) -> bytes:
    """The exports as the engine takes them: length-delimited envelopes."""
    bodies = [request.SerializeToString() for request in requests]
    return b"".join(
        b"".join(frame(org_id, server_id, body, digest(org_id, server_id, body))) for body in bodies
    )
