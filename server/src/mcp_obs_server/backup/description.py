"""What a backup says of itself, in its first member."""

import re
from datetime import datetime
from importlib.metadata import version
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from mcp_obs_server.backup.archive import DESCRIPTION
from mcp_obs_server.backup.entry import Entry

FORMAT = 1

# The engine's own layout: a database's folder, by its UUID.
_DatabaseFolder = Annotated[str, StringConstraints(pattern=r"^\.\./store/[0-9a-f]{3}/[0-9a-f-]{36}$")]
_DatabaseName = Annotated[str, StringConstraints(pattern=re.compile(r"^[A-Za-z0-9_]{1,64}$"))]


class Description(BaseModel):
    """A backup of one moment."""

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    mcp_obs_server: str = version("mcp-obs-server")
    taken_at: datetime
    control_revision: str
    """The control plane's last migration."""
    databases: dict[_DatabaseName, _DatabaseFolder]
    """The embedded engine's, each with the folder that its link leads to; empty when telemetry is elsewhere."""

    def entry(self) -> Entry:
        """As a member."""
        return Entry.of(DESCRIPTION, self.model_dump_json(indent=2).encode() + b"\n")
