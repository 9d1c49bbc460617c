"""The dashboard's numbers, from spans to answers, through the real engine."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from inline_snapshot import snapshot

from mcp_obs_server.analytics.service import AnalyticsService
from mcp_obs_server.analytics.time_range import RangeName, TimeRange
from mcp_obs_server.servers.service import ServerScope
from mcp_obs_server.store import TelemetryStore
from otlp_exports import NOW, SECOND, batch, export

NOW_TIME = datetime.fromtimestamp(NOW / 1e9, UTC)
HOUR = 3600 * SECOND
DAY = 24 * HOUR


class Traffic:
    """Writes calls of the test's organisation."""

    def __init__(self, store: TelemetryStore, scope: ServerScope) -> None:
        self._store = store
        self._scope = scope
        self._seed = 0

    def __call__(
        self,
        count: int,
        ago: int,
        tool: str = "search",
        attributes: Mapping[str, str] | None = None,
        server_id: int = 1,
        milliseconds: int = 20,
    ) -> None:
        self._seed += 1
        request = export(count, seed=self._seed, tool=tool, start=NOW - ago, attributes=attributes)
        for span in request.resource_spans[0].scope_spans[0].spans:
            span.end_time_unix_nano = span.start_time_unix_nano + milliseconds * 1_000_000
        token = f"{self._scope.org_id} {server_id} {self._seed}"
        self._store.insert("traces", batch(self._scope.org_id, request, server_id=server_id), token)


@pytest.fixture
def traffic(store: TelemetryStore, scope: ServerScope) -> Traffic:
    return Traffic(store, scope)


async def test_the_overview_counts_calls_and_compares_with_the_period_before(
    analytics: AnalyticsService, traffic: Traffic, scope: ServerScope
) -> None:
    ada = {"enduser.id": "ada", "mcp.session.id": "s1", "mcp.client.name": "cursor"}
    traffic(6, HOUR, attributes=ada)
    traffic(
        2, 2 * HOUR, attributes={**ada, "enduser.id": "bob", "error.type": "tool_error"}, milliseconds=500
    )
    traffic(4, 30 * HOUR, attributes={"mcp.client.name": "claude"})
    traffic(50, HOUR, server_id=2)
    assert (await analytics.overview(scope, "24h")).model_dump() == snapshot(
        {
            "range": {
                "start": datetime(2026, 9, 20, hour=14, tzinfo=UTC),
                "end": datetime(2026, 9, 21, hour=14, minute=15, tzinfo=UTC),
                "previous_start": datetime(2026, 9, 19, hour=13, minute=45, tzinfo=UTC),
                "bucket_seconds": 900,
            },
            "calls": {"value": 8.0, "previous": 4.0},
            "errors": {"value": 2.0, "previous": 0.0},
            "error_rate": {"value": 0.25, "previous": 0.0},
            "p50_ms": {"value": 20.0, "previous": 20.0},
            "p95_ms": {"value": 500.0, "previous": 20.0},
            "p99_ms": {"value": 500.0, "previous": 20.0},
            "active_users": {"value": 2.0, "previous": 0.0},
            "sessions": {"value": 1.0, "previous": 0.0},
            "clients": {"value": 1.0, "previous": 1.0},
            "generated_calls": 0,
            "last_call_at": datetime(2026, 9, 21, hour=13, minute=13, second=25, tzinfo=UTC),
        }
    )


async def test_a_day_reaches_back_to_a_full_hour_and_calls_before_it_belong_to_the_day_before(
    analytics: AnalyticsService, traffic: Traffic, scope: ServerScope
) -> None:
    minute = 60 * SECOND  # it is 14:13; the borders are at 14:00 and, a day and a quarter before, at 13:45
    traffic(1, DAY + 12 * minute, milliseconds=10)
    traffic(2, DAY + 14 * minute, milliseconds=20)
    traffic(4, 2 * DAY + 27 * minute, milliseconds=30)
    traffic(8, 2 * DAY + 29 * minute, milliseconds=40)
    overview = await analytics.overview(scope, "24h")
    assert overview.calls.model_dump() == {"value": 1, "previous": 6}
    assert overview.p99_ms.model_dump() == {"value": 10, "previous": 30}
    (tool,) = (await analytics.tools(scope, "24h")).tools
    assert (tool.calls, tool.p99_ms, tool.trend) == (1, 10, [1, *[0] * 24])


async def test_a_server_that_was_never_called_has_no_rates_and_no_latency(
    analytics: AnalyticsService, scope: ServerScope
) -> None:
    overview = await analytics.overview(scope, "30d")
    assert overview.calls.value == 0
    assert overview.error_rate.value is None
    assert overview.p95_ms.value is None
    assert overview.last_call_at is None
    assert {point.calls for point in (await analytics.series(scope, "30d")).points} == {0}
    assert (await analytics.tools(scope, "30d")).tools == []


async def test_cancelled_and_input_required_calls_are_neither_errors_nor_latency(
    analytics: AnalyticsService, traffic: Traffic, scope: ServerScope
) -> None:
    traffic(4, HOUR, milliseconds=10)
    for outcome in ("cancelled", "input_required"):
        traffic(3, HOUR, attributes={"mcp_obs.operation.outcome": outcome}, milliseconds=60_000)
    overview = await analytics.overview(scope, "24h")
    assert (overview.calls.value, overview.errors.value) == (10, 0)
    assert (overview.p50_ms.value, overview.p99_ms.value) == (10, 10)


async def test_lists_and_pings_are_not_calls_but_their_users_are_active(
    analytics: AnalyticsService, traffic: Traffic, scope: ServerScope
) -> None:
    traffic(5, HOUR, attributes={"mcp.method.name": "tools/list", "enduser.id": "ada"})
    overview = await analytics.overview(scope, "24h")
    assert (overview.calls.value, overview.active_users.value) == (0, 1)


async def test_tools_are_listed_most_called_first_with_their_own_numbers(
    analytics: AnalyticsService, traffic: Traffic, scope: ServerScope
) -> None:
    traffic(3, HOUR, tool="book", milliseconds=100)
    traffic(1, 5 * HOUR, tool="book", attributes={"error.type": "tool_error"}, milliseconds=300)
    traffic(9, 20 * HOUR, tool="find", attributes={"enduser.id": "ada"})
    traffic(7, 26 * HOUR, tool="old")
    assert (await analytics.tools(scope, "24h")).model_dump()["tools"] == snapshot(
        [
            {
                "name": "find",
                "calls": 9,
                "errors": 0,
                "error_rate": 0.0,
                "p50_ms": 20.0,
                "p95_ms": 20.0,
                "p99_ms": 20.0,
                "active_users": 1,
                "last_call_at": datetime(2026, 9, 20, hour=18, minute=13, second=28, tzinfo=UTC),
                "trend": [0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            },
            {
                "name": "book",
                "calls": 4,
                "errors": 1,
                "error_rate": 0.25,
                "p50_ms": 100.0,
                "p95_ms": 300.0,
                "p99_ms": 300.0,
                "active_users": 0,
                "last_call_at": datetime(2026, 9, 21, hour=13, minute=13, second=22, tzinfo=UTC),
                "trend": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 3, 0],
            },
        ]
    )


@pytest.mark.parametrize("name", ["24h", "7d", "30d", "90d"])
async def test_the_series_adds_up_to_the_overview_in_every_range(
    analytics: AnalyticsService, traffic: Traffic, scope: ServerScope, name: RangeName
) -> None:
    for days in (0.01, 0.5, 1.5, 6, 8, 20, 29):
        traffic(
            int(days * 10) + 1, int(days * DAY), attributes={"error.type": "tool_error"} if days > 5 else None
        )
    overview, series = await analytics.overview(scope, name), await analytics.series(scope, name)
    assert sum(point.calls for point in series.points) == overview.calls.value
    assert sum(point.errors for point in series.points) == overview.errors.value
    assert sum(tool.calls for tool in (await analytics.tools(scope, name)).tools) == overview.calls.value
    assert sum(sum(tool.trend) for tool in (await analytics.tools(scope, name)).tools) == overview.calls.value


@pytest.mark.parametrize("name", ["24h", "7d", "30d", "90d"])
def test_a_range_is_whole_buckets_and_the_present_lies_in_the_last(name: RangeName) -> None:
    for minutes in range(0, 3000, 7):
        now = NOW_TIME + timedelta(minutes=minutes)
        range_ = TimeRange.ending(now, name)
        starts = range_.starts()
        assert starts[0] == range_.start
        assert starts[-1] <= now < starts[-1] + range_.bucket == range_.end
        assert range_.start - range_.previous_start == range_.end - range_.start
        assert 84 <= len(starts) <= 120


async def test_generated_history_is_counted_apart(
    analytics: AnalyticsService, store: TelemetryStore, scope: ServerScope
) -> None:
    request = export(5, start=NOW - HOUR)
    for span in request.resource_spans[0].scope_spans[0].spans[:2]:
        span.attributes.add(key="mcp_obs.generated").value.bool_value = True
    store.insert("traces", batch(scope.org_id, request), f"generated {scope.org_id}")
    overview = await analytics.overview(scope, "24h")
    assert (overview.calls.value, overview.generated_calls) == (5, 2)
