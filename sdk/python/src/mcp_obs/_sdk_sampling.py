"""Our samplers for the providers of the OpenTelemetry SDK."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, SamplingResult
from opentelemetry.sdk.trace.sampling import Sampler as SdkSampler
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode, TraceState
from opentelemetry.util.types import Attributes

from mcp_obs import semconv
from mcp_obs._forked_child import new_lock
from mcp_obs._host_sampling import host_sampler, samples
from mcp_obs.sampling import End, Sampler, Start, weight_at_end, weight_at_start

MOST_HELD = 1000
_MOST_OPEN = 10_000


def is_operation(kind: SpanKind | None, attributes: Mapping[str, Any] | None) -> bool:
    """Whether a span decides on what is inside it."""
    return kind is SpanKind.SERVER and semconv.MCP_METHOD_NAME in (attributes or {})


class OperationSampler(SdkSampler):
    """Asks about operations, and about what stands alone; what is inside follows."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """The decision, with the weight as an attribute."""
        above = trace.get_current_span(parent_context)
        parent = above.get_span_context() if above.get_span_context().is_valid else None
        is_inside = parent is not None and not parent.is_remote and not is_operation(kind, attributes)
        asked = Start(trace_id, name, parent)
        weight = _weight_of(above) if is_inside else weight_at_start(self._sampler, asked)
        state = parent.trace_state if parent is not None else None
        if not weight:
            return SamplingResult(Decision.DROP, None, state)
        decision = _of_a_root(trace_id, name, kind) if parent is None else self._below(parent, is_inside)
        return SamplingResult(decision, _weighted(attributes, weight), state)

    def _below(self, parent: SpanContext, is_inside: bool) -> Decision:
        # What is decided later, or is another's to decide, hands on what the caller decided.
        follows = is_inside or self._sampler.decides_at_end or host_sampler() is not None
        if follows and not parent.trace_flags.sampled:
            return Decision.RECORD_ONLY
        return Decision.RECORD_AND_SAMPLE

    def get_description(self) -> str:
        """What it does."""
        return repr(self._sampler)


class EveryRoot(SdkSampler):
    """Records every trace, and hands on whether the host samples it."""

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """The decision."""
        return SamplingResult(_of_a_root(trace_id, name, kind), attributes)

    def get_description(self) -> str:
        """What it does."""
        return "EveryRoot"


def _of_a_root(trace_id: int, name: str, kind: SpanKind | None) -> Decision:
    host = host_sampler()
    is_sampled = host is None or samples(host, trace_id, name, kind)
    return Decision.RECORD_AND_SAMPLE if is_sampled else Decision.RECORD_ONLY


def _weight_of(span: trace.Span) -> float:
    if not span.is_recording():
        return 0.0
    attributes: Mapping[str, Any] = getattr(span, "attributes", None) or {}
    return attributes.get(semconv.MCP_OBS_SAMPLING_WEIGHT, 1.0)


def _weighted(attributes: Attributes, weight: float) -> dict[str, Any]:
    return {**(attributes or {}), **({semconv.MCP_OBS_SAMPLING_WEIGHT: weight} if weight != 1 else {})}


class _Open(NamedTuple):
    """A span that goes on, and what has ended inside it; `root` is the operation's own span id."""

    root: int
    held: list[ReadableSpan]


class EndDecidingProcessor(SpanProcessor):
    """Holds what is inside an operation until that has ended, and passes it on or not."""

    def __init__(self, sampler: Sampler, kept: SpanProcessor) -> None:
        self._sampler = sampler
        self._kept = kept
        self._open: dict[int, _Open] = {}
        self._deciding = new_lock()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Note below which operation it is."""
        above = trace.get_current_span(parent_context).get_span_context()
        ids = span.get_span_context()
        assert ids is not None
        with self._deciding:
            if len(self._open) < _MOST_OPEN:
                root = None if is_operation(span.kind, span.attributes) else self._open.get(above.span_id)
                self._open[ids.span_id] = root or _Open(ids.span_id, [])

    def on_end(self, span: ReadableSpan) -> None:
        """Decide on an operation; keep what is inside one."""
        ids = span.get_span_context()
        assert ids is not None
        with self._deciding:
            place = self._open.pop(ids.span_id, None) or _Open(ids.span_id, [])
            if place.root != ids.span_id and place.root in self._open:
                if len(place.held) < MOST_HELD:
                    place.held.append(span)
                return
        weight = weight_at_end(self._sampler, _end_of(span, ids))
        if weight:
            for each in (*(place.held if place.root == ids.span_id else ()), span):
                self._kept.on_end(_with_weight(each, weight))

    def shutdown(self) -> None:
        """Shut down what gets the kept ones."""
        self._kept.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush what gets the kept ones."""
        return self._kept.force_flush(timeout_millis)


def _end_of(span: ReadableSpan, ids: SpanContext) -> End:
    outcome = (span.attributes or {}).get(semconv.MCP_OBS_OPERATION_OUTCOME)
    is_error = span.status.status_code is StatusCode.ERROR or outcome == semconv.OUTCOME_ERROR
    seconds = ((span.end_time or 0) - (span.start_time or 0)) / 1e9
    return End(Start(ids.trace_id, span.name, span.parent), is_error, seconds)


def _with_weight(span: ReadableSpan, weight: float) -> ReadableSpan:
    if weight == 1:
        return span
    return ReadableSpan(
        span.name,
        span.get_span_context(),
        span.parent,
        span.resource,
        _weighted(span.attributes, weight),
        span.events,
        span.links,
        span.kind,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
