"""What a collector that took an export says that it left out of it."""

from typing import NamedTuple

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse


class PartialSuccess(NamedTuple):
    """Of how many spans or data points, and why; a message without any is a warning."""

    rejected: int = 0
    message: str = ""


ALL_TAKEN = PartialSuccess()


def partial_success(answer: bytes) -> PartialSuccess:
    """That of a collector's answer, for metrics too, whose fields have the same numbers.

    What can't be read counts as taken: it must not be sent again.
    """
    if not answer:
        return ALL_TAKEN
    try:
        said = ExportTraceServiceResponse.FromString(answer).partial_success
    except DecodeError:
        return ALL_TAKEN
    return PartialSuccess(max(said.rejected_spans, 0), said.error_message)
