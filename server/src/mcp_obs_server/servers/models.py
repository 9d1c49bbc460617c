"""The tables of servers."""

from datetime import datetime
from typing import Literal

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mcp_obs_server.accounts.principal import OrgId
from mcp_obs_server.kit.database import Base

Environment = Literal["live", "test", "dev"]


class Server(Base):
    """An MCP server that an organisation registered."""

    __tablename__ = "servers"
    # An id is never given twice: telemetry carries it, in another database.
    __table_args__ = (UniqueConstraint("org_id", "name"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    org_id: Mapped[OrgId] = mapped_column(ForeignKey("organisations.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime]


class ApiKey(Base):
    """A server's credential for sending telemetry: a public prefix and a bcrypt hash."""

    __tablename__ = "api_keys"
    __table_args__ = (CheckConstraint("environment IN ('live', 'test', 'dev')", "environment"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    server_id: Mapped[int] = mapped_column(ForeignKey("servers.id", ondelete="CASCADE"), index=True)
    environment: Mapped[Environment] = mapped_column(String(8))
    prefix: Mapped[str] = mapped_column(String(32), unique=True)
    hash: Mapped[str] = mapped_column(String(72))
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
