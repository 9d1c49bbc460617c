"""What real exporters make of every kind of answer: rows 5, 7, 8, 13 and 14 of the checklist, from the other side."""

import asyncio
import os
import signal
import socket
import sys
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from mcp_obs_server.ingest.errors import Overloaded, RateLimited
from mcp_obs_server.ingest.passage import Passage
from mcp_obs_server.ingest.reason import Reason
from mcp_obs_server.ingest.receiver import Receiver
from mcp_obs_server.store import TelemetryStore
from otlp_door import KEY, Door, open_door
from sender import EXPORTERS, SENDERS, Exporter, Sender, environment, running, started
from server_process import Running, counts, new_key
from server_process import running as running_server
from waiting import until

DAY = 86_400
each_exporter = pytest.mark.parametrize("exporter", EXPORTERS, ids=str)
retrying = pytest.mark.parametrize("exporter", [each for each in EXPORTERS if each.retries], ids=str)

Take = Callable[[], Awaitable[Mapping[Reason, int]]]
Mood = Callable[[Take], Awaitable[Mapping[Reason, int]]]


class Moody(Receiver):
    """A receiver that has a mood for each of the first exports."""

    moods: deque[Mood]
    exports = 0

    async def take(self, passage: Passage, body: bytes, is_json: bool) -> Mapping[Reason, int]:
        self.exports += 1
        mood = self.moods.popleft() if self.moods else _good

        async def take() -> Mapping[Reason, int]:
            return await super(Moody, self).take(passage, body, is_json)

        return await mood(take)


async def _good(take: Take) -> Mapping[Reason, int]:
    return await take()


async def overloaded(_: Take) -> Mapping[Reason, int]:
    raise soon()


async def rate_limited(_: Take) -> Mapping[Reason, int]:
    raise RateLimited("Too fast: try again in 1 s.", 1)


async def kept_but_not_told(take: Take) -> Mapping[Reason, int]:
    await take()
    raise soon()


def soon() -> Overloaded:
    """What a test has the patience for."""
    error = Overloaded("Try again in 1 s.")
    error.retry_after_seconds = 1
    return error


@asynccontextmanager
async def sending(
    folder: Path, store: TelemetryStore, org_id: int, exporter: Exporter, *moods: Mood, key: str = KEY
) -> AsyncGenerator[tuple[Sender, Door, Moody]]:
    """An exporter and the receiver that it sends to."""
    async with open_door(folder, store, org_id, now=None, receiver_type=Moody) as door:
        assert isinstance(door.receiver, Moody)
        door.receiver.moods = deque(moods)
        endpoint = f"http://{door.grpc_address}" if exporter.is_grpc else door.url
        async with started(exporter, endpoint, key) as sender:
            yield sender, door, door.receiver


@each_exporter
async def test_success_is_sent_once(
    tmp_path: Path, store: TelemetryStore, org_id: int, exporter: Exporter
) -> None:
    async with sending(tmp_path, store, org_id, exporter) as (sender, door, receiver):
        assert [await sender.export(), await sender.export()] == ["success"] * 2
        assert receiver.exports == 2
        assert await door.spans("name") == [{"name": "tools/call add"}] * 2


@each_exporter
async def test_a_partial_success_is_not_sent_again(
    tmp_path: Path, store: TelemetryStore, org_id: int, exporter: Exporter
) -> None:
    async with sending(tmp_path, store, org_id, exporter) as (sender, door, receiver):
        assert await sender.export(seconds_ago=31 * DAY) == "success"
        assert receiver.exports == 1
        assert await door.spans() == []


@retrying
@pytest.mark.parametrize("mood", [overloaded, rate_limited, kept_but_not_told])
async def test_what_may_be_retried_is_sent_again_and_stored_once(
    tmp_path: Path, store: TelemetryStore, org_id: int, exporter: Exporter, mood: Mood
) -> None:
    async with sending(tmp_path, store, org_id, exporter, mood) as (sender, door, receiver):
        assert await sender.export() == "success"
        assert receiver.exports == 2
        assert len(await door.spans("name")) == 1


async def test_an_exporter_that_does_not_retry_says_that_it_failed(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    (exporter,) = (each for each in EXPORTERS if not each.retries)
    moods = (overloaded, rate_limited)
    async with sending(tmp_path, store, org_id, exporter, *moods) as (sender, door, receiver):
        assert [await sender.export() for _ in range(3)] == ["failure", "failure", "success"]
        assert receiver.exports == 3
        assert len(await door.spans("name")) == 1


@each_exporter
async def test_a_wrong_key_is_a_failure_at_once(
    tmp_path: Path, store: TelemetryStore, org_id: int, exporter: Exporter
) -> None:
    async with sending(tmp_path, store, org_id, exporter, key="wrong") as (sender, door, _):
        assert await sender.export() == "failure"
        assert sum(count.exports for count in door.rejections.totals().values()) == 1


@pytest.mark.parametrize("protocol", ["http", "grpc"])
async def test_pythons_exporters_of_every_signal_are_understood(now_door: Door, protocol: str) -> None:
    endpoint = now_door.url if protocol == "http" else f"http://{now_door.grpc_address}"
    command = (sys.executable, SENDERS / "python_signals.py", protocol)
    async with running(*command, variables=environment(endpoint, KEY)) as process:
        _, errors = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, errors.decode()) == (0, "")
    assert await now_door.spans("tool, scope_name") == [{"tool": "", "scope_name": "python"}]
    assert await now_door.metric_points("metric_name, int_value") == [
        {"metric_name": "tool.calls", "int_value": 3}
    ]
    assert await now_door.logs("event_name, body") == [{"event_name": "tool_result", "body": "called"}]


@pytest.mark.parametrize("protocol", ["http", "grpc"])
async def test_rusts_exporters_are_understood(
    tmp_path: Path, store: TelemetryStore, org_id: int, protocol: str
) -> None:
    arrived = asyncio.Event()

    class Watched(Receiver):
        async def take(self, passage: Passage, body: bytes, is_json: bool) -> Mapping[Reason, int]:
            taken = await super().take(passage, body, is_json)
            arrived.set()
            return taken

    async with open_door(tmp_path, store, org_id, now=None, receiver_type=Watched) as door:
        endpoint = door.url if protocol == "http" else f"http://{door.grpc_address}"
        command = (sys.executable, SENDERS / "rust_sdk.py", protocol)
        async with running(*command, variables=environment(endpoint, KEY)), asyncio.timeout(60):
            await arrived.wait()
        (point, *_) = await door.metric_points(
            "metric_name, int_value, attributes['tool'] AS tool,"
            " resource_attributes['telemetry.sdk.language'] AS language"
        )
        assert point == {"metric_name": "tool.calls", "int_value": 3, "tool": "add", "language": "rust"}


async def _succeeds(sender: Sender) -> bool:
    return await sender.export() == "success"


def free_ports() -> tuple[int, int]:
    """Two that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


async def test_while_the_server_is_killed_and_started_again_nothing_is_lost_or_stored_twice(
    tmp_path: Path,
) -> None:
    port, grpc_port = free_ports()
    endpoints = {False: f"http://127.0.0.1:{port}", True: f"http://127.0.0.1:{grpc_port}"}

    def start() -> AbstractContextManager[Running]:
        return running_server(tmp_path, port, MCP_OBS_GRPC_PORT=str(grpc_port))

    async with AsyncExitStack() as stack:
        with start() as server:
            key = new_key(server, tmp_path)
            senders = {
                each: await stack.enter_async_context(started(each, endpoints[each.is_grpc], key))
                for each in EXPORTERS
            }
            assert [await sender.export() for sender in senders.values()] == ["success"] * len(senders)
            os.kill(server.process.pid, signal.SIGKILL)
        again = [asyncio.create_task(sender.export()) for sender in senders.values()]
        server = await asyncio.to_thread(stack.enter_context, start())
        outcomes = dict(zip(senders, await asyncio.gather(*again), strict=True))
        assert {str(each) for each in senders if outcomes[each] == "success"} >= {
            "Python http",
            "Python grpc",
        }
        for exporter, sender in senders.items():
            if outcomes[exporter] == "failure":
                # JavaScript's give up after 13 s, which a slow machine may take to start a server, and the one
                # without retries at once, until its channel looks again.
                await until(partial(_succeeds, sender))
        server.process.terminate()
        await asyncio.to_thread(server.process.wait, 30)

    found = counts(tmp_path)
    assert found["spans"] == found["different"] == 2 * len(senders)
