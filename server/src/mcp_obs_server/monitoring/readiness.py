"""Can this process serve requests and take exports right now?"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

log = logging.getLogger(__name__)

# Strangers may ask; however often they do, the parts are asked once a second.
_FRESH_SECONDS = 1.0
_CHECK_SECONDS = 5.0


@dataclass(frozen=True)
class Check:
    """One part that has to work: `probe` raises when it doesn't, `advice` says to strangers what to do."""

    name: str
    probe: Callable[[], Awaitable[object]]
    advice: str


class Readiness:
    """Asks every part at once; remembers the answer for a second."""

    def __init__(
        self,
        checks: Sequence[Check],
        timer: Callable[[], float] = time.monotonic,
        patience: float = _CHECK_SECONDS,
    ) -> None:
        self.checks = tuple(checks)
        self._timer = timer
        self._patience = patience
        self._asking = asyncio.Lock()
        self._failed: frozenset[str] = frozenset()
        self._asked_at: float | None = None

    async def failed(self) -> frozenset[str]:
        """The names of the checks that fail."""
        async with self._asking:
            if self._asked_at is None or self._timer() >= self._asked_at + _FRESH_SECONDS:
                errors = await asyncio.gather(*map(self._ask, self.checks))
                self._tell(errors)
                self._asked_at = self._timer()
            return self._failed

    def _tell(self, errors: Sequence[str | None]) -> None:
        found = {check.name: error for check, error in zip(self.checks, errors, strict=True) if error}
        for name, error in found.items():
            if name not in self._failed:
                log.error("Not ready: %s: %s", name, error)
        for name in self._failed - found.keys():
            log.warning("Ready again: %s", name)
        self._failed = frozenset(found)

    async def _ask(self, check: Check) -> str | None:
        try:
            async with asyncio.timeout(self._patience):
                await check.probe()
        except TimeoutError:
            return f"no answer within {self._patience:g} s"
        except Exception as error:  # noqa: BLE001  whatever it is, the part doesn't work
            return str(error) or type(error).__name__
        return None
