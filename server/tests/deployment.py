"""A control plane and the way into the store, as the application puts them together."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL

from control_plane import ControlPlane, Tenancy, open_control_plane
from faulty_store import FaultyStore
from mcp_obs_server.ingest.admission import rewritten
from mcp_obs_server.ingest.budget import Budget
from mcp_obs_server.ingest.committer import Committer, Export
from mcp_obs_server.ingest.envelope import digest
from mcp_obs_server.ingest.recent_exports import RecentExports
from mcp_obs_server.ingest.spool import Spool
from mcp_obs_server.ingest.traces import TRACES
from mcp_obs_server.store import TelemetryStore
from otlp_exports import NOW, SECOND, export
from waiting import until


@dataclass
class Deployment:
    """One running process of mcp-obs, without its sockets."""

    control: ControlPlane
    store: FaultyStore
    committer: Committer
    path: Path

    def set_aside(self) -> list[Path]:
        """The exports that the engine could not read."""
        return list((self.path / "refused").glob("*"))

    async def send(self, tenancy: Tenancy, count: int = 3, seed: int = 1, user: str | None = None) -> None:
        """Acknowledge an export of `count` calls."""
        attributes = {"enduser.id": user} if user else {}
        body = export(count, seed, start=NOW - 600 * SECOND, attributes=attributes).SerializeToString()
        org_id, server_id = tenancy.scope.org_id, tenancy.scope.server_id
        await self.committer.commit(Export(org_id, server_id, body, digest(org_id, server_id, body)))

    async def calls(self, tenancy: Tenancy) -> tuple[int, float, float]:
        """What spans, quarters of an hour and hours hold of a server."""
        (row,) = await self.store.store.rows(
            "SELECT (SELECT count() FROM spans WHERE {of}) AS spans,"
            " (SELECT sum(calls) FROM operations_15m WHERE grain = 'server' AND {of}) AS quarters,"
            " (SELECT sum(calls) FROM operations_1h WHERE grain = 'server' AND {of}) AS hours".replace(
                "{of}", f"org_id = {tenancy.scope.org_id} AND server_id = {tenancy.scope.server_id}"
            ),
            {},
        )
        return row["spans"], row["quarters"], row["hours"]

    async def finished(self, tenancy: Tenancy, deletion_id: int) -> dict[str, Any]:
        """A deletion's last answer, as somebody who waits for it gets it."""
        deletion: dict[str, Any] = {}

        async def is_finished() -> bool:
            deletion.update((await client.get(f"/api/deletions/{deletion_id}")).json())
            return deletion["finished_at"] is not None

        async with self.control.client(tenancy.token) as client:
            await until(is_finished)
        return deletion


class Folder:
    """Where a deployment keeps everything: opened again, it is the same one after a restart."""

    def __init__(
        self,
        path: Path,
        control_url: URL,
        store: TelemetryStore,
        first_id: int,
        process_id: str | None = None,
    ) -> None:
        self._path = path
        self._control_url = control_url
        self._store = store
        self._first_id = first_id
        self._process_id = process_id

    @asynccontextmanager
    async def open(self, engine_away: bool = False) -> AsyncGenerator[Deployment]:
        """Run until the block ends; `engine_away` from the beginning."""
        store = FaultyStore(self._store)
        if engine_away:
            store.refuses.set()
        committer = Committer(
            Spool(self._path, partial(rewritten, TRACES)),
            RecentExports(self._path),
            partial(store.insert, "traces"),
            Budget(2**20, "The spool is full: try again later."),
        )
        await committer.start()
        try:
            async with open_control_plane(
                self._control_url, self._store, [committer], self._process_id
            ) as control:
                # The store is shared by all tests, so organisations get ids that no other test has.
                await control.number_organisations(self._first_id * 1000)
                yield Deployment(control, store, committer, self._path)
        finally:
            await committer.stop()


@pytest.fixture
def folder(tmp_path: Path, control_url: URL, store: TelemetryStore, org_id: int) -> Folder:
    """An empty one."""
    return Folder(tmp_path, control_url, store, org_id)


@pytest.fixture
async def deployment(folder: Folder) -> AsyncIterator[Deployment]:
    """A running one."""
    async with folder.open() as deployment:
        yield deployment
