"""What the routes of deletions answer."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints


class SilentProcessOut(BaseModel):
    """A process that is down and may hold exports."""

    model_config = ConfigDict(from_attributes=True, title="SilentProcess")

    id: str
    seen_at: datetime = Field(description="When it last said that it lives")


class DeletionOut(BaseModel):
    """A deletion and how far it is."""

    model_config = ConfigDict(from_attributes=True, title="Deletion")

    id: int
    server_id: int
    server_name: str
    subject: Literal["server", "user"] = Field(description="Everything of a server, or of one of its users")
    user_id: str | None = Field(
        description="Which user; null for a server, and no longer kept when it is done"
    )
    requested_at: datetime
    finished_at: datetime | None = Field(description="When nothing was left; null while it goes on")
    rows_removed: int | None = Field(description="From all tables together; null while it goes on")
    waits_for: list[SilentProcessOut] = Field(
        default=[], description="The processes that are down and hold it up: it goes on when they are back"
    )


def _without_nul(text: str) -> str:
    # SQLite would keep it, PostgreSQL would not. Lone surrogates are no `str` for pydantic.
    if "\0" in text:
        raise ValueError("it may have no NUL character")
    return text


class NewUserDeletion(BaseModel):
    """Whose data to delete."""

    user_id: Annotated[
        str, StringConstraints(min_length=1, max_length=1024), AfterValidator(_without_nul)
    ] = Field(description="As the server sends it, in `enduser.id` or another attribute that names a user")
