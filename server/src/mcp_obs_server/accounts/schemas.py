"""What accounts' routes take and answer."""

from datetime import datetime

from pydantic import BaseModel, Field

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
