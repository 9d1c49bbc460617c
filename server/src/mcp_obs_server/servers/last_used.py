"""When each key was last used: noted in memory, written now and then."""

import asyncio
import contextlib
import logging
from datetime import datetime
from types import TracebackType
from typing import Self

from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError

from mcp_obs_server.kit.clock import Clock
from mcp_obs_server.kit.database import Sessions
from mcp_obs_server.servers.models import ApiKey

FLUSH_SECONDS = 10.0

_log = logging.getLogger(__name__)


class LastUsed:
    """Collects uses of keys; as a context manager it writes them in the background and once on leaving."""

    def __init__(self, sessions: Sessions, clock: Clock, every: float = FLUSH_SECONDS) -> None:
        self._sessions = sessions
        self._clock = clock
        self._every = every
        self._pending: dict[int, datetime] = {}
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

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
                rows = [{"id": key_id, "last_used_at": at} for key_id, at in pending.items()]
                await db.execute(update(ApiKey), rows)
        except SQLAlchemyError:
            self._pending = pending | self._pending
            raise

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._stop.set()
        await self._task

    async def _run(self) -> None:
        last = False
        while not last:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), self._every)
            last = self._stop.is_set()  # before the flush, so that one flush follows the last use
            try:
                await self.flush()
            except SQLAlchemyError:
                _log.exception("When keys were last used could not be written; trying again")
