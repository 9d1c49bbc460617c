"""OpenTelemetry's Rust SDK with its metric exporter over gRPC, out of Temporal's client.

It counts three calls and lives until stdin ends, so that whoever started it can wait for what it sends.
"""

import os
import sys
from datetime import timedelta

from temporalio.runtime import OpenTelemetryConfig, Runtime, TelemetryConfig

name, _, key = os.environ["OTEL_EXPORTER_OTLP_HEADERS"].partition("=")
metrics = OpenTelemetryConfig(
    url=os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"],
    headers={name: key.replace("%20", " ")},
    metric_periodicity=timedelta(seconds=0.2),
)
runtime = Runtime(telemetry=TelemetryConfig(logging=None, metrics=metrics))
runtime.metric_meter.create_counter("tool.calls").add(3, {"tool": "add"})
sys.stdin.read()
