"""The answers of the OTLP door, in the encoding of the request (OTLP 1.11, "OTLP/HTTP Response")."""

import json
from collections.abc import Mapping

from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from mcp_obs_server.ingest.errors import ExportRefused

JSON = "application/json"
PROTOBUF = "application/x-protobuf"

# A browser's exporter may come from any page; the key in the request is what counts, and no cookie is read here.
CORS = {"access-control-allow-origin": "*"}
PREFLIGHT = {
    **CORS,
    "access-control-allow-methods": "POST, OPTIONS",
    "access-control-allow-headers": "authorization, content-encoding, content-type",
    "access-control-max-age": "86400",
}


def success(is_json: bool, rejected: int, message: str) -> bytes:
    """The response message; empty when everything was kept."""
    if not rejected:
        return b"{}" if is_json else b""
    if is_json:
        return json.dumps(
            {"partialSuccess": {"rejectedSpans": str(rejected), "errorMessage": message}}
        ).encode()
    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans = rejected
    response.partial_success.error_message = message
    return response.SerializeToString()


def refusal(is_json: bool, error: ExportRefused) -> tuple[bytes, Mapping[str, str]]:
    """A google.rpc.Status and the headers that go with it."""
    message = str(error)
    body = (
        json.dumps({"code": error.code, "message": message}).encode()
        if is_json
        else Status(code=error.code, message=message).SerializeToString()
    )
    headers = dict(CORS)
    if error.retry_after_seconds is not None:
        headers["retry-after"] = str(error.retry_after_seconds)
    if error.status == 401:
        headers["www-authenticate"] = "Bearer"
    if error.status in (401, 408, 413):
        # What is left of the body is not worth reading.
        headers["connection"] = "close"
    return body, headers
