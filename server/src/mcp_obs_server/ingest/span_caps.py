"""Spans within bounds: what is over is cut, counted where OTLP counts it, and named in `mcp_obs.truncated`."""

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from mcp_obs_server.ingest.caps import (
    MAX_COUNT,
    MAX_KEY_BYTES,
    MAX_VALUE_BYTES,
    SMALL_BYTES,
    cap_attributes,
    cap_ids,
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
        cut |= cap_origin(resource_spans.resource, resource_spans)
        for scope_spans in resource_spans.scope_spans:
            cut |= cap_origin(scope_spans.scope, scope_spans)
            for span in scope_spans.spans:
                cut |= span.ByteSize() > SMALL_BYTES and _cap_span(span)
    return cut


def _has_anything_large(wire: bytes) -> bool:
    """Whether a span, scope, resource or schema URL is over SMALL_BYTES; a look at the lengths, without a parse."""
    if len(wire) <= SMALL_BYTES:
        return False
    try:
        for resource_spans in submessages(wire, (0, len(wire)), 1):
            resources = submessages(wire, resource_spans, 1)
            # However often it is given, a parser makes one of it.
            if sum(end - start for start, end in resources) > SMALL_BYTES:
                return True
            if any(end - start > SMALL_BYTES for start, end in submessages(wire, resource_spans, 3)):
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
    names += cap_ids(span, "parent_span_id")
    names += [f"status.{field}" for field in cap_texts(span.status, MAX_VALUE_BYTES, "message")]
    if len(span.events) > MAX_COUNT:
        span.dropped_events_count += len(span.events) - MAX_COUNT
        del span.events[MAX_COUNT:]
        names.append("events")
    if len(span.links) > MAX_COUNT:
        span.dropped_links_count += len(span.links) - MAX_COUNT
        del span.links[MAX_COUNT:]
        names.append("links")
    for event in span.events:
        names += _cap_member("events", event, cap_texts(event, MAX_KEY_BYTES, "name"))
    for link in span.links:
        cut = cap_texts(link, MAX_VALUE_BYTES, "trace_state") + cap_ids(link, "trace_id", "span_id")
        names += _cap_member("links", link, cut)
    if names:
        record_truncated(span.attributes, names)
    return bool(names)


def _cap_member(name: str, member: Span.Event | Span.Link, cut: list[str]) -> list[str]:
    dropped, shortened = cap_attributes(member.attributes)
    member.dropped_attributes_count += dropped
    if dropped:
        cut.append("attributes")
    return [f"{name}.{each}" for each in (*cut, *shortened)]
