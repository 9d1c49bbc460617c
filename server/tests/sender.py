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
from typing import Any, Literal

from mcp_obs_server.ingest.signal import SignalName

SENDERS = Path(__file__).parent / "senders"
_ANSWER_SECONDS = 90

Protocol = Literal["http/protobuf", "http/json", "grpc"]


@dataclass(frozen=True)
class Language:
    """An SDK; its program carries out plans, a line each."""

    name: str
    command: tuple[str | Path, ...]
    second: int = 1
    """In the unit of OTEL_EXPORTER_OTLP_TIMEOUT."""


@dataclass(frozen=True)
class Exporter:
    """The exporters of an SDK over one protocol, one a signal; `str(exporter)` is its name in a test's id."""

    language: Language
    protocol: Protocol
    retries: bool = True
    quotes: bool = True
    """Whether it logs, or hands to its caller, what a refusal says."""

    def __str__(self) -> str:
        return f"{self.language.name} {self.protocol.removeprefix('http/')}"

    @property
    def is_grpc(self) -> bool:
        """Whether it speaks OTLP/gRPC, and not OTLP/HTTP."""
        return self.protocol == "grpc"


PYTHON = Language("Python", (sys.executable, SENDERS / "python_sdk.py"))
JAVASCRIPT = Language("JavaScript", ("node", SENDERS / "javascript" / "sdk.mjs"), second=1000)

EXPORTERS = (
    Exporter(PYTHON, "http/protobuf", quotes=False),
    Exporter(PYTHON, "grpc"),
    Exporter(JAVASCRIPT, "http/protobuf"),
    Exporter(JAVASCRIPT, "http/json"),
    # It hands every failure to its caller, and tries nothing again.
    Exporter(JAVASCRIPT, "grpc", retries=False),
)


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


class Sender:
    """A running SDK."""

    def __init__(self, language: Language, process: Process) -> None:
        self._language = language
        self._process = process

    async def export(
        self, protocol: Protocol, endpoint: str, key: str, plan: Plan
    ) -> Mapping[SignalName, Said]:
        """Carry out a plan with new exporters, which know nothing but this address and this key."""
        assert self._process.stdin
        assert self._process.stdout
        variables = environment(endpoint, key)
        variables["OTEL_EXPORTER_OTLP_TIMEOUT"] = f"{plan.seconds * self._language.second:g}"
        if plan.is_gzip:
            variables["OTEL_EXPORTER_OTLP_COMPRESSION"] = "gzip"
        order = {**asdict(plan), "protocol": protocol, "environment": variables}
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        line = await asyncio.wait_for(self._process.stdout.readline(), _ANSWER_SECONDS)
        answers: dict[SignalName, dict[str, Any]] = json.loads(line)
        return {signal: Said(**answer) for signal, answer in answers.items()}


@asynccontextmanager
async def started(language: Language) -> AsyncGenerator[Sender]:
    """The SDK, ready for plans."""
    async with running(*language.command, variables={}) as process:
        yield Sender(language, process)


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
