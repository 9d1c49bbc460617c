"""Claims that are old enough to be forgotten leave in the background: no insert waits for that."""

import asyncio
import logging
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from mcp_obs_server.kit.background_task import BackgroundTask
from mcp_obs_server.kit.clock import Clock

log = logging.getLogger(__name__)

# A process that is down for longer may store again what it had in its spool and was repeated elsewhere.
KEPT_FOR = timedelta(days=3)
_CLEAN_EVERY_SECONDS = 3600.0
# A statement has 10 s.
_ROWS_A_STATEMENT = 10_000
# As an array the rows are looked for once; within IN a plan may do so again and delete more.
_DELETE = text(
    "DELETE FROM claimed_exports WHERE digest = ANY(ARRAY(SELECT digest FROM claimed_exports"
    " WHERE claimed_at < :before LIMIT :rows FOR UPDATE SKIP LOCKED))"
)


class OldClaims(BackgroundTask):
    """As a context manager it deletes them once an hour in the background; also another process may do so."""

    def __init__(self, engine: AsyncEngine, clock: Clock, rows_a_statement: int = _ROWS_A_STATEMENT) -> None:
        self._engine = engine
        self._clock = clock
        self._rows_a_statement = rows_a_statement

    async def delete(self) -> None:
        """Delete what nobody holds just now. Raises what `UNAVAILABLE` names."""
        parameters = {"before": self._clock() - KEPT_FOR, "rows": self._rows_a_statement}
        deleted = self._rows_a_statement
        while deleted == self._rows_a_statement:
            async with self._engine.begin() as connection:
                deleted = (await connection.execute(_DELETE, parameters)).rowcount

    async def _run(self) -> None:
        while True:
            try:
                await self.delete()
            except Exception:
                log.exception("Old claims can't be deleted; trying again in an hour")
            await asyncio.sleep(_CLEAN_EVERY_SECONDS)
