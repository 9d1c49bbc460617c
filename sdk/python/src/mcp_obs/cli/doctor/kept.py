"""What the processes of an observed program have written instead of sending it."""

import base64
import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from mcp_obs._adapters.findings import Finding

Signal = Literal["traces", "metrics", "logs"]
_REQUESTS: Mapping[Signal, type[Message]] = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}


@dataclass(frozen=True)
class Export:
    """One request as it would be sent; `body` is compressed where the headers say so.

    `signal` is None for one that goes to an address of which nobody knows what it takes.
    """

    signal: Signal | None
    url: str
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """A header by its name in lower case, or nothing."""
        return next((value for key, value in self.headers.items() if key.lower() == name), "")

    def message(self) -> Message | None:
        """What it says."""
        if self.signal is None:
            return None
        body = gzip.decompress(self.body) if self.header("content-encoding") == "gzip" else self.body
        return _REQUESTS[self.signal].FromString(body)

    def spans(self) -> Iterator[Span]:
        """The spans in it."""
        message = self.message()
        if isinstance(message, ExportTraceServiceRequest):
            for resource_spans in message.resource_spans:
                for scope_spans in resource_spans.scope_spans:
                    yield from scope_spans.spans


@dataclass(frozen=True)
class Process:
    """A Python process of the program, as it was when it last wrote."""

    python: str
    versions: Mapping[str, str | None]
    serves_mcp: bool
    is_compiled: bool
    """Whether it has loaded the compiled code that writes spans."""
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Kept:
    """Everything that was written, in order."""

    exports: tuple[Export, ...] = ()
    processes: tuple[Process, ...] = ()

    @property
    def spans(self) -> list[Span]:
        """The spans of all exports."""
        return [span for export in self.exports for span in export.spans()]

    @property
    def server(self) -> Process | None:
        """The process that serves MCP."""
        return next((process for process in self.processes if process.serves_mcp), None)

    def __add__(self, other: "Kept") -> "Kept":
        return Kept(self.exports + other.exports, self.processes + other.processes)


def read_kept(file: Path) -> Kept:
    """What a file holds; nothing when no Python process has written to it."""
    written = (
        file.read_bytes().split(b"\n")[:-1] if file.exists() else []
    )  # without what a killed process began
    lines: list[dict[str, Any]] = [json.loads(line) for line in written]
    last = {line["process"]["id"]: line["process"] for line in lines}
    return Kept(
        tuple(_export(line["export"]) for line in lines if "export" in line),
        tuple(_process(process) for process in last.values()),
    )


def _export(written: Mapping[str, Any]) -> Export:
    return Export(written["signal"], written["url"], written["headers"], base64.b64decode(written["body"]))


def _process(written: Mapping[str, Any]) -> Process:
    findings = tuple(Finding(*one) for one in written["findings"])
    return Process(
        written["python"], written["versions"], written["serves_mcp"], written["is_compiled"], findings
    )
