"""What collectors answer."""

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse


def partly(rejected: int, message: str = "") -> bytes:
    """An export was taken but for so many spans, or data points, whose answer has the same bytes."""
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = rejected
    answer.partial_success.error_message = message
    return answer.SerializeToString()
