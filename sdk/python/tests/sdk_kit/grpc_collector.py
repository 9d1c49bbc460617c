"""An OTLP/gRPC collector that a test can make answer, refuse or hang."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import (
    MetricsServiceServicer,
    add_MetricsServiceServicer_to_server,  # pyright: ignore[reportUnknownVariableType]
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,  # pyright: ignore[reportUnknownVariableType]
)

from sdk_kit.collector import Collector

# By the statuses of HTTP that mean the same.
_CODES = {401: grpc.StatusCode.UNAUTHENTICATED, 503: grpc.StatusCode.UNAVAILABLE}


@contextmanager
def collecting_grpc(*, hung: bool = False) -> Generator[Collector]:
    """A collector that answers as its `status` says, or keeps every request waiting."""
    # Each request that waits has a thread.
    server = grpc.server(ThreadPoolExecutor(16))
    port = server.add_insecure_port("127.0.0.1:0")
    collector = Collector(f"http://127.0.0.1:{port}")

    def take(
        path: str,
        request: ExportTraceServiceRequest | ExportMetricsServiceRequest,
        context: grpc.ServicerContext,
    ) -> None:
        # A test that is told of the request may change what the next one is answered.
        status = collector.statuses.get(path, collector.status)
        headers = {key: str(value) for key, value in context.invocation_metadata()}
        collector.take(port, path, headers, request.SerializeToString())
        if hung:
            collector.released.wait(60)
        if status != 200:
            context.abort(_CODES[status], "refused")

    class Traces(TraceServiceServicer):
        def Export(  # noqa: N802  the service's name
            self, request: ExportTraceServiceRequest, context: grpc.ServicerContext
        ) -> ExportTraceServiceResponse:
            take("/v1/traces", request, context)
            return ExportTraceServiceResponse()

    class Metrics(MetricsServiceServicer):
        def Export(  # noqa: N802  the service's name
            self, request: ExportMetricsServiceRequest, context: grpc.ServicerContext
        ) -> ExportMetricsServiceResponse:
            take("/v1/metrics", request, context)
            return ExportMetricsServiceResponse()

    add_TraceServiceServicer_to_server(Traces(), server)
    add_MetricsServiceServicer_to_server(Metrics(), server)
    server.start()
    try:
        yield collector
    finally:
        collector.released.set()
        server.stop(0).wait()
