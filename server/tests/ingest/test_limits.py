"""What a key may send in a second and an organisation in a day, charged on inflated bytes."""

import gzip
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import httpx2
import pytest
from google.rpc.status_pb2 import Status
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from control_plane import EACH_DATABASE, ControlPlane
from mcp_obs_server.ingest.daily_quota import DailyQuota
from mcp_obs_server.ingest.errors import ExportTooLarge, QuotaExceeded, RateLimited
from mcp_obs_server.ingest.key_rate import KeyRate
from mcp_obs_server.ingest.limits import Limits
from mcp_obs_server.ingest.rejections import Count, Rejected
from mcp_obs_server.store import TelemetryStore
from otlp_door import KEY, Door, open_door
from otlp_exports import export

ACME, GLOBEX = 1, 2


async def post(door: Door, body: bytes, encoding: str = "identity") -> httpx2.Response:
    headers = {
        "authorization": f"Bearer {KEY}",
        "content-type": "application/x-protobuf",
        "content-encoding": encoding,
    }
    async with httpx2.AsyncClient(timeout=60) as client:
        return await client.post(door.url + "/v1/traces", content=body, headers=headers)


def test_a_key_may_send_ten_seconds_worth_at_once_and_is_told_when_there_is_room_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("token_bucket.storage.time", SimpleNamespace(monotonic=lambda: 0.0))
    rate = KeyRate(bytes_per_second=10)
    for _ in range(4):
        rate.charge(1, 25)
    with pytest.raises(RateLimited, match="10 bytes a second") as refused:
        rate.charge(1, 100)
    # A hundred bytes come back in ten seconds.
    assert refused.value.retry_after_seconds == 10
    rate.charge(2, 100)


def test_an_export_that_no_waiting_would_help_is_too_large() -> None:
    with pytest.raises(ExportTooLarge, match="send smaller batches"):
        KeyRate(bytes_per_second=10).charge(1, 101)


async def test_a_key_that_sends_too_fast_is_answered_429_with_retry_after_by_inflated_size(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    body = export(20).SerializeToString()
    sent = gzip.compress(body)
    assert len(sent) < len(body) / 2
    limits = Limits(key_rate=KeyRate(bytes_per_second=len(body) // 10 + 1))
    async with open_door(tmp_path, store, org_id, limits=limits) as door:
        assert (await post(door, sent, "gzip")).status_code == 200
        response = await post(door, sent, "gzip")
    status = Status.FromString(response.content)
    assert (response.status_code, status.code) == (429, 8)
    assert int(response.headers["retry-after"]) in range(5, 11)
    assert "a second: try again in" in status.message
    assert door.rejections.totals() == {Rejected(org_id, 1, "traces", "rate_limited"): Count(exports=1)}


@EACH_DATABASE
async def test_an_organisation_s_day_ends_at_midnight_utc(control: ControlPlane) -> None:
    quota = DailyQuota(control.sessions, control.time, bytes_per_day=100)
    quota.charge(ACME, 60)
    quota.charge(GLOBEX, 100)
    with pytest.raises(QuotaExceeded, match="100 bytes a day and has sent 60") as refused:
        quota.charge(ACME, 41)
    assert refused.value.retry_after_seconds == 12 * 3600
    quota.charge(ACME, 40)
    control.time.pass_by(timedelta(hours=12))
    quota.charge(ACME, 100)


async def test_an_export_over_a_whole_day_s_quota_is_too_large(control: ControlPlane) -> None:
    with pytest.raises(ExportTooLarge, match="send smaller batches"):
        DailyQuota(control.sessions, control.time, bytes_per_day=100).charge(ACME, 101)


@EACH_DATABASE
async def test_a_restart_hands_out_no_second_quota(control: ControlPlane) -> None:
    async with DailyQuota(control.sessions, control.time, bytes_per_day=100) as quota:
        quota.charge(ACME, 60)
    async with DailyQuota(control.sessions, control.time, bytes_per_day=100) as quota:
        quota.charge(ACME, 30)
    async with DailyQuota(control.sessions, control.time, bytes_per_day=100) as quota:
        with pytest.raises(QuotaExceeded, match="has sent 90"):
            quota.charge(ACME, 11)
    control.time.pass_by(timedelta(days=1))
    async with DailyQuota(control.sessions, control.time, bytes_per_day=100) as quota:
        quota.charge(ACME, 100)


@EACH_DATABASE
async def test_two_processes_on_one_database_learn_what_the_other_counted(control: ControlPlane) -> None:
    first, second = (DailyQuota(control.sessions, control.time, bytes_per_day=100) for _ in range(2))
    first.charge(ACME, 60)
    second.charge(ACME, 30)
    await first.flush()
    await second.flush()
    with pytest.raises(QuotaExceeded, match="has sent 90"):
        second.charge(ACME, 11)


@EACH_DATABASE
async def test_what_can_t_be_written_is_still_counted_and_written_later(control: ControlPlane) -> None:
    quota = DailyQuota(control.sessions, control.time, bytes_per_day=100)
    quota.charge(ACME, 60)
    async with control.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE sent_bytes RENAME TO elsewhere"))
    with pytest.raises(SQLAlchemyError):
        await quota.flush()
    with pytest.raises(QuotaExceeded):
        quota.charge(ACME, 41)
    async with control.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE elsewhere RENAME TO sent_bytes"))
    await quota.flush()
    again = DailyQuota(control.sessions, control.time, bytes_per_day=100)
    await again.flush()
    with pytest.raises(QuotaExceeded, match="has sent 60"):
        again.charge(ACME, 41)


@EACH_DATABASE
async def test_yesterday_s_count_makes_room(control: ControlPlane) -> None:
    quota = DailyQuota(control.sessions, control.time, bytes_per_day=100)
    quota.charge(ACME, 60)
    await quota.flush()
    control.time.pass_by(timedelta(days=1))
    await quota.flush()
    async with control.sessions() as db:
        assert (await db.execute(text("SELECT * FROM sent_bytes"))).all() == []


async def test_only_what_was_kept_is_charged_to_the_day(
    tmp_path: Path, store: TelemetryStore, org_id: int, control: ControlPlane
) -> None:
    body = export(3).SerializeToString()
    quota = DailyQuota(control.sessions, control.time, bytes_per_day=len(body))
    async with open_door(tmp_path, store, org_id, limits=Limits(quota=quota)) as door:
        assert (await post(door, b"\xff" * len(body))).status_code == 400
        assert (await post(door, body)).status_code == 200
        response = await post(door, b"\xff")
    assert (response.status_code, response.headers["retry-after"]) == (429, "43200")
    assert door.rejections.totals()[Rejected(org_id, 1, "traces", "quota")] == Count(exports=1)
