"""Deletes what organisations no longer keep. What the server itself no longer keeps, the engine drops."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta

from mcp_obs_server.kit.background_task import BackgroundTask
from mcp_obs_server.kit.clock import Clock
from mcp_obs_server.kit.transaction_lock import TransactionLock
from mcp_obs_server.store import TelemetryStore, delete_older_rows

log = logging.getLogger(__name__)

# A day's rows leave together, so there is something to do once a day; looking costs milliseconds.
_LOOK_EVERY_SECONDS = 3600.0
# How soon it looks again when another process was deleting.
_RETRY_SECONDS = 60.0


class Expiry(BackgroundTask):
    """As a context manager it looks once an hour in the background.

    `shorter_retentions` gives the organisations that keep for less than the server, by days.
    """

    def __init__(
        self,
        shorter_retentions: Callable[[], Awaitable[Mapping[int, Sequence[int]]]],
        clock: Clock,
        store: TelemetryStore,
        deletions: TransactionLock,
    ) -> None:
        self._shorter_retentions = shorter_retentions
        self._clock = clock
        self._store = store
        self._deletions = deletions

    async def expire(self) -> bool:
        """Delete whole days that are older than their organisation keeps; False when another process is deleting.

        Raises StoreUnavailableError, and what `UNAVAILABLE` names.
        """
        async with self._deletions.if_free() as is_free:
            if is_free:
                await self._delete()
            return is_free

    async def _delete(self) -> None:
        today = self._clock().replace(hour=0, minute=0, second=0, microsecond=0)
        for days, org_ids in (await self._shorter_retentions()).items():
            await delete_older_rows(self._store, org_ids, today - timedelta(days=days))

    async def _run(self) -> None:
        while True:
            seconds = _LOOK_EVERY_SECONDS
            try:
                if not await self.expire():
                    seconds = _RETRY_SECONDS
            except Exception:
                log.exception("What is older than its retention can't be deleted; trying again in an hour")
            await asyncio.sleep(seconds)
