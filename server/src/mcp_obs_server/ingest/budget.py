"""Bytes that all organisations share fairly, in memory or on disk."""

from mcp_obs_server.ingest.errors import Overloaded


class Budget:
    """No organisation holds more than is left free for others: one alone at most half, two a third each, and so on.

    Whatever others do, somebody who holds nothing finds room.
    """

    def __init__(self, limit: int, refusal: str) -> None:
        self._limit = limit
        self._refusal = refusal
        self._held = 0
        self._held_by: dict[int, int] = {}

    def take(self, org_id: int, size: int) -> None:
        """Raises Overloaded when there is no room."""
        mine = self._held_by.get(org_id, 0) + size
        if mine > self._limit - self._held - size:
            raise Overloaded(self._refusal)
        self._held += size
        self._held_by[org_id] = mine

    def give_back(self, org_id: int, size: int) -> None:
        """Make room again."""
        self._held -= size
        mine = self._held_by.pop(org_id, 0) - size
        if mine:
            self._held_by[org_id] = mine
