"""Group commit: many exports, one fsync; many fsyncs, one insert."""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from mcp_obs_server.ingest.budget import Budget
from mcp_obs_server.ingest.envelope import FRAME_BYTES, frame
from mcp_obs_server.ingest.errors import Overloaded, UnauthenticatedExport
from mcp_obs_server.ingest.fair_queue import FairQueue
from mcp_obs_server.ingest.recent_exports import RecentExports
from mcp_obs_server.ingest.signal import ANY_TIME, Window
from mcp_obs_server.ingest.spool import Census, Segment, Spool
from mcp_obs_server.ingest.totals import CommitTotals
from mcp_obs_server.kit.database import UNAVAILABLE
from mcp_obs_server.store import BatchRefusedError, StoreUnavailableError

log = logging.getLogger(__name__)

T = TypeVar("T")

# An insert costs 100 ms of CPU however small it is, so what comes within a second shares one...
INSERT_EVERY_SECONDS = 1.0
# ...unless there is enough to make the fixed cost small (24 MiB: about 80,000 spans). Twice that takes 180 MB more.
SEGMENT_BYTES = 24 * 2**20
# A sync of 1 MiB takes 1.5 ms and one of 250 kB 0.6 ms: larger groups gain nothing and keep others waiting.
GROUP_BYTES = 2**20
# What an earlier process left counts against everybody and is nobody's share.
_NOBODY = 0
_FIRST_RETRY_SECONDS = 0.5
_LAST_RETRY_SECONDS = 30.0
_NOT_WORKING = "The server is not working: its log has the reason."


class Insert(Protocol):
    """Where the batches of one signal go."""

    def __call__(self, batch: bytes | Path, token: str) -> None:
        """Store a batch once, however often it is called with the same token."""
        ...


class Among(Protocol):
    """The processes that bring exports into the same store."""

    def inserting(
        self, origin: str, digests: Iterable[bytes]
    ) -> AbstractAsyncContextManager[frozenset[bytes]]:
        """Open this around the insert of a segment; gives the digests that another segment brings.

        Raises what `UNAVAILABLE` names while they can't be asked.
        """
        ...


class Alone:
    """The only process: what it brings once, nobody else does."""

    @asynccontextmanager
    async def inserting(self, origin: str, digests: Iterable[bytes]) -> AsyncGenerator[frozenset[bytes]]:
        """Nothing is brought by others."""
        yield frozenset()


@dataclass(frozen=True)
class Export:
    """An admitted export: whose it is, and a body that the engine can decode."""

    org_id: int
    server_id: int
    body: bytes
    digest: bytes
    """Of what was sent, which a repeat has in common with it; what is kept of it may differ with the time of day."""
    window: Window = ANY_TIME
    """The times that the export was held to."""
    is_as_sent: bool = True
    """Whether the body is what was sent, byte for byte."""


@dataclass(slots=True)
class _InFlight:
    """An export between its arrival and its rows in the engine."""

    org_id: int
    size: int
    senders: list[asyncio.Future[None]] | None
    """Who waits for it to be durable; None once it is."""

    async def durable(self) -> None:
        """Wait; a sender that goes away takes no other with it. Raises Overloaded."""
        if self.senders is not None:
            waiting = asyncio.get_running_loop().create_future()
            self.senders.append(waiting)
            await waiting

    def settle(self, refusal: Overloaded | None = None) -> None:
        """Tell everybody who waits."""
        senders, self.senders = self.senders or (), None
        for waiting in senders:
            if waiting.done():
                continue
            if refusal:
                waiting.set_exception(refusal)
            else:
                waiting.set_result(None)


@dataclass(slots=True)
class _Waiting:
    export: Export
    in_flight: _InFlight


class Committer:
    """Takes one signal's exports, answers when they are durable, and moves them on to the engine."""

    def __init__(
        self,
        spool: Spool,
        recent: RecentExports,
        insert: Insert,
        budget: Budget,
        among: Among | None = None,
        note_unreadable: Callable[[int, int], None] | None = None,
    ) -> None:
        """`note_unreadable` is told the organisation and the server of every export that the engine can't read."""
        self._among = among or Alone()
        self._spool = spool
        self._recent = recent
        self._insert_batch = insert
        self._budget = budget
        self._note_unreadable = note_unreadable
        self._waiting: FairQueue[_Waiting] = FairQueue()
        self._sealed: deque[Segment] = deque()
        # So that a repeat waits for the first.
        self._in_flight: dict[bytes, _InFlight] = {}
        self._closed_servers = set[int]()
        self._bytes = 0
        self.totals = CommitTotals()
        self._arrived = asyncio.Event()
        self._spooled = asyncio.Event()
        self._segment_sealed = asyncio.Event()
        self._export_left = asyncio.Event()
        self._inserting = asyncio.Lock()
        self._stop = asyncio.Event()
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._engine = ThreadPoolExecutor(1, thread_name_prefix="store-insert")
        self._writer: asyncio.Task[None] | None = None
        self._inserter: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take up what an earlier process left, then begin."""
        for segment in await self._on_disk(self._spool.recover):
            self._sealed.append(segment)
            self._bytes += segment.size
            self._hold_recovered(segment)
        self._writer = asyncio.create_task(self._write())
        self._inserter = asyncio.create_task(self._insert())
        for task in (self._writer, self._inserter):
            task.add_done_callback(self._end_by_defect)

    def _end_by_defect(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or (error := task.exception()) is None:
            return
        log.critical("Exports are refused until mcp-obs is started again", exc_info=error)
        # Nobody may be left who would answer those in the queue.
        while self._waiting:
            self._refuse([self._waiting.pop()], _NOT_WORKING)

    def _hold_recovered(self, segment: Segment) -> None:
        size = segment.size // len(segment.digests)
        for digest in segment.digests:
            if digest not in self._in_flight:
                self._in_flight[digest] = _InFlight(_NOBODY, size, None)
                self._budget.add(_NOBODY, size)

    def _let_go(self, digest: bytes) -> None:
        export = self._in_flight.pop(digest, None)
        if export is not None:
            self._budget.give_back(export.org_id, export.size)

    async def stop(self) -> None:
        """Make everything that waits durable and hand it to the engine; what it refuses stays on disk."""
        self._stop.set()
        self._arrived.set()
        if self._writer and self._inserter:
            await self._writer
            self._spooled.set()
            self._segment_sealed.set()
            await self._inserter
        self._disk.shutdown()
        self._engine.shutdown()

    async def commit(self, export: Export) -> None:
        """Return once the export would survive a power loss.

        Raises Overloaded, ExportTooLarge or UnauthenticatedExport; then nothing was kept.
        """
        if export.server_id in self._closed_servers:
            raise UnauthenticatedExport("The server of this API key was deleted.")
        if not self.is_working:
            raise Overloaded(_NOT_WORKING)
        if export.digest in self._recent:
            self.totals.duplicates += 1
            return
        in_flight = self._in_flight.get(export.digest)
        if in_flight:
            self.totals.duplicates += 1
        else:
            in_flight = self._enqueue(export)
        await in_flight.durable()

    def close_server(self, server_id: int) -> None:
        """Take nothing more of this server, not even from a sender whose key was checked before."""
        self._closed_servers.add(server_id)

    async def drain(self) -> None:
        """Return once everything taken before this call is in the engine, or set aside as unreadable."""
        taken = set(self._in_flight)
        while not taken.isdisjoint(self._in_flight):
            self._export_left.clear()
            await self._export_left.wait()

    async def remove_unreadable(self, is_meant: Callable[[int, bytes], bool]) -> None:
        """Delete those exports that the engine could not read whose server and body are meant."""
        await self._on_disk(lambda: self._spool.remove_refused(is_meant))

    @asynccontextmanager
    async def paused(self) -> AsyncGenerator[None]:
        """Hand nothing to the engine meanwhile; exports are still acknowledged."""
        async with self._inserting:
            yield

    async def link_spool(self, folder: Path) -> list[tuple[str, Path, int]]:
        """Hard links in a new folder to what the spool holds: name, link, and how much of it is whole. Raises OSError.

        While paused, nothing of it is in the engine.
        """
        return await self._on_disk(lambda: self._spool.link_to(folder))

    @property
    def waiting_bytes(self) -> int:
        """What was taken and is not in the engine yet."""
        return self._bytes

    async def probe(self) -> None:
        """Whether the spool can be written. Raises OSError."""
        await self._on_disk(self._spool.probe)

    async def census(self) -> Census:
        """What lies on disk. Raises OSError."""
        return await self._on_disk(self._spool.census)

    def _enqueue(self, export: Export) -> _InFlight:
        size = len(export.body) + FRAME_BYTES
        self._budget.check(size)
        self._budget.take(export.org_id, size)
        self._bytes += len(export.body)
        in_flight = self._in_flight[export.digest] = _InFlight(export.org_id, size, [])
        self._waiting.put(export.org_id, _Waiting(export, in_flight))
        self._arrived.set()
        return in_flight

    @property
    def is_working(self) -> bool:
        """Whether exports are taken; not before the start, nor after a defect or the stop."""
        # A task that a defect ended must show as refusals, not as senders that wait for ever.
        tasks = (self._writer, self._inserter)
        return not self._stop.is_set() and all(task is not None and not task.done() for task in tasks)

    async def _write(self) -> None:
        """While one group is being fsynced the next one gathers."""
        while self._waiting or not self._stop.is_set():
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                await self._write_group(self._next_group())

    def _next_group(self) -> list[_Waiting]:
        """In turns between organisations, so that a flood fills many groups and delays another's export by one."""
        group: list[_Waiting] = []
        size = 0
        while self._waiting and size < GROUP_BYTES:
            group.append(waiting := self._waiting.pop())
            size += len(waiting.export.body)
        return group

    async def _write_group(self, group: list[_Waiting]) -> None:
        exports = [waiting.export for waiting in group]
        try:
            written = await self._on_disk(lambda: self._append(exports))
        except OSError as error:
            log.error("The spool can't be written, exports are refused: %s", error)
            self._refuse(group, "The server can't write to its disk: try again later.")
            await self._seal()
            return
        except Exception:
            self._refuse(group, _NOT_WORKING)
            raise
        # Framing adds a few bytes to what was counted when the exports came in.
        self._bytes += written - sum(len(export.body) for export in exports)
        for waiting in group:
            waiting.in_flight.settle()
        self._spooled.set()
        if self._spool.open_bytes >= SEGMENT_BYTES:
            await self._seal()

    def _append(self, exports: list[Export]) -> int:
        frames = (
            frame(
                export.org_id,
                export.server_id,
                export.body,
                export.digest,
                export.window,
                is_as_sent=export.is_as_sent,
            )
            for export in exports
        )
        began = time.perf_counter()
        written = self._spool.append(frames, [export.digest for export in exports])
        self.totals.append_seconds.observe(time.perf_counter() - began)
        return written

    def _refuse(self, group: list[_Waiting], message: str) -> None:
        for waiting in group:
            self._bytes -= len(waiting.export.body)
            self._let_go(waiting.export.digest)
            waiting.in_flight.settle(Overloaded(message))
        self._export_left.set()

    async def _insert(self) -> None:
        while segment := await self._next_segment():
            if not await self._insert_until_done(segment):
                return

    async def _next_segment(self) -> Segment | None:
        """The oldest segment, when it is full or a second has passed; None when the server stops and all is stored."""
        while not self._sealed:
            no_more = self._writer is not None and self._writer.done()
            if not no_more:
                await self._spooled.wait()
                await self._gather()
                self._spooled.clear()
            if not self._sealed:
                await self._seal()
            if not self._sealed and no_more:
                return None
        self._segment_sealed.clear()
        return self._sealed.popleft()

    async def _gather(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(INSERT_EVERY_SECONDS):
                await self._segment_sealed.wait()

    async def _seal(self) -> None:
        segment = await self._on_disk(self._spool.seal)
        if segment:
            self._sealed.append(segment)
            self._segment_sealed.set()

    async def _insert_until_done(self, segment: Segment) -> bool:
        """False when the engine is still away while the server stops; the segment stays on disk."""
        delay = _FIRST_RETRY_SECONDS
        while True:
            try:
                async with self._inserting:
                    await self._insert_or_split(segment)
            except (StoreUnavailableError, *UNAVAILABLE) as error:
                log.error("A batch can't be stored now and stays in the spool: %r", error)
                self.totals.insert_failures += 1
                if self._stop.is_set():
                    return False
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), delay)
                delay = min(delay * 2, _LAST_RETRY_SECONDS)
            else:
                return True

    async def _insert_or_split(self, segment: Segment) -> None:
        try:
            async with self._among.inserting(segment.origin, segment.digests) as elsewhere:
                await asyncio.get_running_loop().run_in_executor(
                    self._engine, self._store_segment, segment, elsewhere
                )
        except BatchRefusedError as error:
            # One export that the engine can't read must not hold up the others.
            parts = await self._on_disk(lambda: self._spool.split(segment))
            if parts:
                self._bytes += sum(part.size for part in parts) - segment.size
                self._sealed.extendleft(reversed(parts))
                return
            unreadable = await self._on_disk(lambda: self._spool.set_aside(segment))
            log.error("The engine can't read an export, it is now in the spool's folder 'refused': %s", error)
            self.totals.refused_exports += 1
            if self._note_unreadable:
                self._note_unreadable(unreadable.org_id, unreadable.server_id)
        self._forget(segment)

    def _forget(self, segment: Segment) -> None:
        self._bytes -= segment.size
        for digest in segment.digests:
            self._let_go(digest)
        self._export_left.set()

    def _store_segment(self, segment: Segment, elsewhere: frozenset[bytes]) -> None:
        # After a crash between the two below, or when one that was set aside twice is put back twice.
        here = {digest for digest in segment.digests if digest in self._recent}
        left_out = elsewhere | here
        batch = self._spool.batch(segment, left_out)
        if batch:
            began = time.perf_counter()
            self._insert_batch(batch, segment.token)
            self.totals.insert_seconds.observe(time.perf_counter() - began)
            self.totals.inserted_bytes += len(batch) if isinstance(batch, bytes) else segment.size
        self.totals.duplicates += len(left_out)
        # First remember, then delete: what a crash between the two leaves is not stored again.
        self._recent.remember(segment.digests)
        self._spool.remove(segment)

    async def _on_disk(self, action: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._disk, action)
