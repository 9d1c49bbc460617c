"""When each key was last used: noted in memory, written now and then."""

from datetime import datetime

from sqlalchemy import bindparam, or_, update

from mcp_obs_server.kit.background_writer import FLUSH_SECONDS, BackgroundWriter
from mcp_obs_server.kit.clock import Clock
from mcp_obs_server.kit.database import UNAVAILABLE, Sessions
from mcp_obs_server.servers.models import ApiKey

# On the connection: the session insists that every row is still there, and a key leaves with its server.
_USED = (
    update(ApiKey)
    .where(ApiKey.id == bindparam("key_id"))
    # Another process may have seen a later use and written it before.
    .where(or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < bindparam("used_at")))
    .values(last_used_at=bindparam("used_at"))
)


class LastUsed(BackgroundWriter):
    """Collects uses of keys."""

    def __init__(self, sessions: Sessions, clock: Clock, every: float = FLUSH_SECONDS) -> None:
        super().__init__("When keys were last used", every)
        self._sessions = sessions
        self._clock = clock
        self._pending: dict[int, datetime] = {}

    def note(self, key_id: int) -> None:
        """Remember that this key was used now."""
        self._pending[key_id] = self._clock()

    async def flush(self) -> None:
        """Write what is pending; what can't be written stays pending."""
        pending, self._pending = self._pending, {}
        if not pending:
            return
        try:
            async with self._sessions.begin() as db:
                rows = [{"key_id": key_id, "used_at": at} for key_id, at in sorted(pending.items())]
                await (await db.connection()).execute(_USED, rows)
        except UNAVAILABLE:
            self._pending = pending | self._pending
            raise
