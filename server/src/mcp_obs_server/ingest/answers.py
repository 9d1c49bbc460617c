"""The answers of the OTLP door, in the encoding of the request (OTLP 1.11, "OTLP/HTTP Response")."""

import json
from collections.abc import Mapping
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from mcp_obs_server.ingest.admission import rejection_message
from mcp_obs_server.ingest.errors import ExportRefused
from mcp_obs_server.ingest.reason import Reason
from mcp_obs_server.ingest.signal import Signal

LAST = (401, 408, 413)
"""Statuses after which what is left of a body is not worth reading."""

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


def success(signal: Signal, rejected: Mapping[Reason, int]) -> Message:
    """The response message; empty when everything was kept."""
    response: Any = signal.response()
    if rejected:
        setattr(response.partial_success, signal.rejected_field, sum(rejected.values()))
        response.partial_success.error_message = rejection_message(signal, rejected)
    return response


def encoded(is_json: bool, message: Message) -> bytes:
    """A message in the encoding of the request."""
    return json.dumps(MessageToDict(message)).encode() if is_json else message.SerializeToString()


def status(error: ExportRefused) -> Status:
    """A google.rpc.Status; its RetryInfo is how gRPC says Retry-After."""
    status = Status(code=error.code, message=str(error))
    if error.retry_after_seconds is not None:
        status.details.add().Pack(RetryInfo(retry_delay=Duration(seconds=error.retry_after_seconds)))
    return status


def refusal(is_json: bool, error: ExportRefused) -> tuple[bytes, Mapping[str, str]]:
    """A google.rpc.Status and the headers that go with it."""
    body = encoded(is_json, status(error))
    headers: dict[str, str] = {}
    if error.retry_after_seconds is not None:
        headers["retry-after"] = str(error.retry_after_seconds)
    if error.status == 401:
        headers["www-authenticate"] = "Bearer"
    return body, headers
