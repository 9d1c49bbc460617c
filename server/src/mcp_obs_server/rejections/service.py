"""What a server sent and was not kept, read for its owner."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Literal, get_args

from sqlalchemy import select

from mcp_obs_server.ingest.models import RejectionCount
from mcp_obs_server.ingest.reason import ReasonCode
from mcp_obs_server.ingest.rejections import Rejections
from mcp_obs_server.ingest.signal import SignalName
from mcp_obs_server.kit.clock import Clock
from mcp_obs_server.kit.database import Sessions
from mcp_obs_server.rejections.schemas import Rejection, RejectionList
from mcp_obs_server.servers.service import ServerScope

RangeName = Literal["24h", "7d", "30d"]

_LENGTHS: dict[RangeName, timedelta] = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}


class RejectionsService:
    """The one door to what was counted."""

    def __init__(self, sessions: Sessions, clock: Clock, rejections: Rejections) -> None:
        self._sessions = sessions
        self._clock = clock
        self._rejections = rejections

    async def list_rejections(self, scope: ServerScope, look_back: RangeName) -> RejectionList:
        """The server's rejections by day, signal and reason."""
        await self._rejections.flush_before_reading()
        start = (self._clock() - _LENGTHS[look_back]).replace(minute=0, second=0, microsecond=0)
        query = (
            select(RejectionCount)
            .where(
                RejectionCount.server_id == scope.server_id,
                RejectionCount.org_id == scope.org_id,
                RejectionCount.hour >= start,
                # A newer version that ran here may have counted what this one has no word for.
                RejectionCount.reason.in_(get_args(ReasonCode)),
            )
            .order_by(RejectionCount.hour.desc(), RejectionCount.signal, RejectionCount.reason)
        )
        async with self._sessions() as db:
            hours = (await db.scalars(query)).all()
        return RejectionList(start=start, rejections=_by_day(hours))


def _by_day(newest_first: Iterable[RejectionCount]) -> list[Rejection]:
    days: dict[tuple[date, SignalName, ReasonCode], Rejection] = {}
    for row in newest_first:
        key = (row.hour.date(), row.signal, row.reason)
        if key in days:
            days[key].items += row.items
            days[key].exports += row.exports
        else:
            days[key] = Rejection(
                day=row.hour.date(),
                signal=row.signal,
                reason=row.reason,
                items=row.items,
                exports=row.exports,
                last_at=row.last_at,
                last_message=row.last_message,
            )
    return list(days.values())
