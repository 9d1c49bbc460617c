"""Which segment brings an export into the store, when several processes share it (decision 0015).

A sender that got no answer may repeat an export at another process while the first one has it in its spool.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from mcp_obs_server.kit.clock import Clock
from mcp_obs_server.kit.transaction_lock import TransactionLock
from mcp_obs_server.store import StoreUnavailableError

# Longer statements could run into their time limit.
_DIGESTS_A_STATEMENT = 10_000
# One array each: a row of parameters for every digest kept the event loop standing for 170 ms at 30,000.
_CLAIM = text(
    "INSERT INTO claimed_exports (digest, origin, claimed_at)"
    " SELECT unnest(CAST(:digests AS bytea[])), :origin, :now ON CONFLICT DO NOTHING"
)
_ELSEWHERE = text(
    "SELECT digest FROM claimed_exports WHERE digest = ANY(CAST(:digests AS bytea[])) AND origin <> :origin"
)

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
        elsewhere: set[bytes] = set()
        async with self._engine.begin() as connection:
            if not await self._is_registered(connection):
                # Deletions may have been finished without it.
                raise StoreUnavailableError("This process was forgotten while it was silent: start it again.")
            # In order, so that two processes with the same exports wait for each other and don't lock each other out.
            ordered = sorted(set(digests))
            for first in range(0, len(ordered), _DIGESTS_A_STATEMENT):
                of_some = {"digests": ordered[first : first + _DIGESTS_A_STATEMENT], "origin": origin}
                await connection.execute(_CLAIM, {**of_some, "now": now})
                elsewhere.update(await connection.scalars(_ELSEWHERE, of_some))
        return frozenset(elsewhere)
