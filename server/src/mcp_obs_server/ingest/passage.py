"""One export on its way through a door: what it holds in memory, and that its refusal is counted."""

from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from mcp_obs_server.ingest.body import ClientGone
from mcp_obs_server.ingest.budget import Budget
from mcp_obs_server.ingest.errors import Broken, ExportRefused, Overloaded
from mcp_obs_server.ingest.limits import Limits
from mcp_obs_server.ingest.rejections import Rejections
from mcp_obs_server.ingest.signal import Signal
from mcp_obs_server.ingest.tenant import Tenant
from mcp_obs_server.ingest.turns import Turns

T = TypeVar("T")


class Passage:
    """A context manager around everything that is done for one export once its key is known."""

    def __init__(
        self,
        tenant: Tenant,
        signal: Signal,
        in_flight: Budget,
        turns: Turns,
        limits: Limits,
        rejections: Rejections,
    ) -> None:
        self.tenant = tenant
        self.signal = signal
        self._in_flight = in_flight
        self._turns = turns
        self._limits = limits
        self._rejections = rejections
        self._held = 0
        self._charged = 0

    def hold(self, size: int) -> None:
        """Hold so many bytes more in memory, until the end. Raises Overloaded or ExportTooLarge."""
        self._in_flight.check(self._held + size)
        self._in_flight.take(self.tenant.org_id, size)
        self._held += size

    def charge(self, size: int) -> None:
        """Charge the inflated size to whoever sent it. Raises RateLimited, QuotaExceeded or ExportTooLarge."""
        self._limits.charge(self.tenant, size)
        self._charged = size

    async def turn(self, work: Callable[[], T]) -> T:
        """Do a piece of work when it is this organisation's turn."""
        return await self._turns.loop.run(self.tenant.org_id, work)

    async def hold_when_possible(self, size: int) -> None:
        """The same, waiting for room as long as the caller lets it."""
        while True:
            try:
                return self.hold(size)
            except Overloaded:
                await self._in_flight.given_back()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._in_flight.give_back(self.tenant.org_id, self._held)
        # A sender that cancels may have been kept all the same.
        if isinstance(error, Exception) and not isinstance(error, ClientGone):
            self._refuse(error if isinstance(error, ExportRefused) else Broken())

    def _refuse(self, error: ExportRefused) -> None:
        self._rejections.note_export(self.tenant, self.signal.name, error)
        if self._charged:
            self._limits.refund(self.tenant, self._charged)
