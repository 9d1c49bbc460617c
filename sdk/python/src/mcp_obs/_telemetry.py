"""What operations are recorded with."""

import os
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from typing import Any, Protocol

from opentelemetry.context import Context
from opentelemetry.metrics import Meter, MeterProvider, get_meter_provider
from opentelemetry.trace import Span, SpanKind, Tracer, TracerProvider, get_tracer_provider

from mcp_obs._details import Details
from mcp_obs._ending import Ending
from mcp_obs._guard import Guard
from mcp_obs._message import Message, span_name
from mcp_obs._metrics.categories import ALL, Category, resolve
from mcp_obs._metrics.metrics import Metrics
from mcp_obs._metrics.operations import record_operation
from mcp_obs._metrics.sdk_metrics import sdk_metrics
from mcp_obs._parent import Parent
from mcp_obs._privacy.settings import resolve_privacy
from mcp_obs._users import resolve_users

SCOPE = "mcp_obs"
RELEASE = version("mcp-obs")

_reading = Guard("reading MCP_OBS_PRIVACY, MCP_OBS_USER_* and MCP_OBS_METRICS, so nothing is recorded")


class Telemetry(Protocol):
    """Starts the span of an operation and learns how it ended."""

    @property
    def details(self) -> Details:
        """What is said of operations beside what is on the wire."""
        ...

    @property
    def tracer(self) -> Tracer:
        """Starts the spans that are no operations."""
        ...

    @property
    def start_at_once(self) -> Callable[[Message], Span | None] | None:
        """Starts what the current context has nothing above of as `start` does, and notices its message."""
        ...

    @property
    def meter(self) -> Meter:
        """Makes instruments; without metrics they record nothing."""
        ...

    @property
    def metrics(self) -> Metrics:
        """Records the metrics of the contract that are wanted."""
        ...

    def start(self, message: Message, parent: Parent, kind: SpanKind = SpanKind.SERVER) -> Span:
        """The span of an operation that begins."""
        ...

    def answered(self, span: Span, message: Message, result: Mapping[str, Any]) -> None:
        """Note what a request was answered with."""
        ...

    def ended(self, span: Span, seconds: float, message: Message, ending: Ending, context: Context) -> None:
        """Note how an operation ended, and how long it took."""
        ...


class OpenTelemetry:
    """The instruments of one pair of providers; `categories` are the metrics that are wanted of them."""

    start_at_once = None

    def __init__(
        self,
        traces: TracerProvider,
        meters: MeterProvider,
        details: Details | None = None,
        categories: frozenset[Category] = ALL,
    ) -> None:
        self.details = details or Details()
        self.tracer: Tracer = traces.get_tracer(SCOPE, RELEASE)
        self.meter = meters.get_meter(SCOPE, RELEASE)
        self.metrics = sdk_metrics(self.meter, categories)

    def start(self, message: Message, parent: Parent, kind: SpanKind = SpanKind.SERVER) -> Span:
        """A span of the tracer."""
        attributes = message.attributes()
        name = span_name(attributes)
        return self.tracer.start_span(name, parent.context, kind, attributes, parent.links)

    def answered(self, span: Span, message: Message, result: Mapping[str, Any]) -> None:
        """Describe it now: a span of the tracer takes nothing later."""
        if span.is_recording():
            span.set_attributes(self.details.of_result(message, result))

    def ended(self, span: Span, seconds: float, message: Message, ending: Ending, context: Context) -> None:
        """Record it in the context of the span, for exemplars."""
        late = self.details.of_end(message, ending)
        span.set_attributes(late)
        if self.metrics.categories and not message.is_outbound:
            record_operation(self.metrics, seconds, {**message.attributes(), **late}, context)


class _Current:
    """What configure_mcp_telemetry last decided."""

    configured: Telemetry | None = None
    enabled: bool = True
    refused: bool = False
    captured: Telemetry | None = None


_current = _Current()


@cache
def _of_the_host() -> Telemetry | None:
    """None where what the environment says can't be applied: it may be what is to be kept in."""
    with _reading:
        details = Details(resolve_privacy(os.environ, None), resolve_users(os.environ))
        wanted = None if os.environ.get("MCP_OBS_METRICS") else True
        # These are proxies: they find the host's providers even when those are set later.
        return OpenTelemetry(
            get_tracer_provider(), get_meter_provider(), details, resolve(os.environ, wanted)
        )
    return None


def use(telemetry: Telemetry | None, *, enabled: bool = True) -> None:
    """Record with `telemetry` from now on; None means the host's own providers."""
    _current.configured = telemetry
    _current.enabled = enabled
    _current.refused = False


def refuse() -> None:
    """Record nothing, not with the host's own providers either, until there is something to record with."""
    use(None)
    _current.refused = True


@contextmanager
def instead(telemetry: Telemetry) -> Generator[None]:
    """Record with `telemetry` meanwhile, whatever is configured."""
    before, _current.captured = _current.captured, telemetry
    try:
        yield
    finally:
        _current.captured = before


def is_decided() -> bool:
    """Whether the program has said what to record with, or that nothing is to be recorded."""
    return _current.configured is not None or _current.refused or not _current.enabled


def is_switched_off() -> bool:
    """Whether servers are to stay as they are."""
    return _current.captured is None and not _current.enabled


def current() -> Telemetry | None:
    """What to record with, or None when telemetry is switched off or its configuration was refused."""
    if _current.captured is not None:
        return _current.captured
    if _current.refused or not _current.enabled:
        return None
    return _current.configured or _of_the_host()
