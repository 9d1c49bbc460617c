"""Log records within bounds: what is over is cut, counted where OTLP counts it, and named in `mcp_obs.truncated`."""

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from mcp_obs_server.ingest.caps import (
    MAX_KEY_BYTES,
    SMALL_BYTES,
    cap_attributes,
    cap_ids,
    cap_origin,
    cap_texts,
    cap_value,
    record_truncated,
)


def cap_logs(request: ExportLogsServiceRequest, wire: bytes) -> bool:
    """Cut what is too much; whether anything was. `wire` is what the request was read from, or would be."""
    if len(wire) <= SMALL_BYTES:
        return False
    cut = False
    for resource_logs in request.resource_logs:
        cut |= cap_origin(resource_logs.resource, resource_logs)
        for scope_logs in resource_logs.scope_logs:
            cut |= cap_origin(scope_logs.scope, scope_logs)
            for record in scope_logs.log_records:
                cut |= record.ByteSize() > SMALL_BYTES and _cap_record(record)
    return cut


def _cap_record(record: LogRecord) -> bool:
    dropped, names = cap_attributes(record.attributes)
    record.dropped_attributes_count += dropped
    if dropped:
        names.append("attributes")
    names += cap_texts(record, MAX_KEY_BYTES, "event_name", "severity_text")
    names += cap_ids(record, "trace_id", "span_id")
    if cap_value(record.body):
        names.append("body")
    if names:
        record_truncated(record.attributes, names)
    return bool(names)
