"""What the routes of processes answer."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class ProcessOut(BaseModel):
    """A process that shares this control plane."""

    model_config = ConfigDict(from_attributes=True, title="Process")

    id: str = Field(description="Its data directory's, the same after every start")
    host_name: str
    started_at: datetime
    seen_at: datetime = Field(description="Every 5 seconds while it runs")
