"""How fast one API key may send."""

import math

from token_bucket import Limiter, MemoryStorage

from mcp_obs_server.ingest.errors import ExportTooLarge, RateLimited

# An SDK sends what gathered in 5 s at once, and what it could not send before together with it.
BURST_SECONDS = 10


class KeyRate:
    """A token bucket for each key, in inflated bytes; one export costs a microsecond and one key 200 bytes."""

    def __init__(self, bytes_per_second: int) -> None:
        self._rate = bytes_per_second
        self._burst = bytes_per_second * BURST_SECONDS
        self._buckets = MemoryStorage()
        self._limiter = Limiter(bytes_per_second, self._burst, self._buckets)

    def charge(self, key_id: int, size: int) -> None:
        """Raises RateLimited with when there will be room, or ExportTooLarge when there never will."""
        if size > self._burst:
            raise ExportTooLarge(
                f"The export has {size} bytes inflated and its key may send {self._burst} at once"
                f" ({self._rate} a second): send smaller batches."
            )
        key = str(key_id)
        if not self._limiter.consume(key, max(size, 1)):
            missing = size - self._buckets.get_token_count(key)
            seconds = math.ceil(missing / self._rate)
            raise RateLimited(
                f"This key may send {self._rate} bytes a second: try again in {seconds} s.", seconds
            )
