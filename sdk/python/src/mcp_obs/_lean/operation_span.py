"""The current span while an operation is handled, as light as a record can be."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState
from opentelemetry.util.types import Attributes, AttributeValue

from mcp_obs import _clock
from mcp_obs._details import Details
from mcp_obs._ending import Ending
from mcp_obs._failure import failure_of
from mcp_obs._guard import Guard
from mcp_obs._lean.host_values import as_text, keep, kept, status_of, time_of
from mcp_obs._lean.largeness import are_large, is_large
from mcp_obs._message import Message

# The limits of the OpenTelemetry specification for a span (SpanLimits).
MOST_ATTRIBUTES = 128
MOST_EVENTS = 128
MOST_LINKS = 128
NO_STATE = TraceState()
# W3C Trace Context level 2, 2.3: that a trace's id is random is said, as samplers further on rely on it.
_RANDOM = 0x02
ROOT_FLAGS = TraceFlags(TraceFlags.SAMPLED | _RANDOM)

_NOTHING: Mapping[str, Any] = {}

Ids = tuple[int, int, bool, TraceFlags, TraceState, bool]
"""What a SpanContext is made of, in its order: to make one takes as long as the rest of a span."""
Event = tuple[str, int, Mapping[str, Any]]

_keeping = Guard("keeping what was set on a span", of_host=True)


class LightSpan(Span):
    """What a host may do with a span is kept as it comes; everything else is worked out by the exporter's thread.

    Times are in nanoseconds since 1970.
    """

    __slots__ = (
        "attributes",
        "dropped_events",
        "dropped_links",
        "end_time",
        "ending",
        "events",
        "held",
        "ids",
        "kind",
        "late",
        "links",
        "name",
        "on_end",
        "parent",
        "root",
        "seconds",
        "start_time",
        "status",
        "weight",
    )

    def __init__(
        self,
        name: str | None,
        kind: SpanKind,
        ids: Ids,
        parent: SpanContext | None,
        links: Sequence[Link],
        on_end: Callable[[Any], None],
    ) -> None:
        self.name = name
        """None until it is worked out."""
        self.kind = kind
        self.ids = ids
        self.parent = parent
        self.links = links
        self.on_end = on_end
        self.attributes: dict[str, Any] | None = None
        """What was set on it."""
        self.ending: Ending | None = None
        """How an operation ended; None for what is none."""
        self.late: Mapping[str, Any] = _NOTHING
        """What its end says, once it has let go."""
        self.seconds: float | None = None
        """How long an operation took; None for what is none."""
        self.root: LightSpan | None = None
        """The span that is kept or not together with this one; None when it decides itself."""
        self.weight = 1.0
        """How many operations a root stands for; 0 when it is not kept."""
        self.held: list[LightSpan] | None = None
        """What has ended inside a root on which nothing is decided before its end."""
        self.events: deque[Event] | None = None
        self.dropped_events = self.dropped_links = 0
        self.status: Status | None = None
        self.end_time: int | None = None
        self.start_time = _clock.time_ns()

    def let_go(self) -> Mapping[str, Any]:
        """What it says beside what a host has set on it, and nothing large is held any longer."""
        return {}

    def is_large(self) -> bool:
        """Whether a second of such spans would be much to hold."""
        return False

    def get_span_context(self) -> SpanContext:
        """Its ids, which nobody may ask for."""
        ids = self.ids
        if not isinstance(ids, SpanContext):
            self.ids = ids = SpanContext(*ids[:5])
        return ids

    def is_recording(self) -> bool:
        """Whether it is not over, and may be kept."""
        return self.end_time is None and (self.root or self).weight > 0

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """Keep one attribute."""
        if self.is_recording():
            if self.attributes is None:
                self.attributes = {}
            keep(self.attributes, key, value)

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Keep attributes; a later value replaces an earlier one."""
        if self.is_recording():
            if self.attributes is None:
                self.attributes = {}
            self.attributes.update(kept(attributes))

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """Keep an event; beyond the limit the oldest leaves."""
        if self.is_recording():
            if self.events is None:
                self.events = deque(maxlen=MOST_EVENTS)
            time = _clock.time_ns() if timestamp is None else time_of(timestamp)
            event = (as_text(name), time, kept(attributes))
            self.dropped_events += len(self.events) == MOST_EVENTS
            self.events.append(event)

    def add_link(self, context: SpanContext | None, attributes: Attributes = None) -> None:
        """Keep a link, up to the limit; one to nowhere that says nothing is none, as in the OpenTelemetry SDK."""
        if self.end_time is None:
            with _keeping:
                if not context or not (context.is_valid or attributes or context.trace_state):
                    return
                if len(self.links) < MOST_LINKS:
                    self.links = [*self.links, Link(context, kept(attributes))]
                else:
                    self.dropped_links += 1

    def add_links(self, links: Sequence[Link]) -> None:
        """Keep the links that a host starts it with."""
        with _keeping:
            for link in links:
                self.add_link(getattr(link, "context", None), getattr(link, "attributes", None))

    def update_name(self, name: str) -> None:
        """Call it otherwise than the conventions do."""
        if self.end_time is None:
            self.name = as_text(name)

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Keep how it ended; OK is final, and UNSET says nothing."""
        if self.end_time is not None or (self.status and self.status.status_code is StatusCode.OK):
            return
        self.status = status_of(status, description) or self.status

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Keep an exception as an event, without its traceback."""
        with _keeping:
            details: dict[str, Any] = {**failure_of(exception).event_attributes(), **kept(attributes)}
            self.add_event("exception", details, timestamp)

    def end(self, end_time: int | None = None) -> None:
        """Hand it to the exporter, the first time."""
        if self.end_time is None:
            self.end_time = _clock.time_ns() if end_time is None else time_of(end_time)
            self.on_end(self)


class OperationSpan(LightSpan):
    """The span of an operation, which says of itself what its message and its result say."""

    __slots__ = ("details", "message", "result", "said")

    def __init__(
        self,
        message: Message,
        ids: Ids,
        parent: SpanContext | None,
        links: Sequence[Link],
        on_end: Callable[[Any], None],
        kind: SpanKind = SpanKind.SERVER,
        details: Details | None = None,
    ) -> None:
        # super() is another call.
        LightSpan.__init__(self, None, kind, ids, parent, links, on_end)
        self.details = details
        """None: only what is on the wire is said."""
        self.message: Message | None = message
        self.said: dict[str, Any] = {}
        self.result: Mapping[str, Any] | None = None

    def let_go(self) -> Mapping[str, Any]:
        """What message, result and end say; message and result can be large."""
        if self.message is not None:
            self.said = self.message.attributes()
            if self.result is not None and self.details is not None:
                self.said |= self.details.of_result(self.message, self.result)
            if self.ending is not None and self.details is not None:
                self.late = self.details.of_end(self.message, self.ending)
            self.message = self.result = None
        return {**self.said, **self.late}

    def is_large(self) -> bool:
        """Said by few of the texts and lengths of its result and its arguments, which is quick."""
        message, result = self.message, self.result
        if message is not None and (is_large(message.method) or is_large(message.request_id)):
            return True
        params = message.params if message is not None else None
        if params is not None:
            given = params.get("arguments")
            # Beside no arguments there is `_meta`, which is small and has objects.
            if is_large(given) if given else is_large(params, given is None):
                return True
        if result is None:
            return False
        blocks = result.get("content") or result.get("contents") or result.get("messages")
        structured = result.get("structuredContent")
        return are_large(blocks) or (structured is not None and is_large(structured))
