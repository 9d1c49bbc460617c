"""Real exporters while the server that they send to is killed and started again."""

import asyncio
import os
import signal
from contextlib import AbstractContextManager, AsyncExitStack
from functools import partial
from pathlib import Path

from ports import reserved_port
from sender import EXPORTERS, Exporter, Plan, Sender, started
from server_process import Running, counts, new_key
from server_process import running as running_server
from waiting import until


async def test_while_the_server_is_killed_and_started_again_nothing_is_lost_or_stored_twice(
    tmp_path: Path,
) -> None:
    async with AsyncExitStack() as stack:
        port, grpc_port = (stack.enter_context(reserved_port()) for _ in range(2))

        def start() -> AbstractContextManager[Running]:
            return running_server(tmp_path, port, MCP_OBS_GRPC_PORT=str(grpc_port))

        with start() as server:
            key = new_key(server, tmp_path)
            senders = {each: await stack.enter_async_context(started(each.program)) for each in EXPORTERS}

            async def succeeds(exporter: Exporter, sender: Sender) -> bool:
                address = f"http://127.0.0.1:{grpc_port if exporter.is_grpc else port}"
                said = await sender.export(exporter.protocol, address, key, Plan(seconds=120))
                return said["traces"].outcome == "success"

            assert all([await succeeds(*each) for each in senders.items()])
            os.kill(server.process.pid, signal.SIGKILL)
        again = [asyncio.create_task(succeeds(*each)) for each in senders.items()]
        server = await asyncio.to_thread(stack.enter_context, start())
        outcomes = dict(zip(senders, await asyncio.gather(*again), strict=True))
        assert all(
            succeeded for exporter, succeeded in outcomes.items() if exporter.program.language == "Python"
        )
        for exporter, succeeded in outcomes.items():
            if not succeeded:
                # JavaScript's give up after 13 s, which a slow machine may take to start a server, and the one
                # without retries at once, until its channel looks again.
                await until(partial(succeeds, exporter, senders[exporter]))
        server.process.terminate()
        await asyncio.to_thread(server.process.wait, 30)

    found = counts(tmp_path)
    assert found["spans"] == found["different"] == 2 * len(senders)
