"""Where light spans get their ids, their parent and their way to the exporter."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, TraceFlags, Tracer, use_span
from opentelemetry.util._decorator import (
    _agnosticcontextmanager,  # pyright: ignore[reportPrivateUsage]  the interface's own decorator
)
from opentelemetry.util.types import Attributes

from mcp_obs._details import Details
from mcp_obs._host_sampling import host_sampler, samples
from mcp_obs._lean.at_once import starter_of
from mcp_obs._lean.host_values import as_text, kind_of, time_of
from mcp_obs._lean.operation_span import NO_STATE, ROOT_FLAGS, Ids, LightSpan, OperationSpan
from mcp_obs._lean.random_ids import new_span_id, new_trace_id
from mcp_obs._message import Message
from mcp_obs._parent import Parent
from mcp_obs.sampling import Sampler, Start, weight_at_start

if TYPE_CHECKING:
    from mcp_obs._lean.compiled import SpanStarter

_UNSAMPLED_ROOT_FLAGS = TraceFlags(ROOT_FLAGS & ~TraceFlags.SAMPLED)


class LightTracer(Tracer):
    """Starts light spans; whether their trace is sampled is handed on as the caller set it, or the host decides."""

    def __init__(
        self,
        put: Callable[[Any], None],
        trace_id: Callable[[], int] = new_trace_id,
        span_id: Callable[[], int] = new_span_id,
        sampler: Sampler | None = None,
    ) -> None:
        self._put = put
        self._trace_id = trace_id
        self._span_id = span_id
        self._sampler = sampler

    def operation(
        self,
        message: Message,
        parent: Parent,
        kind: SpanKind = SpanKind.SERVER,
        details: Details | None = None,
    ) -> OperationSpan:
        """The span of an operation that begins."""
        # Most contexts are empty, and to ask one for its span takes several calls.
        if parent.context:
            above = trace.get_current_span(parent.context)
            ids, under = self._placed(above.get_span_context(), message, kind)
        else:
            above, ids, under = trace.INVALID_SPAN, self._root(message, kind), None
        span = OperationSpan(message, ids, under, parent.links, self._put, kind, details)
        is_inside = kind is not SpanKind.SERVER and self._is_inside(span, above)
        if self._sampler is not None and not is_inside:
            self._decide(span, self._sampler, _what(message))
        return span

    def starter(self, details: Details) -> "SpanStarter | None":
        """Starts most operations' spans by compiled code; None without that, or where each is to be decided on."""
        if self._sampler is not None:
            return None
        return starter_of(details, self._put, self._trace_id, self._span_id)

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> Span:
        """A span below the current one, or below that of `context`."""
        above = trace.get_current_span(context)
        called, kind = as_text(name), kind_of(kind)
        placed = self._placed(above.get_span_context(), called, kind)
        span = LightSpan(called, kind, *placed, links=(), on_end=self._put)
        if not self._is_inside(span, above) and self._sampler is not None:
            self._decide(span, self._sampler, called)
        if start_time is not None:
            span.start_time = time_of(start_time)
        if attributes is not None:
            span.set_attributes(attributes)
        if links is not None:
            span.add_links(links)
        return span

    @_agnosticcontextmanager
    def start_as_current_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> Iterator[Span]:
        """The same, as the current span of the block."""
        span = self.start_span(name, context, kind, attributes, links, start_time)
        with use_span(span, end_on_exit, record_exception, set_status_on_exception):
            yield span

    def _is_inside(self, span: LightSpan, above: Span) -> bool:
        """Whether what becomes of a span is decided on the operation above it."""
        if isinstance(above, LightSpan):
            span.root = above.root or above
        return span.root is not None

    def _decide(self, span: LightSpan, sampler: Sampler, what: str) -> None:
        """Whether a span is kept, with all that is inside it; or that it is decided at its end."""
        trace_id, span_id, is_remote, flags, state, is_valid = span.ids
        span.weight = weight_at_start(sampler, Start(trace_id, what, span.parent))
        if sampler.decides_at_end:
            span.held = []
            return
        if not span.weight:
            flags = TraceFlags(flags & ~TraceFlags.SAMPLED)
        elif host_sampler() is None:
            flags = TraceFlags(flags | TraceFlags.SAMPLED)
        span.ids = trace_id, span_id, is_remote, flags, state, is_valid

    def _placed(
        self, above: SpanContext, named: Message | str, kind: SpanKind
    ) -> tuple[Ids, SpanContext | None]:
        """The ids of a new span, and its parent's."""
        if not above.is_valid:
            return self._root(named, kind), None
        flags, state = above.trace_flags, above.trace_state
        return (above.trace_id, self._span_id(), False, flags, state, True), above

    def _root(self, named: Message | str, kind: SpanKind) -> Ids:
        trace_id, flags, host = self._trace_id(), ROOT_FLAGS, host_sampler()
        if host is not None:
            name = named if isinstance(named, str) else _what(named)
            flags = flags if samples(host, trace_id, name, kind) else _UNSAMPLED_ROOT_FLAGS
        return trace_id, self._span_id(), False, flags, NO_STATE, True


def _what(message: Message) -> str:
    """Enough of a span's name for a sampler: all of it waits for the exporter's thread."""
    target = (message.params or {}).get("name")
    return f"{message.method} {target}" if isinstance(target, str) else message.method
