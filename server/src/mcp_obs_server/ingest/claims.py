"""Which segment brings an export into the store, when several processes share it (decision 0015).

A sender that got no answer may repeat an export at another process while the first one has it in its spool.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from mcp_obs_server.ingest.models import ClaimedExport
from mcp_obs_server.kit.clock import Clock
from mcp_obs_server.kit.transaction_lock import TransactionLock
from mcp_obs_server.store import StoreUnavailableError

# A process that is down for longer may store again what it had in its spool and was repeated elsewhere.
KEPT_FOR = timedelta(days=3)
_CLEAN_EVERY = timedelta(hours=1)
# PostgreSQL takes 32,767 parameters a statement.
_DIGESTS_A_STATEMENT = 10_000

IsRegistered = Callable[[AsyncConnection], Awaitable[bool]]


class Claims:
    """The first segment that names an export has it for good, also after a crash between claim and insert."""

    def __init__(
        self, engine: AsyncEngine, inserts: TransactionLock, clock: Clock, is_registered: IsRegistered
    ) -> None:
        self._engine = engine
        self._inserts = inserts
        self._clock = clock
        self._is_registered = is_registered
        self._cleaned_at: datetime | None = None

    @asynccontextmanager
    async def inserting(self, origin: str, digests: Iterable[bytes]) -> AsyncGenerator[frozenset[bytes]]:
        """Open this around the insert of a segment; gives the digests that another segment brings.

        Raises StoreUnavailableError when this process was forgotten, and what `UNAVAILABLE`
        names while the control plane is away.
        """
        async with self._inserts.shared():
            yield await self.claim(origin, digests)

    async def claim(self, origin: str, digests: Iterable[bytes]) -> frozenset[bytes]:
        """Claim what nobody has; those of the digests that another segment has. Again it answers the same."""
        now = self._clock()
        # In order, so that two processes with the same exports wait for each other and don't lock each other out.
        ordered = sorted(set(digests))
        claims = [{"digest": digest, "origin": origin, "claimed_at": now} for digest in ordered]
        async with self._engine.begin() as connection:
            if not await self._is_registered(connection):
                # Deletions may have been finished without it.
                raise StoreUnavailableError("This process was forgotten while it was silent: start it again.")
            await connection.execute(insert(ClaimedExport).on_conflict_do_nothing(), claims)
            elsewhere = await _elsewhere(connection, origin, ordered)
        await self._clean(now)
        return elsewhere

    async def _clean(self, now: datetime) -> None:
        if self._cleaned_at is None or now - self._cleaned_at >= _CLEAN_EVERY:
            async with self._engine.begin() as connection:
                old = ClaimedExport.claimed_at < now - KEPT_FOR
                await connection.execute(delete(ClaimedExport).where(old))
            self._cleaned_at = now


async def _elsewhere(connection: AsyncConnection, origin: str, digests: Sequence[bytes]) -> frozenset[bytes]:
    found: set[bytes] = set()
    for first in range(0, len(digests), _DIGESTS_A_STATEMENT):
        some = digests[first : first + _DIGESTS_A_STATEMENT]
        of_others = select(ClaimedExport.digest).where(
            ClaimedExport.digest.in_(some), ClaimedExport.origin != origin
        )
        found.update(await connection.scalars(of_others))
    return frozenset(found)
