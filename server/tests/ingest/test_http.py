"""What HTTP and JSON add to the rules of test_checklist.py, shown on traces."""

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from mcp_obs_server.ingest.traces import TRACES
from mcp_obs_server.ingest.wire import varint
from mcp_obs_server.store import TelemetryStore
from otlp_door import BREAKS_THE_CHECK, KEY, Door, Tenant, open_door
from otlp_exports import NOW, SECOND, export
from otlp_ways import JSON, PROTOBUF, as_json, post


def status_of(response: httpx2.Response) -> tuple[int, int, str]:
    """HTTP status, google.rpc.Code and message, from the encoding that the response says it has."""
    if response.headers["content-type"] == JSON:
        body = response.json()
        return response.status_code, body["code"], body["message"]
    status = Status.FromString(response.content)
    return response.status_code, status.code, status.message


async def test_a_json_export_is_answered_in_json_and_stored_like_its_protobuf_twin(door: Door) -> None:
    request = export(2, attributes={"enduser.id": "ada"})
    response = await post(door, json.dumps(as_json(request)).encode(), JSON)
    assert (response.status_code, response.headers["content-type"], response.content) == (200, JSON, b"{}")
    rows = await door.spans("trace_id, span_id, user_id, kind, duration_ns")
    spans = request.resource_spans[0].scope_spans[0].spans
    assert rows == [
        {
            "trace_id": span.trace_id,
            "span_id": span.span_id,
            "user_id": "ada",
            "kind": "server",
            "duration_ns": 20_000_000,
        }
        for span in spans
    ]


async def test_gzip_in_several_members_is_one_body(door: Door) -> None:
    body = export(2).SerializeToString()
    response = await post(door, gzip.compress(body[:50]) + gzip.compress(body[50:]), content_encoding="gzip")
    assert response.status_code == 200
    assert len(await door.spans("tool")) == 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"trace_id": b""}, "trace_id is not 16 bytes"),
        ({"trace_id": bytes(16)}, "trace_id is not 16 bytes"),
        ({"trace_id": b"x" * 15}, "trace_id is not 16 bytes"),
        ({"span_id": b""}, "span_id is not 8 bytes"),
        ({"span_id": bytes(8)}, "span_id is not 8 bytes"),
        ({"start_time_unix_nano": 0}, "older than the retention"),
        ({"start_time_unix_nano": NOW - 31 * 86_400 * SECOND}, "older than the retention"),
        ({"end_time_unix_nano": NOW + 2 * 3600 * SECOND}, "more than an hour ahead"),
        ({"end_time_unix_nano": 2**64 - 1}, "more than an hour ahead"),
    ],
)
@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
async def test_spans_that_can_not_be_kept_are_counted_with_a_reason_and_the_others_stored(
    door: Door, change: Mapping[str, Any], reason: str, content_type: str
) -> None:
    request = export(3)
    for name, value in change.items():
        setattr(request.resource_spans[0].scope_spans[0].spans[1], name, value)
    body = request.SerializeToString() if content_type == PROTOBUF else json.dumps(as_json(request)).encode()
    response = await post(door, body, content_type)
    assert response.status_code == 200
    if content_type == JSON:
        partial = response.json()["partialSuccess"]
        assert partial["rejectedSpans"] == "1"
        message = partial["errorMessage"]
    else:
        parsed = ExportTraceServiceResponse.FromString(response.content)
        assert parsed.partial_success.rejected_spans == 1
        message = parsed.partial_success.error_message
    assert "1 span not kept" in message
    assert reason in message
    assert len(await door.spans("tool")) == 2


async def test_an_hour_old_clock_skew_is_allowed(door: Door) -> None:
    response = await post(door, export(1, start=NOW + 3500 * SECOND).SerializeToString())
    assert response.content == b""


@pytest.mark.parametrize(
    ("body", "content_type", "where"),
    [
        (b"\xff\xff\xff", PROTOBUF, "ExportTraceServiceRequest"),
        (b"\x0a\x05abc", PROTOBUF, "ExportTraceServiceRequest"),
        (b"", JSON, "not JSON"),
        (b"[]", JSON, "The body: expected an object, got list"),
        (b'{"resourceSpans": {}}', JSON, "resourceSpans: expected an array, got dict"),
        (
            b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "zz"}]}]}]}',
            JSON,
            'resourceSpans[0].scopeSpans[0].spans[0].traceId: expected hex digits, got "zz"',
        ),
        (
            b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"startTimeUnixNano": 1.5}]}]}]}',
            JSON,
            "startTimeUnixNano: expected an integer, got 1.5",
        ),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"kind": 1e30}]}]}]}', JSON, "spans[0].kind"),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "\\ud800"}]}]}]}', JSON, "spans[0].name"),
        (b"[" * 100_000, JSON, "not JSON"),
    ],
)
async def test_malformed_data_is_answered_with_a_status_that_says_what_and_where(
    door: Door, body: bytes, content_type: str, where: str
) -> None:
    response = await post(door, body[:99_000], content_type)
    http_status, code, message = status_of(response)
    assert (http_status, code, response.headers["content-type"]) == (400, 3, content_type)
    assert where in message


@pytest.mark.parametrize("levels", [30, 5_000])
async def test_nesting_has_a_limit_in_json_and_below_it_is_kept(door: Door, levels: int) -> None:
    value = '{"arrayValue":{"values":[' * (levels // 2) + '{"stringValue":"x"}' + "]}}" * (levels // 2)
    message = as_json(export(1))
    message["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"].append(
        {"key": "deep", "value": "HERE"}
    )
    response = await post(door, json.dumps(message).replace('"HERE"', value).encode(), JSON)
    assert response.status_code == (200 if levels == 30 else 400)


async def test_json_keys_are_lower_camel_case_only_and_unknown_ones_are_ignored(door: Door) -> None:
    message = as_json(export(1))
    span = message["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    span["end_time_unix_nano"] = "1"
    span["somethingNew"] = {"a": [1, None]}
    span["traceId"] = span["traceId"].upper()
    span["startTimeUnixNano"] = int(span["startTimeUnixNano"])
    assert (await post(door, json.dumps(message).encode(), JSON)).content == b"{}"
    assert await door.spans("duration_ns") == [{"duration_ns": 20_000_000}]


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer wrong", f"Basic {KEY}", KEY, f"Bearer {KEY}x"]
)
@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
async def test_without_a_valid_key_the_answer_is_401_in_the_requests_encoding(
    door: Door, authorization: str, content_type: str
) -> None:
    response = await post(door, b"not even read", content_type, authorization=authorization)
    http_status, code, message = status_of(response)
    assert (http_status, code, response.headers["www-authenticate"]) == (401, 16, "Bearer")
    assert "API key" in message


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"x" * 100_001, {}),
        (gzip.compress(b"\0" * 10_000_000), {"content_encoding": "gzip"}),
        (gzip.compress(b"\0" * 60_000) * 2, {"content_encoding": "gzip"}),
    ],
    ids=["as sent", "inflated", "inflated in members"],
)
async def test_a_body_over_the_limit_is_answered_with_413(
    door: Door, body: bytes, headers: Mapping[str, str]
) -> None:
    http_status, code, message = status_of(await post(door, body, **headers))
    assert (http_status, code) == (413, 8)
    assert "100000 bytes" in message


async def test_a_body_over_the_limit_without_a_length_is_refused_while_it_comes(door: Door) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield b"x" * 1000

    headers = {"authorization": f"Bearer {KEY}", "content-type": PROTOBUF}
    async with httpx2.AsyncClient(timeout=60) as client:
        response = await client.post(door.url + "/v1/traces", content=endless(), headers=headers)
    assert response.status_code == 413


@pytest.mark.parametrize(
    "body",
    [b"plain", gzip.compress(b"whole")[:-3], gzip.compress(b"whole") + b"tail", zlib.compress(b"not gzip")],
    ids=["plain", "cut short", "with a tail", "zlib"],
)
async def test_what_says_it_is_gzip_and_is_not_is_malformed(door: Door, body: bytes) -> None:
    http_status, code, message = status_of(await post(door, body, content_encoding="gzip"))
    assert (http_status, code) == (400, 3)
    assert "gzip" in message


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [("text/plain", "identity"), ("", "identity"), (PROTOBUF, "br"), (PROTOBUF, "gzip, gzip")],
)
async def test_other_content_types_and_encodings_are_answered_with_415(
    door: Door, content_type: str, encoding: str
) -> None:
    http_status, code, _ = status_of(await post(door, b"", content_type, content_encoding=encoding))
    assert (http_status, code) == (415, 3)


async def test_a_body_that_stops_coming_is_answered_with_408_and_holds_nothing(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    async with open_door(tmp_path, store, org_id, in_flight_bytes=8_000, body_seconds=0.2) as door:
        host, port = door.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            f"POST /v1/traces HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n"
            f"content-type: {PROTOBUF}\r\ncontent-length: 9000\r\n\r\n".encode()
        )
        writer.write(b"x" * 3_900)
        assert (await reader.readline()).startswith(b"HTTP/1.1 408")
        writer.close()
        with door.receiver.passage(Tenant(org_id), TRACES) as another:
            another.hold(4_000)


@pytest.mark.parametrize("value", ["9" * 400, '" 1_0 "', '"0x10"', '"1e3"'])
async def test_numbers_that_do_not_fit_are_malformed(door: Door, value: str) -> None:
    kind = "doubleValue" if value.isdigit() else "intValue"
    message = as_json(export(1))
    span = message["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    span["attributes"] = [{"key": "k", "value": {kind: "HERE"}}]
    response = await post(door, json.dumps(message).replace('"HERE"', value).encode(), JSON)
    http_status, _, text = status_of(response)
    assert http_status == 400
    assert kind in text


async def test_what_protobuf_allows_and_the_engine_reads_otherwise_is_stored_as_it_was_checked(
    door: Door,
) -> None:
    request = export(1)
    span = request.resource_spans[0].scope_spans[0].spans[0]
    twice = Span(name="second", trace_id=span.trace_id).SerializeToString()
    two_members = Span()
    two_members.attributes.add(key="k").value.string_value = "first"
    value = two_members.attributes[0].value.SerializeToString() + AnyValue(int_value=7).SerializeToString()
    pair = b"\x0a\x01k\x12" + bytes((len(value),)) + value
    unknown_group = b"\x9b\x06\x08\x03\x9c\x06"
    wrong_type = b"\x50\x83\x80\x80\x80\x80\x80\x80\x80\x80\x01"
    body = (
        span.SerializeToString() + twice + b"\x4a" + bytes((len(pair),)) + pair + unknown_group + wrong_type
    )
    for tag in (b"\x12", b"\x12", b"\x0a"):
        body = tag + varint(len(body)) + body
    assert (await post(door, body)).status_code == 200
    assert await door.spans("name, trace_id, attributes") == [
        {"name": "second", "trace_id": span.trace_id, "attributes": {"k": "7"}}
    ]


async def test_a_defect_of_ours_is_answered_with_500_and_a_status(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    response = await post(door, b"", authorization=f"Bearer {BREAKS_THE_CHECK}")
    assert status_of(response) == (500, 13, "The server failed; its log has the reason.")
    assert "a defect" in caplog.text


async def test_json_with_a_charset_is_json(door: Door) -> None:
    response = await post(door, b"{}", "Application/JSON; charset=utf-8")
    assert (response.status_code, response.headers["content-type"]) == (200, JSON)


@pytest.mark.parametrize("path", ["/v1/profiles", "/v1/", "/v1/trace", "/v1/traces/"])
@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
async def test_other_paths_are_answered_with_404_and_a_status(
    door: Door, path: str, content_type: str
) -> None:
    http_status, code, message = status_of(await post(door, b"", content_type, path))
    assert (http_status, code) == (404, 5)
    assert "/v1/traces" in message


async def test_other_methods_are_answered_with_405(door: Door) -> None:
    async with httpx2.AsyncClient(timeout=60) as client:
        response = await client.get(door.url + "/v1/traces", headers={"authorization": f"Bearer {KEY}"})
    assert status_of(response)[:2] == (405, 12)


async def test_a_browsers_exporter_gets_past_cors(door: Door) -> None:
    async with httpx2.AsyncClient(timeout=60) as client:
        preflight = await client.options(
            door.url + "/v1/traces",
            headers={
                "origin": "https://app.example",
                "access-control-request-method": "POST",
                "access-control-request-headers": "authorization,content-type",
            },
        )
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert {"authorization", "content-type", "content-encoding"} <= set(
        preflight.headers["access-control-allow-headers"].split(", ")
    )
    for key in (KEY, "wrong"):
        response = await post(door, b"", authorization=f"Bearer {key}", origin="https://app.example")
        assert response.headers["access-control-allow-origin"] == "*"
