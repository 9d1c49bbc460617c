"""The table of deletions."""

from datetime import datetime
from typing import Literal

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from mcp_obs_server.accounts.principal import OrgId
from mcp_obs_server.kit.database import Base


class Deletion(Base):
    """One request to delete, kept as its receipt."""

    __tablename__ = "deletions"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 (SQLAlchemy's own declaration)

    id: Mapped[int] = mapped_column(primary_key=True)
    org_id: Mapped[OrgId] = mapped_column(ForeignKey("organisations.id", ondelete="CASCADE"))
    # No foreign key: the server is gone from the moment on that its deletion is here.
    server_id: Mapped[int]
    server_name: Mapped[str] = mapped_column(String(100))
    subject: Mapped[Literal["server", "user"]] = mapped_column(String(6), server_default="server")
    # The receipt must not keep what it says is gone, so this is empty again when it is.
    user_id: Mapped[str | None] = mapped_column(String(1024))
    requested_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    rows_removed: Mapped[int | None] = mapped_column(BigInteger)


class DeletionPass(Base):
    """A process that holds nothing any more of what a deletion names."""

    __tablename__ = "deletion_passes"

    deletion_id: Mapped[int] = mapped_column(ForeignKey("deletions.id", ondelete="CASCADE"), primary_key=True)
    process_id: Mapped[str] = mapped_column(ForeignKey("processes.id", ondelete="CASCADE"), primary_key=True)
