"""What the routes of deletions answer."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class DeletionOut(BaseModel):
    """A deletion and how far it is."""

    model_config = ConfigDict(from_attributes=True, title="Deletion")

    id: int
    server_id: int
    server_name: str
    requested_at: datetime
    finished_at: datetime | None = Field(description="When nothing was left; null while it goes on")
    rows_removed: int | None = Field(description="From all tables together; null while it goes on")
