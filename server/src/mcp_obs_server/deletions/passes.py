"""Which processes are through with which deletions: nothing that it names waits with them any more."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from mcp_obs_server.deletions.models import Deletion, DeletionPass
from mcp_obs_server.kit.database import Sessions
from mcp_obs_server.processes.models import Process


class Passes:
    """`process_id` is None for the only process, which needs no record of what it knows."""

    def __init__(self, sessions: Sessions, process_id: str | None = None) -> None:
        self._sessions = sessions
        self.process_id = process_id

    async def record(self, deletion_id: int) -> None:
        """Say that this process is through."""
        if self.process_id is not None:
            async with self._sessions.begin() as db:
                await db.merge(DeletionPass(deletion_id=deletion_id, process_id=self.process_id))

    async def waits_for(self, deletion_id: int) -> Sequence[Process]:
        """Those that are not through yet."""
        async with self._sessions() as db:
            through = select(DeletionPass.process_id).where(DeletionPass.deletion_id == deletion_id)
            others = select(Process).where(Process.id.not_in(through)).order_by(Process.seen_at, Process.id)
            return (await db.scalars(others)).all()

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
