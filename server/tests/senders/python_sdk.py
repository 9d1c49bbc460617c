"""OpenTelemetry's Python SDK and its exporters: each line on stdin is a plan (sender.py), on stdout what they say."""

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import Any, cast

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk._shared_internal import DuplicateFilter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    InMemoryMetricReader,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanKind, StatusCode

EXPORTERS = {
    "traces": ("trace_exporter", "OTLPSpanExporter"),
    "metrics": ("metric_exporter", "OTLPMetricExporter"),
    "logs": ("_log_exporter", "OTLPLogExporter"),
}
PACKAGES = {"http/protobuf": "proto.http", "http/json": "json.http", "grpc": "proto.grpc"}
SCOPE = ("python", "1.0")


class Heard(logging.Handler):
    """What is logged in each thread."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: dict[int, list[str]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.setdefault(record.thread or 0, []).append(record.getMessage())


class Exporters:
    """One for each signal, until the environment changes from which they configure themselves."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[Any, Any]] = {}

    def of(self, plan: dict[str, Any], signal: str) -> Any:
        """The exporter of a signal."""
        setting = plan["protocol"], plan["environment"]
        before, exporter = self._open.get(signal, (None, None))
        if before != setting:
            if exporter:
                exporter.shutdown()
            package, (module, name) = PACKAGES[plan["protocol"]], EXPORTERS[signal]
            exporter = getattr(import_module(f"opentelemetry.exporter.otlp.{package}.{module}"), name)()
            self._open[signal] = setting, exporter
        return exporter


def nested(depth: int) -> Any:
    """A text in so many lists."""
    value: Any = "x"
    for _ in range(depth):
        value = (value,)
    return value


def attributes(plan: dict[str, Any], number: int) -> dict[str, Any]:
    """Of an item: its number, and what makes it long or deep."""
    values: dict[str, Any] = {"number": number}
    if plan["text_bytes"]:
        values["text"] = "x" * plan["text_bytes"]
    if plan["depth"]:
        values["deep"] = nested(plan["depth"])
    return values


def traces(plan: dict[str, Any], times: Sequence[int]) -> list[ReadableSpan]:
    """A failed call of a tool at each of these times."""
    tracer = TracerProvider().get_tracer(*SCOPE)
    spans: list[ReadableSpan] = []
    for number, began in enumerate(times):
        span = tracer.start_span("tools/call add", kind=SpanKind.SERVER, start_time=began)
        span.set_attributes({"mcp.method.name": "tools/call", "gen_ai.tool.name": "add"})
        span.set_attributes({"zero": 0, "half": 0.5, "no": False, "empty": "", "list": ["a", "b"]})
        span.set_attributes(attributes(plan, number))
        span.add_event("started", {"attempt": 1}, began)
        span.set_status(StatusCode.ERROR, "broken")
        span.end(began + 20_000_000)
        spans.append(cast("ReadableSpan", span))
    return spans


def metrics(plan: dict[str, Any], times: Sequence[int]) -> MetricsData:
    """Three calls counted until each of these times."""
    reader = InMemoryMetricReader()
    counter = MeterProvider([reader]).get_meter(*SCOPE).create_counter("tool.calls", "{call}")
    for number, _ in enumerate(times):
        counter.add(3, attributes(plan, number))
    data = reader.get_metrics_data()
    if data is None:
        scope = ScopeMetrics(InstrumentationScope(*SCOPE), [], "")
        return MetricsData([ResourceMetrics(Resource.create(), [scope], "")])
    (metric,) = data.resource_metrics[0].scope_metrics[0].metrics
    points = cast("list[NumberDataPoint]", metric.data.data_points)
    points[:] = [
        replace(point, start_time_unix_nano=at - 10**9, time_unix_nano=at)
        for point, at in zip(points, times, strict=True)
    ]
    return data


def logs(plan: dict[str, Any], times: Sequence[int]) -> Any:
    """A tool's result at each of these times."""
    exporter = InMemoryLogRecordExporter()
    provider = LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    for number, at in enumerate(times):
        provider.get_logger(*SCOPE).emit(
            timestamp=at, body="called", event_name="tool_result", attributes=attributes(plan, number)
        )
    return exporter.get_finished_logs()


ITEMS = {"traces": traces, "metrics": metrics, "logs": logs}


def export(plan: dict[str, Any], signal: str) -> dict[str, str]:
    """What the exporter of this signal says."""
    now = time.time_ns()
    items = ITEMS[signal](plan, [now - age * 10**9 for age in plan["ages"]])
    exporter = exporters.of(plan, signal)
    lines = heard.lines[threading.get_ident()] = []
    outcome = exporter.export(items).name.lower()
    return {"outcome": outcome, "said": "\n".join(lines)}


def main() -> None:
    """Carry out plans until stdin ends."""
    logging.getLogger().addHandler(heard)
    # It drops what is logged twice within 20 s, which would be the next plan's.
    DuplicateFilter.filter = lambda self, record: True
    for line in sys.stdin:
        plan = json.loads(line)
        os.environ.pop("OTEL_EXPORTER_OTLP_COMPRESSION", None)
        os.environ.update(plan["environment"])
        with ThreadPoolExecutor(len(plan["signals"])) as threads:
            said = threads.map(partial(export, plan), plan["signals"])
            print(json.dumps(dict(zip(plan["signals"], said, strict=True))), flush=True)


heard = Heard()
exporters = Exporters()
if __name__ == "__main__":
    main()
