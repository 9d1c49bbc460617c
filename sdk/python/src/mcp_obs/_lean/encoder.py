"""From an ended operation to the bytes of an OTLP span."""

import struct
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import islice, starmap
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceMessage
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage
from opentelemetry.proto.trace.v1.trace_pb2 import SpanFlags
from opentelemetry.proto.trace.v1.trace_pb2 import Status as StatusMessage
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import Link

from mcp_obs import semconv
from mcp_obs._guard import Guard
from mcp_obs._lean.at_once import writer_of
from mcp_obs._lean.operation_span import MOST_ATTRIBUTES, NO_STATE, LightSpan, OperationSpan
from mcp_obs._lean.templates import Sender, Template, Templates
from mcp_obs._lean.wire import attribute, field, key_value, repeated_attribute, text, varint
from mcp_obs._message import span_name
from mcp_obs._metrics.lean_metrics import LeanMetrics
from mcp_obs._metrics.operations import record_operation
from mcp_obs._text import clean

# trace.proto, message Span.
_DROPPED_ATTRIBUTES = b"\x50"
_FLAGS = b"\x85\x01"
_IDS = b"\x0a\x10%b\x12\x08%b"
_PARENT = b"\x22\x08"
_TIMES = struct.Struct("<BQBQ")
_START_TIME, _END_TIME = 0x39, 0x41
# Beyond this many a host's attributes are counted, which a template does not.
_FEW = MOST_ATTRIBUTES // 2

_recording = Guard("recording an operation's metrics")
_writing = Guard("writing an attribute", of_host=True)


class SpanEncoder:
    """Writes spans, and counts operations in `metrics`; for any thread."""

    def __init__(self, metrics: LeanMetrics | None = None) -> None:
        self._metrics = metrics if metrics is not None and metrics.categories else None
        self._templates = Templates(self._metrics)
        self.at_once = writer_of(self._templates)
        """Writes most spans within microseconds, in the thread that they end in; None without compiled code."""

    def count(self) -> None:
        """Add operations to their metrics where many wait for it."""
        self._templates.count_many()

    def forget(self) -> None:
        """A forked child has metrics of its own."""
        self._templates.clear()

    def encode(self, span: LightSpan) -> bytes:
        """The bytes of one span that has ended; none of one that is not kept."""
        assert span.end_time is not None
        found = self._templates.find(span) if isinstance(span, OperationSpan) else None
        parts = self._filled_in(span, *found) if found is not None else None
        if parts is None:
            parts = self._in_full(span)
        if not (span.root or span).weight:
            return b""
        (trace_id, span_id, _, _, state, _), parent = span.ids, span.parent
        parts.append(_IDS % (trace_id.to_bytes(16, "big"), span_id.to_bytes(8, "big")))
        parts.append(_TIMES.pack(_START_TIME, span.start_time, _END_TIME, span.end_time))
        # Asking whether a state is empty is a call.
        if state is not NO_STATE and state:
            parts.append(field(b"\x1a", text(state.to_header())))
        if parent is None:
            parts.append(_LOCAL_FLAGS)
        else:
            parts.append(_PARENT + parent.span_id.to_bytes(8, "big"))
            parts.append(_REMOTE_FLAGS if parent.is_remote else _LOCAL_FLAGS)
        if span.events or span.links or span.status:
            parts.append(_particulars(span).SerializeToString())
        return b"".join(parts)

    def _filled_in(
        self, span: LightSpan, template: Template, sender: Sender, rest: dict[str, Any]
    ) -> list[bytes] | None:
        """Name, kind and attributes by the template; None when a host has set what is in it, or very much."""
        given = span.attributes
        if given and (
            len(given) > _FEW or not given.keys().isdisjoint(template.names | {*rest, *sender.names})
        ):
            return None
        if span.seconds is not None:
            template.tally.add(span.seconds)
        parts = [template.described, sender.encoded]
        for name, value in rest.items():
            # No two have the same id.
            write = attribute if name is semconv.JSONRPC_REQUEST_ID else repeated_attribute
            parts.append(write(name, value))
        weight = (span.root or span).weight
        if weight != 1:
            parts.append(repeated_attribute(semconv.MCP_OBS_SAMPLING_WEIGHT, weight))
        if given:
            parts += starmap(_attribute, given.items())
        return parts

    def _in_full(self, span: LightSpan) -> list[bytes]:
        """Name, kind and attributes of any span. What a host has set comes last: it goes first where it is too much."""
        said = span.let_go()
        if self._metrics is not None and span.seconds is not None:
            with _recording:
                record_operation(self._metrics, span.seconds, said)
        attributes = {**said, **(span.attributes or {}), **span.late}
        weight = (span.root or span).weight
        if weight != 1:
            attributes[semconv.MCP_OBS_SAMPLING_WEIGHT] = weight
        kind = bytes((0x30, SpanMessage.SpanKind.Value(f"SPAN_KIND_{span.kind.name}")))
        described = [field(b"\x2a", text(span.name or (span_name(attributes) if said else ""))), kind]
        described += starmap(_attribute, islice(attributes.items(), MOST_ATTRIBUTES))
        if len(attributes) > MOST_ATTRIBUTES:
            described.append(_DROPPED_ATTRIBUTES + varint(len(attributes) - MOST_ATTRIBUTES))
        return described


def _attribute(key: str, value: Any) -> bytes:
    """One attribute; nothing where a host set what can't be written."""
    with _writing:
        return attribute(key, value)
    return b""


def _flags(is_remote: bool) -> int:
    remote = SpanFlags.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK if is_remote else 0
    return SpanFlags.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK | remote


_LOCAL_FLAGS, _REMOTE_FLAGS = (_FLAGS + _flags(each).to_bytes(4, "little") for each in (False, True))


def _particulars(span: LightSpan) -> SpanMessage:
    """What few spans have. An event or a link that can't be written is left out."""
    message = SpanMessage()
    for event in span.events or ():
        with _writing:
            message.events.append(_event(*event))
    for link in span.links:
        with _writing:
            message.links.append(_link(link))
    message.dropped_events_count = span.dropped_events
    message.dropped_links_count = span.dropped_links
    if span.status:
        message.status.CopyFrom(
            StatusMessage(
                code=StatusMessage.StatusCode.ValueType(span.status.status_code.value),
                message=clean(span.status.description or ""),
            )
        )
    return message


def _event(name: str, time: int, attributes: Mapping[str, Any]) -> SpanMessage.Event:
    return SpanMessage.Event(name=clean(name), time_unix_nano=time, attributes=_key_values(attributes))


def _link(link: Link) -> SpanMessage.Link:
    context = link.context
    return SpanMessage.Link(
        trace_id=context.trace_id.to_bytes(16, "big"),
        span_id=context.span_id.to_bytes(8, "big"),
        trace_state=context.trace_state.to_header(),
        flags=_flags(context.is_remote),
        attributes=_key_values(link.attributes or {}),
    )


def _key_values(attributes: Mapping[str, Any]) -> list[KeyValue]:
    """Those that can be written."""
    written: list[KeyValue] = []
    for key, value in attributes.items():
        with _writing:
            written.append(KeyValue.FromString(key_value(key, value)))
    return written


class Envelope:
    """What stands around a batch of spans: whose they are, and what made them."""

    def __init__(self, resource: Resource, scope: str, version: str) -> None:
        message = ResourceMessage()
        for key, value in resource.attributes.items():
            message.attributes.add().ParseFromString(key_value(key, value))
        self._resource = field(b"\x0a", message.SerializeToString())
        self._scope = field(b"\x0a", InstrumentationScope(name=scope, version=version).SerializeToString())

    def around(self, spans: Iterable[bytes]) -> bytes:
        """An ExportTraceServiceRequest; what is in it is copied once."""
        parts = [self._scope]
        for span in spans:
            parts += _head(len(span)), span
        length = sum(map(len, parts))
        before = self._resource + _head(length)
        return b"".join((b"\x0a", varint(len(before) + length), before, *parts))


@lru_cache(maxsize=4096)
def _head(length: int) -> bytes:
    """What stands before a field of so many bytes: a span, or the spans of a scope."""
    return b"\x12" + varint(length)
