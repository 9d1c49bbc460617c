"""What servers' routes take and answer."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from mcp_obs_server.servers.models import Environment

ServerName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$"),
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
