"""Real exporters of OpenTelemetry's SDKs, each in a process of its own."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

SENDERS = Path(__file__).parent / "senders"
SECONDS = 60


@dataclass(frozen=True)
class Exporter:
    """A span exporter; `str(exporter)` is its name in a test's id."""

    name: str
    command: tuple[str | Path, ...]
    timeout: str
    """For all its tries together; Python reads seconds, JavaScript milliseconds."""
    is_grpc: bool = False
    retries: bool = True

    def __str__(self) -> str:
        return self.name


def _python(protocol: str) -> Exporter:
    command = (sys.executable, SENDERS / "python_sdk.py", protocol)
    return Exporter(f"Python {protocol}", command, f"{SECONDS}", protocol == "grpc")


def _javascript(protocol: str, retries: bool = True) -> Exporter:
    command = ("node", SENDERS / "javascript" / "sdk.mjs", protocol)
    return Exporter(f"JavaScript {protocol}", command, f"{SECONDS}000", protocol == "grpc", retries)


EXPORTERS = (
    _python("http"),
    _python("grpc"),
    _javascript("json"),
    _javascript("protobuf"),
    # It hands every failure to its caller, and tries nothing again.
    _javascript("grpc", retries=False),
)


def environment(endpoint: str, key: str) -> dict[str, str]:
    """What configures every SDK's exporters."""
    return {
        **os.environ,
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{key}",
        "OTEL_SERVICE_NAME": "sender",
    }


class Sender:
    """A running one."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def export(self, seconds_ago: int = 60) -> str:
        """What the exporter says of the export of one span: success or failure."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(b"%d\n" % seconds_ago)
        line = await asyncio.wait_for(self._process.stdout.readline(), SECONDS)
        return line.decode().strip()


@asynccontextmanager
async def started(exporter: Exporter, endpoint: str, key: str) -> AsyncGenerator[Sender]:
    """The exporter, sending there."""
    variables = environment(endpoint, key) | {"OTEL_EXPORTER_OTLP_TIMEOUT": exporter.timeout}
    async with running(*exporter.command, variables=variables) as process:
        yield Sender(process)


@asynccontextmanager
async def running(*command: str | Path, variables: dict[str, str]) -> AsyncGenerator[Process]:
    """The process, until the block ends or it does."""
    process = await asyncio.create_subprocess_exec(
        *command, env=variables, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
