"""Spans within bounds: what is over is cut, counted where OTLP counts it, and named in `mcp_obs.truncated`."""

from collections.abc import Iterable

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from mcp_obs_server.ingest.caps import (
    MAX_COUNT,
    MAX_KEY_BYTES,
    MAX_VALUE_BYTES,
    SMALL_BYTES,
    cap_attributes,
    cap_origin,
    cap_texts,
    record_truncated,
)
from mcp_obs_server.ingest.wire import has_field_over, submessages


def cap_spans(request: ExportTraceServiceRequest, wire: bytes) -> bool:
    """Cut what is too much; whether anything was. `wire` is what the request was read from, or would be."""
    if not _has_anything_large(wire):
        return False
    cut = False
    for resource_spans in request.resource_spans:
        cut |= cap_origin(resource_spans.resource)
        for scope_spans in resource_spans.scope_spans:
            cut |= cap_origin(scope_spans.scope)
            for span in scope_spans.spans:
                cut |= span.ByteSize() > SMALL_BYTES and _cap_span(span)
    return cut


def _has_anything_large(wire: bytes) -> bool:
    """Whether a span, a scope or a resource is over SMALL_BYTES; a look at the lengths, without a parse."""
    if len(wire) <= SMALL_BYTES:
        return False
    try:
        for resource_spans in submessages(wire, (0, len(wire)), 1):
            resources = submessages(wire, resource_spans, 1)
            # However often it is given, a parser makes one of it.
            if sum(end - start for start, end in resources) > SMALL_BYTES:
                return True
            scopes = submessages(wire, resource_spans, 2)
            if any(has_field_over(SMALL_BYTES, wire, scope, singular=1) for scope in scopes):
                return True
    except (ValueError, IndexError):
        return True
    return False


def _cap_span(span: Span) -> bool:
    dropped, names = cap_attributes(span.attributes)
    span.dropped_attributes_count += dropped
    if dropped:
        names.append("attributes")
    names += cap_texts(span, MAX_KEY_BYTES, "name")
    names += cap_texts(span, MAX_VALUE_BYTES, "trace_state")
    names += [f"status.{field}" for field in cap_texts(span.status, MAX_VALUE_BYTES, "message")]
    if len(span.events) > MAX_COUNT:
        span.dropped_events_count += len(span.events) - MAX_COUNT
        del span.events[MAX_COUNT:]
        names.append("events")
    if len(span.links) > MAX_COUNT:
        span.dropped_links_count += len(span.links) - MAX_COUNT
        del span.links[MAX_COUNT:]
        names.append("links")
    names += _cap_members(span.events, "events")
    names += _cap_members(span.links, "links")
    if names:
        record_truncated(span.attributes, names)
    return bool(names)


def _cap_members(members: Iterable[Span.Event] | Iterable[Span.Link], name: str) -> list[str]:
    cut: list[str] = []
    for member in members:
        dropped, shortened = cap_attributes(member.attributes)
        member.dropped_attributes_count += dropped
        cut += [f"{name}.{each}" for each in shortened]
        if dropped:
            cut.append(f"{name}.attributes")
    return cut
