"""The stretch of time that a chart shows, cut into buckets, with the stretch before it to compare."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

RangeName = Literal["24h", "7d", "30d", "90d"]

# The range and its bucket: 90 to 120 points fill a chart without crowding it.
_RANGES: dict[RangeName, tuple[timedelta, timedelta]] = {
    "24h": (timedelta(hours=24), timedelta(minutes=15)),
    "7d": (timedelta(days=7), timedelta(hours=2)),
    "30d": (timedelta(days=30), timedelta(hours=6)),
    "90d": (timedelta(days=90), timedelta(days=1)),
}


@dataclass(frozen=True)
class TimeRange:
    """From `start` up to, not including, `end`; both on bucket borders, so that rollup rows fall wholly inside."""

    start: datetime
    end: datetime
    bucket: timedelta

    @classmethod
    def ending(cls, now: datetime, name: RangeName) -> "TimeRange":
        """The range whose last bucket is the one that `now` lies in; a day reaches back to a full hour.

        So what lists a day can read rows of hours: a row of the hour that `now` lies in has nothing after it.
        """
        length, bucket = _RANGES[name]
        seconds = int(bucket.total_seconds())
        end = datetime.fromtimestamp((int(now.timestamp()) // seconds + 1) * seconds, UTC)
        return cls(_hour_of(end - length), end, bucket)

    @property
    def previous_start(self) -> datetime:
        """Where the stretch of the same length before this one starts."""
        return self.start - (self.end - self.start)

    @property
    def resolution(self) -> Literal["15m", "1h"]:
        """Of the coarsest rollups whose rows fit into the buckets."""
        return "1h" if self.bucket >= timedelta(hours=1) else "15m"

    def starts(self) -> list[datetime]:
        """The start of every bucket."""
        count = (self.end - self.start) // self.bucket
        return [self.start + index * self.bucket for index in range(count)]


def _hour_of(time: datetime) -> datetime:
    """Where the hour began."""
    return time.replace(minute=0, second=0, microsecond=0)
