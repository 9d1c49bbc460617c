"""The list of metrics and one metric over time: what the points of every kind come to."""

from collections.abc import Mapping
from typing import Any

import pytest
from inline_snapshot import snapshot
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric

from mcp_obs_server.analytics.metric_schemas import MetricQuery
from mcp_obs_server.analytics.service import AnalyticsService
from mcp_obs_server.servers.service import ServerScope
from mcp_obs_server.store import TelemetryStore
from otlp_exports import NOW, SECOND, batch, counter, metrics_export

CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
DELTA = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
QUARTER = 900 * SECOND
# The last bucket that is whole starts here; t(0) to t(3) are the four quarters up to it.
LAST = NOW // QUARTER * QUARTER


def t(quarter: int, seconds: int = 0) -> int:
    """`seconds` into one of the quarters of an hour, the last of which is 3."""
    return LAST - (3 - quarter) * QUARTER + seconds * SECOND


class Sender:
    """Writes metrics of the test's server, each export under a token of its own."""

    def __init__(self, store: TelemetryStore, scope: ServerScope) -> None:
        self._store = store
        self._scope = scope
        self._exports = 0

    def __call__(self, *metrics: Metric, again: bool = False, server_id: int = 1) -> None:
        self._exports += not again
        token = f"metrics {self._scope.org_id} {self._exports}"
        body = batch(self._scope.org_id, metrics_export(*metrics), server_id=server_id)
        self._store.insert("metrics", body, token)


@pytest.fixture
def send(store: TelemetryStore, scope: ServerScope) -> Sender:
    return Sender(store, scope)


def gauge(name: str, values: Mapping[int, float], **attributes: str) -> Metric:
    metric = Metric(name=name, unit="By")
    for time, value in values.items():
        point = metric.gauge.data_points.add(time_unix_nano=time, as_double=value)
        for key, text in attributes.items():
            point.attributes.add(key=key).value.string_value = text
    return metric


def latency(
    time: int, counts: list[int], total: float, started: int = 0, temporality: Any = CUMULATIVE
) -> Metric:
    """A histogram with the bounds 10, 20 and 40."""
    metric = Metric(name="mcp.message.latency", unit="ms")
    metric.histogram.aggregation_temporality = temporality
    metric.histogram.data_points.add(
        time_unix_nano=time,
        start_time_unix_nano=started,
        count=sum(counts),
        sum=total,
        bucket_counts=counts,
        explicit_bounds=[10, 20, 40],
    )
    return metric


async def points(
    analytics: AnalyticsService, scope: ServerScope, name: str, **query: Any
) -> dict[str | None, list[dict[str, float]]]:
    """The last four whole buckets of every group, without what is not of the metric's kind."""
    series = await analytics.metric_series(scope, MetricQuery(name=name, **query))
    return {
        group.value: [
            point.model_dump(exclude={"start", "rate"}, exclude_none=True) for point in group.points[-4:]
        ]
        for group in series.groups
    }


async def increases(
    analytics: AnalyticsService, scope: ServerScope, name: str = "mcp.errors", **query: Any
) -> dict[str | None, list[float]]:
    groups = await points(analytics, scope, name, **query)
    return {value: [point["increase"] for point in of_group] for value, of_group in groups.items()}


async def test_the_list_says_what_each_metric_is_and_whether_it_is_known(
    analytics: AnalyticsService, scope: ServerScope, send: Sender
) -> None:
    described = gauge("queue.length", {t(3): 1.0})
    described.description = "Waiting."
    send(
        counter({t(2): 3}, attributes={"model": "opus"}),
        counter({t(3): 3}, attributes={"model": "haiku"}),
        described,
    )
    send(gauge("of.another.server", {t(3): 1.0}), server_id=2)
    listed = await analytics.metrics(scope, "24h")
    assert [metric.model_dump(mode="json") for metric in listed.metrics] == snapshot(
        [
            {
                "name": "mcp.errors",
                "kind": "sum",
                "temporality": "delta",
                "is_monotonic": True,
                "unit": "1",
                "description": "Errors of any kind.",
                "category": "performance",
                "last_at": "2026-09-21T14:00:00Z",
                "series": 2,
            },
            {
                "name": "queue.length",
                "kind": "gauge",
                "temporality": "unspecified",
                "is_monotonic": False,
                "unit": "By",
                "description": "Waiting.",
                "category": None,
                "last_at": "2026-09-21T14:00:00Z",
                "series": 1,
            },
        ]
    )


async def test_one_metric_is_answered_whole(
    analytics: AnalyticsService, scope: ServerScope, send: Sender
) -> None:
    send(counter({t(3): 45}))
    series = await analytics.metric_series(scope, MetricQuery(name="mcp.errors"))
    (group,) = series.groups
    assert len(group.points) == 97
    assert series.model_dump(mode="json", exclude={"groups"}) == snapshot(
        {
            "range": {
                "start": "2026-09-20T14:00:00Z",
                "end": "2026-09-21T14:15:00Z",
                "previous_start": "2026-09-19T13:45:00Z",
                "bucket_seconds": 900,
            },
            "metric": {
                "name": "mcp.errors",
                "kind": "sum",
                "temporality": "delta",
                "is_monotonic": True,
                "unit": "1",
                "description": "Errors of any kind.",
                "category": "performance",
                "last_at": "2026-09-21T14:00:00Z",
                "series": 1,
            },
            "by": None,
        }
    )
    assert group.points[-1].model_dump(mode="json") == snapshot(
        {
            "start": "2026-09-21T14:00:00Z",
            "increase": 45.0,
            "rate": 0.05,
            "avg": None,
            "min": None,
            "max": None,
            "last": None,
            "count": None,
            "sum": None,
            "p50": None,
            "p95": None,
            "p99": None,
        }
    )


async def test_a_metric_that_was_never_seen_has_no_series(
    analytics: AnalyticsService, scope: ServerScope
) -> None:
    series = await analytics.metric_series(scope, MetricQuery(name="mcp.errors"))
    assert (series.metric, series.groups) == (None, [])


async def test_deltas_add_up_in_whatever_order_they_come_and_a_repeated_export_counts_once(
    analytics: AnalyticsService, scope: ServerScope, send: Sender
) -> None:
    send(counter({t(3): 4, t(1): 1}))
    send(counter({t(1, 60): 2, t(0): 8}))
    send(counter({t(1, 60): 2, t(0): 8}), again=True)
    assert await increases(analytics, scope) == {None: [8, 3, 0, 4]}


async def test_a_cumulative_sum_is_told_by_the_state_before(
    analytics: AnalyticsService, scope: ServerScope, send: Sender
) -> None:
    # In operation since long before: nobody knows when the first 100 came.
    send(counter({t(0): 100, t(2): 130}, started=NOW - 100 * 86400 * SECOND, temporality=CUMULATIVE))
    send(counter({t(1): 110, t(1, 60): 125}, started=NOW - 100 * 86400 * SECOND, temporality=CUMULATIVE))
    assert await increases(analytics, scope) == {None: [0, 25, 5, 0]}


async def test_a_stream_that_began_in_sight_is_new_as_a_whole(
    analytics: AnalyticsService, scope: ServerScope, send: Sender
) -> None:
    send(counter({t(0, 60): 7, t(1): 9}, started=t(0), temporality=CUMULATIVE))
    assert await increases(analytics, scope) == {None: [7, 2, 0, 0]}


async def test_a_restart_is_no_decrease_whether_or_not_it_says_when_it_was(
    analytics: AnalyticsService, scope: ServerScope, send: Sender
) -> None:
    told, untold = {"restart": "told"}, {"restart": "untold"}
    send(counter({t(0): 50, t(1): 60}, started=t(0, -60), temporality=CUMULATIVE, attributes=told))
    send(counter({t(2): 4, t(3): 5}, started=t(1, 60), temporality=CUMULATIVE, attributes=told))
    send(
        counter({t(0): 50, t(1): 60, t(2): 4, t(3): 5}, started=0, temporality=CUMULATIVE, attributes=untold)
    )
    assert await increases(analytics, scope, by="restart") == {
        "told": [50, 10, 4, 1],
        "untold": [0, 10, 4, 1],
    }


async def test_two_processes_that_call_themselves_the_same_add_up(
    analytics: AnalyticsService, scope: ServerScope, send: Sender
) -> None:
    for started, values in ((t(0, 1), {t(1): 10, t(2): 30}), (t(0, 2), {t(1, 1): 1, t(2, 1): 5})):
        send(counter(values, started=started, temporality=CUMULATIVE))
    assert await increases(analytics, scope) == {None: [0, 11, 24, 0]}


async def test_the_rollups_of_hours_tell_the_same_as_those_of_quarters(
    analytics: AnalyticsService, scope: ServerScope, send: Sender
) -> None:
    send(counter({t(0): 1, t(3): 2}), counter({t(0): 5, t(3): 9}, name="grew", temporality=CUMULATIVE))
    for name, total in (("mcp.errors", 3), ("grew", 4)):
        for look_back in ("24h", "7d", "30d", "90d"):
            series = await analytics.metric_series(scope, MetricQuery(name=name, range=look_back))
            (group,) = series.groups
            assert sum(point.increase or 0 for point in group.points) == total


async def test_a_gauge_has_an_average_a_lowest_a_highest_and_a_last_value(
    analytics: AnalyticsService, scope: ServerScope, send: Sender
) -> None:
    send(gauge("rss", {t(2, 9): 30.0, t(2): 10.0, t(2, 5): 5.0}, host="a"), gauge("rss", {t(2, 8): 1.0}))
    send(gauge("rss", {t(2, 7): float("nan"), t(3): float("inf")}, host="a"))
    assert await points(analytics, scope, "rss", by="host") == snapshot(
        {
            None: [{}, {}, {"avg": 1.0, "min": 1.0, "max": 1.0, "last": 1.0}, {}],
            "a": [{}, {}, {"avg": 15.0, "min": 5.0, "max": 30.0, "last": 30.0}, {}],
        }
    )
    assert (await points(analytics, scope, "rss"))[None][2] == snapshot(
        {"avg": 11.5, "min": 1.0, "max": 30.0, "last": 30.0}
    )


async def test_what_goes_up_and_down_adds_up_across_processes(
    analytics: AnalyticsService, scope: ServerScope, send: Sender
) -> None:
    for host, values in (("a", {t(2): 3, t(2, 60): 5}), ("b", {t(2): 10, t(2, 30): 20})):
        active = counter(values, "mcp.sessions.active", 0, {"host": host}, CUMULATIVE)
        active.sum.is_monotonic = False
        send(active)
    assert (await points(analytics, scope, "mcp.sessions.active"))[None][2] == snapshot(
        {"avg": 19.0, "min": 13.0, "max": 25.0, "last": 25.0}
    )


@pytest.mark.parametrize("temporality", [DELTA, CUMULATIVE])
async def test_a_histogram_has_its_counts_and_quantiles(
    analytics: AnalyticsService, scope: ServerScope, send: Sender, temporality: Any
) -> None:
    first, second = [0, 10, 0, 0], [0, 0, 100, 0]
    if temporality == CUMULATIVE:
        second = [0, 10, 100, 0]
    send(latency(t(2), first, 150, started=t(1, 1), temporality=temporality))
    send(latency(t(3), second, 3150 if temporality == CUMULATIVE else 3000, t(1, 1), temporality))
    assert (await points(analytics, scope, "mcp.message.latency"))[None][2:] == snapshot(
        [
            {"count": 10, "sum": 150.0, "p50": 15.0, "p95": 19.5, "p99": 19.9},
            {"count": 100, "sum": 3000.0, "p50": 30.0, "p95": 39.0, "p99": 39.8},
        ]
    )


async def test_an_exponential_histogram_of_any_scale_has_quantiles(
    analytics: AnalyticsService, scope: ServerScope, send: Sender
) -> None:
    # Scale 0: bucket 3 covers (8, 16]. Scale 20, offset 4 << 20: a millionth of a doubling above 16. And both ends.
    for seconds, scale, offset, counts in (
        (0, 0, 3, [10]),
        (1, 20, 4 << 20, [10]),
        (2, -10, 0, [1]),
        (3, -11, -1, [1]),
    ):
        metric = Metric(name="exponential", unit="ms")
        metric.exponential_histogram.aggregation_temporality = DELTA
        point = metric.exponential_histogram.data_points.add(
            time_unix_nano=t(3, seconds), count=sum(counts), sum=1.0, scale=scale
        )
        point.positive.offset = offset
        point.positive.bucket_counts.extend(counts)
        send(metric)
    (point,) = (await points(analytics, scope, "exponential"))[None][3:]
    assert point == snapshot(
        {"count": 22, "sum": 4.0, "p50": 15.2, "p95": 16.630458661766372, "p99": 16.692796147424172}
    )


async def test_a_summary_has_its_count_and_sum(
    analytics: AnalyticsService, scope: ServerScope, send: Sender
) -> None:
    for quarter, count in ((1, 10), (2, 30)):
        metric = Metric(name="summary", unit="s")
        metric.summary.data_points.add(time_unix_nano=t(quarter), count=count, sum=count / 2)
        send(metric)
    assert (await points(analytics, scope, "summary"))[None][2] == {"count": 20, "sum": 10.0}


async def test_the_values_beyond_the_first_twenty_are_one_group(
    analytics: AnalyticsService, scope: ServerScope, send: Sender
) -> None:
    send(
        *(counter({t(3): 1}, attributes={"tool": f"tool {index:02}"}) for index in range(25)),
        counter({t(3): 2}),
    )
    found = await increases(analytics, scope, by="tool")
    # In the order of their names, the empty one first.
    assert {value: of_group[3] for value, of_group in found.items()} == {
        None: 2,
        **{f"tool {index:02}": 1 for index in range(19)},
        "_OTHER": 6,
    }
    assert (await increases(analytics, scope))[None][3] == 27


async def test_one_name_of_two_units_or_kinds_is_not_mixed(
    analytics: AnalyticsService, scope: ServerScope, send: Sender
) -> None:
    older = counter({t(1): 1000})
    older.unit = "ms"
    send(older, counter({t(2): 2}), gauge("mcp.errors", {t(0): 7.0}))
    assert await increases(analytics, scope) == {None: [0, 0, 2, 0]}
    assert (await points(analytics, scope, "mcp.errors", kind="gauge"))[None][0]["last"] == 7
