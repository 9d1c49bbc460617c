"""What a question is asked about: one server of one organisation, in one stretch of time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mcp_obs_server.analytics.schemas import TimeRangeOut
from mcp_obs_server.analytics.time_range import TimeRange
from mcp_obs_server.semconv import CALL_METHODS
from mcp_obs_server.servers.service import ServerScope


@dataclass(frozen=True)
class Question:
    """The scope comes from a checked credential; every query binds it."""

    scope: ServerScope
    range: TimeRange
    target: str | None = None
    """Only this tool, prompt or resource."""

    def parameters(self, start: datetime) -> dict[str, Any]:
        """What every query binds: the tenant and the rows from `start` on."""
        return {
            "org_id": self.scope.org_id,
            "server_id": self.scope.server_id,
            "start": start,
            "middle": self.range.start,
            "end": self.range.end,
            "bucket": int(self.range.bucket.total_seconds()),
            "operations": f"operations_{self.range.resolution}",
            "grain": "target" if self.target else "server",
            "target": self.target or "",
        }

    def range_out(self) -> TimeRangeOut:
        """The range as the API shows it."""
        return TimeRangeOut(
            start=self.range.start,
            end=self.range.end,
            previous_start=self.range.previous_start,
            bucket_seconds=int(self.range.bucket.total_seconds()),
        )


# One tenant, one stretch: the prefix of the rollups' sorting key.
_OF_THE_SERVER = (
    "org_id = {{org_id:UInt32}} AND server_id = {{server_id:UInt32}} AND grain = {grain}"
    " AND start >= {{start:DateTime('UTC')}} AND start < {{end:DateTime('UTC')}}"
)
# The server's own rows, whose target is empty, or one target's.
IN_SCOPE = _OF_THE_SERVER.format(grain="{grain:String}") + " AND target = {target:String}"
OF_EACH_TOOL = _OF_THE_SERVER.format(grain="'target'") + " AND method = 'tools/call'"

# A call is what a client asked the server to do; lists, pings and notifications are the protocol's own traffic.
# For the WITH clause of a query over a rollup: it is planned once for all columns that ask it.
IS_CALL = f"method IN {tuple(sorted(CALL_METHODS))} AS is_call"

CALLS = "toUInt64(round(sumIf(calls, is_call)))"
ERRORS = "toUInt64(round(sumIf(errors, is_call)))"


def rate(errors: int, calls: int) -> float | None:
    """Errors as a fraction of calls; None without calls."""
    return errors / calls if calls else None
