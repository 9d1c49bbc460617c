"""What the routes of rejections answer; times are UTC."""

from datetime import date, datetime

from pydantic import BaseModel, Field

from mcp_obs_server.ingest.reason import ReasonCode
from mcp_obs_server.ingest.signal import SignalName


class Rejection(BaseModel):
    """What was not kept on one day, of one signal, for one reason."""

    day: date
    signal: SignalName
    reason: ReasonCode
    items: int = Field(description="Spans, data points or log records left out of exports that were accepted")
    exports: int = Field(
        description="Requests refused as a whole, repetitions included; unreadable ones were accepted"
    )
    last_at: datetime
    last_message: str = Field(
        description="What was said the last time, to the sender unless the export was accepted"
    )


class RejectionList(BaseModel):
    """Everything not kept from the hour of `start` on, newest day first."""

    start: datetime
    rejections: list[Rejection]
