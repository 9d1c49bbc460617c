"""Metrics as the read API answers them. Times are UTC; values are in the metric's own unit."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from mcp_obs_server.analytics.schemas import TimeRangeOut
from mcp_obs_server.analytics.time_range import RangeName

MetricKind = Literal["gauge", "sum", "histogram", "exponential_histogram", "summary"]
Temporality = Literal["unspecified", "delta", "cumulative"]
Category = Literal["session", "performance", "usage"]

# Names and keys are kept up to 1,024 bytes.
_Name = Annotated[str, StringConstraints(min_length=1, max_length=1024)]


class Metric(BaseModel):
    """A metric that was seen; one name of several kinds or units is several metrics."""

    name: str
    kind: MetricKind
    temporality: Temporality
    is_monotonic: bool
    unit: str
    description: str
    category: Category | None = Field(description="Null for a metric that mcp-obs doesn't know")
    last_at: datetime
    series: int = Field(description="How many combinations of attributes and resources it has")


class MetricList(BaseModel):
    """The metrics of a range, by name."""

    range: TimeRangeOut
    metrics: list[Metric]


class MetricQuery(BaseModel):
    """One metric, asked for over time."""

    name: _Name
    kind: MetricKind | None = Field(
        default=None, description="Where one name has several; the one seen last if left out"
    )
    by: _Name | None = Field(default=None, description="The attribute by whose values to split it")
    range: RangeName = Field(default="24h", description="How far to look back.")


class MetricPoint(BaseModel):
    """One bucket. `increase` and `rate` are of sums, `avg` to `last` of levels, the rest of distributions."""

    start: datetime
    increase: float | None = None
    rate: float | None = Field(default=None, description="The increase per second")
    avg: float | None = None
    min: float | None = None
    max: float | None = None
    last: float | None = None
    count: int | None = None
    sum: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


class MetricGroup(BaseModel):
    """The series that share a value of the attribute; `_OTHER` has those of the values beyond the first 20."""

    value: str | None = Field(description="Null where the series have none or nothing is split")
    points: list[MetricPoint]


class MetricSeries(BaseModel):
    """One metric over time, a point for each bucket of the range."""

    range: TimeRangeOut
    metric: Metric | None = Field(description="Null when it wasn't seen in the range")
    by: str | None
    groups: list[MetricGroup]
