"""Metrics: which data points can be kept."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import chain, pairwise
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from mcp_obs_server.ingest.message_count import FEW, check_average
from mcp_obs_server.ingest.metric_caps import cap_metrics
from mcp_obs_server.ingest.reason import Reason
from mcp_obs_server.ingest.signal import Admission, Signal, Window
from mcp_obs_server.ingest.unsound import Check, remove_unsound

# OpenTelemetry's SDKs send at most 160 a side. A bucket can be one byte here; where it is summed it takes forty.
MAX_BUCKETS = 1_000
_MAX_QUANTILES = 100


def _admit(request: ExportMetricsServiceRequest, window: Window) -> Admission:
    """Take out the points that can't be kept."""
    scopes = [scope.metrics for resource in request.resource_metrics for scope in resource.scope_metrics]
    metrics = [(metric, metric.WhichOneof("data")) for metric in chain.from_iterable(scopes)]
    if (points := sum(len(getattr(metric, kind).data_points) for metric, kind in metrics if kind)) > FEW:
        check_average(points, request.ByteSize())
    rejected: Counter[Reason] = Counter()
    kept = sum(_keep_sound(metric, kind, window, rejected) for metric, kind in metrics if kind)
    if None in (kind for _, kind in metrics):
        _remove_kindless(scopes, rejected)
    return Admission(kept, rejected)


def _keep_sound(metric: Metric, kind: str, window: Window, rejected: Counter[Reason]) -> int:
    points = getattr(metric, kind).data_points
    return remove_unsound(points, _CHECKS[kind] if metric.name else _NAMELESS, window, rejected)


def _remove_kindless(scopes: Iterable[Any], rejected: Counter[Reason]) -> None:
    """There are no points to count: the metric is the one thing that is not kept."""
    for metrics in scopes:
        with_points = [metric for metric in metrics if metric.WhichOneof("data")]
        rejected[_NO_KIND] += len(metrics) - len(with_points)
        del metrics[:]
        metrics.extend(with_points)


def _has_no_value(point: Any, _: Window) -> bool:
    # A point may say that nothing was recorded (OTLP, DataPointFlags).
    return point.WhichOneof("value") is None and not point.flags & 1


def _has_unfitting_buckets(point: Any, _: Window) -> bool:
    """The counts are one more than the bounds, or there are neither (OTLP, HistogramDataPoint.bucket_counts)."""
    counts, bounds = len(point.bucket_counts), len(point.explicit_bounds)
    return counts != bounds + 1 and (counts, bounds) != (0, 0)


def _has_unsorted_bounds(point: Any, _: Window) -> bool:
    # NaN is above nothing, so it is found here too.
    return not all(low < high for low, high in pairwise((-math.inf, *point.explicit_bounds)))


_NO_KIND = Reason("no_value", "the metric is no gauge, sum, histogram, exponential histogram or summary")
_NAMELESS: dict[Reason, Check] = {Reason("no_name", "the metric has no name"): lambda _, __: True}
_TIMES: dict[Reason, Check] = {
    Reason("too_old", "the time is older than the retention"): lambda point, window: (
        point.time_unix_nano < window.oldest
    ),
    Reason("in_future", "the time is more than an hour ahead of the server's clock"): lambda point, window: (
        max(point.time_unix_nano, point.start_time_unix_nano) > window.newest
    ),
}
_NUMBER: dict[Reason, Check] = {**_TIMES, Reason("no_value", "the point has no value"): _has_no_value}
_TOO_MANY_BUCKETS = Reason("bad_buckets", f"the histogram has more than {MAX_BUCKETS} buckets")

# By kind, in the order in which a point's reason is looked for.
_CHECKS: Mapping[str, Mapping[Reason, Check]] = {
    "gauge": _NUMBER,
    "sum": _NUMBER,
    "histogram": {
        **_TIMES,
        Reason("bad_buckets", "bucket_counts are not one more than explicit_bounds"): _has_unfitting_buckets,
        Reason("bad_buckets", "explicit_bounds are not strictly increasing"): _has_unsorted_bounds,
        _TOO_MANY_BUCKETS: lambda point, _: len(point.bucket_counts) > MAX_BUCKETS,
    },
    "exponential_histogram": {
        **_TIMES,
        _TOO_MANY_BUCKETS: lambda point, _: (
            len(point.positive.bucket_counts) + len(point.negative.bucket_counts) > MAX_BUCKETS
        ),
        Reason("bad_buckets", "zero_threshold is not a number of 0 or more"): lambda point, _: (
            not point.zero_threshold >= 0
        ),
    },
    "summary": {
        **_TIMES,
        Reason("bad_quantile", "a quantile is not between 0 and 1"): lambda point, _: (
            not all(0 <= each.quantile <= 1 for each in point.quantile_values)
        ),
        Reason("bad_quantile", f"the summary has more than {_MAX_QUANTILES} quantiles"): lambda point, _: (
            len(point.quantile_values) > _MAX_QUANTILES
        ),
    },
}

METRICS = Signal(
    name="metrics",
    item="data point",
    request=ExportMetricsServiceRequest,
    response=ExportMetricsServiceResponse,
    admit=_admit,
    cap=cap_metrics,
)
