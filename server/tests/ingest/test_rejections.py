"""Every rejection is counted under whose it is and why."""

import asyncio
import gzip
from pathlib import Path

import httpx2
import pytest

from grpc_client import call
from mcp_obs_server.ingest.reason import ReasonCode
from mcp_obs_server.ingest.rejections import Count, Rejected
from mcp_obs_server.ingest.traces import TRACES
from mcp_obs_server.store import TelemetryStore
from otlp_door import KEY, Door, Tenant, open_door
from otlp_exports import NOW, SECOND, export
from otlp_ways import PROTOBUF, post


async def test_items_left_out_of_an_accepted_export_are_counted_by_reason(door: Door) -> None:
    request = export(5)
    spans = request.resource_spans[0].scope_spans[0].spans
    spans[0].trace_id = b""
    spans[1].span_id = b""
    spans[2].start_time_unix_nano = 0
    spans[3].end_time_unix_nano = NOW + 7200 * SECOND
    assert (await post(door, request.SerializeToString())).status_code == 200
    reasons: list[ReasonCode] = ["bad_trace_id", "bad_span_id", "too_old", "in_future"]
    assert door.rejections.totals() == {
        Rejected(door.org_id, 1, "traces", reason): Count(items=1) for reason in reasons
    }


@pytest.mark.parametrize(("retention_days", "rejected"), [(None, 0), (7, 1), (90, 0)])
async def test_a_span_older_than_its_organisation_keeps_is_rejected_as_too_old(
    tmp_path: Path, store: TelemetryStore, org_id: int, retention_days: int | None, rejected: int
) -> None:
    async with open_door(tmp_path, store, org_id, retention_days=retention_days) as door:
        for days in (6, 8):
            await post(door, export(seed=days, start=NOW - days * 86_400 * SECOND).SerializeToString())
        assert sum(count.items for count in door.rejections.totals().values()) == rejected
        assert len(await door.spans()) == 2 - rejected


@pytest.mark.parametrize(
    ("body", "headers", "reason"),
    [
        (b"\xff", {}, "malformed"),
        (b"x" * 100_001, {}, "too_large"),
        (gzip.compress(b"\0" * 1_000_000), {"content_encoding": "gzip"}, "too_large"),
        (b"", {"content_type": "text/plain"}, "unsupported_media"),
    ],
)
async def test_an_export_refused_as_a_whole_is_counted_once(
    door: Door, body: bytes, headers: dict[str, str], reason: ReasonCode
) -> None:
    assert (await post(door, body, **headers)).is_client_error
    assert door.rejections.totals() == {Rejected(door.org_id, 1, "traces", reason): Count(exports=1)}


async def test_a_full_server_counts_what_it_turns_away(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    body = export(3).SerializeToString()
    async with open_door(tmp_path, store, org_id, in_flight_bytes=3 * len(body)) as door:
        with door.receiver.passage(Tenant(org_id), TRACES) as another:
            another.hold(len(body))
            assert (await post(door, body)).status_code == 503
    assert door.rejections.totals() == {Rejected(org_id, 1, "traces", "overloaded"): Count(exports=1)}


async def test_a_body_that_stops_coming_is_counted_as_slow(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    async with open_door(tmp_path, store, org_id, body_seconds=0.05) as door:
        host, port = door.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = f"POST /v1/traces HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n"
        writer.write(f"{head}content-type: {PROTOBUF}\r\ncontent-length: 90\r\n\r\nhalf".encode())
        await reader.readline()
        writer.close()
    assert door.rejections.totals() == {Rejected(org_id, 1, "traces", "slow"): Count(exports=1)}


async def test_requests_of_nobody_are_counted_without_a_tenant(door: Door) -> None:
    await post(door, b"", authorization="Bearer wrong")
    await post(door, b"", path="/v1/nothing")
    await call(door.grpc_address, b"", method="/x/Export")
    async with httpx2.AsyncClient(timeout=60) as client:
        await client.get(door.url + "/v1/traces")
    assert door.rejections.totals() == {
        Rejected(None, None, "traces", "unauthenticated"): Count(exports=1),
        Rejected(None, None, None, "unknown_signal"): Count(exports=2),
        Rejected(None, None, None, "wrong_method"): Count(exports=1),
    }


async def test_what_is_kept_is_not_counted(door: Door) -> None:
    assert (await post(door, export(3).SerializeToString())).status_code == 200
    assert door.rejections.totals() == {}
