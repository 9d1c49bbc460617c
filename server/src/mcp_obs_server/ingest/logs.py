"""Logs: which records can be kept."""

from collections import Counter
from collections.abc import Mapping

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from mcp_obs_server.ingest.log_caps import cap_logs
from mcp_obs_server.ingest.reason import Reason
from mcp_obs_server.ingest.signal import Admission, Signal, Window
from mcp_obs_server.ingest.unsound import Check, remove_unsound


def _admit(request: ExportLogsServiceRequest, window: Window) -> Admission:
    """Take out the records that can't be kept."""
    rejected: Counter[Reason] = Counter()
    kept = sum(
        remove_unsound(scope.log_records, _CHECKS, window, rejected)
        for resource in request.resource_logs
        for scope in resource.scope_logs
    )
    return Admission(kept, rejected)


def _time(record: LogRecord) -> int:
    """When it happened, or else when it was observed; 0 when neither is known (OTLP, LogRecord)."""
    return record.time_unix_nano or record.observed_time_unix_nano


def _says_nothing(record: LogRecord, _: Window) -> bool:
    # What was meant for /v1/metrics decodes as records like this.
    return not (_time(record) or record.HasField("body") or record.attributes or record.event_name)


_CHECKS: Mapping[Reason, Check] = {
    Reason("no_value", "the record has no time, no body, no attributes and no event name"): _says_nothing,
    # Without any time, the store takes that of receipt.
    Reason("too_old", "the time is older than the retention"): lambda record, window: (
        0 < _time(record) < window.oldest
    ),
    Reason("in_future", "the time is more than an hour ahead of the server's clock"): lambda record, window: (
        max(record.time_unix_nano, record.observed_time_unix_nano) > window.newest
    ),
}

LOGS = Signal(
    name="logs",
    item="log record",
    request=ExportLogsServiceRequest,
    response=ExportLogsServiceResponse,
    admit=_admit,
    cap=cap_logs,
)
