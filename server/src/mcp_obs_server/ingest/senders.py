"""Who writes protobuf as we would, so that an export may be stored in its sender's own bytes."""

from cachetools import LRUCache

from mcp_obs_server.ingest.signal import SignalName

SAMPLE = 32
"""After a sender's first exports, one in so many is still compared."""
_KNOWN_SENDERS = 10_000  # under 2 MB


class Senders:
    """How many exports in a row a sender wrote in the one way that our own serialiser writes, per signal."""

    def __init__(self) -> None:
        self._alike = LRUCache[tuple[int, int, SignalName], int](_KNOWN_SENDERS)

    def is_trusted(self, org_id: int, server_id: int, signal: SignalName) -> bool:
        """Whether this export need not be compared: neither among the first nor one of the sample."""
        alike = self._alike.get((org_id, server_id, signal), 0)
        self._alike[org_id, server_id, signal] = alike + bool(alike)
        return alike >= SAMPLE and alike % SAMPLE != 0

    def compared(self, org_id: int, server_id: int, signal: SignalName, alike: bool) -> None:
        """Remember the outcome of a comparison; one difference ends the trust until it is earned again."""
        if not alike:
            self._alike[org_id, server_id, signal] = 0
        elif not self._alike.get((org_id, server_id, signal)):
            self._alike[org_id, server_id, signal] = 1
