"""The list of spans: filters, order and pages, through the real engine."""

from collections.abc import Mapping
from typing import Any

import pytest
from inline_snapshot import snapshot
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from mcp_obs_server.accounts.principal import OrgId
from mcp_obs_server.analytics.service import AnalyticsService
from mcp_obs_server.analytics.span_schemas import SpanQuery
from mcp_obs_server.kit.errors import InvalidError
from mcp_obs_server.servers.service import ServerScope
from mcp_obs_server.store import TelemetryStore
from otlp_exports import NOW, SECOND, batch, export

HOUR = 3600 * SECOND


def write(
    store: TelemetryStore,
    scope: ServerScope,
    seed: int,
    attributes: Mapping[str, str] | None = None,
    count: int = 1,
    ago: int = HOUR,
    message: str = "",
) -> None:
    """`count` calls of the tool `search`."""
    request = export(count, seed=seed, start=NOW - ago, attributes=attributes)
    for span in request.resource_spans[0].scope_spans[0].spans:
        if message:
            span.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message=message))
    token = f"spans {scope.org_id} {scope.server_id} {seed}"
    store.insert("traces", batch(scope.org_id, request, server_id=scope.server_id), token)


async def seeds(analytics: AnalyticsService, scope: ServerScope, **query: Any) -> list[int]:
    """The seeds of the spans that are listed."""
    page = await analytics.spans(scope, SpanQuery(**query))
    return [int(span.trace_id, 16) >> 64 for span in page.spans]


async def test_a_listed_span_says_what_happened_and_to_whom(
    store: TelemetryStore, analytics: AnalyticsService, scope: ServerScope
) -> None:
    ada = {
        "enduser.id": "ada",
        "mcp.session.id": "s1",
        "mcp.client.name": "cursor",
        "error.type": "tool_error",
    }
    write(store, scope, 1, ada, message="no such city")
    (listed,) = (await analytics.spans(scope, SpanQuery())).spans
    assert listed.model_dump(mode="json") == snapshot(
        {
            "trace_id": "00000000000000010000000000000001",
            "span_id": "0000000100000001",
            "parent_span_id": None,
            "time": "2026-09-21T13:13:20Z",
            "time_unix_nano": "1789996400000000000",
            "duration_ns": 20000000,
            "name": "tools/call search",
            "kind": "server",
            "status": "error",
            "status_message": "no such city",
            "method": "tools/call",
            "target": "search",
            "outcome": "error",
            "error_type": "tool_error",
            "session_id": "s1",
            "user_id": "ada",
            "client_name": "cursor",
            "client_version": None,
            "generated": False,
        }
    )


async def test_every_filter_leaves_the_spans_that_are_like_it(
    store: TelemetryStore, analytics: AnalyticsService, scope: ServerScope
) -> None:
    write(store, scope, 1, {"gen_ai.tool.name": "find", "enduser.id": "ada"})
    write(
        store,
        scope,
        2,
        {"mcp.method.name": "prompts/get", "gen_ai.tool.name": "", "gen_ai.prompt.name": "greet"},
    )
    write(
        store,
        scope,
        3,
        {"mcp.method.name": "resources/read", "gen_ai.tool.name": "", "mcp.resource.uri": "x://A"},
    )
    write(store, scope, 4, {"error.type": "tool_error", "city": "São Paulo"}, message="Out of FUNDS")
    write(store, scope, 5, {"mcp.session.id": "s1", "mcp.client.name": "cursor"})
    write(store, scope, 6, {"mcp_obs.operation.outcome": "cancelled"})
    wanted: dict[str, list[int]] = {}
    for name, value in (
        ("method", "prompts/get"),
        ("target", "find"),
        ("target", "greet"),
        ("target", "x://A"),
        ("outcome", "error"),
        ("outcome", "cancelled"),
        ("error_type", "tool_error"),
        ("session_id", "s1"),
        ("user_id", "ada"),
        ("client_name", "cursor"),
        ("text", "funds"),
        ("text", "são p"),
        ("text", "x://a"),
        ("text", "' OR 1 = 1 --"),
        ("target", "{x:String}"),
    ):
        wanted[f"{name}={value}"] = sorted(await seeds(analytics, scope, **{name: value}))
    assert wanted == snapshot(
        {
            "method=prompts/get": [2],
            "target=find": [1],
            "target=greet": [2],
            "target=x://A": [3],
            "outcome=error": [4],
            "outcome=cancelled": [6],
            "error_type=tool_error": [4],
            "session_id=s1": [5],
            "user_id=ada": [1],
            "client_name=cursor": [5],
            "text=funds": [4],
            "text=são p": [4],
            "text=x://a": [3],
            "text=' OR 1 = 1 --": [],
            "target={x:String}": [],
        }
    )
    assert await seeds(analytics, scope, target="search", error_type="tool_error", text="paulo") == [4]
    assert await seeds(analytics, scope, target="find", error_type="tool_error") == []


async def test_another_server_s_and_another_organisation_s_spans_are_never_listed(
    store: TelemetryStore, analytics: AnalyticsService, scope: ServerScope
) -> None:
    for seed, whose in enumerate(
        (scope, ServerScope(scope.org_id, 2), ServerScope(OrgId(scope.org_id + 500_000), 1)), 1
    ):
        write(store, whose, seed)
        assert await seeds(analytics, whose) == [seed]


async def test_the_range_is_looked_back(
    store: TelemetryStore, analytics: AnalyticsService, scope: ServerScope
) -> None:
    for seed, days in enumerate((0.5, 1.5, 8, 31), 1):
        write(store, scope, seed, ago=int(days * 24) * HOUR)
    assert await seeds(analytics, scope) == [1]
    assert await seeds(analytics, scope, range="7d") == [1, 2]
    assert await seeds(analytics, scope, range="90d") == [1, 2, 3, 4]


@pytest.mark.parametrize("limit", [1, 3, 5, 12])
async def test_the_pages_together_are_every_span_once_newest_first(
    store: TelemetryStore, analytics: AnalyticsService, scope: ServerScope, limit: int
) -> None:
    # Every third span of each is at the same nanosecond as one of the others.
    for seed in range(1, 5):
        write(store, scope, seed, count=3)
    found: list[tuple[int, str, str]] = []
    cursor, pages = None, 0
    while pages == 0 or cursor:
        page = await analytics.spans(scope, SpanQuery(limit=limit, cursor=cursor, target="search"))
        assert 1 <= len(page.spans) <= limit
        found += [(int(span.time_unix_nano), span.trace_id, span.span_id) for span in page.spans]
        cursor, pages = page.next_cursor, pages + 1
    assert len(found) == len(set(found)) == 12
    assert found == sorted(found, reverse=True)
    assert pages == -(-12 // limit)


@pytest.mark.parametrize(
    "cursor", ["x", "1.2.3", f"{2**63}.{'0' * 32}.{'0' * 16}", f"-1.{'0' * 32}.{'0' * 16}"]
)
async def test_a_cursor_that_no_page_gave_is_refused(
    analytics: AnalyticsService, scope: ServerScope, cursor: str
) -> None:
    with pytest.raises(InvalidError, match="leave it out"):
        await analytics.spans(scope, SpanQuery(cursor=cursor))


async def test_the_overview_and_the_series_of_one_target_are_of_that_target_only(
    store: TelemetryStore, analytics: AnalyticsService, scope: ServerScope
) -> None:
    write(store, scope, 1, {"gen_ai.tool.name": "find"}, count=3)
    write(store, scope, 2, {"error.type": "tool_error"}, count=2)
    counted = {
        target: (
            (overview := await analytics.overview(scope, "24h", target)).calls.value,
            overview.errors.value,
            sum(point.calls for point in (await analytics.series(scope, "24h", target)).points),
        )
        for target in (None, "find", "search", "other")
    }
    assert counted == {None: (5, 2, 5), "find": (3, 0, 3), "search": (2, 2, 2), "other": (0, 0, 0)}
