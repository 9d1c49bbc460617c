"""Spans and metric points as values that can be compared whole."""

from dataclasses import dataclass, field
from typing import Any, Literal

SpanKind = Literal["internal", "server", "client", "producer", "consumer"]
Status = Literal["unset", "ok", "error"]


@dataclass(frozen=True)
class Event:
    """Something that happened during a span; `time_ns` is in nanoseconds since 1970."""

    name: str
    attributes: dict[str, Any] = field(default_factory=dict[str, Any])
    time_ns: int = 0


@dataclass(frozen=True)
class Link:
    """A span of another trace; ids in hexadecimal."""

    trace_id: str
    span_id: str
    attributes: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Span:
    """A span that has ended: ids in hexadecimal, times in nanoseconds since 1970.

    A list in an attribute is a tuple.
    """

    name: str
    kind: SpanKind
    attributes: dict[str, Any]
    status: Status = "unset"
    status_message: str = ""
    events: tuple[Event, ...] = ()
    links: tuple[Link, ...] = ()
    trace_id: str = ""
    span_id: str = ""
    parent_id: str | None = None
    start_ns: int = 0
    end_ns: int = 0

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.end_ns - self.start_ns) / 1e9

    def event(self, name: str) -> Event:
        """The only event of that name; AssertionError when there is none or more."""
        found = [event for event in self.events if event.name == name]
        assert len(found) == 1, (
            f"{len(found)} events {name!r} among {[event.name for event in self.events]} of {self.name!r}"
        )
        return found[0]


@dataclass(frozen=True)
class Distribution:
    """What a histogram knows: `buckets[i]` counts the values up to `boundaries[i]`, the last one the rest."""

    count: int
    sum: float
    boundaries: tuple[float, ...]
    buckets: tuple[int, ...]


@dataclass(frozen=True)
class Point:
    """One series of a metric: a number of a counter or a gauge, a distribution of a histogram."""

    metric: str
    unit: str
    attributes: dict[str, Any]
    value: float | Distribution
