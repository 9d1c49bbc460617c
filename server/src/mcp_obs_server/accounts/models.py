"""The tables of accounts. Tokens are kept as SHA-256 digests: they are random, so a fast hash is safe."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from mcp_obs_server.accounts.principal import OrgId, Role
from mcp_obs_server.kit.database import Base


class Organisation(Base):
    """A tenant."""

    __tablename__ = "organisations"
    # An id is never given twice: telemetry carries it, in another database.
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 (SQLAlchemy's own declaration)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime]
    # NULL: as long as the server keeps anything.
    retention_days: Mapped[int | None]


class User(Base):
    """A person."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(320), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime]


class Membership(Base):
    """A user's place in an organisation. Removing it removes every credential that stood on it."""

    __tablename__ = "memberships"
    __table_args__ = (CheckConstraint("role IN ('owner', 'member')", "role"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    org_id: Mapped[OrgId] = mapped_column(
        ForeignKey("organisations.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[Role] = mapped_column(String(16))


class _Credential(Base):
    """What the three kinds of token have in common: they stand for one membership."""

    __abstract__ = True

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[ForeignKeyConstraint | Index, ...]:
        return (
            ForeignKeyConstraint(
                ["user_id", "org_id"], ["memberships.user_id", "memberships.org_id"], ondelete="CASCADE"
            ),
            Index(None, "user_id", "org_id"),
        )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int]
    org_id: Mapped[OrgId] = mapped_column(Integer)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[datetime]


class SignInLink(_Credential):
    """A link that signs in once."""

    __tablename__ = "sign_in_links"

    expires_at: Mapped[datetime] = mapped_column(index=True)


class BrowserSession(_Credential):
    """A signed-in browser."""

    __tablename__ = "browser_sessions"

    expires_at: Mapped[datetime] = mapped_column(index=True)


class AccessToken(_Credential):
    """A personal access token, for the command line."""

    __tablename__ = "access_tokens"
