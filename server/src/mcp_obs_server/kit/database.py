"""The control plane's database: SQLite, or PostgreSQL by another URL."""

from datetime import UTC, datetime

from sqlalchemy import URL, DateTime, Dialect, MetaData, TypeDecorator, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import ConnectionPoolEntry

Sessions = async_sessionmaker[AsyncSession]

UNAVAILABLE = (SQLAlchemyError, OSError)
"""What is raised while the database is away: asyncpg's network errors and timeouts pass SQLAlchemy as they are."""

# Classes of SQLSTATE: connection, insufficient resources, operator intervention (PostgreSQL, appendix A).
_AWAY = ("08", "53", "57")

_CONNECT_SECONDS = 5
# A server that is gone without a word would hold up whoever asks it for as long as TCP hopes.
_ANSWER_SECONDS = 10
# A machine that lost its power holds its locks until the server finds it gone: after 60 s and not the usual two hours.
_KEEPALIVES = {"tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "3"}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC; SQLite forgets the zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("A datetime without a zone can't be stored")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Every table of the control plane. Constraints have names, so that a migration can find them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime}  # noqa: RUF012 (SQLAlchemy's own declaration)


def open_database(url: str | URL) -> AsyncEngine:
    """An engine for an SQLAlchemy URL such as `sqlite+aiosqlite:///data/control.db`.

    Its errors leave a statement's values out of the log: these are people's addresses and digests of tokens.
    """
    if make_url(url).get_backend_name() == "sqlite":
        engine = create_async_engine(url, hide_parameters=True)
        event.listen(engine.sync_engine, "connect", _set_pragmas)
        return engine
    return create_async_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,  # a restarted server costs nobody an error
        pool_timeout=_CONNECT_SECONDS,
        connect_args={
            "timeout": _CONNECT_SECONDS,
            "command_timeout": _ANSWER_SECONDS,
            "server_settings": _KEEPALIVES,
        },
    )


def is_away(error: Exception) -> bool:
    """Whether the database could not be reached or was lost, and not what it was asked is wrong."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, (OSError, PoolTimeoutError))
    return error.connection_invalidated or str(getattr(error.orig, "sqlstate", "")).startswith(_AWAY)


def sessions_of(engine: AsyncEngine) -> Sessions:
    """Sessions whose objects stay readable after the commit."""
    return async_sessionmaker(engine, expire_on_commit=False)


def _set_pragmas(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")  # readers never wait for the writer
    # NORMAL takes the last commits back at a power loss: a key is revoked and works again.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA busy_timeout = 5000")
    cursor.close()
