"""The server as its users run it: a process that speaks over its standard streams."""

import json
import os
import select
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio.to_thread
import pytest
from mcp import Client, MCPError, StdioServerParameters

from claude_code_mcp.tests.stage import STAND_IN, said

pytestmark = pytest.mark.anyio
PACKAGES = Path(__file__).parent.parent.parent
PATIENCE_MILLISECONDS = 60_000
# What it was told to do after it was started, the agent does to the end; its death closes the pipe.
AGENT = '#!/bin/sh\nexec 3>"{pipe}"\nexec "{python}" "{stand_in}" "$@"\n'
SERVER = 'echo $$ > "{pid}"; exec "{python}" -m claude_code_mcp'


class Machine:
    """Where the servers of a test run, one after another, and what they leave."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        pipe = folder / "pipe"
        os.mkfifo(pipe)
        self._end_of_pipe = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        self._agent = folder / "agent"
        self._agent.write_text(AGENT.format(pipe=pipe, python=sys.executable, stand_in=STAND_IN))
        self._agent.chmod(0o700)

    @asynccontextmanager
    async def server(self) -> AsyncGenerator[Client]:
        """A server and its client."""
        environment = {
            "PYTHONPATH": str(PACKAGES),
            "CLAUDE_CODE_BINARY": str(self._agent),
            "CLAUDE_CODE_MCP_DATA": str(self._folder / "data"),
            "STAND_IN_HOME": str(self._folder / "stand-in"),
        }
        script = SERVER.format(pid=self._folder / "pid", python=sys.executable)
        command = StdioServerParameters(command="/bin/sh", args=["-c", script], env=environment)
        async with Client(command, read_timeout_seconds=PATIENCE_MILLISECONDS / 1000) as client:
            yield client

    def kill_the_server(self) -> None:
        """End it where it stands."""
        os.kill(int((self._folder / "pid").read_text()), signal.SIGKILL)

    async def wait_for_the_agents_end(self) -> None:
        """Return when no agent is left."""
        poll = select.poll()
        poll.register(self._end_of_pipe, select.POLLHUP)
        assert await anyio.to_thread.run_sync(poll.poll, PATIENCE_MILLISECONDS)

    def close(self) -> None:
        """Let go of the pipe."""
        os.close(self._end_of_pipe)


@pytest.fixture
def machine(tmp_path: Path):
    started = Machine(tmp_path)
    yield started
    started.close()


async def test_a_session_streams_and_is_restored_by_the_next_server(machine: Machine):
    heard: list[tuple[float, str | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, message))

    async with machine.server() as client:
        await client.call_tool("start_session", {"prompt": "Hi"}, progress_callback=note)
        kept = await client.call_tool("create_checkpoint", {"label": "one"})
    await machine.wait_for_the_agents_end()
    async with machine.server() as client:
        listed = await client.call_tool("list_sessions", {})
        checkpoint_id = json.loads(said(kept))["id"]
        going_on = {"checkpoint_id": checkpoint_id, "prompt": "Go on"}
        restored = await client.call_tool("restore_checkpoint", going_on)
    assert heard == [(1, "Let me see."), (2, "That is prompt 1: Hi")]
    assert '"interrupted"' in said(listed)
    assert "That is prompt 2: Go on" in said(restored)


async def test_a_killed_server_leaves_no_agent_and_its_sessions_are_lost_but_for_checkpoints(
    machine: Machine,
):
    async with machine.server() as client:
        session_id = json.loads(said(await client.call_tool("start_session", {"prompt": "Hi"})))["session_id"]
        await client.call_tool("create_checkpoint", {})
        machine.kill_the_server()
        with pytest.raises(MCPError):
            await client.call_tool("list_sessions", {})
    await machine.wait_for_the_agents_end()
    async with machine.server() as client:
        gone = await client.call_tool("send_message", {"prompt": "And now?", "session_id": session_id})
        restored = await client.call_tool("restore_checkpoint", {"prompt": "Go on"})
    assert "does not run any more: it is lost. restore_checkpoint goes on from one of its" in said(gone)
    assert "That is prompt 2: Go on" in said(restored)
