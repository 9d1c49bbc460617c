"""Spans and durations in memory, with countable ids."""

import itertools
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Literal, get_args

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader, NumberDataPoint
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator

from mcp_obs import _telemetry
from mcp_obs._details import Details
from mcp_obs._lean.encoder import Envelope, SpanEncoder
from mcp_obs._lean.operation_span import LightSpan
from mcp_obs._lean.pipeline import LeanTelemetry
from mcp_obs._lean.tracer import LightTracer
from mcp_obs._metrics.categories import ALL
from mcp_obs._metrics.lean_metrics import LeanMetrics
from mcp_obs._providers import EVERY_OPERATION
from mcp_obs._telemetry import RELEASE, SCOPE, OpenTelemetry
from mcp_obs.testing import Distribution, Point
from mcp_obs.testing._reading import read_points

from .otlp import read_spans

ENVELOPE = Envelope(Resource({}), SCOPE, RELEASE)


class CountingIds(IdGenerator):
    """1, 2, 3 and so on."""

    def __init__(self) -> None:
        self._trace = self._span = 0

    def generate_trace_id(self) -> int:
        self._trace += 1
        return self._trace

    def generate_span_id(self) -> int:
        self._span += 1
        return self._span


class SpanLog(SpanProcessor):
    """The spans that have ended, in the order they ended."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []
        self._ended = threading.Condition()

    def on_end(self, span: ReadableSpan) -> None:
        with self._ended:
            self.spans.append(span)
            self._ended.notify_all()

    def wait_for(self, name: str, seconds: float = 60) -> ReadableSpan:
        """The first span of that name; fails when none ends in time."""
        self.wait_until(lambda: name in [one.name for one in self.spans], f"no span {name!r}", seconds)
        return next(one for one in self.spans if one.name == name)

    def wait_until(self, is_so: Callable[[], bool], otherwise: str, seconds: float = 60) -> None:
        """Ask again with every span that ends; fails when it does not become so in time."""
        with self._ended:
            assert self._ended.wait_for(is_so, seconds), (
                f"{otherwise} among {[one.name for one in self.spans]}"
            )


Way = Literal["lean", "sdk"]
WAYS: tuple[Way, ...] = get_args(Way)


class Recording:
    """While entered, operations are recorded here instead of being exported.

    In the lean way as the collector would read them, in the other as the OpenTelemetry SDK has them.
    """

    def __init__(self, way: Way = "lean", details: Details | None = None) -> None:
        self.way = way
        self.details = details or Details()
        self.log = SpanLog()
        self.traces = TracerProvider(EVERY_OPERATION, id_generator=CountingIds(), shutdown_on_exit=False)
        self.traces.add_span_processor(self.log)
        self._reader = InMemoryMetricReader()
        self.meters = MeterProvider([self._reader], shutdown_on_exit=False)
        self.lean_metrics = LeanMetrics(ALL)

    def __enter__(self) -> "Recording":
        telemetry = (
            OpenTelemetry(self.traces, self.meters, self.details) if self.way == "sdk" else self._lean()
        )
        _telemetry.use(telemetry)
        return self

    def _lean(self) -> LeanTelemetry:
        encoder = SpanEncoder(self.lean_metrics)
        ids = CountingIds()

        def put(span: LightSpan) -> None:
            (ended,) = read_spans(ENVELOPE.around([encoder.encode(span)]))
            self.log.on_end(ended)

        tracer = LightTracer(put, ids.generate_trace_id, ids.generate_span_id)
        return LeanTelemetry(tracer, self.lean_metrics, self.details)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _telemetry.use(None)
        self.meters.shutdown()

    @property
    def names(self) -> list[str]:
        """The names of the spans that have ended."""
        return [span.name for span in self.log.spans]

    def picture(self, name: str) -> dict[str, Any]:
        """The only span of that name."""
        (span,) = [span for span in self.log.spans if span.name == name]
        return picture(span)

    def points(self, metric: str | None = None) -> list[Point]:
        """The series of a metric, or of all."""
        found = exported(self.lean_metrics) if self.way == "lean" else list(points_of(self._reader))
        return [point for point in found if metric in {None, point.metric}]

    def durations(self) -> list[tuple[int, dict[str, Any]]]:
        """Count and attributes of every point of the duration histogram."""
        points = self.points("mcp.server.operation.duration")
        return [
            (point.value.count, point.attributes) for point in points if isinstance(point.value, Distribution)
        ]


def exported(metrics: LeanMetrics) -> list[Point]:
    """Every series, as an export has it."""
    return list(read_points(ENVELOPE.around(metrics.encode(1))))


def points_of(reader: InMemoryMetricReader) -> Iterator[Point]:
    """What the OpenTelemetry SDK has added up."""
    data = reader.get_metrics_data()
    for resource in data.resource_metrics if data else ():
        for metric in itertools.chain.from_iterable(scope.metrics for scope in resource.scope_metrics):
            for point in metric.data.data_points:
                if isinstance(point, NumberDataPoint):
                    value = point.value
                else:
                    assert isinstance(point, HistogramDataPoint)
                    bounds, counts = tuple(point.explicit_bounds), tuple(point.bucket_counts)
                    value = Distribution(point.count, point.sum, bounds, counts)
                yield Point(metric.name, metric.unit or "", dict(point.attributes or {}), value)


def picture(span: ReadableSpan) -> dict[str, Any]:
    """All of a span but its ids and times."""
    return {
        "name": span.name,
        "kind": span.kind.name,
        "status": (span.status.status_code.name, span.status.description),
        "attributes": dict(span.attributes or {}),
        "events": [(event.name, dict(event.attributes or {})) for event in span.events],
        "links": len(span.links),
    }
