"""Carries deletions out, one after another, until nothing is left of what they name."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, Self

from sqlalchemy import select

from mcp_obs_server.deletions.models import Deletion
from mcp_obs_server.deletions.passes import Passes
from mcp_obs_server.kit.background_task import BackgroundTask
from mcp_obs_server.kit.clock import Clock
from mcp_obs_server.kit.database import Sessions
from mcp_obs_server.kit.transaction_lock import StillHeld, TransactionLock
from mcp_obs_server.store import TelemetryStore, delete_server_rows, delete_user_rows

log = logging.getLogger(__name__)

_RETRY_SECONDS = 30.0
# How soon a deletion that was asked for at another process is seen.
_LOOK_EVERY_SECONDS = 2.0


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


@dataclass(frozen=True)
class Together:
    """How processes that share a store go about a deletion together."""

    passes: Passes
    inserts: TransactionLock
    """Whoever inserts shares it."""
    deletions: TransactionLock
    """Whoever has it deletes."""


class DeletionWorker(BackgroundTask):
    """As a context manager it works in the background, and first finishes what an earlier process began.

    Every process lets go of what it holds; the one that finds all of them through deletes what is stored.
    """

    def __init__(
        self,
        sessions: Sessions,
        clock: Clock,
        store: TelemetryStore,
        intakes: Sequence[Intake],
        together: Together,
        retry_seconds: float = _RETRY_SECONDS,
        look_seconds: float = _LOOK_EVERY_SECONDS,
    ) -> None:
        self._sessions = sessions
        self._clock = clock
        self._store = store
        self._intakes = intakes
        self._together = together
        self._retry_seconds = retry_seconds
        # The only process knows of every deletion.
        self._look_seconds = None if together.passes.process_id is None else look_seconds
        self._let_go = set[int]()
        self._asked = asyncio.Event()

    def begin(self, deletion: Deletion) -> None:
        """Start, and refuse what a server sends from now on when all of it is to go."""
        self._close(deletion)
        self._asked.set()

    async def __aenter__(self) -> Self:
        for deletion in await self._unfinished():
            self._close(deletion)
        return await super().__aenter__()

    def _close(self, deletion: Deletion) -> None:
        if deletion.subject == "server":
            for intake in self._intakes:
                intake.close_server(deletion.server_id)

    async def _run(self) -> None:
        while True:
            self._asked.clear()
            seconds = self._look_seconds
            try:
                await self._go_on()
            except Exception:
                # Also a defect: what was promised must go on with the next try.
                log.exception("A deletion can't go on; trying again")
                seconds = self._retry_seconds
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), seconds)

    async def _go_on(self) -> None:
        unfinished = await self._unfinished()
        for deletion in unfinished:
            self._close(deletion)
        await self._let_go_of([each for each in unfinished if each.id not in self._let_go])
        if not unfinished:
            return
        async with self._together.deletions.if_free() as is_free:
            # Another process may have finished some since.
            for deletion in await self._unfinished() if is_free else ():
                if deletion.id in self._let_go and not await self._is_waited_for(deletion):
                    await self._carry_out(deletion)

    async def _unfinished(self) -> Sequence[Deletion]:
        waiting = select(Deletion).where(Deletion.finished_at.is_(None)).order_by(Deletion.id)
        async with self._sessions() as db:
            return (await db.scalars(waiting)).all()

    async def _is_waited_for(self, deletion: Deletion) -> bool:
        waits_for = await self._together.passes.waits_for([deletion.id])
        return bool(waits_for[deletion.id])

    async def _let_go_of(self, deletions: Sequence[Deletion]) -> None:
        """All at once: a deletion must not wait as often for what comes in as others were asked for before it."""
        if not deletions:
            return
        for intake in self._intakes:
            await intake.drain()
            await intake.remove_unreadable(
                lambda server_id, body: any(_is_meant(each, server_id, body) for each in deletions)
            )
        ids = [each.id for each in deletions]
        await self._together.passes.record(ids)
        self._let_go.update(ids)

    async def _carry_out(self, deletion: Deletion) -> None:
        rows = await self._delete_rows(deletion)
        async with self._sessions.begin() as db:
            finished = await db.get_one(Deletion, deletion.id)
            finished.finished_at, finished.rows_removed, finished.user_id = self._clock(), rows, None
            await self._together.passes.end(db, deletion.id)

    async def _delete_rows(self, deletion: Deletion) -> int:
        of_server = deletion.org_id, deletion.server_id
        # An insert of a process that was forgotten meanwhile ends before; the next one is refused.
        async with self._together.inserts.exclusive():
            pass
        if deletion.user_id is None:
            return await delete_server_rows(self._store, *of_server)
        return await delete_user_rows(self._store, *of_server, deletion.user_id, self._paused)

    @asynccontextmanager
    async def _paused(self) -> AsyncGenerator[StillHeld]:
        async with AsyncExitStack() as paused:
            for intake in self._intakes:
                await paused.enter_async_context(intake.paused())
            # After its own: they hold this one, shared, while they insert.
            yield await paused.enter_async_context(self._together.inserts.exclusive())


def _is_meant(deletion: Deletion, server_id: int, body: bytes) -> bool:
    user_id = deletion.user_id
    return server_id == deletion.server_id and (user_id is None or user_id.encode() in body)
