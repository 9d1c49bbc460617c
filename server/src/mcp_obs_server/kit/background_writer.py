"""What is counted on the path of every export and written now and then."""

import asyncio
import contextlib
import logging
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

FLUSH_SECONDS = 10.0

_log = logging.getLogger(__name__)


class BackgroundWriter(ABC):
    """As a context manager it flushes every `every` seconds in the background, and once on leaving."""

    def __init__(self, what: str, every: float) -> None:
        self._what = what
        self._every = every
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @abstractmethod
    async def flush(self) -> None:
        """Write what is pending; what can't be written stays pending. Raises what `UNAVAILABLE` names."""

    async def flush_before_reading(self) -> None:
        """Write before somebody looks; a busy database may do it later."""
        try:
            await self.flush()
        except Exception:  # noqa: BLE001  also a defect: a task that ended would write nothing more in silence
            _log.exception("%s could not be written; trying again", self._what)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._stop.set()
        await self._task

    async def _run(self) -> None:
        last = False
        while not last:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), self._every)
            last = self._stop.is_set()  # before the flush, so that one flush follows the last note
            await self.flush_before_reading()
