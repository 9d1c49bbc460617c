from datetime import UTC, datetime

import pytest
from inline_snapshot import snapshot
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from mcp_obs_server.ingest.envelope import digest, frame
from mcp_obs_server.ingest.signal import Window
from mcp_obs_server.semconv import LOG_COLUMNS
from mcp_obs_server.store import Row, TelemetryStore
from otlp_exports import NOW, SECOND, batch, logs_export


async def logs(store: TelemetryStore, org_id: int, columns: str) -> list[Row]:
    sql = f"SELECT {columns} FROM logs WHERE org_id = {{org_id:UInt32}} ORDER BY time"
    return await store.rows(sql, {"org_id": org_id})


async def test_a_log_record_is_kept_whole(store: TelemetryStore, org_id: int) -> None:
    request = logs_export(0)
    resource_logs = request.resource_logs[0]
    resource_logs.schema_url = "https://example.test/resource"
    scope_logs = resource_logs.scope_logs[0]
    scope_logs.schema_url = "https://example.test/scope"
    scope_logs.scope.version = "1.2"
    scope_logs.scope.attributes.add(key="short").value.bool_value = True
    record = scope_logs.log_records.add(
        time_unix_nano=NOW + 7,
        observed_time_unix_nano=NOW + SECOND,
        severity_number=17,
        severity_text="ERR",
        flags=1,
        trace_id=b"trace" * 3 + b"!",
        span_id=b"spanspan",
        dropped_attributes_count=2,
        event_name="tool_result",
    )
    record.body.string_value = "日本 '\"\\"
    values = {
        "session.id": AnyValue(string_value="s1"),
        "user.id": AnyValue(string_value=""),
        "tool_name": AnyValue(string_value="Bash"),
        "model": AnyValue(string_value="opus"),
        "mcp.client.name": AnyValue(string_value="claude-code"),
        "cost_usd": AnyValue(double_value=0.0),
        "attempt": AnyValue(int_value=1),
        "null": AnyValue(),
    }
    for key, value in values.items():
        record.attributes.add(key=key, value=value)
    store.insert("logs", batch(org_id, request), f"whole {org_id}")
    columns = f"* EXCEPT org_id, toUnixTimestamp64Nano(time) - {NOW} AS nanoseconds_after"
    assert await logs(store, org_id, columns) == snapshot(
        [
            {
                "server_id": 1,
                "time": datetime(2026, 9, 21, hour=14, minute=13, second=20, tzinfo=UTC),
                "observed_time": datetime(2026, 9, 21, hour=14, minute=13, second=21, tzinfo=UTC),
                "event_name": "tool_result",
                "severity": "error",
                "severity_number": 17,
                "severity_text": "ERR",
                "body": "日本 '\"\\",
                "body_type": "string",
                "trace_id": "tracetracetrace!",
                "span_id": "spanspan",
                "flags": 1,
                "session_id": "s1",
                "user_id": "",
                "client_name": "claude-code",
                "tool": "Bash",
                "model": "opus",
                "attributes": {
                    "user.id": "",
                    "tool_name": "Bash",
                    "model": "opus",
                    "cost_usd": "0",
                    "attempt": "1",
                    "null": "",
                },
                "attribute_types": {"cost_usd": "double", "attempt": "int", "null": "empty"},
                "dropped_attributes_count": 2,
                "scope_name": "tests",
                "scope_version": "1.2",
                "scope_attributes": {"short": "true"},
                "scope_attribute_types": {"short": "bool"},
                "scope_schema_url": "https://example.test/scope",
                "resource_attributes": {"service.name": "test"},
                "resource_attribute_types": {},
                "resource_schema_url": "https://example.test/resource",
                "nanoseconds_after": 7,
            }
        ]
    )


@pytest.mark.parametrize(
    ("body", "body_type", "text"),
    [
        (AnyValue(), "empty", b""),
        (AnyValue(string_value=""), "string", b""),
        (AnyValue(bool_value=False), "bool", b"false"),
        (AnyValue(int_value=0), "int", b"0"),
        (AnyValue(double_value=0.1), "double", b"0.1"),
        (AnyValue(bytes_value=b"\x00\xff"), "bytes", b"\x00\xff"),
    ],
)
async def test_a_body_of_any_type_is_told_apart(
    store: TelemetryStore, org_id: int, body: AnyValue, body_type: str, text: bytes
) -> None:
    request = logs_export(1)
    request.resource_logs[0].scope_logs[0].log_records[0].body.CopyFrom(body)
    store.insert("logs", batch(org_id, request), f"body {org_id}")
    (row,) = await logs(store, org_id, "hex(body) AS body, body_type")
    assert (bytes.fromhex(row["body"]), row["body_type"]) == (text, body_type)


async def test_a_structured_body_is_its_protobuf_message(store: TelemetryStore, org_id: int) -> None:
    items = ArrayValue(values=[AnyValue(int_value=1), AnyValue(string_value="a")])
    pairs = KeyValueList(values=[KeyValue(key="k", value=AnyValue(array_value=items))])
    request = logs_export(2)
    first, second = request.resource_logs[0].scope_logs[0].log_records
    first.body.array_value.CopyFrom(items)
    second.body.kvlist_value.CopyFrom(pairs)
    store.insert("logs", batch(org_id, request), f"structured {org_id}")
    array, map_ = await logs(store, org_id, "hex(body) AS body, body_type")
    assert (array["body_type"], map_["body_type"]) == ("array", "map")
    assert ArrayValue.FromString(bytes.fromhex(array["body"])) == items
    assert KeyValueList.FromString(bytes.fromhex(map_["body"])) == pairs


async def test_the_time_is_when_it_happened_or_was_observed_or_came_in(
    store: TelemetryStore, org_id: int
) -> None:
    request = logs_export(0)
    records = request.resource_logs[0].scope_logs[0].log_records
    records.add(time_unix_nano=NOW, observed_time_unix_nano=NOW + 5 * SECOND)
    records.add(observed_time_unix_nano=NOW + 5 * SECOND)
    records.add(event_name="untimed")
    body = request.SerializeToString()
    window = Window.around(now=NOW + 9 * SECOND, retention=SECOND)
    envelope = b"".join(frame(org_id, 1, body, digest(org_id, 1, body), window))
    store.insert("logs", envelope, f"times {org_id}")
    times = [row["time"] for row in await logs(store, org_id, "time")]
    assert times == [datetime.fromtimestamp(NOW / 1e9 + seconds, UTC) for seconds in (0, 5, 9)]


@pytest.mark.parametrize(
    ("number", "text", "severity"),
    [
        (0, "", "unspecified"),
        (1, "", "trace"),
        (4, "", "trace"),
        (5, "", "debug"),
        (9, "ERROR", "info"),
        (16, "", "warn"),
        (17, "", "error"),
        (24, "", "fatal"),
        (25, "", "unspecified"),
        (-1, "Warning", "warn"),
        (0, "CRITICAL", "fatal"),
        (0, "loud", "unspecified"),
    ],
)
async def test_the_severity_follows_from_the_number_or_else_from_its_text(
    store: TelemetryStore, org_id: int, number: int, text: str, severity: str
) -> None:
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    records.add(time_unix_nano=NOW, severity_text=text)
    records[0].severity_number = number  # pyright: ignore[reportAttributeAccessIssue]  an open enum
    store.insert("logs", batch(org_id, request), f"severity {org_id}")
    rows = await logs(store, org_id, "severity, severity_number, severity_text")
    assert rows == [{"severity": severity, "severity_number": number, "severity_text": text}]


@pytest.mark.parametrize("trace_id", [b"", b"short", bytes(16), b"x" * 17])
async def test_an_id_that_is_none_belongs_to_no_trace(
    store: TelemetryStore, org_id: int, trace_id: bytes
) -> None:
    request = logs_export(1)
    record = request.resource_logs[0].scope_logs[0].log_records[0]
    record.trace_id, record.span_id = trace_id, trace_id[:9]
    store.insert("logs", batch(org_id, request), f"ids {org_id}")
    assert await logs(store, org_id, "trace_id, span_id") == [{"trace_id": "", "span_id": ""}]


async def test_a_column_takes_the_first_attribute_with_a_value_and_only_that_one_leaves_the_map(
    store: TelemetryStore, org_id: int
) -> None:
    cases = [
        {"session.id": "own", "mcp.session.id": "transport"},
        {"mcp.session.id": "transport"},
        {"session.id": "", "mcp_obs.session.id": "counted"},
        {"event.name": "tool_result", "tool_name": "Bash"},
    ]
    requests = [logs_export(1, start=NOW + n, event="", attributes=case) for n, case in enumerate(cases)]
    store.insert("logs", batch(org_id, *requests), f"columns {org_id}")
    rows = await logs(store, org_id, "event_name, session_id, tool, attributes")
    assert [tuple(row.values()) for row in rows] == snapshot(
        [
            ("", "own", "", {"mcp.session.id": "transport"}),
            ("", "transport", "", {"mcp.session.id": "transport"}),
            ("", "counted", "", {"session.id": "", "mcp_obs.session.id": "counted"}),
            ("tool_result", "", "Bash", {"event.name": "tool_result", "tool_name": "Bash"}),
        ]
    )


async def test_every_column_of_the_contract_is_one_of_the_table(store: TelemetryStore) -> None:
    columns = {row["name"]: row["type"] for row in await store.rows("DESCRIBE TABLE logs", {})}
    assert {each.column: columns[each.column] for each in LOG_COLUMNS} == {
        each.column: each.column_type for each in LOG_COLUMNS
    }


async def test_a_batch_stored_twice_is_there_once(store: TelemetryStore, org_id: int) -> None:
    days = [logs_export(4, start=NOW - day * 86_400 * SECOND) for day in range(3)]
    for _ in range(3):
        store.insert("logs", batch(org_id, *days), f"twice {org_id}")
    assert len(await logs(store, org_id, "time")) == 12
