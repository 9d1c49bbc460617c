"""How much one organisation may send in a day of UTC."""

import math
from datetime import date, datetime, time, timedelta
from typing import Self

from sqlalchemy import delete, select

from mcp_obs_server.ingest.errors import ExportTooLarge, QuotaExceeded
from mcp_obs_server.ingest.models import SentBytes
from mcp_obs_server.kit.background_writer import BackgroundWriter
from mcp_obs_server.kit.clock import Clock
from mcp_obs_server.kit.database import UNAVAILABLE, Sessions
from mcp_obs_server.kit.upsert import add_to

FLUSH_SECONDS = 5.0


class DailyQuota(BackgroundWriter):
    """Counts inflated bytes; a restart goes on from what was written.

    What a crash forgets, and what other processes on the same database count meanwhile, is that of 5 seconds.
    """

    def __init__(
        self, sessions: Sessions, clock: Clock, bytes_per_day: int, every: float = FLUSH_SECONDS
    ) -> None:
        super().__init__("What organisations sent today", every)
        self._sessions = sessions
        self._clock = clock
        self._limit = bytes_per_day
        self._day = clock().date()
        self._sent: dict[int, int] = {}
        self._pending: dict[tuple[int, date], int] = {}

    async def __aenter__(self) -> Self:
        """Raises what `UNAVAILABLE` names when what was sent before can't be read."""
        await self.flush()
        return await super().__aenter__()

    def charge(self, org_id: int, size: int) -> None:
        """Raises QuotaExceeded until midnight, or ExportTooLarge for what is over a whole day's."""
        if size > self._limit:
            raise ExportTooLarge(
                f"The export has {size} bytes inflated and its organisation may send {self._limit} a day:"
                " send smaller batches."
            )
        now = self._clock()
        if now.date() != self._day:
            self._day, self._sent = now.date(), {}
        if self._sent.get(org_id, 0) + size > self._limit:
            seconds = _seconds_to_midnight(now)
            raise QuotaExceeded(
                f"This organisation may send {self._limit} bytes a day and has sent {self._sent[org_id]}:"
                f" try again after midnight UTC, in {seconds} s.",
                seconds,
            )
        self._count(org_id, size)

    def refund(self, org_id: int, size: int) -> None:
        """Take back what was charged for an export that was refused after all."""
        self._count(org_id, -size)

    async def flush(self) -> None:
        """Write what is pending, read what all processes counted; what can't be written stays pending."""
        pending, self._pending = self._pending, {}
        today = self._clock().date()
        try:
            async with self._sessions.begin() as db:
                # In one order: two processes that add to the same rows must not wait for each other.
                for (org_id, day), size in sorted(pending.items()):
                    await add_to(db, SentBytes, {"org_id": org_id, "day": day}, {"size": size}, {})
                await db.execute(delete(SentBytes).where(SentBytes.day < today))
                rows = await db.execute(
                    select(SentBytes.org_id, SentBytes.size).where(SentBytes.day == today)
                )
                written = {row.org_id: row.size for row in rows}
        except UNAVAILABLE:
            for key, size in pending.items():
                self._pending[key] = self._pending.get(key, 0) + size
            raise
        self._take_over(today, written)

    def _count(self, org_id: int, size: int) -> None:
        self._sent[org_id] = self._sent.get(org_id, 0) + size
        key = (org_id, self._day)
        self._pending[key] = self._pending.get(key, 0) + size

    def _take_over(self, day: date, written: dict[int, int]) -> None:
        # Midnight may have passed meanwhile.
        if day < self._day:
            return
        self._day, self._sent = day, written
        for (org_id, counted), size in self._pending.items():
            if counted == day:
                self._sent[org_id] = self._sent.get(org_id, 0) + size


def _seconds_to_midnight(now: datetime) -> int:
    midnight = datetime.combine(now.date() + timedelta(days=1), time(), now.tzinfo)
    return math.ceil((midnight - now).total_seconds())
