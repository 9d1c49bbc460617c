"""The current span while an operation is handled, as light as a record can be."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from opentelemetry.trace import Link, Span, SpanContext, Status, StatusCode
from opentelemetry.util.types import Attributes, AttributeValue

from mcp_obs import _clock, semconv
from mcp_obs._failure import failure_of
from mcp_obs._guard import Guard
from mcp_obs._message import Message, json_size

# The limits of the OpenTelemetry specification for a span (SpanLimits).
MOST_ATTRIBUTES = 128
MOST_EVENTS = 128
MOST_LINKS = 128

Event = tuple[str, int, Mapping[str, Any]]

_keeping = Guard("keeping what was set on a span")


class OperationSpan(Span):
    """What a host may do with a span is kept as it comes; everything else is worked out by the exporter's thread.

    Times are in nanoseconds since 1970.
    """

    __slots__ = (
        "attributes",
        "context",
        "dropped_events",
        "end_time",
        "events",
        "late",
        "links",
        "message",
        "name",
        "on_end",
        "parent",
        "result",
        "said",
        "seconds",
        "start_time",
        "status",
    )

    def __init__(
        self,
        message: Message,
        context: SpanContext,
        parent: SpanContext | None,
        links: Sequence[Link],
        on_end: Callable[[OperationSpan], None],
    ) -> None:
        self.message: Message | None = message
        self.context = context
        self.parent = parent
        self.links = links
        self.on_end = on_end
        self.name: str | None = None
        self.attributes: dict[str, Any] | None = None
        """What was set on it."""
        self.said: dict[str, Any] = {}
        self.late: Mapping[str, Any] = {}
        """What the operation's end brought; it was set on it too."""
        self.seconds = 0.0
        self.events: deque[Event] | None = None
        self.dropped_events = 0
        self.status: Status | None = None
        self.result: Mapping[str, Any] | None = None
        self.end_time: int | None = None
        self.start_time = _clock.time_ns()

    def let_go(self) -> dict[str, Any]:
        """What the message and the result say; neither is held any longer, as both can be large."""
        if self.message is not None:
            self.said = self.message.attributes()
            size = json_size(self.result) if self.result is not None else None
            if size is not None:
                self.said[semconv.MCP_OBS_RESPONSE_SIZE] = size
            self.message = self.result = None
        return self.said

    def get_span_context(self) -> SpanContext:
        """Its ids."""
        return self.context

    def is_recording(self) -> bool:
        """Whether it is not over."""
        return self.end_time is None

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """Keep one attribute."""
        self.set_attributes({key: value})

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Keep attributes; a later value replaces an earlier one."""
        if self.end_time is None:
            if self.attributes is None:
                self.attributes = {}
            with _keeping:
                self.attributes.update({key: _kept(value) for key, value in attributes.items()})

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """Keep an event; beyond the limit the oldest leaves."""
        if self.end_time is None:
            if self.events is None:
                self.events = deque(maxlen=MOST_EVENTS)
            with _keeping:
                event = (name, timestamp or _clock.time_ns(), dict(attributes or {}))
                self.dropped_events += len(self.events) == MOST_EVENTS
                self.events.append(event)

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        """Keep a link."""
        if self.end_time is None:
            with _keeping:
                self.links = [*self.links, Link(context, dict(attributes or {}))]

    def update_name(self, name: str) -> None:
        """Call it otherwise than the conventions do."""
        if self.end_time is None:
            self.name = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Keep how it ended; OK is final, and UNSET says nothing."""
        if self.end_time is not None or (self.status and self.status.status_code is StatusCode.OK):
            return
        new = status if isinstance(status, Status) else Status(status, description)
        if new.status_code is not StatusCode.UNSET:
            self.status = new

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Keep an exception as an event, without its traceback."""
        with _keeping:
            details: dict[str, Any] = {**failure_of(exception).event_attributes(), **(attributes or {})}
            self.add_event("exception", details, timestamp)

    def end(self, end_time: int | None = None) -> None:
        """Hand it to the exporter, the first time."""
        if self.end_time is None:
            self.end_time = end_time or _clock.time_ns()
            self.on_end(self)


def _kept(value: Any) -> Any:
    """A copy of what the host may go on to change."""
    if isinstance(value, Mapping):
        return dict(cast("Mapping[Any, Any]", value))
    return tuple(cast("list[Any]", value)) if isinstance(value, list) else value
