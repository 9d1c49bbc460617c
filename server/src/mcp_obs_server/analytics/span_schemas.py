"""Spans as the read API answers them. Times are UTC; nanoseconds since 1970 are text, which no client rounds."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from mcp_obs_server.analytics.schemas import TimeRangeOut
from mcp_obs_server.analytics.time_range import RangeName

AttributeType = Literal["string", "bool", "int", "double", "bytes", "array", "map", "empty"]
Outcome = Literal["ok", "error", "cancelled", "input_required"]
SpanKind = Literal["unspecified", "internal", "server", "client", "producer", "consumer"]
SpanStatus = Literal["unset", "ok", "error"]

# The longest that a column is filtered for; more matches nothing that a person looks for.
_Words = Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class Attribute(BaseModel):
    """A key and its value as text: arrays and maps as JSON, bytes in base64."""

    key: str
    type: AttributeType
    value: str


class SpanSummary(BaseModel):
    """A span in a list; null where the span doesn't say."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    time: datetime
    time_unix_nano: str
    duration_ns: int
    name: str
    kind: SpanKind
    status: SpanStatus
    status_message: str | None
    method: str | None
    target: str | None = Field(description="The tool, prompt or resource")
    outcome: Outcome | None
    error_type: str | None
    session_id: str | None
    user_id: str | None
    client_name: str | None
    client_version: str | None
    generated: bool


class Event(BaseModel):
    """Something that happened during a span."""

    time: datetime
    time_unix_nano: str
    name: str
    attributes: list[Attribute]
    dropped_attributes_count: int


class Link(BaseModel):
    """Another span that this one has to do with."""

    trace_id: str
    span_id: str
    trace_state: str
    flags: int
    attributes: list[Attribute]
    dropped_attributes_count: int


class Scope(BaseModel):
    """The library that recorded a span."""

    name: str
    version: str
    schema_url: str
    attributes: list[Attribute]


class Resource(BaseModel):
    """The process that a span comes from."""

    schema_url: str
    attributes: list[Attribute]


class WholeSpan(SpanSummary):
    """Everything that is kept of a span; `attributes` has what no field of its own says."""

    trace_state: str
    flags: int
    tool: str | None
    prompt: str | None
    resource_uri: str | None
    request_id: str | None
    rpc_status_code: str | None
    session_source: str | None
    protocol_version: str | None
    transport: str | None
    request_size: int | None
    response_size: int | None
    sampling_weight: float | None
    attributes: list[Attribute]
    dropped_attributes_count: int
    events: list[Event]
    dropped_events_count: int
    links: list[Link]
    dropped_links_count: int
    scope: Scope
    resource: Resource


class Trace(BaseModel):
    """The spans of one trace that this server sent, oldest first."""

    trace_id: str
    spans: list[WholeSpan]
    is_truncated: bool = Field(description="Whether there are more spans than are shown")


class ReceivedTrace(BaseModel):
    """What a sender may know of a trace."""

    trace_id: str
    spans: int = Field(description="How many spans that its server sent can be read")


class SpanFilter(BaseModel):
    """Which spans are meant; every given part has to hold."""

    method: _Words | None = None
    target: _Words | None = Field(default=None, description="The tool, prompt or resource")
    outcome: Outcome | None = None
    error_type: _Words | None = None
    session_id: _Words | None = None
    user_id: _Words | None = None
    client_name: _Words | None = None
    text: _Words | None = Field(
        default=None, description="In the name, the message or an attribute; letters of either case"
    )


class SpanQuery(SpanFilter):
    """A page of spans, asked for."""

    range: RangeName = Field(default="24h", description="How far to look back.")
    cursor: str | None = Field(default=None, max_length=100, description="Where the page before ended")
    limit: int = Field(default=50, ge=1, le=200)


class SpanPage(BaseModel):
    """Spans, newest first."""

    range: TimeRangeOut
    spans: list[SpanSummary]
    next_cursor: str | None = Field(description="Give it as `cursor` to go on; null at the end")
