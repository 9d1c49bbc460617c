"""The tables of ingest."""

from datetime import date, datetime

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from mcp_obs_server.ingest.reason import ReasonCode
from mcp_obs_server.ingest.signal import SignalName
from mcp_obs_server.kit.database import Base

MESSAGE_LENGTH = 300
ORIGIN_LENGTH = 46


class RejectionCount(Base):
    """What one server sent within one hour and was not kept, for one reason."""

    __tablename__ = "rejections"

    server_id: Mapped[int] = mapped_column(ForeignKey("servers.id", ondelete="CASCADE"), primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    signal: Mapped[SignalName] = mapped_column(String(8), primary_key=True)
    reason: Mapped[ReasonCode] = mapped_column(String(32), primary_key=True)
    org_id: Mapped[int]
    items: Mapped[int] = mapped_column(BigInteger)
    exports: Mapped[int] = mapped_column(BigInteger)
    last_at: Mapped[datetime]
    last_message: Mapped[str] = mapped_column(String(MESSAGE_LENGTH))


class SentBytes(Base):
    """What one organisation sent on one day of UTC, in inflated bytes; only today's is kept."""

    __tablename__ = "sent_bytes"

    org_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)


class ClaimedExport(Base):
    """An export, and the segment that brings it into the store; only on a control plane that is shared."""

    __tablename__ = "claimed_exports"

    digest: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    origin: Mapped[str] = mapped_column(String(ORIGIN_LENGTH))
    claimed_at: Mapped[datetime] = mapped_column(index=True)
