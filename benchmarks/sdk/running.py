"""A contender's server as a running process."""

import os
import subprocess
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmarks.load import ROOT
from benchmarks.processes import cpu_clock, thread_clock
from benchmarks.receivers.receiver import free_port, until_it_answers
from benchmarks.sdk.calls import Calls, HttpCalls, MemoryCalls, StdioCalls
from benchmarks.sdk.contenders import Contender

Transport = Literal["memory", "stdio", "http"]
TRANSPORTS: tuple[Transport, ...] = ("memory", "stdio", "http")
# More, on few cores, boot so slowly that a client may have given up by then.
_BOOTING_AT_ONCE = 4
_NOTHING: Mapping[str, str] = {}
_TELEMETRY = ("OTEL_", "MCP_OBS_", "SENTRY_", "LOGFIRE_", "FASTMCP_", "DO_NOT_TRACK")


@dataclass(frozen=True)
class Running:
    """What can be asked of it."""

    contender: Contender
    process: "subprocess.Popen[bytes]"
    calls: Calls

    def cpu_seconds(self) -> float:
        """What the process has used, all its threads together."""
        return cpu_clock(self.process.pid)

    def thread_seconds(self) -> float:
        """What its first thread has used, the one that answers."""
        return thread_clock(self.process.pid)


@contextmanager
def running(
    contender: Contender,
    endpoint: str,
    transport: Transport,
    folder: Path,
    below: Sequence[str] = (),
    settings: Mapping[str, str] = _NOTHING,
) -> Generator[Running]:
    """Started, `below` a program where one is named, and killed when it is not over by then."""
    port = free_port()
    log = folder / f"{contender.name} {transport}.log"
    command = [*below, contender.python, "-m", "benchmarks.sdk.server", contender.name, endpoint, transport]
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            [*command, str(port)] if transport == "http" else command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**environment(folder), **settings},
            cwd=ROOT,
        ) as process,
    ):
        try:
            if transport == "http":
                until_it_answers(process, port, log)
                with closing(HttpCalls(port)) as calls:
                    yield Running(contender, process, calls)
            else:
                calls = MemoryCalls(process) if transport == "memory" else StdioCalls(process)
                yield Running(contender, process, calls)
        finally:
            process.kill()


@contextmanager
def all_running(
    contenders: Sequence[Contender], endpoint: Callable[[Contender, Transport], str], folder: Path
) -> Generator[Mapping[Transport, Sequence[Running]]]:
    """A server of each on every transport, a few started side by side: each takes 2 s by itself."""
    with ExitStack() as stack:

        def start(contender: Contender, transport: Transport) -> Running:
            server = stack.enter_context(
                running(contender, endpoint(contender, transport), transport, folder)
            )
            # Over stdio nothing else tells that it is there.
            server.calls.call("empty", 1)
            return server

        with ThreadPoolExecutor(_BOOTING_AT_ONCE) as pool:
            starting: dict[Transport, list[Future[Running]]] = {
                transport: [pool.submit(start, each, transport) for each in contenders]
                for transport in TRANSPORTS
            }
        yield {transport: [each.result() for each in beside] for transport, beside in starting.items()}


def environment(folder: Path) -> Mapping[str, str]:
    """This one's, with no telemetry asked for in it, and a home to write to."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_TELEMETRY)}
    return {**kept, "PYTHONPATH": str(ROOT), "HOME": str(folder)}
