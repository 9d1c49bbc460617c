"""The rows of `session_metrics`, `performance_metrics` and `feature_usage`, column by column. Times are UTC."""

from datetime import date, datetime

from pydantic import BaseModel, Field

from mcp_obs_server.analytics.schemas import TimeRangeOut
from mcp_obs_server.analytics.time_range import RangeName


class RowsQuery(BaseModel):
    """A page of rows, asked for."""

    range: RangeName = Field(default="24h", description="How far to look back.")
    limit: int = Field(default=100, ge=1, le=1000)
    offset: int = Field(default=0, ge=0, le=100_000, description="How many rows to leave out")


class SessionRow(BaseModel):
    """What a session came to in the range; null where nobody tells it."""

    id: int
    session_id: str
    model: str
    start_time: datetime
    end_time: datetime
    duration_seconds: float
    token_count: int | None
    message_count: int
    checkpoint_count: int | None
    error_count: int


class PerformanceRow(BaseModel):
    """A point of a metric; a distribution is two, `….count` and `….sum`."""

    timestamp: datetime
    metric_name: str
    value: float | None = Field(description="Null where it is infinite or no number")
    labels: str = Field(description="The attributes, as JSON")


class FeatureRow(BaseModel):
    """How often a tool, prompt or resource was called on a day, and by how many users."""

    date: date
    feature: str
    usage_count: int
    unique_users: int


class SessionMetrics(BaseModel):
    """Sessions, the one that began last first."""

    range: TimeRangeOut
    rows: list[SessionRow]
    has_more: bool


class PerformanceMetrics(BaseModel):
    """Points of metrics, newest first."""

    range: TimeRangeOut
    rows: list[PerformanceRow]
    has_more: bool


class FeatureUsage(BaseModel):
    """Days, the latest first, and in each the most used first."""

    range: TimeRangeOut
    rows: list[FeatureRow]
    has_more: bool
