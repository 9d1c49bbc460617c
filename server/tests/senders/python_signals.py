"""One span, one metric and one log record by OpenTelemetry's Python SDK: `python python_signals.py http|grpc`."""

import importlib
import sys
from typing import Any

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def exporter(module: str, name: str) -> Any:
    """The exporter of this name over the protocol that was asked for."""
    return getattr(
        importlib.import_module(f"opentelemetry.exporter.otlp.proto.{sys.argv[1]}.{module}"), name
    )()


traces = TracerProvider()
traces.add_span_processor(BatchSpanProcessor(exporter("trace_exporter", "OTLPSpanExporter")))
metrics = MeterProvider([PeriodicExportingMetricReader(exporter("metric_exporter", "OTLPMetricExporter"))])
logs = LoggerProvider()
logs.add_log_record_processor(BatchLogRecordProcessor(exporter("_log_exporter", "OTLPLogExporter")))

traces.get_tracer("python").start_span("tools/call add").end()
metrics.get_meter("python").create_counter("tool.calls").add(3, {"tool": "add"})
logs.get_logger("python").emit(body="called", event_name="tool_result")
for provider in (traces, metrics, logs):
    provider.shutdown()
