"""What PostgreSQL says of the locks between processes."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

_COUNT = """
SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
WHERE locktype = 'advisory' AND datname = current_database() AND granted = :granted
"""


async def advisory_locks(database: AsyncEngine, *, granted: bool) -> int:
    """How many are held, or waited for."""
    async with database.connect() as connection:
        return await connection.scalar(text(_COUNT), {"granted": granted}) or 0
