"""Several processes with spools of their own store an export once, whichever of them gets the repeat."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from advisory_locks import advisory_locks
from control_plane import Time
from faulty_store import FaultyStore
from mcp_obs_server import migrations
from mcp_obs_server.ingest.admission import rewritten
from mcp_obs_server.ingest.budget import Budget
from mcp_obs_server.ingest.claims import Claims
from mcp_obs_server.ingest.committer import Committer, Export
from mcp_obs_server.ingest.envelope import digest
from mcp_obs_server.ingest.models import ClaimedExport
from mcp_obs_server.ingest.old_claims import KEPT_FOR, OldClaims
from mcp_obs_server.ingest.recent_exports import RecentExports
from mcp_obs_server.ingest.spool import Spool
from mcp_obs_server.ingest.traces import TRACES
from mcp_obs_server.kit.database import open_database
from mcp_obs_server.kit.database_url import parse_control_url
from mcp_obs_server.kit.transaction_lock import Locked, TransactionLock
from mcp_obs_server.store import TelemetryStore
from otlp_exports import NOW, SECOND, export
from postgresql import PostgreSQL
from waiting import until

ONE, OTHER = (f"{1:020d}-{number:08d}-{number:016x}" for number in (1, 2))
A, B, C = (bytes([number]) * 16 for number in range(3))


@pytest.fixture
async def control(postgresql: PostgreSQL) -> AsyncIterator[AsyncEngine]:
    """An empty control plane that processes share."""
    engine = open_database(parse_control_url(postgresql.new_database()))
    await migrations.upgrade(engine)
    yield engine
    await engine.dispose()


def claims_on(control: AsyncEngine, time: Time | None = None, *, registered: bool = True) -> Claims:
    async def is_registered(_: AsyncConnection) -> bool:
        return registered

    return Claims(control, TransactionLock(control, Locked.INSERTS), time or Time(), is_registered)


def an_export(org_id: int, seed: int) -> Export:
    body = export(3, seed=seed, start=NOW - 600 * SECOND).SerializeToString()
    return Export(org_id, 1, body, digest(org_id, 1, body))


async def stored(store: TelemetryStore, org_id: int) -> tuple[int, int, float]:
    """Spans, different spans, and calls in the rollup."""
    sql = (
        "SELECT count() AS spans, uniqExact(span_id) AS different,"
        " (SELECT sum(calls) FROM operations_15m WHERE grain = 'server' AND org_id = {org_id:UInt32}) AS calls"
        " FROM spans WHERE org_id = {org_id:UInt32}"
    )
    (row,) = await store.rows(sql, {"org_id": org_id})
    return row["spans"], row["different"], row["calls"]


@asynccontextmanager
async def process(
    folder: Path, store: TelemetryStore | FaultyStore, claims: Claims
) -> AsyncGenerator[Committer]:
    """What one process does with exports; stopped while the store refuses, its spool is as a crash leaves it."""
    committer = Committer(
        Spool(folder, partial(rewritten, TRACES)),
        RecentExports(folder),
        partial(store.insert, "traces"),
        Budget(2**20, "The spool is full: try again later."),
        claims,
    )
    await committer.start()
    try:
        yield committer
    finally:
        await committer.stop()


async def test_the_first_segment_has_an_export_for_good(control: AsyncEngine) -> None:
    claims = claims_on(control)
    assert await claims.claim(ONE, [A, B]) == frozenset()
    assert await claims.claim(OTHER, [B, C]) == {B}
    assert await claims.claim(ONE, [A, B, C]) == {C}
    assert await claims_on(control).claim(OTHER, [B, C]) == {B}


async def test_more_digests_than_a_statement_takes_are_claimed(control: AsyncEngine) -> None:
    digests = [number.to_bytes(16) for number in range(10_001)]
    assert await claims_on(control).claim(ONE, digests) == frozenset()
    assert await claims_on(control).claim(OTHER, digests) == set(digests)


async def test_a_claim_is_forgotten_after_three_days(control: AsyncEngine) -> None:
    time = Time()
    claims = claims_on(control, time)
    await claims.claim(ONE, [A, B, C])
    time.pass_by(KEPT_FOR)
    await OldClaims(control, time).delete()
    assert await claims.claim(OTHER, [A, B, C]) == {A, B, C}
    time.pass_by(timedelta(seconds=1))
    await OldClaims(control, time, rows_a_statement=2).delete()
    assert await claims.claim(OTHER, [A, B, C]) == frozenset()


async def test_an_old_claim_that_is_locked_holds_up_neither_an_insert_nor_the_others_leaving(
    control: AsyncEngine,
) -> None:
    time = Time()
    claims = claims_on(control, time)
    await claims.claim(ONE, [A, B])
    time.pass_by(KEPT_FOR + timedelta(seconds=1))
    async with control.begin() as connection:
        await connection.execute(select(ClaimedExport).where(ClaimedExport.digest == A).with_for_update())
        async with OldClaims(control, time):
            assert await claims.claim(OTHER, [C]) == frozenset()

            async def the_other_left() -> bool:
                async with control.connect() as connection:
                    return set(await connection.scalars(select(ClaimedExport.digest))) == {A, C}

            await until(the_other_left)


async def test_old_claims_that_can_t_be_deleted_are_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    away = open_database(parse_control_url(f"postgresql://nobody@/nothing?host={tmp_path}"))

    async def it_is_told() -> bool:
        return "Old claims can't be deleted" in caplog.text

    async with OldClaims(away, Time()):
        await until(it_is_told)
    await away.dispose()


async def test_an_export_that_another_process_has_in_its_spool_is_stored_once(
    tmp_path: Path, store: TelemetryStore, org_id: int, control: AsyncEngine
) -> None:
    away = FaultyStore(store)
    away.refuses.set()
    # It claims, can't store, and ends.
    async with process(tmp_path / "one", away, claims_on(control)) as one:
        await one.commit(an_export(org_id, 1))
    assert len(list((tmp_path / "one").glob("*.segment"))) == 1
    # The repeat comes with an export of its own in one segment, and once more alone.
    async with process(tmp_path / "other", store, claims_on(control)) as other:
        await other.commit(an_export(org_id, 1))
        await other.commit(an_export(org_id, 2))
        await other.drain()
        assert other.totals.duplicates == 1
        await other.commit(an_export(org_id, 1))
    assert await stored(store, org_id) == (3, 3, 3)
    async with process(tmp_path / "third", store, claims_on(control)) as third:
        await third.commit(an_export(org_id, 1))
    assert await stored(store, org_id) == (3, 3, 3)
    async with process(tmp_path / "one", store, claims_on(control)):
        pass
    assert await stored(store, org_id) == (6, 6, 6)
    assert list(tmp_path.rglob("*.segment")) == []


async def test_a_segment_whose_answer_got_lost_is_inserted_again_with_the_same_bytes(
    tmp_path: Path, store: TelemetryStore, org_id: int, control: AsyncEngine
) -> None:
    async with process(tmp_path / "one", store, claims_on(control)) as one:
        await one.commit(an_export(org_id, 1))
    lying = FaultyStore(store)
    lying.lies_once.set()
    async with process(tmp_path / "other", lying, claims_on(control)) as other:
        for seed in (1, 2):
            await other.commit(an_export(org_id, seed))
        await other.drain()
    assert await stored(store, org_id) == (6, 6, 6)


async def test_while_the_control_plane_is_away_exports_wait_in_the_spool(
    tmp_path: Path, store: TelemetryStore, org_id: int, control: AsyncEngine
) -> None:
    away = open_database(parse_control_url(f"postgresql://nobody@/nothing?host={tmp_path}"))
    async with process(tmp_path / "one", store, claims_on(away)) as one:
        await one.commit(an_export(org_id, 1))
    assert await stored(store, org_id) == (0, 0, 0)
    async with process(tmp_path / "one", store, claims_on(control)):
        pass
    assert await stored(store, org_id) == (3, 3, 3)
    await away.dispose()


async def test_a_process_that_was_forgotten_brings_nothing_into_the_store(
    tmp_path: Path, store: TelemetryStore, org_id: int, control: AsyncEngine
) -> None:
    async with process(tmp_path / "one", store, claims_on(control, registered=False)) as one:
        await one.commit(an_export(org_id, 1))
    assert await stored(store, org_id) == (0, 0, 0)
    assert len(list((tmp_path / "one").glob("*.segment"))) == 1
    # Nor does it keep another from it.
    async with process(tmp_path / "other", store, claims_on(control)) as other:
        await other.commit(an_export(org_id, 1))
    assert await stored(store, org_id) == (3, 3, 3)


async def test_nothing_is_inserted_while_another_process_rebuilds_a_day(
    tmp_path: Path, store: TelemetryStore, org_id: int, control: AsyncEngine
) -> None:
    async with process(tmp_path / "one", store, claims_on(control)) as one:
        async with TransactionLock(control, Locked.INSERTS).exclusive():
            await one.commit(an_export(org_id, 1))

            async def it_waits() -> bool:
                return await advisory_locks(control, granted=False) == 1

            await until(it_waits)
            assert await stored(store, org_id) == (0, 0, 0)
        await one.drain()
        assert await stored(store, org_id) == (3, 3, 3)
