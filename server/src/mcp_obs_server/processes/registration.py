"""This process among those that share the control plane."""

import asyncio
import contextlib
import logging
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mcp_obs_server.kit.clock import Clock
from mcp_obs_server.kit.database import Sessions
from mcp_obs_server.kit.durable_file import sync_folder, write_durably
from mcp_obs_server.processes.models import Process

log = logging.getLogger(__name__)

SEEN_EVERY_SECONDS = 5.0
_ID = re.compile("[0-9a-f]{32}")


class Registration:
    """As a context manager it is there for the others from the beginning, and says that it lives.

    On leaving the row goes when `is_empty` says that nothing waits here; what a crash left keeps it.
    """

    def __init__(
        self,
        sessions: Sessions,
        clock: Clock,
        data_dir: Path,
        host_name: str,
        *,
        is_empty: Callable[[], bool],
        on_forgotten: Callable[[], None],
        every: float = SEEN_EVERY_SECONDS,
    ) -> None:
        self.id = _id_of(data_dir)
        """The same for every process that uses this data directory."""
        self.was_forgotten = False
        """Whether somebody said that this process is gone, while it ran."""
        self._sessions = sessions
        self._clock = clock
        self._host_name = host_name
        self._is_empty = is_empty
        self._on_forgotten = on_forgotten
        self._every = every
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def holds(self, connection: AsyncConnection) -> bool:
        """Whether the others reckon with it."""
        known = select(Process.id).where(Process.id == self.id)
        return await connection.scalar(known) is not None

    async def register(self) -> None:
        """From now on no deletion is finished without it."""
        now = self._clock()
        async with self._sessions.begin() as db:
            db.add(Process(id=self.id, host_name=self._host_name, started_at=now, seen_at=now))

    async def renew(self) -> bool:
        """The same for one that was never gone; False when it was, or is new."""
        now = self._clock()
        return await self._update(host_name=self._host_name, started_at=now, seen_at=now)

    async def say_alive(self) -> bool:
        """Write when it was seen; False when somebody said that it is gone."""
        return await self._update(seen_at=self._clock())

    async def _update(self, **values: object) -> bool:
        updated = update(Process).where(Process.id == self.id).values(**values).returning(Process.id)
        async with self._sessions.begin() as db:
            return await db.scalar(updated) is not None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._stop.set()
        await self._task
        if self._is_empty():
            try:
                async with self._sessions.begin() as db:
                    await db.execute(delete(Process).where(Process.id == self.id))
            except Exception as error:  # noqa: BLE001  what is held up by it can be forgotten by hand
                log.warning("The process %s stays on the list and holds deletions up: %r", self.id, error)

    async def _run(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), self._every)
                return
            try:
                is_known = await self.say_alive()
            except Exception as error:  # noqa: BLE001  the next time is soon
                log.warning("The control plane does not hear that this process lives: %r", error)
                continue
            if not is_known:
                log.critical("This process was forgotten while it was silent: it has to start again")
                self.was_forgotten = True
                self._on_forgotten()
                return


def _id_of(data_dir: Path) -> str:
    file = data_dir / "process-id"
    found = file.read_text(errors="replace").strip() if file.exists() else None
    if found is not None and _ID.fullmatch(found):
        return found
    if found is not None:
        log.warning(
            "%s has no id of a process and is made anew: `mcp-obs processes list` shows the old one", file
        )
    process_id = secrets.token_hex(16)
    # Under another name first: a start that was killed half-way must not leave an empty one.
    fresh = file.with_suffix(".new")
    write_durably(fresh, f"{process_id}\n".encode())
    fresh.replace(file)
    sync_folder(data_dir)
    return process_id
