"""OpenTelemetry's Rust SDK with its metric exporters, out of Temporal's client: `python rust_sdk.py http|grpc`.

Of the SDKs in other languages it is the one that comes as a wheel; Debian's Go packages have no OTLP exporter.
It counts three calls and lives until stdin ends, so that whoever started it can wait for what it sends.
"""

import os
import sys
from datetime import timedelta

from temporalio.runtime import OpenTelemetryConfig, Runtime, TelemetryConfig

name, _, key = os.environ["OTEL_EXPORTER_OTLP_HEADERS"].partition("=")
is_http = sys.argv[1] == "http"
metrics = OpenTelemetryConfig(
    url=os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] + ("/v1/metrics" if is_http else ""),
    headers={name: key.replace("%20", " ")},
    metric_periodicity=timedelta(seconds=0.2),
    http=is_http,
)
runtime = Runtime(telemetry=TelemetryConfig(logging=None, metrics=metrics))
runtime.metric_meter.create_counter("tool.calls").add(3, {"tool": "add"})
sys.stdin.read()
