"""What accounts' routes take and answer."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from mcp_obs_server.accounts.principal import Role


class UserOut(BaseModel):
    """A person."""

    id: int
    email: str
    name: str


class OrganisationOut(BaseModel):
    """A tenant."""

    id: int
    name: str


class Me(BaseModel):
    """Who is asking."""

    user: UserOut
    organisation: OrganisationOut
    role: Role


class SignIn(BaseModel):
    """The token of a one-time link."""

    token: str = Field(min_length=1, max_length=200)


class SignInLinkOut(BaseModel):
    """A fresh one-time link for the caller."""

    url: str
    expires_at: datetime


class RetentionIn(BaseModel):
    """How long to keep what is sent."""

    days: int | None = Field(description="Null for as long as the server does")


class RetentionOut(BaseModel):
    """How long what is sent is kept."""

    model_config = ConfigDict(from_attributes=True, title="Retention")

    days: int = Field(description="What applies")
    chosen_days: int | None = Field(description="Null when the organisation chose none")
    maximum_days: int = Field(description="How long the server keeps anything")
