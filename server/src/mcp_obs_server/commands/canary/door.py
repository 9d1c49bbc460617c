"""Writes through the public door, as an exporter does: gzip, retries, and now and then the same export twice."""

import gzip
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from importlib.metadata import version

import httpx2
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from mcp_obs_server.commands.canary.difference import Difference
from mcp_obs_server.commands.canary.plan import KnownSpan
from mcp_obs_server.commands.otlp import attribute

EXPORTS = 3
SERVICE = "canary"
SCOPE = InstrumentationScope(name="mcp_obs.canary", version=version("mcp-obs-server"))
_KINDS = {"server": Span.SPAN_KIND_SERVER, "internal": Span.SPAN_KIND_INTERNAL}
_RETRYABLE = frozenset({429, 502, 503, 504})
_TIMEOUT_SECONDS = 30


class Door:
    """POST /v1/traces with one API key."""

    def __init__(self, http: httpx2.Client) -> None:
        self._http = http

    @classmethod
    @contextmanager
    def open(cls, url: str, key: str) -> Generator["Door"]:
        """Open connections to the server at `url`."""
        headers = {
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/x-protobuf",
            "Content-Encoding": "gzip",
        }
        with httpx2.Client(base_url=url, headers=headers, timeout=_TIMEOUT_SECONDS) as http:
            yield cls(http)

    def write(self, spans: Sequence[KnownSpan], patience: float) -> list[Difference]:
        """Send the spans; what was not acknowledged whole within `patience` seconds."""
        deadline = time.monotonic() + patience
        parts = [spans[first::EXPORTS] for first in range(EXPORTS)]
        # A retry whose first answer got lost must not be stored again.
        answers = [self._send(part, deadline) for part in (*parts, parts[0])]
        return [each for each in answers if each]

    def _send(self, spans: Sequence[KnownSpan], deadline: float) -> Difference | None:
        content = gzip.compress(request(spans).SerializeToString(), compresslevel=1)
        while True:
            try:
                response = self._http.post("/v1/traces", content=content)
            except httpx2.HTTPError as error:
                found, wait = type(error).__name__, 1.0
            else:
                found = _answer(response)
                if found == ACKNOWLEDGED:
                    return None
                if response.status_code not in _RETRYABLE:
                    return Difference("an export", "answer", ACKNOWLEDGED, found)
                wait = float(response.headers.get("Retry-After", "1"))
            if time.monotonic() + wait > deadline:
                return Difference("an export", "answer", ACKNOWLEDGED, found)
            time.sleep(wait)


ACKNOWLEDGED = "200, everything kept"


def _answer(response: httpx2.Response) -> str:
    if not response.is_success:
        return str(response.status_code)
    rejected = ExportTraceServiceResponse.FromString(response.content).partial_success
    return f"200, {rejected.error_message}" if rejected.rejected_spans else ACKNOWLEDGED


def request(spans: Iterable[KnownSpan]) -> ExportTraceServiceRequest:
    """One export."""
    resource = Resource(attributes=[attribute("service.name", SERVICE)])
    scope_spans = ScopeSpans(scope=SCOPE, spans=map(_encode, spans))
    return ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=resource, scope_spans=[scope_spans])]
    )


def _encode(span: KnownSpan) -> Span:
    return Span(
        trace_id=bytes.fromhex(span.trace_id),
        span_id=bytes.fromhex(span.span_id),
        parent_span_id=bytes.fromhex(span.parent_span_id or ""),
        name=span.name,
        kind=_KINDS[span.kind],
        start_time_unix_nano=span.start,
        end_time_unix_nano=span.start + span.duration,
        attributes=[attribute(name, value) for name, value in span.attributes.items()],
        status=Status(code=Status.STATUS_CODE_ERROR, message=span.message) if span.message else None,
    )
