"""Which processes are through with which deletions: nothing that it names waits with them any more."""

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from mcp_obs_server.deletions.models import Deletion, DeletionPass
from mcp_obs_server.kit.database import Sessions
from mcp_obs_server.processes.models import Process


class Passes:
    """`process_id` is None for the only process, which needs no record of what it knows."""

    def __init__(self, sessions: Sessions, process_id: str | None = None) -> None:
        self._sessions = sessions
        self.process_id = process_id

    async def record(self, deletion_ids: Iterable[int]) -> None:
        """Say that this process is through with these."""
        if self.process_id is not None:
            async with self._sessions.begin() as db:
                for deletion_id in deletion_ids:
                    await db.merge(DeletionPass(deletion_id=deletion_id, process_id=self.process_id))

    async def waits_for(self, deletion_ids: Collection[int]) -> dict[int, list[Process]]:
        """Those that are not through yet, for each of the deletions."""
        is_through = exists().where(
            DeletionPass.deletion_id == Deletion.id, DeletionPass.process_id == Process.id
        )
        others = (
            select(Deletion.id, Process)
            .join(Process, ~is_through)
            .where(Deletion.id.in_(deletion_ids))
            .order_by(Process.seen_at, Process.id)
        )
        found: dict[int, list[Process]] = {each: [] for each in deletion_ids}
        async with self._sessions() as db:
            for deletion_id, process in await db.execute(others):
                found[deletion_id].append(process)
        return found

    async def end(self, db: AsyncSession, deletion_id: int) -> None:
        """Nothing is waited for any more."""
        await db.execute(delete(DeletionPass).where(DeletionPass.deletion_id == deletion_id))


async def deleted_servers(sessions: Sessions) -> dict[int, datetime]:
    """The servers that are gone, or of one of whose users everything was deleted, and when that was finished last."""
    finished = select(Deletion.server_id, Deletion.finished_at).where(Deletion.finished_at.is_not(None))
    async with sessions() as db:
        in_order = await db.execute(finished.order_by(Deletion.finished_at))
        # Of several of one server the last one stays.
        return {server_id: finished_at for server_id, finished_at in in_order if finished_at}
