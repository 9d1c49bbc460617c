"""What the read API answers. Rates are fractions of one, durations milliseconds, times UTC."""

from datetime import datetime

from pydantic import BaseModel


class TimeRangeOut(BaseModel):
    """The stretch shown: from `start` up to `end`; the one compared with runs from `previous_start` to `start`."""

    start: datetime
    end: datetime
    previous_start: datetime
    bucket_seconds: int


class Figure(BaseModel):
    """A number and what it was in the period before; null where there was nothing to count."""

    value: float | None
    previous: float | None


class Overview(BaseModel):
    """One server's numbers."""

    range: TimeRangeOut
    calls: Figure
    errors: Figure
    error_rate: Figure
    p50_ms: Figure
    p95_ms: Figure
    p99_ms: Figure
    active_users: Figure
    sessions: Figure
    clients: Figure
    generated_calls: int
    last_call_at: datetime | None


class Point(BaseModel):
    """One bucket of a chart."""

    start: datetime
    calls: int
    errors: int
    error_rate: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    active_users: int
    sessions: int
    clients: int


class Series(BaseModel):
    """One point for each bucket of the range, also where nothing happened."""

    range: TimeRangeOut
    points: list[Point]


class Tool(BaseModel):
    """One tool's numbers; `trend` has its calls in equal parts of the range."""

    name: str
    calls: int
    errors: int
    error_rate: float
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    active_users: int
    last_call_at: datetime
    trend: list[int]


class ToolTable(BaseModel):
    """The tools that were called, most called first."""

    range: TimeRangeOut
    tools: list[Tool]
