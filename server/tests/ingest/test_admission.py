"""What is rejected of metrics and logs, and why."""

import math
from collections.abc import Mapping
from typing import Any

import pytest
from google.protobuf.message import Message
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from mcp_obs_server.ingest.admission import Admitted, admit
from mcp_obs_server.ingest.logs import LOGS
from mcp_obs_server.ingest.metrics import MAX_BUCKETS, METRICS
from mcp_obs_server.ingest.signal import Signal, Window
from otlp_exports import NOW, SECOND, logs_export, metrics_export

DAY = 86_400 * SECOND
WINDOW = Window.around(NOW, 30 * DAY)


def admitted(signal: Signal, request: Message) -> Admitted:
    return admit(signal, request.SerializeToString(), is_json=False, window=WINDOW)


def reasons(signal: Signal, request: Message) -> dict[str, int]:
    return {reason.sentence: count for reason, count in admitted(signal, request).rejected.items()}


def one(kind: str, **fields: Any) -> Metric:
    """A metric with one point of this kind."""
    metric = Metric(name="m")
    getattr(metric, kind).data_points.add(**{"time_unix_nano": NOW, **fields})
    return metric


@pytest.mark.parametrize(
    ("kind", "fields", "reason"),
    [
        ("gauge", {"as_int": 1, "time_unix_nano": 0}, "older than the retention"),
        ("gauge", {"as_int": 1, "time_unix_nano": NOW - 31 * DAY}, "older than the retention"),
        ("sum", {"as_int": 1, "time_unix_nano": NOW + 2 * 3600 * SECOND}, "more than an hour ahead"),
        ("sum", {"as_int": 1, "start_time_unix_nano": 2**64 - 1}, "more than an hour ahead"),
        ("sum", {}, "the point has no value"),
        ("histogram", {"bucket_counts": [1]}, None),
        ("histogram", {"bucket_counts": [1, 2]}, "one more than explicit_bounds"),
        ("histogram", {"bucket_counts": [], "explicit_bounds": [1.0]}, "one more than explicit_bounds"),
        ("histogram", {"bucket_counts": [1, 2, 3], "explicit_bounds": [2.0, 1.0]}, "strictly increasing"),
        ("histogram", {"bucket_counts": [1, 2, 3], "explicit_bounds": [1.0, 1.0]}, "strictly increasing"),
        ("histogram", {"bucket_counts": [1, 2], "explicit_bounds": [math.nan]}, "strictly increasing"),
        (
            "histogram",
            {"bucket_counts": [0] * 1001, "explicit_bounds": range(1000)},
            f"more than {MAX_BUCKETS} buckets",
        ),
        ("exponential_histogram", {"zero_threshold": -1.0}, "zero_threshold is not a number"),
        ("exponential_histogram", {"zero_threshold": math.nan}, "zero_threshold is not a number"),
        ("summary", {"quantile_values": [{"quantile": 1.5}]}, "a quantile is not between 0 and 1"),
        ("summary", {"quantile_values": [{"quantile": math.nan}]}, "a quantile is not between 0 and 1"),
        ("summary", {"quantile_values": [{"quantile": 0.5}] * 101}, "more than 100 quantiles"),
    ],
)
def test_a_point_that_can_not_be_kept_is_rejected_with_its_reason(
    kind: str, fields: Mapping[str, Any], reason: str | None
) -> None:
    metric = one(kind, **fields)
    getattr(metric, kind).data_points.add(time_unix_nano=NOW, flags=1)
    found = reasons(METRICS, metrics_export(metric))
    assert list(found.values()) == ([1] if reason else [])
    assert reason is None or reason in next(iter(found))
    assert admitted(METRICS, metrics_export(metric)).kept == (1 if reason else 2)


def test_too_many_buckets_on_both_sides_together_are_rejected() -> None:
    metric = one("exponential_histogram")
    point = metric.exponential_histogram.data_points[0]
    point.positive.bucket_counts.extend([1] * MAX_BUCKETS)
    assert reasons(METRICS, metrics_export(metric)) == {}
    point.negative.bucket_counts.append(1)
    assert reasons(METRICS, metrics_export(metric)) == {
        f"the histogram has more than {MAX_BUCKETS} buckets": 1
    }


def test_a_metric_without_a_name_loses_its_points_and_one_without_a_kind_itself() -> None:
    nameless = one("gauge", as_int=1)
    nameless.gauge.data_points.add(time_unix_nano=NOW, as_int=2)
    nameless.name = ""
    request = metrics_export(nameless, Metric(name="kindless"), one("gauge", as_int=3))
    assert reasons(METRICS, request) == {
        "the metric has no name": 2,
        "the metric is no gauge, sum, histogram, exponential histogram or summary": 1,
    }
    assert admitted(METRICS, request).kept == 1


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"time_unix_nano": 0, "observed_time_unix_nano": 0}, None),
        ({"time_unix_nano": 0, "observed_time_unix_nano": NOW}, None),
        ({"time_unix_nano": NOW, "observed_time_unix_nano": 1}, None),
        ({"time_unix_nano": 0, "observed_time_unix_nano": 1}, "older than the retention"),
        ({"time_unix_nano": NOW - 31 * DAY}, "older than the retention"),
        ({"time_unix_nano": NOW + 2 * 3600 * SECOND}, "more than an hour ahead"),
        ({"observed_time_unix_nano": 2**64 - 1}, "more than an hour ahead"),
    ],
)
def test_a_log_record_is_judged_by_the_time_that_it_will_have(
    fields: Mapping[str, int], reason: str | None
) -> None:
    request = logs_export(2)
    record = request.resource_logs[0].scope_logs[0].log_records[0]
    for name, value in fields.items():
        setattr(record, name, value)
    found = reasons(LOGS, request)
    assert list(found.values()) == ([1] if reason else [])
    assert reason is None or reason in next(iter(found))


def test_a_metric_of_no_kind_is_taken_out_and_the_others_stay_in_their_order() -> None:
    kept = [one("gauge", as_int=1), one("sum", as_int=2)]
    request = metrics_export(Metric(), kept[0], Metric(name="empty"), kept[1])
    first = admitted(METRICS, request)
    assert (first.kept, sum(first.rejected.values())) == (2, 2)
    assert first.body == metrics_export(*kept).SerializeToString()
