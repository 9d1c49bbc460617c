"""The three views that session analytics are known by: their columns, and what they say."""

from typing import Any

import pytest
from inline_snapshot import snapshot
from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from mcp_obs_server.analytics.named_view_schemas import RowsQuery
from mcp_obs_server.analytics.service import AnalyticsService
from mcp_obs_server.servers.service import ServerScope
from mcp_obs_server.store import TelemetryStore
from mcp_obs_server.store.errors import StoreUnavailableError
from otlp_exports import NOW, SECOND, batch, counter, export, logs_export, metrics_export

CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
HOUR = 3600 * SECOND


class Sender:
    """Writes exports of the test's server, each under a token of its own."""

    def __init__(self, store: TelemetryStore, scope: ServerScope) -> None:
        self._store = store
        self._scope = scope
        self._exports = 0

    def __call__(self, signal: Any, request: Any, server_id: int = 1) -> None:
        self._exports += 1
        body = batch(self._scope.org_id, request, server_id=server_id)
        self._store.insert(signal, body, f"named {self._scope.org_id} {self._exports}")


@pytest.fixture
def send(store: TelemetryStore, scope: ServerScope) -> Sender:
    return Sender(store, scope)


def checkpoints(count: int, time: int, session: str) -> Metric:
    metric = Metric(name="mcp.checkpoint.size", unit="By")
    metric.histogram.aggregation_temporality = CUMULATIVE
    point = metric.histogram.data_points.add(
        time_unix_nano=time, start_time_unix_nano=NOW - 2 * HOUR, count=count, sum=1024.0 * count
    )
    point.attributes.add(key="session.id").value.string_value = session
    return metric


@pytest.mark.parametrize(
    ("view", "columns"),
    [
        (
            "session_metrics",
            """id session_id model start_time end_time duration_seconds
            token_count message_count checkpoint_count error_count""",
        ),
        ("performance_metrics", "timestamp metric_name value labels"),
        ("feature_usage", "date feature usage_count unique_users"),
    ],
)
async def test_a_view_has_its_columns_and_no_answer_without_its_tenant(
    store: TelemetryStore, view: str, columns: str
) -> None:
    of = "org_id = 1, server_id = 1, start = '2026-01-01 00:00:00', end = '2026-01-02 00:00:00'"
    described = await store.rows(f"DESCRIBE (SELECT * FROM {view}({of}))", {})
    assert [row["name"] for row in described] == columns.split()
    with pytest.raises(StoreUnavailableError, match="server_id"):
        await store.rows(f"SELECT count() FROM {view}(org_id = 1)", {})


async def test_a_session_is_put_together_from_every_signal(
    analytics: AnalyticsService, scope: ServerScope, send: Sender
) -> None:
    session = {"mcp.session.id": "s1"}
    send("traces", export(3, start=NOW - HOUR, attributes={**session, "gen_ai.request.model": "opus"}))
    send("traces", export(1, seed=2, start=NOW - HOUR, attributes={**session, "error.type": "tool_error"}))
    spent = {"session.id": "s2", "model": "haiku", "input_tokens": "900", "output_tokens": "100"}
    send("logs", logs_export(2, NOW - HOUR, "api_request", attributes=spent))
    send("logs", logs_export(1, NOW - HOUR + 30 * SECOND, "user_prompt", attributes={"session.id": "s2"}))
    failed = SeverityNumber.SEVERITY_NUMBER_ERROR
    send("logs", logs_export(1, NOW - HOUR + SECOND, "api_error", failed, {"session.id": "s2"}))
    send("metrics", metrics_export(checkpoints(1, NOW - HOUR, "s2")))
    send("metrics", metrics_export(checkpoints(3, NOW - HOUR + SECOND, "s2")))
    send("traces", export(1, seed=3, attributes={"mcp.session.id": "of another server"}), server_id=2)
    answer = await analytics.session_metrics(scope, RowsQuery())
    assert answer.model_dump(mode="json", exclude={"range"}) == snapshot(
        {
            "rows": [
                {
                    "id": 1901686204209440,
                    "session_id": "s1",
                    "model": "opus",
                    "start_time": "2026-09-21T13:13:20Z",
                    "end_time": "2026-09-21T13:13:22.020000Z",
                    "duration_seconds": 2.02,
                    "token_count": None,
                    "message_count": 4,
                    "checkpoint_count": None,
                    "error_count": 1,
                },
                {
                    "id": 4833157633592353,
                    "session_id": "s2",
                    "model": "haiku",
                    "start_time": "2026-09-21T13:13:20Z",
                    "end_time": "2026-09-21T13:13:50Z",
                    "duration_seconds": 30.0,
                    "token_count": 2000,
                    "message_count": 1,
                    "checkpoint_count": 3,
                    "error_count": 1,
                },
            ],
            "has_more": False,
        }
    )


async def test_the_session_of_an_agent_tells_its_prompts_checkpoints_and_errors(
    analytics: AnalyticsService, scope: ServerScope, send: Sender
) -> None:
    steps = {"session.create": 0, "session.message": 2, "session.checkpoint": 2, "session.end": 0}
    request = export(8, start=NOW - HOUR, attributes={"mcp.model": "opus", "mcp_obs.session.id": "s3"})
    spans = request.resource_spans[0].scope_spans[0].spans
    names = [name for name, more in steps.items() for _ in range(more + 1)]
    for span, name in zip(spans, names, strict=True):
        span.name, span.kind = name, Span.SPAN_KIND_INTERNAL
        del span.attributes[:2]
    # One checkpoint could not be saved, and one prompt got no answer.
    for failed in (spans[1], spans[4]):
        failed.status.code = Status.STATUS_CODE_ERROR
    send("traces", request)
    (row,) = (await analytics.session_metrics(scope, RowsQuery())).rows
    assert (row.session_id, row.message_count, row.checkpoint_count, row.error_count) == ("s3", 3, 2, 2)


async def test_a_point_is_a_row_and_a_distribution_two(
    analytics: AnalyticsService, scope: ServerScope, send: Sender
) -> None:
    infinite = Metric(name="infinite")
    infinite.gauge.data_points.add(time_unix_nano=NOW - HOUR, as_double=float("inf"))
    errors = counter({NOW - 2 * HOUR: 2}, attributes={"error.type": "tool_error"})
    send("metrics", metrics_export(checkpoints(3, NOW - HOUR, "s2"), infinite, errors))
    send("metrics", metrics_export(counter({NOW - HOUR: 2})), server_id=2)
    answer = await analytics.performance_metrics(scope, RowsQuery())
    assert answer.model_dump(mode="json", exclude={"range"}) == snapshot(
        {
            "rows": [
                {
                    "timestamp": "2026-09-21T13:13:20Z",
                    "metric_name": "infinite",
                    "value": None,
                    "labels": "{}",
                },
                {
                    "timestamp": "2026-09-21T13:13:20Z",
                    "metric_name": "mcp.checkpoint.size.count",
                    "value": 3.0,
                    "labels": '{"session.id":"s2"}',
                },
                {
                    "timestamp": "2026-09-21T13:13:20Z",
                    "metric_name": "mcp.checkpoint.size.sum",
                    "value": 3072.0,
                    "labels": '{"session.id":"s2"}',
                },
                {
                    "timestamp": "2026-09-21T12:13:20Z",
                    "metric_name": "mcp.errors",
                    "value": 2.0,
                    "labels": '{"error.type":"tool_error"}',
                },
            ],
            "has_more": False,
        }
    )
    page = await analytics.performance_metrics(scope, RowsQuery(limit=2, offset=1))
    assert (page.rows, page.has_more) == (answer.rows[1:3], True)


async def test_a_feature_has_its_calls_and_users_of_every_day(
    analytics: AnalyticsService, scope: ServerScope, send: Sender
) -> None:
    for seed, (user, tool, ago) in enumerate(
        (
            ("ada", "search", HOUR),
            ("bob", "search", HOUR),
            ("ada", "find", HOUR),
            ("ada", "search", 30 * HOUR),
        ),
        1,
    ):
        send("traces", export(2, seed, tool, NOW - ago, {"enduser.id": user}))
    send("traces", export(1, 9, "", NOW - HOUR, {"mcp.method.name": "ping", "gen_ai.tool.name": ""}))
    send("traces", export(1, 10), server_id=2)
    answer = await analytics.feature_usage(scope, RowsQuery(range="7d"))
    assert answer.model_dump(mode="json", exclude={"range"}) == snapshot(
        {
            "rows": [
                {"date": "2026-09-21", "feature": "search", "usage_count": 4, "unique_users": 2},
                {"date": "2026-09-21", "feature": "find", "usage_count": 2, "unique_users": 1},
                {"date": "2026-09-20", "feature": "search", "usage_count": 2, "unique_users": 1},
            ],
            "has_more": False,
        }
    )
