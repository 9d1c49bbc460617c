"""Rounds of writing and reading back."""

import time
from dataclasses import dataclass

from mcp_obs_server.commands.canary.comparing import differences, quick_differences
from mcp_obs_server.commands.canary.difference import Difference
from mcp_obs_server.commands.canary.door import Door
from mcp_obs_server.commands.canary.plan import Round, plan
from mcp_obs_server.commands.canary.reading import Reading

_PAUSE_SECONDS = 0.25
# Longer than the server waits between two inserts: what is stored twice shows by then.
SETTLE_SECONDS = 1.5


@dataclass(frozen=True)
class Result:
    """How a round went; `seconds` from the last acknowledgement until all was read as it was written."""

    number: int
    target: str
    spans: int
    calls: int
    seconds: float | None
    differences: tuple[Difference, ...]


class Canary:
    """Writes at a door and reads what comes of it."""

    def __init__(self, door: Door, reading: Reading, seed: str, within: float) -> None:
        self._door = door
        self._reading = reading
        self._seed = seed
        self._within = within

    def sing(self, number: int) -> Result:
        """One round."""
        written = plan(self._seed, number, time.time_ns())
        refused = self._door.write(written.spans, self._within)
        seconds, found = (None, refused) if refused else self._read_back(written)
        return Result(number, written.target, len(written.spans), len(written.calls), seconds, tuple(found))

    def _read_back(self, written: Round) -> tuple[float | None, list[Difference]]:
        began = time.monotonic()
        found = self._wait(began + self._within, written)
        seconds = None if found else time.monotonic() - began
        if not found:
            time.sleep(SETTLE_SECONDS)
            found = differences(written, self._reading)
        return seconds, found

    def _wait(self, deadline: float, written: Round) -> list[Difference]:
        """Read until all is as it was written, or until the deadline; then everything that is not."""
        while quick_differences(written, self._reading) or differences(written, self._reading):
            if time.monotonic() > deadline:
                return differences(written, self._reading)
            time.sleep(_PAUSE_SECONDS)
        return []
