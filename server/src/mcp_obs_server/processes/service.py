"""Who shares the control plane, and who is gone for ever."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select

from mcp_obs_server.kit.clock import Clock
from mcp_obs_server.kit.database import Sessions
from mcp_obs_server.kit.errors import ConflictError, NotFoundError
from mcp_obs_server.processes.models import Process

# One that runs says so every 5 seconds, unless it can't reach the control plane.
_GONE_AFTER = timedelta(minutes=5)


class ProcessesService:
    """The one door to processes."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock

    async def processes(self) -> Sequence[Process]:
        """All that may hold exports, by when they started."""
        async with self._sessions() as db:
            return (await db.scalars(select(Process).order_by(Process.started_at, Process.id))).all()

    async def forget(self, process_id: str) -> None:
        """Wait for it no longer. Raises NotFoundError, and ConflictError when it was seen lately."""
        async with self._sessions.begin() as db:
            process = await db.get(Process, process_id)
            if process is None:
                raise NotFoundError(
                    f"There is no process {process_id}; `mcp-obs processes list` shows which there are."
                )
            if self._clock() - process.seen_at < _GONE_AFTER:
                raise ConflictError(
                    "This process was seen within the last 5 minutes: stop it instead, which takes it off the list."
                )
            await db.delete(process)
