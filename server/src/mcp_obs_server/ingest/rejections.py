"""What was sent and not kept: counted in memory by whose, which signal and why, written now and then.

A crash loses the counts of the last seconds, never an export.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import column, delete, select, table
from sqlalchemy.ext.asyncio import AsyncSession

from mcp_obs_server.ingest.errors import ExportRefused
from mcp_obs_server.ingest.models import MESSAGE_LENGTH, RejectionCount
from mcp_obs_server.ingest.reason import Reason, ReasonCode, StrangerCode
from mcp_obs_server.ingest.signal import SignalName
from mcp_obs_server.ingest.tenant import Tenant
from mcp_obs_server.kit.background_writer import FLUSH_SECONDS, BackgroundWriter
from mcp_obs_server.kit.clock import Clock
from mcp_obs_server.kit.database import UNAVAILABLE, Sessions
from mcp_obs_server.kit.upsert import add_to

KEPT_FOR = timedelta(days=30)
_UNREADABLE = "the engine could not read it; it is kept in the spool's folder 'refused'"
_SERVERS = table("servers", column("id"))


class Rejected(NamedTuple):
    """What a count is of; the ids are None for requests that are nobody's."""

    org_id: int | None
    server_id: int | None
    signal: SignalName | None
    reason: ReasonCode | StrangerCode


@dataclass
class Count:
    """Items rejected within accepted exports, and exports refused as a whole."""

    items: int = 0
    exports: int = 0

    def add(self, items: int, exports: int) -> None:
        """Count more."""
        self.items += items
        self.exports += exports


@dataclass
class _Pending(Count):
    last_at: datetime | None = None
    last_message: str = ""


class Rejections(BackgroundWriter):
    """Counts since the start for our own metrics, by the hour for the server's owner."""

    def __init__(self, sessions: Sessions, clock: Clock, every: float = FLUSH_SECONDS) -> None:
        super().__init__("What was rejected", every)
        self._sessions = sessions
        self._clock = clock
        self._totals: dict[Rejected, Count] = {}
        self._pending: dict[tuple[Rejected, datetime], _Pending] = {}
        self._cleaned_at: datetime | None = None

    def note_items(self, tenant: Tenant, signal: SignalName, rejected: Mapping[Reason, int]) -> None:
        """Count what was taken out of an accepted export."""
        for reason, count in rejected.items():
            what = Rejected(tenant.org_id, tenant.server_id, signal, reason.code)
            self._note(what, count, 0, reason.sentence)

    def note_export(self, tenant: Tenant, signal: SignalName, error: ExportRefused) -> None:
        """Count an export that was refused as a whole."""
        self._note(Rejected(tenant.org_id, tenant.server_id, signal, error.reason), 0, 1, str(error))

    def note_unreadable(self, signal: SignalName, org_id: int, server_id: int) -> None:
        """Count an export that was acknowledged and that the engine can't read."""
        self._note(Rejected(org_id, server_id, signal, "unreadable"), 0, 1, _UNREADABLE)

    def note_stranger(self, signal: SignalName | None, error: ExportRefused) -> None:
        """Count a request that is nobody's; only our own metrics have it."""
        self._total(Rejected(None, None, signal, error.reason)).add(0, 1)

    def totals(self) -> Mapping[Rejected, Count]:
        """Everything counted since this process began."""
        return self._totals

    async def flush(self) -> None:
        """Write what is pending; what can't be written stays pending."""
        if not self._pending:
            return
        pending, self._pending = self._pending, {}
        try:
            async with self._sessions.begin() as db:
                known = await _known_servers(db, {what.server_id for what, _ in pending})
                # In one order: two processes that add to the same rows must not wait for each other.
                for (what, hour), count in sorted(pending.items(), key=lambda each: repr(each[0])):
                    # A server may have been deleted since.
                    if what.server_id in known:
                        await _add(db, what, hour, count)
                await self._clean(db)
        except UNAVAILABLE:
            self._put_back(pending)
            raise

    def _total(self, what: Rejected) -> Count:
        return self._totals.setdefault(what, Count())

    def _note(self, what: Rejected, items: int, exports: int, message: str) -> None:
        self._total(what).add(items, exports)
        now = self._clock()
        hour = now.replace(minute=0, second=0, microsecond=0)
        pending = self._pending.setdefault((what, hour), _Pending())
        pending.add(items, exports)
        pending.last_at, pending.last_message = now, message[:MESSAGE_LENGTH]

    def _put_back(self, older: dict[tuple[Rejected, datetime], _Pending]) -> None:
        for key, count in older.items():
            newer = self._pending.setdefault(key, count)
            if newer is not count:
                newer.add(count.items, count.exports)

    async def _clean(self, db: AsyncSession) -> None:
        now = self._clock()
        if self._cleaned_at is None or now - self._cleaned_at >= timedelta(hours=1):
            await db.execute(delete(RejectionCount).where(RejectionCount.hour < now - KEPT_FOR))
            self._cleaned_at = now


async def _known_servers(db: AsyncSession, server_ids: Iterable[int | None]) -> set[int]:
    known = select(_SERVERS.c.id).where(_SERVERS.c.id.in_(server_ids))
    return set(await db.scalars(known))


async def _add(db: AsyncSession, what: Rejected, hour: datetime, count: _Pending) -> None:
    key = {"server_id": what.server_id, "hour": hour, "signal": what.signal, "reason": what.reason}
    others = {"org_id": what.org_id, "last_at": count.last_at, "last_message": count.last_message}
    await add_to(db, RejectionCount, key, {"items": count.items, "exports": count.exports}, others)
