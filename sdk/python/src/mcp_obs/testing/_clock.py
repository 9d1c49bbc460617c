"""A clock that only a test moves."""

START_NANOSECONDS = 1_767_225_600_000_000_000
"""2026-01-01T00:00:00Z."""


class HeldClock:
    """Stands still at the beginning of 2026."""

    def __init__(self) -> None:
        self._nanoseconds = START_NANOSECONDS

    def advance(self, seconds: float) -> None:
        """Let so much time pass."""
        self._nanoseconds += round(seconds * 1e9)

    def time_ns(self) -> int:
        """Nanoseconds since 1970."""
        return self._nanoseconds

    def perf_counter(self) -> float:
        """Seconds since the clock was made."""
        return (self._nanoseconds - START_NANOSECONDS) / 1e9
