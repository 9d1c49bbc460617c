"""When to leave a collector alone that does not take what it is sent."""

import time
from collections.abc import Callable
from random import Random

from mcp_obs.semconv import CircuitBreakerState

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0

_random = Random()  # noqa: S311  the pauses of many processes need to differ, not to be secret


class CircuitBreaker:
    """Closed while all goes well; open for longer after each failure; half-open for one attempt after that."""

    def __init__(
        self, timer: Callable[[], float] = time.monotonic, draw: Callable[[], float] = _random.random
    ) -> None:
        self._timer = timer
        self._draw = draw
        self._failures = 0
        self._closed_again_at = 0.0

    @property
    def state(self) -> CircuitBreakerState:
        """What happens to the next attempt."""
        if self._failures == 0:
            return "closed"
        return "half_open" if self._timer() >= self._closed_again_at else "open"

    def note(self, *, is_well: bool, asked_seconds: float = 0.0) -> None:
        """How an attempt went: after a bad one nothing may go for a while, nor before the collector asked for it."""
        if is_well:
            self._failures = 0
            return
        # From half of it to the whole, so that many processes don't come back at once.
        pause = min(FIRST_PAUSE_SECONDS * 2**self._failures, LONGEST_PAUSE_SECONDS) * (1 + self._draw()) / 2
        self._failures = min(self._failures + 1, 30)
        self._closed_again_at = self._timer() + max(pause, min(asked_seconds, LONGEST_PAUSE_SECONDS))
