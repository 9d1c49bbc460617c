"""The rows of the OTLP/HTTP specification for /v1/metrics and /v1/logs; test_http has what no signal changes."""

import gzip
import json
import math
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status
from inline_snapshot import snapshot
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse

from mcp_obs_server.store import Row
from otlp_door import KEY, Door
from otlp_exports import NOW, SECOND, counter, export, logs_export, metrics_export

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
ENCODINGS = pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
SIGNALS = pytest.mark.parametrize("signal", ["metrics", "logs"])


def three(signal: str) -> Any:
    """An export of three items."""
    return (
        metrics_export(counter({NOW: 1, NOW + 1: 2, NOW + 2: 3})) if signal == "metrics" else logs_export(3)
    )


def items(request: Any) -> Any:
    """The items of the one scope of an export."""
    if hasattr(request, "resource_logs"):
        return request.resource_logs[0].scope_logs[0].log_records
    return request.resource_metrics[0].scope_metrics[0].metrics[0].sum.data_points


async def rows(door: Door, signal: str, columns: str) -> list[Row]:
    return await (door.metric_points(columns) if signal == "metrics" else door.logs(columns))


def encoded(request: Message, content_type: str) -> bytes:
    if content_type == PROTOBUF:
        return request.SerializeToString()
    return json.dumps(MessageToDict(request, use_integers_for_enums=True)).encode()


async def post(
    door: Door, signal: str, body: bytes, content_type: str = PROTOBUF, **headers: str
) -> httpx2.Response:
    sent = {"authorization": f"Bearer {KEY}", "content-type": content_type}
    sent.update({name.replace("_", "-"): value for name, value in headers.items()})
    async with httpx2.AsyncClient() as client:
        return await client.post(f"{door.url}/v1/{signal}", content=body, headers=sent)


@SIGNALS
@ENCODINGS
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_an_export_is_answered_with_an_empty_message_and_stored(
    door: Door, signal: str, content_type: str, encoding: str
) -> None:
    body = encoded(three(signal), content_type)
    sent = gzip.compress(body) if encoding == "gzip" else body
    response = await post(door, signal, sent, content_type, content_encoding=encoding)
    assert (response.status_code, response.headers["content-type"]) == (200, content_type)
    assert response.content == (b"" if content_type == PROTOBUF else b"{}")
    assert len(await rows(door, signal, "time")) == 3


@SIGNALS
@pytest.mark.parametrize(("body", "content_type"), [(b"", PROTOBUF), (b"{}", JSON)])
async def test_an_empty_export_succeeds(door: Door, signal: str, body: bytes, content_type: str) -> None:
    assert (await post(door, signal, body, content_type)).status_code == 200
    assert await rows(door, signal, "time") == []


@SIGNALS
@ENCODINGS
async def test_items_that_can_not_be_kept_are_counted_with_a_reason_and_the_others_stored(
    door: Door, signal: str, content_type: str
) -> None:
    request = three(signal)
    items(request)[0].time_unix_nano = NOW - 31 * 86_400 * SECOND
    items(request)[2].time_unix_nano = NOW + 2 * 3600 * SECOND
    response = await post(door, signal, encoded(request, content_type), content_type)
    field, item = {"metrics": ("DataPoints", "data point"), "logs": ("LogRecords", "log record")}[signal]
    message = (
        f"1 {item} not kept: the time is older than the retention;"
        f" 1 {item} not kept: the time is more than an hour ahead of the server's clock"
    )
    if content_type == JSON:
        assert response.json() == {"partialSuccess": {f"rejected{field}": "2", "errorMessage": message}}
    else:
        kind = {"metrics": ExportMetricsServiceResponse, "logs": ExportLogsServiceResponse}[signal]
        partial: Any = kind.FromString(response.content).partial_success
        rejected = partial.rejected_data_points if signal == "metrics" else partial.rejected_log_records
        assert (rejected, partial.error_message) == (2, message)
    assert len(await rows(door, signal, "time")) == 1


@SIGNALS
@pytest.mark.parametrize(
    ("body", "content_type", "where"),
    [
        (b"\xff\xff\xff", PROTOBUF, "ServiceRequest in protobuf"),
        (b"[]", JSON, "The body: expected an object, got list"),
        (b'{"resourceMetrics": {}, "resourceLogs": {}}', JSON, "expected an array, got dict"),
    ],
)
async def test_malformed_data_is_answered_with_400_and_a_status(
    door: Door, signal: str, body: bytes, content_type: str, where: str
) -> None:
    response = await post(door, signal, body, content_type)
    assert (response.status_code, response.headers["content-type"]) == (400, content_type)
    message = (
        response.json()["message"] if content_type == JSON else Status.FromString(response.content).message
    )
    assert where in message


@SIGNALS
async def test_without_a_valid_key_the_answer_is_401(door: Door, signal: str) -> None:
    assert (await post(door, signal, b"", authorization="Bearer wrong")).status_code == 401


@SIGNALS
async def test_an_identical_export_sent_again_is_stored_once(door: Door, signal: str) -> None:
    body = three(signal).SerializeToString()
    for _ in range(3):
        assert (await post(door, signal, body)).status_code == 200
    assert len(await rows(door, signal, "time")) == 3


async def test_json_integers_come_as_text_and_ids_of_exemplars_as_hex(door: Door) -> None:
    body = {
        "resourceMetrics": [
            {
                "scopeMetrics": [
                    {
                        "metrics": [
                            {
                                "name": "requests",
                                "sum": {
                                    "aggregationTemporality": 2,
                                    "isMonotonic": True,
                                    "dataPoints": [
                                        {
                                            "startTimeUnixNano": str(NOW - SECOND),
                                            "timeUnixNano": str(NOW),
                                            "asInt": "-9223372036854775808",
                                            "exemplars": [
                                                {
                                                    "timeUnixNano": NOW,
                                                    "asDouble": 1,
                                                    "traceId": "0102030405060708090A0B0C0D0E0F10",
                                                    "spanId": "0102030405060708",
                                                }
                                            ],
                                        }
                                    ],
                                },
                            },
                            {
                                "name": "sizes",
                                "exponentialHistogram": {
                                    "aggregationTemporality": 1,
                                    "dataPoints": [
                                        {
                                            "timeUnixNano": str(NOW),
                                            "count": "3",
                                            "sum": "Infinity",
                                            "scale": -1,
                                            "zeroCount": "1",
                                            "positive": {"offset": -2, "bucketCounts": ["1", 1]},
                                        }
                                    ],
                                },
                            },
                        ]
                    }
                ]
            }
        ]
    }
    assert (await post(door, "metrics", json.dumps(body).encode(), JSON)).content == b"{}"
    columns = (
        "metric_name, int_value, count, sum, scale, positive_offset, positive_bucket_counts,"
        " arrayMap(e -> (hex(e.trace_id), hex(e.span_id), e.double_value), exemplars) AS exemplars"
    )
    assert await door.metric_points(columns) == snapshot(
        [
            {
                "metric_name": "requests",
                "int_value": -9223372036854775808,
                "count": 0,
                "sum": None,
                "scale": 0,
                "positive_offset": 0,
                "positive_bucket_counts": [],
                "exemplars": [("0102030405060708090A0B0C0D0E0F10", "0102030405060708", 1.0)],
            },
            {
                "metric_name": "sizes",
                "int_value": None,
                "count": 3,
                "sum": math.inf,
                "scale": -1,
                "positive_offset": -2,
                "positive_bucket_counts": [1, 1],
                "exemplars": [],
            },
        ]
    )


async def test_a_json_log_record_has_hex_ids_and_integers_as_text(door: Door) -> None:
    record = {
        "timeUnixNano": str(NOW),
        "severityNumber": 17,
        "traceId": "0102030405060708090a0b0c0d0e0f10",
        "spanId": "0102030405060708",
        "body": {"intValue": "9007199254740993"},
        "eventName": "tool_result",
        "attributes": [{"key": "session.id", "value": {"stringValue": "s1"}}],
    }
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
    assert (await post(door, "logs", json.dumps(body).encode(), JSON)).content == b"{}"
    columns = "severity, hex(trace_id) AS trace_id, hex(span_id) AS span_id, body, body_type, event_name, session_id"
    assert await door.logs(columns) == snapshot(
        [
            {
                "severity": "error",
                "trace_id": "0102030405060708090A0B0C0D0E0F10",
                "span_id": "0102030405060708",
                "body": "9007199254740993",
                "body_type": "int",
                "event_name": "tool_result",
                "session_id": "s1",
            }
        ]
    )


@pytest.mark.parametrize(
    ("point", "where"),
    [
        ({"asInt": "1.5"}, "asInt: expected an integer"),
        ({"asInt": "99999999999999999999"}, "asInt"),
        ({"asDouble": "one"}, "asDouble: expected a number"),
        ({"exemplars": [{"spanId": "xyz"}]}, "exemplars[0].spanId: expected hex digits"),
    ],
)
async def test_a_json_point_that_can_not_be_read_is_named(
    door: Door, point: Mapping[str, Any], where: str
) -> None:
    body = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"gauge": {"dataPoints": [point]}}]}]}]}
    response = await post(door, "metrics", json.dumps(body).encode(), JSON)
    assert response.status_code == 400
    assert where in response.json()["message"]


@pytest.mark.parametrize(
    ("request_", "signal"),
    [(export(3), "logs"), (export(3), "metrics"), (logs_export(3), "metrics")],
    ids=["spans to logs", "spans to metrics", "logs to metrics"],
)
async def test_what_belongs_to_another_path_is_malformed(door: Door, request_: Message, signal: str) -> None:
    assert (await post(door, signal, request_.SerializeToString())).status_code == 400


async def test_metrics_sent_to_the_path_of_logs_decode_as_records_that_say_nothing_and_are_rejected(
    door: Door,
) -> None:
    response = await post(door, "logs", three("metrics").SerializeToString())
    partial = ExportLogsServiceResponse.FromString(response.content).partial_success
    assert partial.error_message == (
        "1 log record not kept: the record has no time, no body, no attributes and no event name"
    )
