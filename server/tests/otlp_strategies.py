"""Any legal metrics or logs export, most of it nonsense, for hypothesis."""

from typing import Any

from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from otlp_exports import NOW, SECOND, logs_export, metrics_export

DAY = 86_400 * SECOND

Fields = st.SearchStrategy[dict[str, Any]]


def fields(optional: dict[str, Any] | None = None, **required: Any) -> Fields:
    """The fields of a message, each drawn from its strategy."""
    return st.fixed_dictionaries(required, optional=optional or {})


def few(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(strategy, max_size=3)


UINT32 = st.integers(0, 2**32 - 1)
INT32 = st.integers(-(2**31), 2**31 - 1)
UINT64 = st.integers(0, 2**64 - 1)
INT64 = st.integers(-(2**63), 2**63 - 1)
DOUBLES = st.floats(width=64)
TIMES = st.sampled_from((0, 1, NOW - 30 * DAY, NOW, NOW + 3600 * SECOND, 2**63, 2**64 - 1))
IDS = st.binary(max_size=17)
VALUES = st.one_of(
    fields(),
    fields(string_value=st.text(max_size=5)),
    fields(double_value=DOUBLES),
    fields(bytes_value=st.binary(max_size=5)),
)
ATTRIBUTES = few(fields(key=st.text(max_size=3), value=VALUES))
EXEMPLARS = few(
    fields({"as_double": DOUBLES}, filtered_attributes=ATTRIBUTES, time_unix_nano=UINT64, trace_id=IDS)
)
POINT: dict[str, Any] = {"attributes": ATTRIBUTES, "time_unix_nano": TIMES, "start_time_unix_nano": TIMES}
DISTRIBUTION: dict[str, Any] = {**POINT, "count": UINT64}
OPTIONAL: dict[str, Any] = {"sum": DOUBLES, "min": DOUBLES, "max": DOUBLES, "flags": UINT32}
BUCKETS = fields(offset=INT32, bucket_counts=few(UINT64))
NUMBERS = few(
    fields({"as_int": INT64}, exemplars=EXEMPLARS, **POINT) | fields({"as_double": DOUBLES}, **POINT)
)
KINDS: dict[str, Fields] = {
    "gauge": fields(data_points=NUMBERS),
    "sum": fields(data_points=NUMBERS, is_monotonic=st.booleans()),
    "histogram": fields(
        data_points=few(
            fields(OPTIONAL, bucket_counts=few(UINT64), explicit_bounds=few(DOUBLES), **DISTRIBUTION)
        )
    ),
    "exponential_histogram": fields(
        data_points=few(
            fields(
                OPTIONAL,
                scale=INT32,
                zero_count=UINT64,
                zero_threshold=DOUBLES,
                positive=BUCKETS,
                negative=BUCKETS,
                **DISTRIBUTION,
            )
        )
    ),
    "summary": fields(
        data_points=few(
            fields(sum=DOUBLES, quantile_values=few(fields(quantile=DOUBLES, value=DOUBLES)), **DISTRIBUTION)
        )
    ),
}


@st.composite
def metrics_requests(draw: st.DrawFn) -> ExportMetricsServiceRequest:
    """Up to three metrics of any kinds."""
    metrics: list[Metric] = []
    for kind in draw(few(st.sampled_from(sorted(KINDS)))):
        content: Any = draw(KINDS[kind])
        if kind not in ("gauge", "summary"):
            content["aggregation_temporality"] = draw(INT32)
        metrics.append(Metric(name=draw(st.text(max_size=2)), **{kind: content}))
    return metrics_export(*metrics)


@st.composite
def logs_requests(draw: st.DrawFn) -> ExportLogsServiceRequest:
    """Up to three log records."""
    record = fields(
        time_unix_nano=TIMES,
        observed_time_unix_nano=TIMES,
        severity_number=INT32,
        severity_text=st.text(max_size=3),
        body=VALUES,
        trace_id=IDS,
        span_id=IDS,
        event_name=st.text(max_size=3),
        attributes=ATTRIBUTES,
        flags=UINT32,
    )
    request = logs_export(0)
    for each in draw(few(record)):
        request.resource_logs[0].scope_logs[0].log_records.add(**each)
    return request
