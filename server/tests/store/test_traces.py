import math
from datetime import UTC, datetime

import pytest
from inline_snapshot import snapshot
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from mcp_obs_server.ingest.envelope import digest, frame
from mcp_obs_server.ingest.signal import Window
from mcp_obs_server.ingest.wire import varint
from mcp_obs_server.store import Row, TelemetryStore
from otlp_exports import NOW, SECOND, batch, export


async def spans(store: TelemetryStore, org_id: int, columns: str = "*") -> list[Row]:
    sql = f"SELECT {columns} FROM spans WHERE org_id = {{org_id:UInt32}} ORDER BY time, span_id"
    return await store.rows(sql, {"org_id": org_id})


TABLES = ("operations_15m", "operations_1h")
ROLLUPS = {
    f"{table}.{what}": f"SELECT {calls} FROM {table}"
    for table in TABLES
    for what, calls in (("calls", "sum(calls)"), ("timed", "arraySum(sumForEachMerge(timed_calls))"))
}


async def everywhere(store: TelemetryStore, org_id: int) -> Row:
    """How many calls each table knows, and how many it has durations of."""
    (row,) = await store.rows(
        "SELECT (SELECT count() FROM spans WHERE org_id = {org_id:UInt32}) AS spans,"
        + ", ".join(
            f" ({calls} WHERE grain = 'server' AND org_id = {{org_id:UInt32}}) AS `{name}`"
            for name, calls in ROLLUPS.items()
        ),
        {"org_id": org_id},
    )
    return row


def deep_map(levels: int) -> AnyValue:
    value = AnyValue(string_value="bottom")
    for _ in range(levels):
        value = AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key="k", value=value)]))
    return value


async def test_a_span_is_kept_whole_with_every_type_of_value(store: TelemetryStore, org_id: int) -> None:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add(schema_url="https://example.test/resource")
    resource_spans.resource.attributes.add(key="service.name").value.string_value = "shop"
    resource_spans.resource.attributes.add(key="process.pid").value.int_value = 42
    scope_spans = resource_spans.scope_spans.add(schema_url="https://example.test/scope")
    scope_spans.scope.name, scope_spans.scope.version = "mcp_obs", "1.2"
    scope_spans.scope.attributes.add(key="short").value.bool_value = False
    span = scope_spans.spans.add(
        trace_id=bytes(range(16)),
        span_id=bytes(range(8)),
        parent_span_id=b"parentid",
        trace_state="vendor=1",
        flags=0x301,
        name="tools/call pay",
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=NOW + 7,
        end_time_unix_nano=NOW + 7 + 1_234_567,
        dropped_attributes_count=1,
        dropped_events_count=2,
        dropped_links_count=3,
        status=Status(code=Status.STATUS_CODE_ERROR, message="no funds"),
    )
    values = {
        "mcp.method.name": AnyValue(string_value="tools/call"),
        "gen_ai.tool.name": AnyValue(string_value="pay"),
        "error.type": AnyValue(string_value="tool_error"),
        "mcp_obs.response.size": AnyValue(int_value=99),
        "mcp_obs.sampling.weight": AnyValue(double_value=2.5),
        "empty": AnyValue(string_value=""),
        "zero": AnyValue(int_value=0),
        "minus": AnyValue(int_value=-(2**63)),
        "false": AnyValue(bool_value=False),
        "true": AnyValue(bool_value=True),
        "zero double": AnyValue(double_value=0.0),
        "third": AnyValue(double_value=1 / 3),
        "infinite": AnyValue(double_value=-math.inf),
        "bytes": AnyValue(bytes_value=b"\x00\xff"),
        "null": AnyValue(),
        "list": AnyValue(array_value=ArrayValue(values=[AnyValue(string_value="a"), AnyValue(int_value=3)])),
        "map": deep_map(30),
        "unicode ☃": AnyValue(string_value="日本 \x00 '\"\\"),
    }
    for key, value in values.items():
        span.attributes.add(key=key, value=value)
    event = span.events.add(time_unix_nano=NOW + 9, name="retry", dropped_attributes_count=4)
    event.attributes.add(key="attempt").value.int_value = 0
    event.attributes.add(key="why").value.string_value = "timeout"
    link = span.links.add(
        trace_id=b"t" * 16, span_id=b"s" * 8, trace_state="l=1", flags=1, dropped_attributes_count=5
    )
    link.attributes.add(key="ambient").value.bool_value = True

    store.insert("traces", batch(org_id, request), "every type")
    (row,) = await spans(
        store,
        org_id,
        f"* EXCEPT (org_id, attributes), toUnixTimestamp64Nano(time) - {NOW} AS nanoseconds_after",
    )
    (raw,) = await spans(store, org_id, "mapApply((k, v) -> (k, hex(v)), attributes) AS attributes")
    attributes = {key: bytes.fromhex(value) for key, value in raw["attributes"].items()}

    assert row == snapshot(
        {
            "server_id": 1,
            "time": datetime(2026, 9, 21, hour=14, minute=13, second=20, tzinfo=UTC),
            "duration_ns": 1234567,
            "trace_id": b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b\x0c\r\x0e\x0f",
            "span_id": b"\x00\x01\x02\x03\x04\x05\x06\x07",
            "parent_span_id": "parentid",
            "name": "tools/call pay",
            "kind": "server",
            "status": "error",
            "status_message": "no funds",
            "trace_state": "vendor=1",
            "flags": 769,
            "method": "tools/call",
            "tool": "pay",
            "prompt": "",
            "resource_uri": "",
            "session_id": "",
            "session_source": "",
            "user_id": "",
            "client_name": "",
            "client_version": "",
            "protocol_version": "",
            "transport": "",
            "error_type": "tool_error",
            "rpc_status_code": "",
            "request_id": "",
            "outcome": "error",
            "request_size": 0,
            "response_size": 99,
            "sampling_weight": 2.5,
            "generated": False,
            "attribute_types": {
                "zero": "int",
                "minus": "int",
                "false": "bool",
                "true": "bool",
                "zero double": "double",
                "third": "double",
                "infinite": "double",
                "bytes": "bytes",
                "null": "empty",
                "list": "array",
                "map": "map",
            },
            "dropped_attributes_count": 1,
            "events": [
                {
                    "time": datetime(2026, 9, 21, hour=14, minute=13, second=20, tzinfo=UTC),
                    "name": "retry",
                    "attributes": {"attempt": "0", "why": "timeout"},
                    "attribute_types": {"attempt": "int"},
                    "dropped_attributes_count": 4,
                }
            ],
            "dropped_events_count": 2,
            "links": [
                {
                    "trace_id": "tttttttttttttttt",
                    "span_id": "ssssssss",
                    "trace_state": "l=1",
                    "flags": 1,
                    "attributes": {"ambient": "true"},
                    "attribute_types": {"ambient": "bool"},
                    "dropped_attributes_count": 5,
                }
            ],
            "dropped_links_count": 3,
            "scope_name": "mcp_obs",
            "scope_version": "1.2",
            "scope_attributes": {"short": "false"},
            "scope_attribute_types": {"short": "bool"},
            "scope_schema_url": "https://example.test/scope",
            "resource_attributes": {"service.name": "shop", "process.pid": "42"},
            "resource_attribute_types": {"process.pid": "int"},
            "resource_schema_url": "https://example.test/resource",
            "nanoseconds_after": 7,
        }
    )
    assert ArrayValue.FromString(attributes.pop("list")) == values["list"].array_value
    assert KeyValueList.FromString(attributes.pop("map")) == values["map"].kvlist_value
    assert attributes == snapshot(
        {
            "empty": b"",
            "zero": b"0",
            "minus": b"-9223372036854775808",
            "false": b"false",
            "true": b"true",
            "zero double": b"0",
            "third": b"0.3333333333333333",
            "infinite": b"-inf",
            "bytes": b"\x00\xff",
            "null": b"",
            "unicode ☃": b"\xe6\x97\xa5\xe6\x9c\xac \x00 '\"\\",
        }
    )


async def test_what_a_column_holds_is_not_kept_a_second_time_and_what_it_can_not_hold_stays(
    store: TelemetryStore, org_id: int
) -> None:
    request = export(1)
    attributes = request.resource_spans[0].scope_spans[0].spans[0].attributes
    attributes.add(key="jsonrpc.request.id").value.int_value = 7
    attributes.add(key="enduser.id").value.string_value = ""
    attributes.add(key="mcp_obs.request.size").value.int_value = 0
    attributes.add(key="mcp.client.name").value.string_value = "cursor"
    store.insert("traces", batch(org_id, request), "columns")
    (row,) = await spans(
        store, org_id, "tool, client_name, request_id, user_id, request_size, attributes, attribute_types"
    )
    assert row == snapshot(
        {
            "tool": "search",
            "client_name": "cursor",
            "request_id": "",
            "user_id": "",
            "request_size": 0,
            "attributes": {"jsonrpc.request.id": "7", "enduser.id": "", "mcp_obs.request.size": "0"},
            "attribute_types": {"jsonrpc.request.id": "int", "mcp_obs.request.size": "int"},
        }
    )


async def test_a_hashed_user_counts_as_a_user_where_no_other_is_named(
    store: TelemetryStore, org_id: int
) -> None:
    for number, named in enumerate(
        ({"enduser.pseudo.id": "9f86d0"}, {"enduser.pseudo.id": "9f86d0", "enduser.id": "ada"})
    ):
        request = export(1)
        for key, value in named.items():
            request.resource_spans[0].scope_spans[0].spans[0].attributes.add(
                key=key
            ).value.string_value = value
        store.insert("traces", batch(org_id, request), f"user {number}")
    rows = await spans(store, org_id, "user_id, attributes['enduser.pseudo.id'] AS hashed")
    assert sorted((row["user_id"], row["hashed"]) for row in rows) == [
        ("9f86d0", "9f86d0"),
        ("ada", "9f86d0"),
    ]


async def test_the_session_says_where_it_comes_from(store: TelemetryStore, org_id: int) -> None:
    own = {"mcp_obs.session.id": "own", "mcp_obs.session.source": "handle"}
    store.insert(
        "traces",
        batch(
            org_id,
            export(1, seed=1),
            export(1, seed=2, attributes={"mcp.session.id": "legacy"}),
            export(1, seed=3, attributes=own),
            export(1, seed=4, attributes={**own, "mcp.session.id": "legacy"}),
        ),
        "sessions",
    )
    rows = await spans(store, org_id, "session_id, session_source, attributes")
    assert [tuple(row.values()) for row in rows] == snapshot(
        [
            ("", "", {}),
            ("legacy", "protocol", {}),
            ("own", "handle", {}),
            ("own", "handle", {"mcp.session.id": "legacy"}),
        ]
    )


async def test_the_outcome_of_a_foreign_span_follows_from_its_status_and_error_type(
    store: TelemetryStore, org_id: int
) -> None:
    cases = {
        "nothing": {},
        "error type": {"error.type": "tool_error"},
        "client's fault": {"error.type": "-32602", "rpc.response.status_code": "-32602"},
        "cancelled": {"mcp_obs.operation.outcome": "cancelled", "error.type": "cancelled"},
        "nonsense": {"mcp_obs.operation.outcome": "whatever"},
    }
    requests = [
        export(1, seed=seed, attributes={"case": case, **values})
        for seed, (case, values) in enumerate(cases.items(), 1)
    ]
    store.insert("traces", batch(org_id, *requests), "outcomes")
    rows = await spans(store, org_id, "attributes['case'] AS case, outcome")
    assert {row["case"]: row["outcome"] for row in rows} == {
        "nothing": "ok",
        "error type": "error",
        "client's fault": "ok",
        "cancelled": "cancelled",
        "nonsense": "ok",
    }


async def test_a_batch_stored_twice_is_there_once_in_spans_and_in_every_rollup(
    store: TelemetryStore, org_id: int
) -> None:
    # Two days and two hours, so that an insert makes several parts.
    days = [export(40, seed=seed, start=NOW - seed * 3600 * 13 * SECOND) for seed in range(1, 5)]
    for _ in range(3):
        store.insert("traces", batch(org_id, *days), "twice")
    assert await everywhere(store, org_id) == {"spans": 160} | dict.fromkeys(ROLLUPS, 160.0)


@pytest.mark.parametrize("reached", ["spans", *TABLES])
async def test_an_insert_that_a_crash_cut_short_is_completed_by_its_repetition(
    store: TelemetryStore, org_id: int, reached: str
) -> None:
    # What a crash leaves: one table written, the others not yet.
    views = {
        "spans": "decoded_spans_to_spans",
        **{table: f"operations_to_{table}" for table in TABLES},
    }
    others = [view for table, view in views.items() if table != reached]
    for view in others:
        await store.rows(f"DETACH TABLE {view}", {})
    try:
        store.insert("traces", batch(org_id, export(7)), f"cut short {org_id}")
    finally:
        for view in others:
            await store.rows(f"ATTACH TABLE {view}", {})
    store.insert("traces", batch(org_id, export(7)), f"cut short {org_id}")
    assert await everywhere(store, org_id) == {"spans": 7} | dict.fromkeys(ROLLUPS, 7.0)


async def test_what_the_engine_reads_outside_of_the_window_of_admission_is_not_stored(
    store: TelemetryStore, org_id: int
) -> None:
    request = export(2)
    # A second start time in the wrong wire type: put aside by parsers, read by the engine.
    hidden = b"\x3a\x08" + (NOW + 10**18).to_bytes(8, "little")
    spans = [span.SerializeToString() for span in request.resource_spans[0].scope_spans[0].spans]
    spans[1] += hidden
    body = b"".join(b"\x12" + varint(len(span)) + span for span in spans)
    for tag in (b"\x12", b"\x0a"):
        body = tag + varint(len(body)) + body
    window = Window(NOW - 3600 * SECOND, NOW)
    framed = b"".join(frame(org_id, 1, body, digest(org_id, 1, body), window))
    store.insert("traces", framed, f"hidden time {org_id}")
    assert await everywhere(store, org_id) == {"spans": 1} | dict.fromkeys(ROLLUPS, 1.0)


async def test_a_batch_of_more_days_than_the_engine_takes_unasked_is_stored(
    store: TelemetryStore, org_id: int
) -> None:
    days = [export(1, seed=day + 1, start=NOW - day * 86_400 * SECOND) for day in range(101)]
    store.insert("traces", batch(org_id, *days), f"many days {org_id}")
    assert await everywhere(store, org_id) == {"spans": 101} | dict.fromkeys(ROLLUPS, 101.0)


@pytest.mark.parametrize("weight", [1.7e308, math.inf, math.nan, -5.0, 0.0])
async def test_no_weight_breaks_the_sums(store: TelemetryStore, org_id: int, weight: float) -> None:
    request = export(2)
    for span in request.resource_spans[0].scope_spans[0].spans:
        span.attributes.add(key="mcp_obs.sampling.weight").value.double_value = weight
    store.insert("traces", batch(org_id, request), f"weight {org_id}")
    assert (await everywhere(store, org_id))["operations_15m.calls"] == (2e6 if weight == 1.7e308 else 2)


async def test_rollups_hold_only_what_the_server_handled_weighted_by_sampling(
    store: TelemetryStore, org_id: int
) -> None:
    request = export(2)
    scope = request.resource_spans[0].scope_spans[0]
    scope.spans[0].attributes.add(key="mcp_obs.sampling.weight").value.double_value = 10
    outgoing = scope.spans.add()
    outgoing.CopyFrom(scope.spans[1])
    outgoing.kind, outgoing.span_id = Span.SPAN_KIND_CLIENT, b"outgoing"
    other = scope.spans.add()
    other.CopyFrom(scope.spans[1])
    other.span_id = b"no mcp__"
    del other.attributes[:]
    store.insert("traces", batch(org_id, request), "weights")
    rows = await store.rows(
        "SELECT grain, method, target, sum(calls) AS calls FROM operations_15m WHERE org_id = {org_id:UInt32}"
        " GROUP BY ALL ORDER BY grain",
        {"org_id": org_id},
    )
    assert rows == [
        {"grain": "server", "method": "tools/call", "target": "", "calls": 11.0},
        {"grain": "target", "method": "tools/call", "target": "search", "calls": 11.0},
    ]
    assert len(await spans(store, org_id, "span_id")) == 4
