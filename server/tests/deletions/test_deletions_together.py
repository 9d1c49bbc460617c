"""A deletion is finished when no process that shares the control plane holds anything of it."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import URL, text

from advisory_locks import advisory_locks
from control_plane import Tenancy, Time
from deployment import Deployment, Folder
from mcp_obs_server.deletions.passes import Passes
from mcp_obs_server.ingest.errors import UnauthenticatedExport
from mcp_obs_server.ingest.spool import Spool
from mcp_obs_server.joining import join
from mcp_obs_server.kit.transaction_lock import Locked, TransactionLock
from mcp_obs_server.processes.models import Process
from mcp_obs_server.processes.registration import Registration
from mcp_obs_server.store import TelemetryStore
from otlp_exports import NOW, SECOND, batch, export
from waiting import until

pytestmark = pytest.mark.parametrize("control_url", ["postgresql"], indirect=True)

# The second half of the key says what is locked. It returns when the connection is gone.
_END_WHO_IS_ALONE = f"""
SELECT pg_terminate_backend(pid, 10000) FROM pg_locks JOIN pg_database ON pg_database.oid = database
WHERE locktype = 'advisory' AND datname = current_database() AND granted AND objid = {int(Locked.INSERTS)}
"""


class Neighbours:
    """Two folders on one control plane."""

    def __init__(self, path: Path, control_url: URL, store: TelemetryStore, org_id: int) -> None:
        self.folders = {
            name: Folder(path / name, control_url, store, org_id, process_id=name)
            for name in ("one", "other")
        }

    @asynccontextmanager
    async def open(self, name: str, *, engine_away: bool = False) -> AsyncGenerator[Deployment]:
        async with self.folders[name].open(engine_away) as deployment:
            yield deployment


@pytest.fixture
def neighbours(tmp_path: Path, control_url: URL, store: TelemetryStore, org_id: int) -> Neighbours:
    """Neither runs."""
    return Neighbours(tmp_path, control_url, store, org_id)


async def state(deployment: Deployment, tenancy: Tenancy) -> dict[str, object]:
    async with deployment.control.client(tenancy.token) as client:
        return (await client.get("/api/deletions/1")).raise_for_status().json()


async def passed(deployment: Deployment, process_id: str) -> None:
    """Return when only the other process is waited for."""
    passes = Passes(deployment.control.sessions)

    async def is_through() -> bool:
        return process_id not in [each.id for each in (await passes.waits_for([1]))[1]]

    await until(is_through)


async def it_waits(deployment: Deployment) -> None:
    """Return when the deletion waits for who inserts."""

    async def waits() -> bool:
        return await advisory_locks(deployment.control.engine, granted=False) == 1

    await until(waits)


async def test_what_waits_in_another_process_s_spool_is_deleted_before_the_deletion_is_finished(
    neighbours: Neighbours,
) -> None:
    async with (
        neighbours.open("one") as one,
        neighbours.open("other", engine_away=True) as other,
    ):
        ours, theirs = await one.control.tenancy("acme"), await one.control.tenancy("globex")
        await one.send(ours, 2, seed=1)
        await other.send(ours, 3, seed=2)
        await other.send(theirs, 4, seed=3)
        async with one.control.client(ours.token) as client:
            (await client.delete(f"/api/servers/{ours.scope.server_id}")).raise_for_status()
        await passed(one, "one")
        assert (await state(one, ours))["finished_at"] is None
        other.store.refuses.clear()
        assert (await one.finished(ours, 1))["waits_for"] == []
        assert await one.calls(ours) == (0, 0, 0)
        assert await one.calls(theirs) == (4, 4, 4)
        with pytest.raises(UnauthenticatedExport):
            await other.send(ours, 1, seed=4)


async def test_a_process_that_is_down_holds_a_deletion_up_by_name_until_it_is_back(
    neighbours: Neighbours,
) -> None:
    async with neighbours.open("other", engine_away=True) as other:
        ours = await other.control.tenancy("acme")
        await other.send(ours, 3)
    async with neighbours.open("one") as one:
        async with one.control.client(ours.token) as client:
            (await client.delete(f"/api/servers/{ours.scope.server_id}")).raise_for_status()
        await passed(one, "one")
        assert (await state(one, ours))["waits_for"] == []
        one.control.time.pass_by(timedelta(minutes=1))
        assert (await state(one, ours))["waits_for"] == [{"id": "other", "seen_at": "2026-03-01T12:00:00Z"}]
        async with neighbours.open("other"):
            await one.finished(ours, 1)
        assert await one.calls(ours) == (0, 0, 0)


async def test_who_was_forgotten_brings_nothing_back_of_what_was_deleted_meanwhile(
    neighbours: Neighbours, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # Segments are begun at the time that the control plane's clock shows.
    monkeypatch.setattr(time, "time_ns", lambda: int(Time().now.timestamp()) * 10**9)
    async with neighbours.open("other", engine_away=True) as other:
        ours, theirs = await other.control.tenancy("acme"), await other.control.tenancy("globex")
        await other.send(ours, 3, seed=1)
        await other.send(theirs, 4, seed=2)
    async with neighbours.open("one") as one:
        control = one.control
        async with control.client(ours.token) as client:
            (await client.delete(f"/api/servers/{ours.scope.server_id}")).raise_for_status()
        control.time.pass_by(timedelta(minutes=5))
        async with control.client(ours.token) as client:
            (await client.delete("/api/processes/other")).raise_for_status()
        await one.finished(ours, 1)
        registration = Registration(
            control.sessions,
            control.time,
            tmp_path / "other",
            "db-host",
            is_empty=lambda: False,
            on_forgotten=lambda: None,
        )
        registration.id = "other"
        spools = [Spool(tmp_path / "other")]
        lock = TransactionLock(control.engine, Locked.DELETIONS)

        def told() -> list[str]:
            return [each.getMessage() for each in caplog.records if each.name == "mcp_obs_server.joining"]

        async def is_told() -> bool:
            return bool(told())

        async with asyncio.TaskGroup() as tasks, lock.exclusive():
            tasks.create_task(join(registration, spools, control.sessions, lock))
            await until(is_told)
        assert told()[0] == "Waiting for another mcp-obs on the same control plane, which deletes (DELETIONS)"
        (removed,) = told()[1:]
        assert removed == (
            f"This process was forgotten: 1 acknowledged exports of the server {ours.scope.server_id}, of which"
            " something was deleted meanwhile, are removed and not stored"
        )
        async with control.sessions() as db:
            assert await db.get(Process, "other")
        async with neighbours.open("other"):
            pass
        assert await one.calls(ours) == (0, 0, 0)
        assert await one.calls(theirs) == (4, 4, 4)


async def test_a_user_s_day_is_rebuilt_when_no_process_inserts(neighbours: Neighbours) -> None:
    async with neighbours.open("one") as one:
        ours = await one.control.tenancy("acme")
        await one.send(ours, 3, seed=1, user="ada")
        await one.send(ours, 4, seed=2)
        async with TransactionLock(one.control.engine, Locked.INSERTS).shared():
            async with one.control.client(ours.token) as client:
                path = f"/api/servers/{ours.scope.server_id}/deletions"
                (await client.post(path, json={"user_id": "ada"})).raise_for_status()
            await it_waits(one)
            assert await one.calls(ours) == (7, 7, 7)
        await one.finished(ours, 1)
        assert await one.calls(ours) == (4, 4, 4)


async def test_a_server_s_rows_are_deleted_after_an_insert_that_began_before(neighbours: Neighbours) -> None:
    async with neighbours.open("one") as one:
        ours = await one.control.tenancy("acme")
        await one.send(ours, 3)
        await one.committer.drain()
        async with TransactionLock(one.control.engine, Locked.INSERTS).shared():
            async with one.control.client(ours.token) as client:
                (await client.delete(f"/api/servers/{ours.scope.server_id}")).raise_for_status()
            await it_waits(one)
            assert await one.calls(ours) == (3, 3, 3)
        await one.finished(ours, 1)
        assert await one.calls(ours) == (0, 0, 0)


async def test_a_day_whose_rebuild_lost_its_lock_while_another_inserted_is_rebuilt_again(
    neighbours: Neighbours, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with neighbours.open("one") as one:
        ours, store = await one.control.tenancy("acme"), one.store.store
        await one.send(ours, 3, seed=1, user="ada")
        await one.send(ours, 4, seed=2)
        await one.committer.drain()
        # More than are deleted: what is counted twice then outweighs them.
        others = export(5, 3, start=NOW - 600 * SECOND)
        body = batch(ours.scope.org_id, others, server_id=ours.scope.server_id)
        command, cut = store.command, asyncio.Event()

        async def cut_half_way(sql: str, parameters: Mapping[str, object]) -> None:
            if "INSERT INTO operations_1h" in sql and not cut.is_set():
                cut.set()
                async with one.control.engine.connect() as connection:
                    await connection.execute(text(_END_WHO_IS_ALONE))
                await asyncio.to_thread(store.insert, "traces", body, f"{ours.scope.org_id} cut half-way")
            await command(sql, parameters)

        monkeypatch.setattr(store, "command", cut_half_way)
        async with one.control.client(ours.token) as client:
            path = f"/api/servers/{ours.scope.server_id}/deletions"
            (await client.post(path, json={"user_id": "ada"})).raise_for_status()
        await one.finished(ours, 1)
        assert cut.is_set()
        assert await one.calls(ours) == (9, 9, 9)
