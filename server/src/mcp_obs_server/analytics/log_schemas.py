"""Log records as the read API answers them. Times are UTC; nanoseconds since 1970 are text, which no client rounds."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from mcp_obs_server.analytics.schemas import TimeRangeOut
from mcp_obs_server.analytics.span_schemas import Attribute, AttributeType, Resource, Scope
from mcp_obs_server.analytics.time_range import RangeName

Severity = Literal["unspecified", "trace", "debug", "info", "warn", "error", "fatal"]

_Words = Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class LogRecord(BaseModel):
    """A log record or event; null where it doesn't say."""

    time: datetime
    time_unix_nano: str
    observed_time: datetime | None
    event_name: str | None
    event_meaning: str | None = Field(description="Null for an event that mcp-obs doesn't know")
    severity: Severity
    severity_text: str | None
    body: str = Field(description="Text; arrays and maps as JSON, bytes in base64")
    body_type: AttributeType
    trace_id: str | None
    span_id: str | None
    session_id: str | None
    user_id: str | None
    client_name: str | None
    tool: str | None
    model: str | None
    attributes: list[Attribute]
    dropped_attributes_count: int
    scope: Scope
    resource: Resource


class LogQuery(BaseModel):
    """A page of log records, asked for; every given part has to hold."""

    event_name: _Words | None = None
    severity: Severity | None = Field(default=None, description="This one or a worse one")
    session_id: _Words | None = None
    user_id: _Words | None = None
    trace_id: str | None = Field(default=None, pattern="^[0-9a-fA-F]{32}$")
    attribute: str | None = Field(
        default=None,
        pattern="^[^=]+=",
        max_length=1000,
        description="`key=value`, of the record or its resource; the value as it is shown",
    )
    text: _Words | None = Field(
        default=None, description="In the body or an attribute; letters of either case"
    )
    range: RangeName = Field(default="24h", description="How far to look back.")
    since: AwareDatetime | None = Field(default=None, description="None before this moment")
    until: AwareDatetime | None = Field(default=None, description="None at or after this moment")
    cursor: str | None = Field(default=None, max_length=100, description="Where the page before ended")
    limit: int = Field(default=50, ge=1, le=200)


class LogPage(BaseModel):
    """Log records, newest first."""

    range: TimeRangeOut
    logs: list[LogRecord]
    next_cursor: str | None = Field(description="Give it as `cursor` to go on; null at the end")
