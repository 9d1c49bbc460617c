"""What may be deleted by whom, and how far it is."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from mcp_obs_server.accounts.principal import Principal
from mcp_obs_server.deletions.models import Deletion
from mcp_obs_server.deletions.passes import Passes
from mcp_obs_server.deletions.worker import DeletionWorker
from mcp_obs_server.kit.clock import Clock
from mcp_obs_server.kit.database import Sessions
from mcp_obs_server.kit.errors import ConflictError, NotFoundError
from mcp_obs_server.processes.models import Process
from mcp_obs_server.servers.service import ServerScope, ServersService

_LATEST = 100
# They are carried out one after another, everybody's: whoever asks for many must not hold up the others for long.
_MOST_UNFINISHED = 100
# A process that runs says so every 5 seconds; whoever doesn't is why a deletion takes long.
_SILENT_AFTER = timedelta(seconds=30)


class DeletionsService:
    """The one door to deletions."""

    def __init__(
        self,
        sessions: Sessions,
        clock: Clock,
        servers: ServersService,
        worker: DeletionWorker,
        passes: Passes,
    ) -> None:
        self._sessions = sessions
        self._clock = clock
        self._servers = servers
        self._worker = worker
        self._passes = passes

    async def delete_server(self, scope: ServerScope) -> Deletion:
        """End a server and its keys now; what it sent leaves in the background, also across a restart."""
        async with self._sessions.begin() as db:
            deletion = Deletion(
                org_id=scope.org_id,
                server_id=scope.server_id,
                server_name=await self._servers.remove_server(db, scope),
                subject="server",
                requested_at=self._clock(),
                finished_at=None,
                rows_removed=None,
            )
            db.add(deletion)
        self._servers.forget_server(scope)
        self._worker.begin(deletion)
        return deletion

    async def delete_user(self, scope: ServerScope, user_id: str) -> Deletion:
        """What the server has sent of this user leaves in the background; what it sends from now on is kept.

        Raises ConflictError when too many of this server are not finished yet.
        """
        async with self._sessions.begin() as db:
            await _room_for_another(db, scope.server_id)
            deletion = Deletion(
                org_id=scope.org_id,
                server_id=scope.server_id,
                server_name=await self._servers.server_name(db, scope),
                subject="user",
                user_id=user_id,
                requested_at=self._clock(),
                finished_at=None,
                rows_removed=None,
            )
            db.add(deletion)
        self._worker.begin(deletion)
        return deletion

    async def of_users(self, scope: ServerScope) -> Sequence[Deletion]:
        """The latest deletions of users' data of a server, newest first."""
        latest = (
            select(Deletion)
            .where(Deletion.org_id == scope.org_id, Deletion.server_id == scope.server_id)
            .where(Deletion.subject == "user")
            .order_by(Deletion.id.desc())
            .limit(_LATEST)
        )
        async with self._sessions() as db:
            return (await db.scalars(latest)).all()

    async def deletion(self, deletion_id: int, principal: Principal) -> Deletion:
        """How far a deletion is; raises NotFoundError for another organisation's, as for none."""
        async with self._sessions() as db:
            deletion = await db.get(Deletion, deletion_id)
        if deletion is None or deletion.org_id != principal.org_id:
            raise NotFoundError(f"There is no deletion {deletion_id}.")
        return deletion

    async def waits_for(self, deletions: Sequence[Deletion]) -> Mapping[int, Sequence[Process]]:
        """The processes that hold each deletion up because they are down; nothing of one that is finished."""
        open_ids = [each.id for each in deletions if each.finished_at is None]
        if not open_ids:
            return {}
        silent_since = self._clock() - _SILENT_AFTER
        return {
            deletion_id: [each for each in processes if each.seen_at < silent_since]
            for deletion_id, processes in (await self._passes.waits_for(open_ids)).items()
        }


async def _room_for_another(db: AsyncSession, server_id: int) -> None:
    unfinished = select(func.count()).where(Deletion.server_id == server_id, Deletion.finished_at.is_(None))
    if (await db.scalar(unfinished) or 0) >= _MOST_UNFINISHED:
        raise ConflictError(
            f"{_MOST_UNFINISHED} deletions of this server are not finished yet: ask again when one is."
        )
