"""Readiness, each part broken for real where that can be done."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path

import httpx2
import pytest
from inline_snapshot import snapshot
from sqlalchemy import text

from control_plane import ControlPlane, Time
from mcp_obs_server.ingest.budget import Budget
from mcp_obs_server.ingest.committer import Committer, Export
from mcp_obs_server.ingest.envelope import FRAME_BYTES, digest
from mcp_obs_server.ingest.recent_exports import RecentExports
from mcp_obs_server.ingest.spool import Spool
from mcp_obs_server.kit.services import provide
from mcp_obs_server.monitoring.parts import checks
from mcp_obs_server.monitoring.readiness import Check, Readiness
from mcp_obs_server.store import Row, StoreUnavailableError, TelemetryStore

SPOOL_MAX_BYTES = 1000


class SwitchedOff(TelemetryStore):
    """The store of a test that takes the engine away."""

    def __init__(self) -> None:
        pass

    async def rows(self, sql: str, parameters: Mapping[str, object]) -> list[Row]:
        raise StoreUnavailableError("the engine is away")

    def insert(self, signal: str, batch: bytes | Path, token: str) -> None:
        raise StoreUnavailableError("the engine is away")


class Parts:
    """What readiness asks, and the ways to break it."""

    def __init__(self, control: ControlPlane, store: TelemetryStore, folder: Path) -> None:
        self.control = control
        self.store = store
        self.folder = folder
        self.budget = Budget(SPOOL_MAX_BYTES, "full")
        self.committer = self._committer(store)

    def _committer(self, store: TelemetryStore) -> Committer:
        insert = partial(store.insert, "traces")
        return Committer(Spool(self.folder), RecentExports(self.folder), insert, self.budget)

    async def nothing(self) -> None:
        await self.committer.start()

    async def before_the_start(self) -> None:
        pass

    async def control_database(self) -> None:
        await self.nothing()
        async with self.control.sessions.begin() as db:
            await db.execute(text("PRAGMA user_version"))
        await self.control.engine.dispose()
        (self.folder.parent / "control.db").write_bytes(b"no database" * 1000)

    async def engine(self) -> None:
        await self.nothing()
        self.store = SwitchedOff()

    async def spool_folder(self) -> None:
        await self.nothing()
        shutil.rmtree(self.folder)

    async def spool_room(self) -> None:
        self.committer = self._committer(SwitchedOff())
        await self.nothing()
        body = bytes(SPOOL_MAX_BYTES // 2 - FRAME_BYTES)
        await self.committer.commit(Export(1, 1, body, digest(1, 1, body)))

    async def answer(self) -> httpx2.Response:
        readiness = Readiness(checks(self.control.sessions, self.store, [self.committer], self.budget))
        provide(self.control.app, readiness)
        async with self.control.client() as client:
            return await client.get("/readyz")


@pytest.fixture
async def parts(control: ControlPlane, store: TelemetryStore, tmp_path: Path) -> AsyncIterator[Parts]:
    parts = Parts(control, store, tmp_path / "spool")
    yield parts
    await parts.committer.stop()


async def test_when_every_part_works_the_answer_is_200(parts: Parts) -> None:
    await parts.nothing()
    response = await parts.answer()
    assert (response.status_code, response.json()) == snapshot(
        (
            200,
            {
                "status": "ready",
                "checks": {"control_database": "ok", "engine": "ok", "spool": "ok", "group_commit": "ok"},
                "advice": [],
            },
        )
    )


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (Parts.control_database, "control_database"),
        (Parts.engine, "engine"),
        (Parts.spool_folder, "spool"),
        (Parts.spool_room, "spool"),
        (Parts.before_the_start, "group_commit"),
    ],
)
async def test_a_part_that_does_not_work_is_named_with_what_to_do_and_without_detail(
    parts: Parts,
    broken: Callable[[Parts], Awaitable[None]],
    check: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await broken(parts)
    response = await parts.answer()
    answer = response.json()
    assert (response.status_code, answer["status"]) == (503, "not_ready")
    assert [name for name, state in answer["checks"].items() if state == "failed"] == [check]
    (advice,) = answer["advice"]
    assert "log" in advice
    assert str(parts.folder.parent) not in response.text
    assert f"Not ready: {check}: " in caplog.text


def test_one_sender_s_flood_does_not_make_the_spool_full_for_the_others() -> None:
    budget = Budget(1000, "full")
    budget.take(1, 480)
    budget.take(2, 10)
    assert not budget.is_full
    budget.take(2, 250)
    assert budget.is_full
    budget.give_back(1, 480)
    assert not budget.is_full


async def test_the_parts_are_asked_once_a_second_however_many_ask() -> None:
    time, asked = Time(), 0

    async def probe() -> None:
        nonlocal asked
        asked += 1
        raise RuntimeError("broken")

    readiness = Readiness([Check("part", probe, "mend it")], time.timer)
    for expected in (1, 2):
        answers = await asyncio.gather(*(readiness.failed() for _ in range(20)))
        assert set(answers) == {frozenset({"part"})}
        assert asked == expected
        time.seconds += 1


async def test_a_part_that_works_again_is_ready_again_and_each_change_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    time, works = Time(), False

    async def probe() -> None:
        if not works:
            raise RuntimeError("it is broken")

    readiness = Readiness([Check("part", probe, "mend it")], time.timer)
    for works in (False, False, True, True):
        assert bool(await readiness.failed()) is not works
        time.seconds += 1
    assert [record.getMessage() for record in caplog.records] == [
        "Not ready: part: it is broken",
        "Ready again: part",
    ]


async def test_a_part_that_never_answers_has_failed() -> None:
    readiness = Readiness([Check("part", asyncio.Event().wait, "mend it")], patience=0)
    assert await readiness.failed() == {"part"}
