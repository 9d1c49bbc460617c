"""What JSON adds to the rules of test_checklist.py for metrics and logs, and what comes to a wrong path."""

import json
import math
from collections.abc import Mapping
from typing import Any

import pytest
from google.protobuf.message import Message
from inline_snapshot import snapshot
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from otlp_door import Door
from otlp_exports import NOW, SECOND, counter, export, logs_export, metrics_export
from otlp_ways import JSON, post


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
    assert (await post(door, json.dumps(body).encode(), JSON, "/v1/metrics")).content == b"{}"
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
    assert (await post(door, json.dumps(body).encode(), JSON, "/v1/logs")).content == b"{}"
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
    response = await post(door, json.dumps(body).encode(), JSON, "/v1/metrics")
    assert response.status_code == 400
    assert where in response.json()["message"]


async def test_a_json_count_below_zero_is_named(door: Door) -> None:
    point = {"bucketCounts": ["1", -1], "explicitBounds": [5]}
    body = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"histogram": {"dataPoints": [point]}}]}]}]}
    response = await post(door, json.dumps(body).encode(), JSON, "/v1/metrics")
    assert response.status_code == 400
    assert b"bucketCounts[1]" in response.content


@pytest.mark.parametrize(
    ("request_", "signal"),
    [(export(3), "logs"), (export(3), "metrics"), (logs_export(3), "metrics")],
    ids=["spans to logs", "spans to metrics", "logs to metrics"],
)
async def test_what_belongs_to_another_path_is_malformed(door: Door, request_: Message, signal: str) -> None:
    assert (await post(door, request_.SerializeToString(), path=f"/v1/{signal}")).status_code == 400


async def test_metrics_sent_to_the_path_of_logs_decode_as_records_that_say_nothing_and_are_rejected(
    door: Door,
) -> None:
    response = await post(
        door, metrics_export(counter({NOW: 1, NOW + 1: 2})).SerializeToString(), path="/v1/logs"
    )
    partial = ExportLogsServiceResponse.FromString(response.content).partial_success
    assert partial.error_message == (
        "1 log record not kept: the record has no time, no body, no attributes and no event name"
    )
