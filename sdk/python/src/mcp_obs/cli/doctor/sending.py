"""Sends what was kept, as it is, and judges the answers."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlsplit

import requests
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from mcp_obs.cli.doctor.check import Check
from mcp_obs.cli.doctor.kept import Export, Signal
from mcp_obs.cli.doctor.shown import shown_header, shown_url

_SECONDS = 10.0
_MOST_OF_A_REASON = 200
_PROTOBUF = "application/x-protobuf"
# They belong to the connection that the program would have made.
_OF_THE_CONNECTION = frozenset({"connection", "content-length", "host"})
_RESPONSES: Mapping[Signal, Any] = {
    "traces": ExportTraceServiceResponse,
    "metrics": ExportMetricsServiceResponse,
    "logs": ExportLogsServiceResponse,
}
GRPC = ("grpc", "grpcs")
_METHODS: Mapping[Signal, str] = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}
# By the name of a gRPC status, what HTTP says.
_STATUSES = {
    "UNAUTHENTICATED": HTTPStatus.UNAUTHORIZED,
    "PERMISSION_DENIED": HTTPStatus.FORBIDDEN,
    "UNIMPLEMENTED": HTTPStatus.NOT_FOUND,
    "RESOURCE_EXHAUSTED": HTTPStatus.TOO_MANY_REQUESTS,
    "UNAVAILABLE": HTTPStatus.SERVICE_UNAVAILABLE,
    "DEADLINE_EXCEEDED": HTTPStatus.GATEWAY_TIMEOUT,
}
# Date has whole seconds and the answer takes its way: below this nothing can be said. A dashboard shows a call within
# ten seconds, and with half of that in the clock it looks late or comes before its time.
SKEW_SECONDS = 5.0
# The server refuses what is more than an hour ahead of it.
_MOST_AHEAD_SECONDS = 3600.0


@dataclass(frozen=True)
class Answer:
    """What the collector said to one export; times in seconds since 1970."""

    export: Export
    status: int
    body: bytes
    date: float | None
    asked_at: float
    answered_at: float
    location: str = ""
    media_type: str = ""

    @property
    def is_taken(self) -> bool:
        """Whether it has acknowledged the export."""
        return 200 <= self.status < 300

    @property
    def skew(self) -> float | None:
        """Seconds by which the collector's clock is ahead of this machine's; None when it does not tell its time."""
        if self.date is None:
            return None
        # It stands for the whole second that it begins.
        return self.date + 0.5 - (self.asked_at + self.answered_at) / 2


class NotSentError(Exception):
    """The collector could not be asked; the message says why."""


def send(export: Export) -> Answer:
    """Send one export, by the proxies and certificates that the program would use. Raises NotSentError."""
    return _send_by_grpc(export) if urlsplit(export.url).scheme in GRPC else _send_by_http(export)


def _send_by_http(export: Export) -> Answer:
    headers = {
        name: value for name, value in export.headers.items() if name.lower() not in _OF_THE_CONNECTION
    }
    asked_at = time.time()
    try:
        response = requests.post(
            export.url, data=export.body, headers=headers, timeout=_SECONDS, allow_redirects=False
        )
    except requests.Timeout:
        raise NotSentError(f"{shown_url(export.url)} has not answered within {_SECONDS:g} s") from None
    except requests.RequestException as error:
        raise NotSentError(f"{shown_url(export.url)} can't be asked: {type(error).__name__}") from error
    date = response.headers.get("date")
    return Answer(
        export,
        response.status_code,
        response.content,
        _timestamp(date) if date else None,
        asked_at,
        time.time(),
        response.headers.get("location", ""),
        response.headers.get("content-type", "").partition(";")[0],
    )


def _send_by_grpc(export: Export) -> Answer:
    try:
        import grpc  # noqa: PLC0415  who sends over HTTP need not have it
    except ModuleNotFoundError:
        raise NotSentError("This Python has no grpcio, so nothing can be sent from here") from None
    if export.signal is None:
        raise NotSentError(f"It is not known what {shown_url(export.url)} takes")
    parts = urlsplit(export.url)
    channel = (
        grpc.insecure_channel(parts.netloc)
        if parts.scheme == "grpc"
        else grpc.secure_channel(parts.netloc, grpc.ssl_channel_credentials())
    )
    metadata = tuple((name.lower(), value) for name, value in export.headers.items())
    asked_at, status, body = time.time(), HTTPStatus.OK, b""
    with channel:
        try:
            call = cast("Callable[..., bytes]", channel.unary_unary(_METHODS[export.signal]))
            body = call(export.body, _SECONDS, metadata)
        except grpc.RpcError as error:
            status = _STATUSES.get(error.code().name, HTTPStatus.INTERNAL_SERVER_ERROR)
            body = str(error.details()).encode()
    return Answer(export, status, body, None, asked_at, time.time())


def _timestamp(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None


def of_answer(answer: Answer) -> Iterator[Check]:
    """HTTP, and the key."""
    where = f"{shown_url(answer.export.url)} answers {answer.status}"
    key = shown_header("authorization", answer.export.header("authorization"))
    if answer.is_taken:
        yield Check("HTTP", "ok", where)
        yield Check(
            "key", "ok", f"{key} is accepted" if answer.export.header("authorization") else "none is needed"
        )
        yield from _of_rejected(answer)
    elif answer.status in (401, 403):
        yield Check("HTTP", "ok", where)
        yield Check(
            "key",
            "problem",
            f"{key} is refused."
            if answer.export.header("authorization")
            else "No key was sent, and one is needed.",
            "Set MCP_OBS_API_KEY to a key that `mcp-obs keys list` shows, or make one: `mcp-obs keys create`.",
        )
    else:
        yield Check("HTTP", "problem", f"{where}: {_reason(answer)}", _advice(answer))


def _of_rejected(answer: Answer) -> Iterator[Check]:
    signal = answer.export.signal
    if signal is None:
        return
    try:
        partial = _RESPONSES[signal].FromString(answer.body).partial_success
    except DecodeError:
        yield Check(
            "HTTP",
            "warning",
            f"What answers at {shown_url(answer.export.url)} does not speak OTLP.",
            "Check whether MCP_OBS_ENDPOINT leads to a collector.",
        )
        return
    if partial.error_message:
        yield Check("export", "problem", f"Not all is kept: {partial.error_message}")


def _reason(answer: Answer) -> str:
    if answer.location:
        return f"it is at {answer.location} now"
    said = (
        _status_message(answer.body)
        if answer.media_type == _PROTOBUF
        else answer.body.decode(errors="replace")
    )
    return said.strip()[:_MOST_OF_A_REASON] or "no reason is given"


def _status_message(body: bytes) -> str:
    # OTLP 1.9, "OTLP/HTTP Response": a failure is a google.rpc.Status.
    try:
        return Status.FromString(body).message
    except DecodeError:
        return ""


def _advice(answer: Answer) -> str:
    if answer.location:
        return "Redirects are not followed, as they would take the key elsewhere: set MCP_OBS_ENDPOINT to that address."
    if answer.status in (404, 405):
        return "No OTLP is received there: MCP_OBS_ENDPOINT is the address without /v1/traces."
    if answer.status in (429, 502, 503, 504):
        return "It takes nothing at the moment, and exporters try again: ask again later."
    return "See the collector's own log."


def of_clock(answer: Answer) -> Check:
    """This machine's clock beside the collector's."""
    if answer.skew is None:
        return Check("clock", "skipped", "The collector does not say what time it is.")
    size, side = abs(answer.skew), "behind" if answer.skew > 0 else "ahead of"
    if size <= SKEW_SECONDS:
        return Check("clock", "ok", "within 5 s of the collector's")
    is_refused = answer.skew < -_MOST_AHEAD_SECONDS
    return Check(
        "clock",
        "problem" if is_refused else "warning",
        f"This machine's clock is {size:.0f} s {side} the collector's"
        + (
            ", which refuses what is more than an hour ahead."
            if is_refused
            else ": calls show at the wrong time."
        ),
        "Let both machines keep time by NTP.",
    )
