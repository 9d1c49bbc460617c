"""Bytes that all organisations share fairly, in memory or on disk."""

from mcp_obs_server.ingest.errors import ExportTooLarge, Overloaded


class Budget:
    """No organisation holds more than is left free for others: one alone at most half, two a third each, and so on.

    Whatever others do, somebody who holds nothing finds room.
    """

    def __init__(self, limit: int, refusal: str) -> None:
        self._limit = limit
        self._refusal = refusal
        self._held = 0
        self._held_by: dict[int, int] = {}

    def check(self, size: int) -> None:
        """Raises ExportTooLarge when there is no room for so much, however empty it is here."""
        if size > self._limit // 2:
            raise ExportTooLarge(f"The export is over {self._limit // 2} bytes: send smaller batches.")

    def take(self, org_id: int, size: int) -> None:
        """Raises Overloaded when there is no room."""
        if self._held_by.get(org_id, 0) + size > self._limit - self._held - size:
            raise Overloaded(self._refusal)
        self.add(org_id, size)

    def add(self, org_id: int, size: int) -> None:
        """Count what is there already, whether there is room or not."""
        self._held += size
        self._held_by[org_id] = self._held_by.get(org_id, 0) + size

    def give_back(self, org_id: int, size: int) -> None:
        """Make room again."""
        self._held -= size
        mine = self._held_by.pop(org_id, 0) - size
        if mine:
            self._held_by[org_id] = mine
