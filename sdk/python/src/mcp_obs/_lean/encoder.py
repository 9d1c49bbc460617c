"""From an ended operation to the bytes of an OTLP span."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceMessage
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage
from opentelemetry.proto.trace.v1.trace_pb2 import Status as StatusMessage
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import SpanContext, TraceState

from mcp_obs import semconv
from mcp_obs._lean.operation_span import MOST_ATTRIBUTES, MOST_LINKS, OperationSpan
from mcp_obs._lean.wire import field, fixed64, key_value, text, varint
from mcp_obs._message import json_size, span_name

# trace.proto, message Span.
_ATTRIBUTE = b"\x4a"
_DROPPED_ATTRIBUTES = b"\x50"
_FLAGS = b"\x85\x01"
_HAS_IS_REMOTE, _IS_REMOTE = 0x100, 0x200
# A tool has a few: one for each client, user and outcome.
_MOST_FRAGMENTS = 2048


RecordDuration = Callable[[float, Mapping[str, Any]], None]


class SpanEncoder:
    """Writes spans; what the spans of a tool have in common is written once. For one thread.

    `record` gets the duration of every span in seconds, and its attributes.
    """

    def __init__(self, record: RecordDuration | None = None) -> None:
        self._record = record
        self._fragments: dict[tuple[str, ...], bytes] = {}

    def encode(self, span: OperationSpan) -> bytes:
        """The bytes of one span that has ended."""
        assert span.end_time is not None
        attributes = attributes_of(span)
        if self._record is not None:
            self._record((span.end_time - span.start_time) * 1e-9, attributes)
        context = span.context
        parts = [
            b"\x0a\x10"
            + context.trace_id.to_bytes(16, "big")
            + b"\x12\x08"
            + context.span_id.to_bytes(8, "big"),
            _trace_state(context.trace_state) if context.trace_state else b"",
            b"\x22\x08" + span.parent.span_id.to_bytes(8, "big") if span.parent else b"",
            b"\x39" + fixed64(span.start_time) + b"\x41" + fixed64(span.end_time),
            *self._described(span.name or span_name(attributes), attributes),
            _FLAGS + _flags(span.parent).to_bytes(4, "little"),
        ]
        if span.events or span.links or span.status:
            parts.append(_particulars(span).SerializeToString())
        return b"".join(parts)

    def _described(self, name: str, attributes: Mapping[str, Any]) -> Iterable[bytes]:
        """Name, kind and attributes: texts as one fragment, but for those that no two spans share."""
        shared, own = [name], list[bytes]()
        for count, (key, value) in enumerate(attributes.items()):
            if count == MOST_ATTRIBUTES:
                own.append(_DROPPED_ATTRIBUTES + varint(len(attributes) - count))
                break
            if type(value) is str and key not in _OWN:
                shared += (key, value)
            else:
                own.append(field(_ATTRIBUTE, key_value(key, value)))
        known = tuple(shared)
        fragment = self._fragments.get(known)
        if fragment is None:
            if len(self._fragments) >= _MOST_FRAGMENTS:
                self._fragments.clear()
            fragment = self._fragments[known] = _fragment(known)
        return (fragment, *own)


def attributes_of(span: OperationSpan) -> dict[str, Any]:
    """All attributes of an ended operation."""
    attributes = {**span.message.attributes(), **(span.attributes or {})}
    if span.result is not None:
        size = json_size(span.result)
        if size is not None:
            attributes[semconv.MCP_OBS_RESPONSE_SIZE] = size
    return attributes


_OWN = frozenset(
    {semconv.JSONRPC_REQUEST_ID, semconv.MCP_SESSION_ID, semconv.MCP_OBS_SESSION_ID, semconv.MCP_RESOURCE_URI}
)


def _fragment(shared: tuple[str, ...]) -> bytes:
    name, *rest = shared
    attributes = (field(_ATTRIBUTE, key_value(*pair)) for pair in zip(rest[::2], rest[1::2], strict=True))
    kind = bytes((0x30, SpanMessage.SPAN_KIND_SERVER))
    return field(b"\x2a", text(name)) + kind + b"".join(attributes)


def _trace_state(state: TraceState) -> bytes:
    return field(b"\x1a", text(state.to_header()))


def _flags(parent: SpanContext | None) -> int:
    return _HAS_IS_REMOTE | (_IS_REMOTE if parent and parent.is_remote else 0)


def _particulars(span: OperationSpan) -> SpanMessage:
    """What few spans have."""
    message = SpanMessage()
    for name, time, attributes in span.events or ():
        event = message.events.add(name=text(name).decode(), time_unix_nano=time)
        for key, value in attributes.items():
            event.attributes.add().ParseFromString(key_value(key, value))
    for link in span.links[:MOST_LINKS]:
        context = link.context
        written = message.links.add(
            trace_id=context.trace_id.to_bytes(16, "big"),
            span_id=context.span_id.to_bytes(8, "big"),
            trace_state=context.trace_state.to_header(),
            flags=_flags(context),
        )
        for key, value in (link.attributes or {}).items():
            written.attributes.add().ParseFromString(key_value(key, value))
    message.dropped_events_count = span.dropped_events
    message.dropped_links_count = max(len(span.links) - MOST_LINKS, 0)
    if span.status:
        message.status.CopyFrom(
            StatusMessage(
                code=StatusMessage.StatusCode.ValueType(span.status.status_code.value),
                message=text(span.status.description or "").decode(),
            )
        )
    return message


class Envelope:
    """What stands around a batch of spans: whose they are, and what made them."""

    def __init__(self, resource: Resource, scope: str, version: str) -> None:
        message = ResourceMessage()
        for key, value in resource.attributes.items():
            message.attributes.add().ParseFromString(key_value(key, value))
        self._resource = field(b"\x0a", message.SerializeToString())
        self._scope = field(b"\x0a", InstrumentationScope(name=scope, version=version).SerializeToString())

    def around(self, spans: Iterable[bytes]) -> bytes:
        """An ExportTraceServiceRequest."""
        scope_spans = self._scope + b"".join(field(b"\x12", span) for span in spans)
        return field(b"\x0a", self._resource + field(b"\x12", scope_spans))
