"""A trace as the API shows it, from OTLP through the real engine."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from mcp_obs_server.accounts.principal import OrgId
from mcp_obs_server.analytics import trace as question
from mcp_obs_server.analytics.attribute import attributes
from mcp_obs_server.analytics.trace import trace
from mcp_obs_server.kit.errors import NotFoundError
from mcp_obs_server.servers.service import ServerScope
from mcp_obs_server.store import TelemetryStore
from otlp_exports import NOW, SECOND, batch, export

TRACE_ID = bytes(range(16))


def scope_of(org_id: int, server_id: int = 1) -> ServerScope:
    return ServerScope(OrgId(org_id), server_id)


async def test_a_span_comes_back_whole(store: TelemetryStore, org_id: int) -> None:
    request = export(1, start=NOW + 7, attributes={"mcp_obs.session.id": "s1", "enduser.id": "ada"})
    resource_spans = request.resource_spans[0]
    resource_spans.schema_url = "https://example.test/resource"
    scope_spans = resource_spans.scope_spans[0]
    scope_spans.scope.version, scope_spans.schema_url = "1.2", "https://example.test/scope"
    scope_spans.scope.attributes.add(key="short").value.bool_value = False
    (span,) = scope_spans.spans
    span.trace_id, span.span_id, span.parent_span_id = TRACE_ID, b"\xff" * 8, b"\x00parent\x00"
    span.trace_state, span.flags, span.dropped_links_count = "vendor=1", 0x301, 3
    span.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message="no funds"))
    nested = AnyValue(
        kvlist_value=KeyValueList(
            values=[
                KeyValue(key="bytes", value=AnyValue(bytes_value=b"\x00\xff")),
                KeyValue(key="none", value=AnyValue()),
                KeyValue(key="infinite", value=AnyValue(double_value=math.inf)),
                KeyValue(key="yes", value=AnyValue(bool_value=True)),
            ]
        )
    )
    values = {
        "zero": AnyValue(int_value=0),
        "third": AnyValue(double_value=1 / 3),
        "null": AnyValue(),
        "bytes": AnyValue(bytes_value=b"\x00\xff"),
        "list": AnyValue(array_value=ArrayValue(values=[AnyValue(string_value="日本"), nested])),
        "map": nested,
        "mcp_obs.response.size": AnyValue(int_value=99),
    }
    for key, value in values.items():
        span.attributes.add(key=key, value=value)
    event = span.events.add(time_unix_nano=NOW + 9, name="retry", dropped_attributes_count=4)
    event.attributes.add(key="attempt").value.int_value = 0
    span.links.add(trace_id=b"t" * 16, span_id=b"s" * 8, trace_state="l=1", flags=1)
    store.insert("traces", batch(org_id, request), f"whole {org_id}")

    found = await trace(store, scope_of(org_id), TRACE_ID.hex().upper())
    assert found.model_dump(mode="json") == snapshot(
        {
            "trace_id": "000102030405060708090a0b0c0d0e0f",
            "spans": [
                {
                    "trace_id": "000102030405060708090a0b0c0d0e0f",
                    "span_id": "ffffffffffffffff",
                    "parent_span_id": "00706172656e7400",
                    "time": "2026-09-21T14:13:20Z",
                    "time_unix_nano": "1790000000000000007",
                    "duration_ns": 20000000,
                    "name": "tools/call search",
                    "kind": "server",
                    "status": "error",
                    "status_message": "no funds",
                    "method": "tools/call",
                    "target": "search",
                    "outcome": "error",
                    "error_type": None,
                    "session_id": "s1",
                    "user_id": "ada",
                    "client_name": None,
                    "client_version": None,
                    "generated": False,
                    "trace_state": "vendor=1",
                    "flags": 769,
                    "tool": "search",
                    "prompt": None,
                    "resource_uri": None,
                    "request_id": None,
                    "rpc_status_code": None,
                    "session_source": None,
                    "protocol_version": None,
                    "transport": None,
                    "request_size": None,
                    "response_size": 99,
                    "sampling_weight": None,
                    "attributes": [
                        {"key": "bytes", "type": "bytes", "value": "AP8="},
                        {
                            "key": "list",
                            "type": "array",
                            "value": '["日本", {"bytes": "AP8=", "none": null, "infinite": "inf", "yes": true}]',
                        },
                        {
                            "key": "map",
                            "type": "map",
                            "value": '{"bytes": "AP8=", "none": null, "infinite": "inf", "yes": true}',
                        },
                        {"key": "null", "type": "empty", "value": ""},
                        {"key": "third", "type": "double", "value": "0.3333333333333333"},
                        {"key": "zero", "type": "int", "value": "0"},
                    ],
                    "dropped_attributes_count": 0,
                    "events": [
                        {
                            "time": "2026-09-21T14:13:20Z",
                            "time_unix_nano": "1790000000000000009",
                            "name": "retry",
                            "attributes": [{"key": "attempt", "type": "int", "value": "0"}],
                            "dropped_attributes_count": 4,
                        }
                    ],
                    "dropped_events_count": 0,
                    "links": [
                        {
                            "trace_id": "74747474747474747474747474747474",
                            "span_id": "7373737373737373",
                            "trace_state": "l=1",
                            "flags": 1,
                            "attributes": [],
                            "dropped_attributes_count": 0,
                        }
                    ],
                    "dropped_links_count": 3,
                    "scope": {
                        "name": "tests",
                        "version": "1.2",
                        "schema_url": "https://example.test/scope",
                        "attributes": [{"key": "short", "type": "bool", "value": "false"}],
                    },
                    "resource": {
                        "schema_url": "https://example.test/resource",
                        "attributes": [{"key": "service.name", "type": "string", "value": "test"}],
                    },
                }
            ],
            "is_truncated": False,
        }
    )


async def test_a_trace_is_looked_up_in_the_index(store: TelemetryStore, org_id: int) -> None:
    parameters = {"org_id": org_id, "server_id": 1, "trace_id": TRACE_ID.hex()}
    store.insert("traces", batch(org_id, export(1)), f"indexed {org_id}")
    plan = await store.rows(f"EXPLAIN indexes = 1 {question.SQL}", parameters)
    assert "Name: by_trace_id" in "\n".join(row["explain"] for row in plan)


async def test_the_spans_of_a_trace_come_oldest_first_and_repeated_ones_twice(
    store: TelemetryStore, org_id: int
) -> None:
    for number, (start, count) in enumerate(((NOW - 86_400 * SECOND, 2), (NOW - 9 * SECOND, 3), (NOW, 1))):
        request = export(count, seed=number + 1, start=start)
        for span in request.resource_spans[0].scope_spans[0].spans:
            span.trace_id = TRACE_ID
        # In an engine's eyes these are other batches.
        for token in ("once", "twice")[: 2 if number == 2 else 1]:
            store.insert("traces", batch(org_id, request), f"order {org_id} {number} {token}")
    found = await trace(store, scope_of(org_id), TRACE_ID.hex())
    times = [int(span.time_unix_nano) for span in found.spans]
    assert times == sorted(times)
    assert [span.span_id for span in found.spans][-2:] == [(3 << 32 | 1).to_bytes(8, "big").hex()] * 2
    assert (len(times), found.is_truncated) == (7, False)


async def test_another_organisation_s_and_another_server_s_spans_are_not_in_it(
    store: TelemetryStore, org_id: int
) -> None:
    request = export(1)
    trace_id = request.resource_spans[0].scope_spans[0].spans[0].trace_id.hex()
    for token, server_id in (("ours", 1), ("the other server's", 2)):
        store.insert("traces", batch(org_id, request, server_id=server_id), f"{token} {org_id}")
    store.insert("traces", batch(org_id + 500_000, request), f"theirs {org_id}")
    for scope in (scope_of(org_id), scope_of(org_id, 2), scope_of(org_id + 500_000)):
        assert len((await trace(store, scope, trace_id)).spans) == 1
    with pytest.raises(NotFoundError, match=trace_id):
        await trace(store, scope_of(org_id, 3), trace_id)


async def test_a_trace_without_end_is_cut_and_says_so(store: TelemetryStore, org_id: int) -> None:
    request = export(question.MOST_SPANS + 1)
    for span in request.resource_spans[0].scope_spans[0].spans:
        span.trace_id = TRACE_ID
        span.start_time_unix_nano = NOW
    store.insert("traces", batch(org_id, request), f"endless {org_id}")
    found = await trace(store, scope_of(org_id), TRACE_ID.hex())
    assert (len(found.spans), found.is_truncated) == (question.MOST_SPANS, True)


scalars = st.one_of(
    st.text().map(lambda text: AnyValue(string_value=text)),
    st.booleans().map(lambda value: AnyValue(bool_value=value)),
    st.integers(-(2**63), 2**63 - 1).map(lambda number: AnyValue(int_value=number)),
    st.floats().map(lambda number: AnyValue(double_value=number)),
    st.binary().map(lambda value: AnyValue(bytes_value=value)),
    st.just(AnyValue()),
)
any_values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner).map(lambda values: AnyValue(array_value=ArrayValue(values=values)))
        | st.dictionaries(st.text(), inner).map(
            lambda values: AnyValue(
                kvlist_value=KeyValueList(
                    values=[KeyValue(key=key, value=value) for key, value in values.items()]
                )
            )
        )
    ),
    max_leaves=20,
)


@given(st.lists(any_values))
def test_any_array_is_shown_as_json_that_every_parser_reads(values: list[AnyValue]) -> None:
    kept = ArrayValue(values=values).SerializeToString()
    (shown,) = attributes([("list", kept.hex())], {"list": "array"})

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    assert len(json.loads(shown.value, parse_constant=refuse)) == len(values)
