"""What servers' routes take and answer."""

import unicodedata
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from mcp_obs_server.servers.models import Environment

# Controls and invisible format characters: a name that shows as another, or as none, or that a terminal obeys.
_UNREADABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINER = "\u200d"  # holds emoji together


def _readable(name: str) -> str:
    if any(unicodedata.category(each) in _UNREADABLE and each != _JOINER for each in name):
        raise ValueError("a name is one line of characters that can be seen")
    return name


ServerName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(_readable),
]


class ServerIn(BaseModel):
    """A server to register."""

    name: ServerName


class ServerOut(BaseModel):
    """A registered MCP server."""

    model_config = ConfigDict(from_attributes=True, title="Server")

    id: int
    name: str
    created_at: datetime
    last_used_at: datetime | None = Field(
        default=None, description="When one of its keys last sent something"
    )


class ApiKeyIn(BaseModel):
    """A key to make."""

    environment: Environment = "live"


class ApiKeyOut(BaseModel):
    """A key without its secret."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    prefix: str = Field(description="The public part", examples=["mcpobs_live_AbCd1234"])
    environment: Environment
    created_at: datetime
    last_used_at: datetime | None = Field(description="Written every few seconds, not with each use")
    revoked_at: datetime | None


class ApiKeyCreated(BaseModel):
    """A new key with its secret, which is shown this once."""

    key: ApiKeyOut
    secret: str
