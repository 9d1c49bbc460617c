"""Adding to a row that may not be there yet, in one statement: other processes do the same."""

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from mcp_obs_server.kit.database import Base

_INSERTS = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


async def add_to(
    db: AsyncSession, table: type[Base], key: dict[str, Any], sums: dict[str, int], others: dict[str, Any]
) -> None:
    """Add `sums` to the row of this primary key and set `others`, or make the row of all three."""
    insert = _INSERTS[db.get_bind().dialect.name](table).values(**key, **sums, **others)
    columns = table.__table__.c
    more = {name: columns[name] + insert.excluded[name] for name in sums}
    await db.execute(insert.on_conflict_do_update(index_elements=list(key), set_=more | others))
