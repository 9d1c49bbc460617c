"""The list of log records: filters, order and pages, through the real engine."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from inline_snapshot import snapshot
from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber

from mcp_obs_server.accounts.principal import OrgId
from mcp_obs_server.analytics.log_schemas import LogQuery
from mcp_obs_server.analytics.service import AnalyticsService
from mcp_obs_server.kit.errors import InvalidError
from mcp_obs_server.servers.service import ServerScope
from mcp_obs_server.store import TelemetryStore
from otlp_exports import NOW, SECOND, batch, logs_export

HOUR = 3600 * SECOND
TRACE_ID = bytes(range(16))


def write(
    store: TelemetryStore,
    scope: ServerScope,
    number: int,
    attributes: Mapping[str, str] | None = None,
    count: int = 1,
    ago: int = HOUR,
    body: str = "",
    trace_id: bytes = b"",
    **of_export: Any,
) -> None:
    """`count` records with this observed second, by which a test knows them."""
    request = logs_export(count, NOW - ago, attributes=attributes, **of_export)
    for record in request.resource_logs[0].scope_logs[0].log_records:
        record.observed_time_unix_nano = number * SECOND
        record.trace_id = trace_id
        if body:
            record.body.string_value = body
    token = f"logs {scope.org_id} {scope.server_id} {number}"
    store.insert("logs", batch(scope.org_id, request, server_id=scope.server_id), token)


async def numbers(analytics: AnalyticsService, scope: ServerScope, **query: Any) -> list[int]:
    page = await analytics.logs(scope, LogQuery(**query))
    return [int(record.observed_time.timestamp()) for record in page.logs if record.observed_time]


async def test_a_listed_record_is_shown_whole(
    store: TelemetryStore, analytics: AnalyticsService, scope: ServerScope
) -> None:
    said = {"session.id": "s1", "user.id": "ada", "tool_name": "Bash", "decision": "accept"}
    write(store, scope, 1, said, event="tool_result", trace_id=TRACE_ID)
    (listed,) = (await analytics.logs(scope, LogQuery())).logs
    assert listed.model_dump(mode="json") == snapshot(
        {
            "time": "2026-09-21T13:13:20Z",
            "time_unix_nano": "1789996400000000000",
            "observed_time": "1970-01-01T00:00:01Z",
            "event_name": "tool_result",
            "event_meaning": "A tool finished.",
            "severity": "info",
            "severity_text": None,
            "body": "claude_code.tool_result",
            "body_type": "string",
            "trace_id": "000102030405060708090a0b0c0d0e0f",
            "span_id": None,
            "session_id": "s1",
            "user_id": "ada",
            "client_name": None,
            "tool": "Bash",
            "model": None,
            "attributes": [
                {"key": "decision", "type": "string", "value": "accept"},
                {"key": "tool_name", "type": "string", "value": "Bash"},
            ],
            "dropped_attributes_count": 0,
            "scope": {"name": "tests", "version": "", "schema_url": "", "attributes": []},
            "resource": {
                "schema_url": "",
                "attributes": [{"key": "service.name", "type": "string", "value": "test"}],
            },
        }
    )


async def test_every_filter_leaves_the_records_that_are_like_it(
    store: TelemetryStore, analytics: AnalyticsService, scope: ServerScope
) -> None:
    write(store, scope, 1, {"session.id": "s1"}, event="tool_result")
    write(store, scope, 2, severity=SeverityNumber.SEVERITY_NUMBER_WARN2, body="Out of FUNDS")
    write(store, scope, 3, {"city": "São Paulo", "empty": ""}, severity=SeverityNumber.SEVERITY_NUMBER_FATAL)
    write(
        store, scope, 4, {"user.id": "ada"}, trace_id=TRACE_ID, severity=SeverityNumber.SEVERITY_NUMBER_DEBUG
    )
    wanted: dict[str, list[int]] = {}
    for name, value in (
        ("event_name", "tool_result"),
        ("severity", "warn"),
        ("severity", "debug"),
        ("session_id", "s1"),
        ("user_id", "ada"),
        ("trace_id", TRACE_ID.hex().upper()),
        ("text", "funds"),
        ("text", "são p"),
        ("text", "' OR 1 = 1 --"),
        ("attribute", "city=São Paulo"),
        ("attribute", "session.id=s1"),
        ("attribute", "empty="),
        ("attribute", "session.id="),
        ("attribute", "service.name=test"),
        ("attribute", "absent="),
    ):
        wanted[f"{name}={value}"] = sorted(await numbers(analytics, scope, **{name: value}))
    assert wanted == snapshot(
        {
            "event_name=tool_result": [1],
            "severity=warn": [2, 3],
            "severity=debug": [1, 2, 3, 4],
            "session_id=s1": [1],
            "user_id=ada": [4],
            "trace_id=000102030405060708090A0B0C0D0E0F": [4],
            "text=funds": [2],
            "text=são p": [3],
            "text=' OR 1 = 1 --": [],
            "attribute=city=São Paulo": [3],
            "attribute=session.id=s1": [1],
            "attribute=empty=": [3],
            "attribute=session.id=": [],
            "attribute=service.name=test": [1, 2, 3, 4],
            "attribute=absent=": [],
        }
    )
    assert await numbers(analytics, scope, severity="warn", text="paulo") == [3]
    assert await numbers(analytics, scope, severity="warn", text="paulo", user_id="ada") == []


async def test_another_server_s_and_another_organisation_s_records_are_never_listed(
    store: TelemetryStore, analytics: AnalyticsService, scope: ServerScope
) -> None:
    others = ServerScope(scope.org_id, 2), ServerScope(OrgId(scope.org_id + 500_000), 1)
    for number, whose in enumerate((scope, *others), 1):
        write(store, whose, number)
        assert await numbers(analytics, whose) == [number]


async def test_only_the_time_that_is_asked_for_is_looked_through(
    store: TelemetryStore, analytics: AnalyticsService, scope: ServerScope
) -> None:
    for number, hours in enumerate((1, 2, 36), 1):
        write(store, scope, number, ago=hours * HOUR)
    two_hours_ago = datetime.fromtimestamp((NOW - 2 * HOUR) / 1e9, UTC)
    assert await numbers(analytics, scope) == [1, 2]
    assert await numbers(analytics, scope, range="7d") == [1, 2, 3]
    assert await numbers(analytics, scope, range="7d", since=two_hours_ago) == [1, 2]
    assert await numbers(analytics, scope, range="7d", until=two_hours_ago) == [3]


@pytest.mark.parametrize("limit", [1, 3, 12])
async def test_the_pages_together_are_every_record_once_newest_first(
    store: TelemetryStore, analytics: AnalyticsService, scope: ServerScope, limit: int
) -> None:
    # Every record is at the same nanosecond as one of each of the others.
    for number in range(1, 5):
        write(store, scope, number, {"number": str(number)}, count=3)
    found: list[tuple[int, str]] = []
    cursor, pages = None, 0
    while pages == 0 or cursor:
        page = await analytics.logs(scope, LogQuery(limit=limit, cursor=cursor))
        assert 1 <= len(page.logs) <= limit
        found += [(int(record.time_unix_nano), record.attributes[-1].value) for record in page.logs]
        cursor, pages = page.next_cursor, pages + 1
    assert len(found) == len(set(found)) == 12
    assert [time for time, _ in found] == sorted((time for time, _ in found), reverse=True)
    assert pages == -(-12 // limit)


@pytest.mark.parametrize("cursor", ["x", "1", f"{2**63}.0", "-1.0", "1.-1"])
async def test_a_cursor_that_no_page_gave_is_refused(
    analytics: AnalyticsService, scope: ServerScope, cursor: str
) -> None:
    with pytest.raises(InvalidError, match="leave it out"):
        await analytics.logs(scope, LogQuery(cursor=cursor))
