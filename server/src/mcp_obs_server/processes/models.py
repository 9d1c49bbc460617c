"""The table of processes."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from mcp_obs_server.kit.database import Base


class Process(Base):
    """A data directory that may hold exports: one that a process uses, or that a crash left."""

    __tablename__ = "processes"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    host_name: Mapped[str] = mapped_column(String(255))
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
