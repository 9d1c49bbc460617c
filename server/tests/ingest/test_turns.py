"""The order in which organisations' work is done."""

import asyncio
import threading
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_obs_server.ingest.errors import MalformedExport
from mcp_obs_server.ingest.fair_queue import FairQueue
from mcp_obs_server.ingest.turns import SLICE_SECONDS, LoopTurns, ThreadTurns

FLOOD, VICTIM, THIRD = 1, 2, 3


def popped(queue: FairQueue[str]) -> list[str]:
    out: list[str] = []
    while queue:
        out.append(queue.pop())
    return out


def test_whoever_comes_late_waits_for_one_of_the_others_and_not_for_all() -> None:
    queue = FairQueue[str]()
    for number in range(200):
        queue.put(FLOOD, f"flood {number}")
    queue.put(VICTIM, "victim 0")
    queue.put(VICTIM, "victim 1")
    queue.put(THIRD, "third 0")
    order = popped(queue)
    assert order[:6] == ["flood 0", "victim 0", "third 0", "flood 1", "victim 1", "flood 2"]
    assert order[6:] == [f"flood {number}" for number in range(3, 200)]


@given(st.lists(st.integers(1, 5), max_size=80))
def test_within_an_organisation_the_order_is_that_of_arrival_and_nobody_is_passed_over(
    arrivals: list[int],
) -> None:
    queue = FairQueue[tuple[int, int]]()
    for number, org_id in enumerate(arrivals):
        queue.put(org_id, (org_id, number))
    order: list[tuple[int, int]] = []
    while queue:
        order.append(queue.pop())
    assert sorted(order, key=lambda each: each[1]) == list(zip(arrivals, range(len(arrivals)), strict=True))
    for org_id in set(arrivals):
        own = [number for org, number in order if org == org_id]
        assert own == sorted(own)
        # The n-th of an organisation waits for at most n of each other.
        for rank, number in enumerate(own):
            before = [org for org, _ in order[: order.index((org_id, number))]]
            assert all(before.count(other) <= rank + 1 for other in set(before))


class Work:
    """Work that takes its time on a clock in the test's hands, and notes when it was done."""

    def __init__(self) -> None:
        self.now = 0.0
        self.done: list[str] = []

    def __call__(self, name: str, seconds: float) -> Callable[[], str]:
        def work() -> str:
            self.now += seconds
            self.done.append(name)
            return name

        return work

    def timer(self) -> float:
        return self.now


async def test_while_nobody_waits_work_is_done_at_once() -> None:
    work = Work()
    turns = LoopTurns(work.timer)
    running = turns.run(FLOOD, work("first", SLICE_SECONDS / 4))
    with pytest.raises(StopIteration) as finished:
        running.send(None)
    assert finished.value.value == "first"


async def test_an_export_beside_a_flood_is_done_after_one_of_the_flood_s() -> None:
    work = Work()
    turns = LoopTurns(work.timer)
    flood = [
        asyncio.create_task(turns.run(FLOOD, work(f"flood {number}", SLICE_SECONDS))) for number in range(200)
    ]
    await asyncio.sleep(0)
    assert await turns.run(VICTIM, work("victim", SLICE_SECONDS)) == "victim"
    assert work.done.index("victim") <= 2
    await asyncio.gather(*flood)
    assert [name for name in work.done if name != "victim"] == [f"flood {number}" for number in range(200)]


async def test_the_loop_looks_at_its_sockets_after_every_slice() -> None:
    work = Work()
    turns = LoopTurns(work.timer)
    flood = [
        asyncio.create_task(turns.run(FLOOD, work(f"{number}", SLICE_SECONDS / 4))) for number in range(40)
    ]
    done = [0]
    while done[-1] < 40:
        await asyncio.sleep(0)
        done.append(len(work.done))
    assert max(after - before for before, after in pairwise(done)) <= 8
    await asyncio.gather(*flood)


@pytest.fixture(params=["loop", "thread"])
def turns(request: pytest.FixtureRequest) -> LoopTurns | ThreadTurns:
    if request.param == "loop":
        return LoopTurns(Work().timer)
    threads = ThreadTurns()
    request.addfinalizer(threads.close)
    return threads


async def test_what_the_work_raises_reaches_its_sender_and_nobody_else(
    turns: LoopTurns | ThreadTurns,
) -> None:
    def malformed() -> str:
        raise MalformedExport("not OTLP")

    outcomes = await asyncio.gather(
        *(turns.run(FLOOD, work) for work in (lambda: "one", malformed, lambda: "three")),
        return_exceptions=True,
    )
    assert [str(outcome) for outcome in outcomes] == ["one", "not OTLP", "three"]


async def test_work_whose_sender_went_away_is_not_done() -> None:
    work = Work()
    turns = LoopTurns(work.timer)
    tasks = [asyncio.create_task(turns.run(FLOOD, work(f"{number}", SLICE_SECONDS))) for number in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.wait(tasks)
    assert work.done == ["0", "2"]


async def test_the_thread_does_one_at_a_time_in_turns_and_goes_on_after_a_sender_went_away() -> None:
    turns, done, free = ThreadTurns(), list[str](), threading.Event()

    def work(name: str) -> Callable[[], None]:
        def note() -> None:
            assert free.wait(10)
            done.append(name)

        return note

    tasks = [asyncio.create_task(turns.run(FLOOD, work(f"flood {number}"))) for number in range(4)]
    await asyncio.sleep(0)
    tasks.append(asyncio.create_task(turns.run(VICTIM, work("victim"))))
    await asyncio.sleep(0)
    tasks[0].cancel()
    tasks[2].cancel()
    await asyncio.sleep(0)
    free.set()
    await asyncio.wait(tasks, timeout=10)
    turns.close()
    assert done == ["flood 0", "flood 1", "victim", "flood 3"]
