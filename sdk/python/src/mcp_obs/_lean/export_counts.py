"""What became of operations and exports, as metrics about the exporters themselves."""

from collections.abc import Iterator
from typing import get_args

from mcp_obs import semconv
from mcp_obs._forked_child import new_lock
from mcp_obs._lean.circuit_breaker import CircuitBreaker
from mcp_obs._metrics.figures import Figure, Pairs
from mcp_obs._metrics.metrics import Metrics

# OpenTelemetry's names for the reasons (semantic conventions, SDK metrics).
QUEUE_FULL = "queue_full"
ALREADY_SHUTDOWN = "already_shutdown"
NOT_ENCODABLE = "not_encodable"
REJECTED = "rejected"
TIMEOUT = semconv.ERROR_TYPE_TIMEOUT

SPAN_EXPORTER = "otlp_http_span_exporter"
METRIC_EXPORTER = "otlp_http_metric_exporter"
_PROCESSOR = "batching_span_processor"

OBSERVED = frozenset(
    {
        semconv.MCP_OBS_EXPORTER_CIRCUIT_BREAKER_STATE,
        semconv.OTEL_SDK_EXPORTER_SPAN_EXPORTED,
        semconv.OTEL_SDK_PROCESSOR_SPAN_PROCESSED,
    }
)


class ExportCounts:
    """Of one exporter, by what went wrong, where None is nothing; may be used by any thread."""

    def __init__(self, exporter: str, breaker: CircuitBreaker, metrics: Metrics | None = None) -> None:
        self._exporter = exporter
        self._breaker = breaker
        self._metrics = metrics
        # A Counter runs Python for a new key: a finalizer could come in between, and wait for this lock for ever.
        self._processed: dict[str | None, int] = {}
        self._exported: dict[str | None, int] = {}
        self._counting = new_lock()

    def processed(self, spans: int, error: str | None = None) -> None:
        """Spans are ready to be sent, or never will be."""
        if spans:
            with self._counting:
                self._processed[error] = self._processed.get(error, 0) + spans

    def exported(self, spans: int, error: str | None = None) -> None:
        """Spans were sent, or given up."""
        if spans:
            with self._counting:
                self._exported[error] = self._exported.get(error, 0) + spans

    def took(self, seconds: float, error: str | None) -> None:
        """One request is over."""
        if self._metrics is not None:
            attributes = dict(_outcome(self._exporter, error))
            self._metrics.record(semconv.OTEL_SDK_EXPORTER_OPERATION_DURATION, seconds, attributes)

    @property
    def dropped(self) -> int:
        """Spans that were never ready to be sent."""
        return sum(spans for error, spans in tuple(self._processed.items()) if error is not None)

    def clear(self) -> None:
        """Begin anew."""
        self._processed.clear()
        self._exported.clear()

    def figures(self) -> Iterator[Figure]:
        """What there is to say now."""
        yield from state_figures(self._exporter, self._breaker)
        with self._counting:
            processed, exported = dict(self._processed), dict(self._exported)
        for error, spans in processed.items():
            yield Figure(semconv.OTEL_SDK_PROCESSOR_SPAN_PROCESSED, spans, _outcome(_PROCESSOR, error))
        for error, spans in exported.items():
            yield Figure(semconv.OTEL_SDK_EXPORTER_SPAN_EXPORTED, spans, _outcome(self._exporter, error))


def state_figures(exporter: str, breaker: CircuitBreaker, number: int = 0) -> Iterator[Figure]:
    """What the breaker of one does with the next attempt."""
    state = breaker.state
    for each in get_args(semconv.CircuitBreakerState):
        attributes = (*_component(exporter, number), (semconv.MCP_OBS_CIRCUIT_BREAKER_STATE, each))
        yield Figure(semconv.MCP_OBS_EXPORTER_CIRCUIT_BREAKER_STATE, int(each == state), attributes)


def _outcome(kind: str, error: str | None) -> Pairs:
    component = _component(kind)
    return component if error is None else (*component, (semconv.ERROR_TYPE, error))


def _component(kind: str, number: int = 0) -> Pairs:
    return (semconv.OTEL_COMPONENT_TYPE, kind), (semconv.OTEL_COMPONENT_NAME, f"{kind}/{number}")
