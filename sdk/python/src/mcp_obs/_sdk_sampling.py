"""Our samplers for the providers of the OpenTelemetry SDK."""

from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

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
    # One that has ended is recording no longer, and still the SDK's own; one that is not kept never was.
    if not span.is_recording() and not isinstance(span, ReadableSpan):
        return 0.0
    attributes: Mapping[str, Any] = getattr(span, "attributes", None) or {}
    return attributes.get(semconv.MCP_OBS_SAMPLING_WEIGHT, 1.0)


def _weighted(attributes: Attributes, weight: float) -> dict[str, Any]:
    return {**(attributes or {}), **({semconv.MCP_OBS_SAMPLING_WEIGHT: weight} if weight != 1 else {})}


class _Operation:
    """What is kept or not together; what has ended inside waits until that is decided."""

    def __init__(self, root: int) -> None:
        self.root = root
        """The span id of the one that decides."""
        self.held: list[ReadableSpan] = []
        self.weight: float | None = None
        """How many operations it stands for, once that is decided."""


class EndDecidingProcessor(SpanProcessor):
    """Holds what is inside an operation until that has ended, and passes it on or not."""

    def __init__(self, sampler: Sampler, kept: SpanProcessor) -> None:
        self._sampler = sampler
        self._kept = kept
        self._open: dict[int, _Operation] = {}
        # Something may begin inside a span that has ended, as long as a host has that.
        self._known = WeakKeyDictionary[trace.Span, _Operation]()
        self._deciding = new_lock()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Note below which operation it is."""
        above = trace.get_current_span(parent_context)
        ids = span.get_span_context()
        assert ids is not None
        is_inside = isinstance(above, Span) and not is_operation(span.kind, span.attributes)
        with self._deciding:
            if len(self._open) < _MOST_OPEN:
                operation = self._known.get(above) if is_inside else None
                self._open[ids.span_id] = self._known[span] = operation or _Operation(ids.span_id)

    def on_end(self, span: ReadableSpan) -> None:
        """Decide on an operation; hold what is inside one, or do with it as was decided."""
        ids = span.get_span_context()
        assert ids is not None
        with self._deciding:
            operation = self._open.pop(ids.span_id, None) or _Operation(ids.span_id)
            if operation.root != ids.span_id and operation.weight is None:
                if len(operation.held) < MOST_HELD:
                    operation.held.append(span)
                return
        if operation.root == ids.span_id:
            operation.weight = weight_at_end(self._sampler, _end_of(span, ids))
        with self._deciding:
            held, operation.held = operation.held, []
        if operation.weight:
            for each in (*held, span):
                self._kept.on_end(_with_weight(each, operation.weight))

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
