"""Bytes that all organisations share fairly, in memory or on disk."""

import asyncio

from mcp_obs_server.ingest.errors import ExportTooLarge, Overloaded

# Beyond this a large export is refused already.
_NEARLY = 0.95


class Budget:
    """No organisation holds more than is left free for others: one alone at most half, two a third each, and so on.

    Whatever others do, somebody who holds nothing finds room.
    """

    def __init__(self, limit: int, refusal: str) -> None:
        self.limit = limit
        self._refusal = refusal
        self.held = 0
        self._held_by: dict[int, int] = {}
        self._waiting: list[asyncio.Future[None]] = []

    def check(self, size: int) -> None:
        """Raises ExportTooLarge when there is no room for so much, however empty it is here."""
        if size > self.limit // 2:
            raise ExportTooLarge(f"The export is over {self.limit // 2} bytes: send smaller batches.")

    def take(self, org_id: int, size: int) -> None:
        """Raises Overloaded when there is no room."""
        if self._held_by.get(org_id, 0) + size > self.limit - self.held - size:
            raise Overloaded(self._refusal)
        self.add(org_id, size)

    @property
    def is_full(self) -> bool:
        """Whether nobody who holds something may have more."""
        return bool(self._held_by) and min(self._held_by.values()) > (self.limit - self.held) * _NEARLY

    def add(self, org_id: int, size: int) -> None:
        """Count what is there already, whether there is room or not."""
        self.held += size
        self._held_by[org_id] = self._held_by.get(org_id, 0) + size

    def give_back(self, org_id: int, size: int) -> None:
        """Make room again."""
        self.held -= size
        mine = self._held_by.pop(org_id, 0) - size
        if mine:
            self._held_by[org_id] = mine
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
        self._waiting.clear()

    async def given_back(self) -> None:
        """Wait until there is more room than now."""
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        await waiting
