"""Real exporters of OpenTelemetry's SDKs, in a process for each language."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from mcp_obs_server.ingest.signal import SignalName

SENDERS = Path(__file__).parent / "senders"
_ANSWER_SECONDS = 180

Wire = Literal["http/protobuf", "http/json", "grpc"]


@dataclass(frozen=True)
class Program:
    """What exports by an SDK."""

    language: str
    command: tuple[str | Path, ...]
    second: int = 1000
    """In the unit in which the SDK reads OTEL_EXPORTER_OTLP_TIMEOUT."""


@dataclass(frozen=True)
class Exporter:
    """The exporters of an SDK over one protocol, one a signal; `str(exporter)` is its name in a test's id."""

    program: Program
    protocol: Wire
    retries: bool = True
    quotes: bool = True
    """Whether it logs, or hands to its caller, what a refusal says."""

    def __str__(self) -> str:
        return f"{self.program.language} {self.protocol.removeprefix('http/')}"

    @property
    def is_grpc(self) -> bool:
        """Whether it speaks OTLP/gRPC, and not OTLP/HTTP."""
        return self.protocol == "grpc"


_OTHERS = Path(__file__).parents[2] / ".venv-senders" / "bin"
PYTHON = Program("Python", (sys.executable, SENDERS / "python_sdk.py"), second=1)
# Its exporters over HTTP/JSON need other versions of what they stand on.
PYTHON_JSON = Program("Python", (_OTHERS / "python", SENDERS / "python_sdk.py"), second=1)
JAVASCRIPT = Program("JavaScript", ("node", SENDERS / "javascript" / "sdk.mjs"))
RUST = Program("Rust", (_OTHERS / "deno", "run", "--quiet", SENDERS / "rust_sdk.ts"))

EXPORTERS = (
    Exporter(PYTHON, "http/protobuf", quotes=False),
    Exporter(PYTHON_JSON, "http/json", quotes=False),
    Exporter(PYTHON, "grpc"),
    Exporter(JAVASCRIPT, "http/protobuf"),
    Exporter(JAVASCRIPT, "http/json"),
    # It hands every failure to its caller, and tries nothing again.
    Exporter(JAVASCRIPT, "grpc", retries=False),
)
SILENT_EXPORTERS = (
    Exporter(RUST, "http/protobuf", retries=False, quotes=False),
    Exporter(RUST, "http/json", retries=False, quotes=False),
    Exporter(RUST, "grpc", retries=False, quotes=False),
)
"""They say nothing of what became of an export."""


@dataclass(frozen=True)
class Plan:
    """An export of each of these signals, at the same time."""

    signals: tuple[SignalName, ...] = ("traces",)
    ages: tuple[int, ...] = (60,)
    """An item each, in seconds."""
    text_bytes: int = 0
    """Of an attribute of each item."""
    depth: int = 0
    """How many lists another attribute is in."""
    is_gzip: bool = False
    seconds: float = 60
    """For all tries together."""


@dataclass(frozen=True)
class Said:
    """What an exporter says of an export."""

    outcome: Literal["success", "failure"]
    said: str
    """What it logged, and its error."""


def environment(endpoint: str, key: str) -> dict[str, str]:
    """What configures every SDK's exporters."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{key}",
        "OTEL_SERVICE_NAME": "sender",
    }


class Sender(Protocol):
    """What carries out plans."""

    async def export(self, protocol: Wire, endpoint: str, key: str, plan: Plan) -> Mapping[SignalName, Said]:
        """Export by exporters that know nothing but this address and this key; what those say that say something."""
        ...


class RunningSender:
    """A process that takes a plan a line."""

    def __init__(self, program: Program, process: Process) -> None:
        self._program = program
        self._process = process

    async def export(self, protocol: Wire, endpoint: str, key: str, plan: Plan) -> Mapping[SignalName, Said]:
        """By the exporters of the last plan, when they had the same address, key and protocol."""
        assert self._process.stdin
        assert self._process.stdout
        variables = environment(endpoint, key) | _variables(self._program, plan)
        order = {**asdict(plan), "protocol": protocol, "environment": variables}
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        line = await asyncio.wait_for(self._process.stdout.readline(), _ANSWER_SECONDS)
        answers: dict[SignalName, dict[str, Any]] = json.loads(line)
        return {signal: Said(**answer) for signal, answer in answers.items()}


class SenderAtExit:
    """A process for each plan, which exports when it ends."""

    def __init__(self, program: Program) -> None:
        self._program = program

    async def export(self, protocol: Wire, endpoint: str, key: str, plan: Plan) -> Mapping[SignalName, Said]:
        """Until everything was sent."""
        variables = environment(endpoint, key) | _variables(self._program, plan)
        variables |= {
            "OTEL_DENO": "true",
            "OTEL_DENO_CONSOLE": "replace",
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            # Over gRPC it takes a header as it is.
            "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer {key}",
        }
        async with running(*self._program.command, json.dumps(asdict(plan)), variables=variables) as process:
            await asyncio.wait_for(process.communicate(), _ANSWER_SECONDS)
        assert process.returncode == 0
        return {}


def _variables(program: Program, plan: Plan) -> dict[str, str]:
    timeout = {"OTEL_EXPORTER_OTLP_TIMEOUT": f"{plan.seconds * program.second:g}"}
    return timeout | ({"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"} if plan.is_gzip else {})


@asynccontextmanager
async def started(program: Program) -> AsyncGenerator[Sender]:
    """The program, ready for plans."""
    if program is RUST:
        yield SenderAtExit(program)
        return
    async with running(*program.command, variables={}) as process:
        yield RunningSender(program, process)


@asynccontextmanager
async def running(*command: str | Path, variables: dict[str, str]) -> AsyncGenerator[Process]:
    """The process, until the block ends or it does."""
    process = await asyncio.create_subprocess_exec(
        *command, env=os.environ | variables, stdin=PIPE, stdout=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
