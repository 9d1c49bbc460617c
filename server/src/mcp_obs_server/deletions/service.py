"""What may be deleted by whom, and how far it is."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select

from mcp_obs_server.accounts.principal import Principal
from mcp_obs_server.deletions.models import Deletion
from mcp_obs_server.deletions.passes import Passes
from mcp_obs_server.deletions.worker import DeletionWorker
from mcp_obs_server.kit.clock import Clock
from mcp_obs_server.kit.database import Sessions
from mcp_obs_server.kit.errors import NotFoundError
from mcp_obs_server.processes.models import Process
from mcp_obs_server.servers.service import ServerScope, ServersService

_LATEST = 100
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
        self._servers.forget_server(scope.server_id)
        self._worker.begin(deletion)
        return deletion

    async def delete_user(self, scope: ServerScope, user_id: str) -> Deletion:
        """What the server has sent of this user leaves in the background; what it sends from now on is kept."""
        async with self._sessions.begin() as db:
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

    async def waits_for(self, deletion: Deletion) -> Sequence[Process]:
        """The processes that hold a deletion up because they are down."""
        if deletion.finished_at is not None:
            return ()
        silent_since = self._clock() - _SILENT_AFTER
        return [each for each in await self._passes.waits_for(deletion.id) if each.seen_at < silent_since]
