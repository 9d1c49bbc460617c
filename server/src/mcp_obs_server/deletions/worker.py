"""Carries deletions out, one after another, until nothing is left of what they name."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Protocol, Self

from sqlalchemy import select

from mcp_obs_server.deletions.models import Deletion
from mcp_obs_server.kit.clock import Clock
from mcp_obs_server.kit.database import Sessions
from mcp_obs_server.store import TelemetryStore, delete_server_rows, delete_user_rows

log = logging.getLogger(__name__)

_RETRY_SECONDS = 30.0


class Intake(Protocol):
    """One signal's way into the store: what it holds now must not come back later."""

    def paused(self) -> AbstractAsyncContextManager[None]:
        """Hand nothing to the engine meanwhile; what comes in is still acknowledged."""
        ...

    def close_server(self, server_id: int) -> None:
        """Take nothing more of this server."""
        ...

    async def drain(self) -> None:
        """Return once everything taken before this call is in the engine."""
        ...

    async def remove_unreadable(self, is_meant: Callable[[int, bytes], bool]) -> None:
        """Delete the exports set aside as unreadable whose server and body are meant."""
        ...


class DeletionWorker:
    """As a context manager it works in the background, and first finishes what an earlier process began."""

    def __init__(
        self,
        sessions: Sessions,
        clock: Clock,
        store: TelemetryStore,
        intakes: Sequence[Intake],
        retry_seconds: float = _RETRY_SECONDS,
    ) -> None:
        self._sessions = sessions
        self._clock = clock
        self._store = store
        self._intakes = intakes
        self._retry_seconds = retry_seconds
        self._asked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def begin(self, deletion: Deletion) -> None:
        """Start, and refuse what a server sends from now on when all of it is to go."""
        self._close(deletion)
        self._asked.set()

    async def __aenter__(self) -> Self:
        for deletion in await self._unfinished():
            self._close(deletion)
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    def _close(self, deletion: Deletion) -> None:
        if deletion.subject == "server":
            for intake in self._intakes:
                intake.close_server(deletion.server_id)

    async def _run(self) -> None:
        while True:
            self._asked.clear()
            try:
                for deletion in await self._unfinished():
                    await self._carry_out(deletion)
            except Exception:
                # Also a defect: what was promised must go on with the next try.
                log.exception("A deletion can't go on; trying again")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._asked.wait(), self._retry_seconds)
            else:
                await self._asked.wait()

    async def _unfinished(self) -> Sequence[Deletion]:
        waiting = select(Deletion).where(Deletion.finished_at.is_(None)).order_by(Deletion.id)
        async with self._sessions() as db:
            return (await db.scalars(waiting)).all()

    async def _carry_out(self, deletion: Deletion) -> None:
        user_id = deletion.user_id
        for intake in self._intakes:
            await intake.drain()
            await intake.remove_unreadable(
                lambda server_id, body: (
                    server_id == deletion.server_id and (user_id is None or user_id.encode() in body)
                )
            )
        rows = await self._delete_rows(deletion)
        async with self._sessions.begin() as db:
            finished = await db.get_one(Deletion, deletion.id)
            finished.finished_at, finished.rows_removed, finished.user_id = self._clock(), rows, None

    async def _delete_rows(self, deletion: Deletion) -> int:
        of_server = deletion.org_id, deletion.server_id
        if deletion.user_id is None:
            return await delete_server_rows(self._store, *of_server)
        return await delete_user_rows(self._store, *of_server, deletion.user_id, self._paused)

    @asynccontextmanager
    async def _paused(self) -> AsyncGenerator[None]:
        async with AsyncExitStack() as paused:
            for intake in self._intakes:
                await paused.enter_async_context(intake.paused())
            yield
