"""OTLP's rules for a receiver, each a test named after its row, for every signal over every way that it concerns.

The same rows are driven by real exporters in test_checklist_by_exporters.

| row | rule (OTLP 1.11) | what else proves it |
|---|---|---|
| 1 | POST /v1/{signal} on 4318, {Signal}Service/Export on 4317 | test_http, test_grpc: other paths, methods |
| 2 | protobuf and JSON on one port; an answer has its request's encoding, errors too | every answer in otlp_ways |
| 3 | no compression and gzip | test_http, test_grpc: members, what is no gzip, other encodings |
| 4 | success has no partial_success; an empty request succeeds | |
| 5 | rejected items are counted, with a message | test_http, test_admission: every reason |
| 6 | bad data: 400, INVALID_ARGUMENT, and a google.rpc.Status | test_http: what and where; test_grpc: no message |
| 7 | only 429, 502, 503 and 504 are retried | test_checklist_by_exporters: by real ones |
| 8 | overload: Retry-After, RetryInfo | test_limits: rates and quotas; test_grpc: waiting for room |
| 9 | a limit as sent and inflated: 413, RESOURCE_EXHAUSTED | test_hostile_bodies: bombs, in a real server's memory |
| 10 | answers of at most 4 MiB | |
| 11 | JSON: hex ids, lowerCamelCase, integer enums, unknown fields, integers as text | test_http, test_http_signals |
| 12 | empty envelopes | |
| 13 | the same export again is stored once | test_durability, test_exporter_retries: across a restart |
| 14 | gRPC: UNAVAILABLE with RetryInfo, INVALID_ARGUMENT, UNAUTHENTICATED, RESOURCE_EXHAUSTED | rows 6 to 9 over gRPC |
"""

import json
from pathlib import Path
from typing import Any, cast

import grpc
import pytest

from mcp_obs_server.ingest.errors import ExportRefused, RateLimited
from mcp_obs_server.ingest.key_rate import KeyRate
from mcp_obs_server.ingest.limits import Limits
from mcp_obs_server.ingest.signal import Signal
from mcp_obs_server.ingest.signals import SIGNALS
from mcp_obs_server.settings import Settings
from mcp_obs_server.store import TelemetryStore
from otlp_door import MAX_BODY_BYTES, MAX_MESSAGE_BYTES, Door, open_door
from otlp_exports import NOW, SECOND
from otlp_ways import GRPC, HTTP_JSON, HTTP_PROTOBUF, WAYS, Answer, Way, as_json, items, sample, set_time

OK = grpc.StatusCode.OK
INVALID_ARGUMENT = grpc.StatusCode.INVALID_ARGUMENT
RESOURCE_EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
FOUR_MIB = 4 * 2**20

each_signal = pytest.mark.parametrize("signal", SIGNALS, ids=[signal.name for signal in SIGNALS])
each_way = pytest.mark.parametrize("way", WAYS, ids=str)
zipped_or_not = pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])


def status(way: Way, http_status: int) -> int | None:
    """The HTTP status that an answer has to have; gRPC has none."""
    return None if way is GRPC else http_status


def test_row_1_the_default_ports_are_otlps(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MCP_OBS_PORT", "MCP_OBS_GRPC_PORT"):
        monkeypatch.delenv(name, raising=False)
    assert (Settings().port, Settings().otlp_grpc_port, Settings(port=0).otlp_grpc_port) == (4318, 4317, 0)


@each_signal
@each_way
@zipped_or_not
async def test_rows_1_to_4_an_export_is_stored_and_answered_with_an_empty_message(
    door: Door, signal: Signal, way: Way, zipped: bool
) -> None:
    answer = await way.send(door, signal, way.encode(sample(signal, 3)), zipped=zipped)
    assert answer == Answer(OK, http_status=status(way, 200), body=b"{}" if way is HTTP_JSON else b"")
    assert await door.count(signal.name) == 3


@each_way
@zipped_or_not
async def test_row_4_an_empty_export_succeeds(door: Door, way: Way, zipped: bool) -> None:
    for signal in SIGNALS:
        answer = await way.send(door, signal, b"{}" if way is HTTP_JSON else b"", zipped=zipped)
        assert (answer.code, answer.message) == (OK, "")
        assert await door.count(signal.name) == 0


@each_signal
@each_way
async def test_row_5_items_that_can_not_be_kept_are_counted_with_reasons_and_the_others_stored(
    door: Door, signal: Signal, way: Way
) -> None:
    request = sample(signal, 4)
    set_time(items(request)[1], NOW - 31 * 86_400 * SECOND)
    set_time(items(request)[2], NOW + 2 * 3600 * SECOND)
    answer = await way.send(door, signal, way.encode(request))
    assert (answer.code, answer.rejected, answer.http_status) == (OK, 2, status(way, 200))
    for reason in ("older than the retention", "more than an hour ahead of the server's clock"):
        assert f"1 {signal.item} not kept: the " in answer.message
        assert reason in answer.message
    assert await door.count(signal.name) == 2


@each_way
async def test_rows_6_and_14_bad_data_is_an_invalid_argument_that_says_what_is_wrong(
    door: Door, way: Way
) -> None:
    for signal in SIGNALS:
        answer = await way.send(door, signal, b"[]" if way is HTTP_JSON else b"\xff\xff")
        assert (answer.code, answer.http_status) == (INVALID_ARGUMENT, status(way, 400))
        assert answer.retry_after_seconds is None
        expected = "expected an object" if way is HTTP_JSON else f"not an {signal.request.DESCRIPTOR.name}"
        assert expected in answer.message


@each_way
@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer wrong", "Basic x"])
async def test_rows_6_and_14_without_a_valid_key_the_answer_is_unauthenticated(
    door: Door, way: Way, authorization: str
) -> None:
    for signal in SIGNALS:
        answer = await way.send(door, signal, b"not even read", authorization)
        assert (answer.code, answer.http_status) == (UNAUTHENTICATED, status(way, 401))
        assert "API key" in answer.message


def refusals(kind: type[ExportRefused] = ExportRefused) -> list[type[ExportRefused]]:
    """Every way to refuse an export."""
    return [kind, *(below for each in kind.__subclasses__() for below in refusals(each))]


def test_row_7_what_may_be_retried_has_a_code_that_exporters_retry_and_says_when() -> None:
    # DEADLINE_EXCEEDED is retried over gRPC by rule, its 408 over HTTP is not.
    for kind in refusals():
        retryable = kind.status in (429, 502, 503, 504)
        says_when = kind.retry_after_seconds is not None or issubclass(kind, RateLimited)
        assert retryable == says_when, kind
        if retryable:
            assert kind.code in (UNAVAILABLE.value[0], RESOURCE_EXHAUSTED.value[0]), kind
        else:
            assert kind.code != UNAVAILABLE.value[0], kind


@each_signal
@each_way
async def test_rows_8_and_14_a_full_server_says_when_to_try_again_and_takes_it_then(
    tmp_path: Path, store: TelemetryStore, org_id: int, signal: Signal, way: Way
) -> None:
    async with open_door(tmp_path, store, org_id, spool_max_bytes=2 * MAX_BODY_BYTES) as door:
        door.spool.add(org_id, MAX_BODY_BYTES)
        answer = await way.send(door, signal, way.encode(sample(signal, 2)))
        assert (answer.code, answer.http_status) == (UNAVAILABLE, status(way, 503))
        assert answer.retry_after_seconds == 5
        door.spool.give_back(org_id, MAX_BODY_BYTES)
        assert (await way.send(door, signal, way.encode(sample(signal, 2)))).code == OK
        assert await door.count(signal.name) == 2


@each_way
async def test_rows_8_and_14_a_key_that_sends_too_fast_is_told_when_to_go_on(
    tmp_path: Path, store: TelemetryStore, org_id: int, way: Way
) -> None:
    (signal, *_) = SIGNALS
    limits = Limits(KeyRate(bytes_per_second=100))
    async with open_door(tmp_path, store, org_id, limits=limits) as door:
        body = way.encode(sample(signal, 2))
        answers = [await way.send(door, signal, body) for _ in range(10)]
        refused = next(each for each in answers if each.code is not OK)
        assert (refused.code, refused.http_status) == (RESOURCE_EXHAUSTED, status(way, 429))
        assert refused.retry_after_seconds


@each_signal
@each_way
@zipped_or_not
async def test_rows_9_and_14_a_body_over_the_limit_is_refused_for_good(
    door: Door, signal: Signal, way: Way, zipped: bool
) -> None:
    answer = await way.send(door, signal, b" " * 10 * MAX_BODY_BYTES, zipped=zipped)
    assert (answer.code, answer.http_status) == (RESOURCE_EXHAUSTED, status(way, 413))
    assert answer.retry_after_seconds is None
    limit = MAX_MESSAGE_BYTES if way is GRPC and not zipped else MAX_BODY_BYTES
    assert str(limit) in answer.message


@each_way
async def test_row_10_the_longest_answers_are_far_below_4_mib(door: Door, way: Way) -> None:
    for signal in SIGNALS:
        request = sample(signal, 150)
        for index, item in enumerate(items(request)):
            set_time(item, index % 2 * 2**63 + 1)
        all_rejected = await way.send(door, signal, way.encode(request))
        assert all_rejected.rejected == 150
        unreadable = await way.send(door, signal, b'{"' + b"x" * 30_000)
        assert unreadable.code == INVALID_ARGUMENT
        assert (
            max(len(each.body) + len(each.message) for each in (all_rejected, unreadable)) < FOUR_MIB // 1000
        )


def in_json(value: Any) -> Any:
    """The same OTLP/JSON as a less usual sender may write it."""
    if isinstance(value, list):
        return [in_json(each) for each in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    written: dict[str, Any] = {"somethingNew": {"a": [1, None]}, "time_unix_nano": "1", "trace_id": "zz"}
    for key, each in cast("dict[str, Any]", value).items():
        if key in ("traceId", "spanId"):
            written[key] = each.upper()
        elif key.endswith("UnixNano") or key == "asInt":
            written[key] = int(each)
        else:
            written[key] = in_json(each)
    return written


@each_signal
async def test_row_11_json_ids_are_hex_in_either_case_integers_text_or_numbers_and_unknown_fields_ignored(
    door: Door, signal: Signal
) -> None:
    request = sample(signal, 2)
    if signal.name != "metrics":
        for index, item in enumerate(items(request), 1):
            item.trace_id, item.span_id = bytes([0xAB] * 15 + [index]), bytes([0xCD] * 8)
    answer = await HTTP_JSON.send(door, signal, json.dumps(in_json(as_json(request))).encode())
    assert answer == Answer(OK, http_status=200, body=b"{}")
    # Had anything been read otherwise, the protobuf twin would be another export.
    assert (await HTTP_PROTOBUF.send(door, signal, HTTP_PROTOBUF.encode(request))).code == OK
    assert await door.count(signal.name) == 2


@each_signal
async def test_row_11_json_enums_are_integers_and_not_names(door: Door, signal: Signal) -> None:
    body = HTTP_JSON.encode(sample(signal, 1))
    for number, name in (
        (b'"kind": 2', b'"kind": "SPAN_KIND_SERVER"'),
        (b'"aggregationTemporality": 1', b'"aggregationTemporality": "AGGREGATION_TEMPORALITY_DELTA"'),
        (b'"severityNumber": 9', b'"severityNumber": "SEVERITY_NUMBER_INFO"'),
    ):
        body = body.replace(number, name)
    answer = await HTTP_JSON.send(door, signal, body)
    assert (answer.code, "expected an integer" in answer.message) == (INVALID_ARGUMENT, True)


@each_way
async def test_row_12_empty_envelopes_succeed(door: Door, way: Way) -> None:
    for signal in SIGNALS:
        request: Any = signal.request()
        resources: str = request.DESCRIPTOR.fields[0].name
        getattr(request, resources).add()
        scopes = getattr(getattr(request, resources).add(), resources.replace("resource", "scope"))
        scopes.add().scope.name = "empty"
        assert (await way.send(door, signal, way.encode(request))).code == OK
        assert await door.count(signal.name) == 0


@each_signal
async def test_row_13_an_identical_export_is_stored_once_whichever_way_it_comes_again(
    door: Door, signal: Signal
) -> None:
    request = sample(signal, 3)
    for way in (*WAYS, *WAYS):
        for zipped in (False, True):
            assert (await way.send(door, signal, way.encode(request), zipped=zipped)).code == OK
    assert await door.count(signal.name) == 3
