"""The demo's child processes: started, watched, and stopped whatever happens."""

import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

import anyio
import click
from anyio.abc import Process

from mcp_obs_server.commands.demo.addresses import HOST

START_SECONDS = 60
STOP_SECONDS = 8
TAIL_LINES = 15
CONFIGURING = ("MCP_OBS_", "OTEL_", "FASTMCP_", "DO_NOT_TRACK")


class ChildDied(click.ClickException):
    """A child process ended while it was needed."""


@dataclass(frozen=True)
class Child:
    """One running process and the file that holds its output."""

    name: str
    process: Process
    log: Path

    def died(self) -> ChildDied:
        """The error that tells how this child ended, with the end of its log."""
        return ChildDied(f"{self.name} ended with {ending(self.process.returncode)}.\n{tail(self.log)}")


class Children:
    """Every process of one demo. Leaving the context stops them, the last started first."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: list[Child] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with anyio.CancelScope(shield=True):
            while self._children:
                await self.stop(self._children[-1])

    async def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> Child:
        """Start a process in its own session, so that a Ctrl-C in the terminal reaches only the demo."""
        log = self.log(name)
        with log.open("wb") as output:
            process = await anyio.open_process(
                command,
                stdin=None,
                stdout=output,
                stderr=output,
                env={**inherited_environment(), **environment},
                start_new_session=True,
            )
        child = Child(name, process, log)
        self._children.append(child)
        return child

    def log(self, name: str) -> Path:
        """The file that takes the output of the process of this name."""
        return self._logs / f"{name}.log"

    async def watch(self) -> NoReturn:
        """Wait until a child ends by itself.

        Raises:
            ChildDied: always, naming the first that ended.
        """
        async with anyio.create_task_group() as tasks:
            for child in list(self._children):
                tasks.start_soon(raise_when_ended, child)
        raise AssertionError("every watched child raises")

    async def stop(self, child: Child) -> None:
        """End one child: politely first, by force when it takes too long."""
        self._children.remove(child)
        process = child.process
        if process.returncode is None:
            process.terminate()
            with anyio.move_on_after(STOP_SECONDS):
                await process.wait()
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        await process.aclose()


async def listening(child: Child, port: int) -> None:
    """Wait until the child accepts connections.

    Raises:
        ChildDied: it ended instead.
        click.ClickException: it did not within a minute.
    """
    with anyio.move_on_after(START_SECONDS):
        while True:
            if child.process.returncode is not None:
                raise child.died()
            try:
                stream = await anyio.connect_tcp(HOST, port)
            except OSError:
                await anyio.sleep(0.05)
                continue
            await stream.aclose()
            return
    raise click.ClickException(f"{child.name} does not listen on port {port}.\n{tail(child.log)}")


async def raise_when_ended(child: Child) -> NoReturn:
    """Wait for the child's end and raise it."""
    await child.process.wait()
    raise child.died()


def inherited_environment() -> dict[str, str]:
    """This process's environment without what configures telemetry or sends local requests elsewhere.

    DO_NOT_TRACK goes too: here the calls are the demo's own, and they stay on this machine.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(CONFIGURING)}
    return {**kept, "NO_PROXY": HOST, "no_proxy": HOST}


def ending(returncode: int | None) -> str:
    """An exit status in words."""
    if returncode is not None and returncode < 0:
        return signal.Signals(-returncode).name
    return f"exit code {returncode}"


def tail(log: Path) -> str:
    """The last lines of a log, indented."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(f"  {line}" for line in lines[-TAIL_LINES:]) or "  (it wrote nothing)"
