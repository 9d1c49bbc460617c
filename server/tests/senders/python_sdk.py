"""OpenTelemetry's Python SDK and one of its span exporters: `python python_sdk.py http|grpc`.

Each line on stdin is how many seconds ago a span began; the line on stdout is what the exporter says of it.
"""

import sys
import time
from typing import cast

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

exporter = GrpcExporter() if sys.argv[1] == "grpc" else HttpExporter()
tracer = TracerProvider().get_tracer("python")
for line in sys.stdin:
    span = tracer.start_span("tools/call add", start_time=time.time_ns() - int(line) * 10**9)
    span.end()
    print(exporter.export([cast("ReadableSpan", span)]).name.lower(), flush=True)
