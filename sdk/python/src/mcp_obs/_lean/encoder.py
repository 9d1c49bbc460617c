"""From an ended operation to the bytes of an OTLP span."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceMessage
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage
from opentelemetry.proto.trace.v1.trace_pb2 import SpanFlags
from opentelemetry.proto.trace.v1.trace_pb2 import Status as StatusMessage
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import TraceState

from mcp_obs import semconv
from mcp_obs._guard import Guard
from mcp_obs._lean.operation_span import MOST_ATTRIBUTES, MOST_LINKS, LightSpan
from mcp_obs._lean.wire import field, fixed64, key_value, text, varint
from mcp_obs._message import span_name
from mcp_obs._text import clean

# trace.proto, message Span.
_ATTRIBUTE = b"\x4a"
_DROPPED_ATTRIBUTES = b"\x50"
_FLAGS = b"\x85\x01"
# A tool has a few of 300 bytes: one for each client, user and outcome. The names are the client's to choose.
MOST_FRAGMENT_BYTES = 2**20

_recording = Guard("recording an operation's metrics")
_writing = Guard("writing an attribute")

RecordOperation = Callable[[float, Mapping[str, Any]], None]


class SpanEncoder:
    """Writes spans; what the spans of a tool have in common is written once. For one thread.

    `record` gets the duration of every span in seconds, and its attributes but for the host's.
    """

    def __init__(self, record: RecordOperation | None = None) -> None:
        self._record = record
        self._fragments: dict[tuple[str, ...], bytes] = {}
        self._fragment_bytes = 0

    def encode(self, span: LightSpan) -> bytes:
        """The bytes of one span that has ended; none of one that is not kept."""
        assert span.end_time is not None
        # The rest of what was set comes last: it goes first where there is too much.
        shared = span.let_go()
        if self._record is not None and span.seconds is not None:
            with _recording:
                self._record(span.seconds, shared)
        weight = (span.root or span).weight
        if not weight:
            return b""
        attributes = {**shared, **(span.attributes or {})}
        if weight != 1:
            attributes[semconv.MCP_OBS_SAMPLING_WEIGHT] = weight
        context = span.context
        parts = [
            b"\x0a\x10"
            + context.trace_id.to_bytes(16, "big")
            + b"\x12\x08"
            + context.span_id.to_bytes(8, "big"),
            _trace_state(context.trace_state) if context.trace_state else b"",
            b"\x22\x08" + span.parent.span_id.to_bytes(8, "big") if span.parent else b"",
            b"\x39" + fixed64(span.start_time) + b"\x41" + fixed64(span.end_time),
            *self._described(span, attributes, shared),
            _REMOTE_FLAGS if span.parent is not None and span.parent.is_remote else _LOCAL_FLAGS,
        ]
        if span.events or span.links or span.status:
            parts.append(_particulars(span).SerializeToString())
        return b"".join(parts)

    def _described(
        self, span: LightSpan, attributes: Mapping[str, Any], shared: Mapping[str, Any]
    ) -> Iterable[bytes]:
        """Name, kind and attributes: the shared ones' texts as one fragment, but for those that no two spans share."""
        known, own = [span.kind.name, span.name or span_name(attributes)], list[bytes]()
        for count, (key, value) in enumerate(attributes.items()):
            if count == MOST_ATTRIBUTES:
                own.append(_DROPPED_ATTRIBUTES + varint(len(attributes) - count))
                break
            if type(value) is str and key in shared and key not in _OWN:
                known += (key, value)
            else:
                own.append(_attribute(key, value))
        return (self._fragment(tuple(known)), *own)

    def _fragment(self, known: tuple[str, ...]) -> bytes:
        fragment = self._fragments.get(known)
        if fragment is None:
            fragment = _write_fragment(known)
            self._fragment_bytes += len(fragment)
            if self._fragment_bytes > MOST_FRAGMENT_BYTES:
                self._fragments.clear()
                self._fragment_bytes = len(fragment)
            if len(fragment) <= MOST_FRAGMENT_BYTES:
                self._fragments[known] = fragment
        return fragment


_OWN = frozenset(
    {
        semconv.GEN_AI_TOOL_CALL_ARGUMENTS,
        semconv.GEN_AI_TOOL_CALL_RESULT,
        semconv.JSONRPC_REQUEST_ID,
        semconv.MCP_SESSION_ID,
        semconv.MCP_OBS_SESSION_ID,
        semconv.MCP_RESOURCE_URI,
    }
)


def _write_fragment(known: tuple[str, ...]) -> bytes:
    kind_name, name, *rest = known
    attributes = (_attribute(*pair) for pair in zip(rest[::2], rest[1::2], strict=True))
    kind = bytes((0x30, SpanMessage.SpanKind.Value(f"SPAN_KIND_{kind_name}")))
    return field(b"\x2a", text(name)) + kind + b"".join(attributes)


def _attribute(key: str, value: Any) -> bytes:
    """One attribute; nothing where a host set what can't be written."""
    with _writing:
        return field(_ATTRIBUTE, key_value(key, value))
    return b""


def _trace_state(state: TraceState) -> bytes:
    return field(b"\x1a", text(state.to_header()))


def _flags(is_remote: bool) -> int:
    remote = SpanFlags.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK if is_remote else 0
    return SpanFlags.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK | remote


_LOCAL_FLAGS, _REMOTE_FLAGS = (_FLAGS + _flags(each).to_bytes(4, "little") for each in (False, True))


def _particulars(span: LightSpan) -> SpanMessage:
    """What few spans have."""
    message = SpanMessage()
    for name, time, attributes in span.events or ():
        event = message.events.add(name=clean(name), time_unix_nano=time)
        for key, value in attributes.items():
            event.attributes.add().ParseFromString(key_value(key, value))
    for link in span.links[:MOST_LINKS]:
        context = link.context
        written = message.links.add(
            trace_id=context.trace_id.to_bytes(16, "big"),
            span_id=context.span_id.to_bytes(8, "big"),
            trace_state=context.trace_state.to_header(),
            flags=_flags(context.is_remote),
        )
        for key, value in (link.attributes or {}).items():
            written.attributes.add().ParseFromString(key_value(key, value))
    message.dropped_events_count = span.dropped_events
    message.dropped_links_count = max(len(span.links) - MOST_LINKS, 0)
    if span.status:
        message.status.CopyFrom(
            StatusMessage(
                code=StatusMessage.StatusCode.ValueType(span.status.status_code.value),
                message=clean(span.status.description or ""),
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
