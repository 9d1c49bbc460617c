"""When the generated past is busy, and when it went wrong."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from mcp_obs_server.commands.demo.catalogue import ServerName

SESSIONS_A_DAY: Mapping[ServerName, int] = {"weather": 660, "notes": 300, "shop": 490, "claude-code-mcp": 60}
BUSIEST_HOUR = 14
WEEKEND = 0.4
STARTED_AT = 0.7  # growth: the share of today's sessions at the start of the range


@dataclass(frozen=True)
class Incident:
    """A stretch of time in which some of a server's operations fail and are slow."""

    server: ServerName
    targets: frozenset[str]
    before_end: timedelta
    lasts: timedelta
    failures: float
    slowdown: float

    def covers(self, server: ServerName, target: str, before_end: timedelta) -> bool:
        """Whether it strikes this operation at this distance from the end of the range."""
        in_time = self.before_end - self.lasts < before_end <= self.before_end
        return in_time and server == self.server and target in self.targets


INCIDENTS = (
    # A payment provider is down for an afternoon.
    Incident(
        "shop", frozenset({"checkout", "order_status"}), timedelta(hours=62), timedelta(hours=4), 0.55, 5.0
    ),
    # A sensor network flaps.
    Incident("weather", frozenset({"air_quality"}), timedelta(hours=10), timedelta(hours=3), 0.7, 1.6),
    # A full disk makes every write slow.
    Incident(
        "notes",
        frozenset({"create_note", "append_to_note", "search_notes"}),
        timedelta(days=4, hours=6),
        timedelta(hours=9),
        0.08,
        7.0,
    ),
)


def sessions_an_hour(server: ServerName, hour: datetime, progress: float) -> float:
    """How many sessions to expect in an hour (UTC); `progress` runs from 0 to 1 over the range."""
    distance = min(abs(hour.hour - BUSIEST_HOUR), 24 - abs(hour.hour - BUSIEST_HOUR))
    day_and_night = 0.12 + 1.9 * math.exp(-((distance / 4.6) ** 2))
    week = WEEKEND if hour.weekday() >= 5 else 1.0
    growth = STARTED_AT + (1 - STARTED_AT) * progress
    return SESSIONS_A_DAY[server] / 24 * day_and_night * week * growth


def incident(server: ServerName, target: str, before_end: timedelta) -> Incident | None:
    """The incident that strikes an operation then."""
    return next((each for each in INCIDENTS if each.covers(server, target, before_end)), None)
