"""Work that keeps everybody else waiting, taken in turns between organisations.

Parsing holds the event loop, in a thread it holds the interpreter. So a flood of 200 connections delays another
organisation's export by the work that is being done and not by the work that waits.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from mcp_obs_server.ingest.fair_queue import FairQueue

T = TypeVar("T")

# After so much work the loop looks at its sockets again: who has arrived meanwhile takes part in the next turns.
SLICE_SECONDS = 0.002


@dataclass(frozen=True)
class _Job:
    work: Callable[[], Any]
    done: "asyncio.Future[Any]"


class LoopTurns:
    """Work of a millisecond or two, done on the event loop: at once while nobody waits."""

    def __init__(self, timer: Callable[[], float] = time.perf_counter) -> None:
        self._timer = timer
        self._waiting: FairQueue[_Job] = FairQueue()
        self._in_slice = False
        self._slice_ends = 0.0

    async def run(self, org_id: int, work: Callable[[], T]) -> T:
        """Do the work; uncontended this costs 1 to 5 microseconds."""
        if not self._in_slice:
            self._in_slice = True
            self._slice_ends = self._timer() + SLICE_SECONDS
            asyncio.get_running_loop().call_soon(self._next_slice)
            return work()
        if not self._waiting and self._timer() < self._slice_ends:
            return work()
        job = _Job(work, asyncio.get_running_loop().create_future())
        self._waiting.put(org_id, job)
        return await job.done

    def _next_slice(self) -> None:
        """One round of the event loop later."""
        if not self._waiting:
            self._in_slice = False
            return
        self._slice_ends = self._timer() + SLICE_SECONDS
        while self._waiting and self._timer() < self._slice_ends:
            _do(self._waiting.pop())
        asyncio.get_running_loop().call_soon(self._next_slice)


class ThreadTurns:
    """Longer work, done in one thread."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="long-exports")
        self._waiting: FairQueue[_Job] = FairQueue()
        self._busy = False

    async def run(self, org_id: int, work: Callable[[], T]) -> T:
        """Do the work when the thread is free and it is this organisation's turn."""
        job = _Job(work, asyncio.get_running_loop().create_future())
        self._waiting.put(org_id, job)
        self._start()
        return await job.done

    def close(self) -> None:
        """End the thread once its work is done."""
        self._thread.shutdown()

    def _start(self) -> None:
        while self._waiting and not self._busy:
            job = self._waiting.pop()
            if not job.done.cancelled():
                self._busy = True
                running = asyncio.get_running_loop().run_in_executor(self._thread, job.work)
                running.add_done_callback(partial(self._finish, job))

    def _finish(self, job: _Job, ran: "asyncio.Future[Any]") -> None:
        self._busy = False
        _settle(job, ran.result)
        self._start()


@dataclass(frozen=True)
class Turns:
    """Where work is done, by how long it takes."""

    loop: LoopTurns
    thread: ThreadTurns


def _do(job: _Job) -> None:
    # The sender may have gone away meanwhile.
    if not job.done.cancelled():
        _settle(job, job.work)


def _settle(job: _Job, result: Callable[[], Any]) -> None:
    if job.done.cancelled():
        return
    try:
        value = result()
    except Exception as error:  # noqa: BLE001  whoever waits raises it
        job.done.set_exception(error)
    else:
        job.done.set_result(value)
