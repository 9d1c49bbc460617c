"""Metrics that are added up here and written as OTLP."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, cast

from opentelemetry.context import Context

from mcp_obs import _clock
from mcp_obs._guard import Guard
from mcp_obs._metrics.figures import Figures, wanted
from mcp_obs._metrics.lean_series import LeanSeries, encode_metric, encode_times, lean_series
from mcp_obs._metrics.metrics import MOST_SERIES, Metrics, SeriesOfMetric
from mcp_obs.semconv import RecordedMetric

_observing = Guard("reading what is observed for a metric")


class LeanMetrics(Metrics):
    """The contract's metrics and, by `define`, any others; they count from their making on.

    `on_first_value` is called once, when there is something to export.
    """

    def __init__(self, categories: Collection[str], most_series: int = MOST_SERIES) -> None:
        super().__init__(categories, self._make_series, most_series)
        self._defined: list[SeriesOfMetric] = []
        self._observers: list[Callable[[], None]] = []
        self._start_ns = _clock.time_ns()
        self.on_first_value: Callable[[], None] | None = None

    def define(self, metric: RecordedMetric) -> SeriesOfMetric:
        """A metric that is not recorded by name."""
        defined = SeriesOfMetric(metric)
        with self._making:
            self._defined.append(defined)
        return defined

    def add(
        self, defined: SeriesOfMetric, value: float, attributes: Mapping[str, Any], context: Context | None
    ) -> None:
        """Record one value of a defined metric, with all its attributes."""
        key = tuple(sorted((name, *_told_apart(value)) for name, value in attributes.items()))
        series = defined.by_key.get(key)
        if series is None:
            series = self._new(defined, key, attributes.items())
        series.add(value, context)

    def observe(self, observer: Callable[[], None]) -> None:
        """Have something recorded before every export."""
        self._observers.append(observer)

    def observe_figures(self, names: Collection[str], figures: Figures) -> None:
        """Have the wanted ones of those named metrics read before every export."""
        defined = {metric.name: self.define(metric) for metric in wanted(names, self.categories)}
        if defined:
            self.observe(partial(self._take, defined, figures))

    def _take(self, defined: Mapping[str, SeriesOfMetric], figures: Figures) -> None:
        for metric, value, attributes in figures():
            known = defined.get(metric)
            if known is not None:
                series = known.by_key.get(attributes) or self._new(known, attributes, attributes)
                series.add(value, None)

    def clear(self) -> None:
        """Begin anew."""
        super().clear()
        self._start_ns = _clock.time_ns()

    def encode(self, now_ns: int) -> Iterator[bytes]:
        """Every metric as an OTLP Metric message."""
        for observer in self._observers:
            with _observing:
                observer()
        times = encode_times(self._start_ns, now_ns)
        for metric, series in self.all_series():
            yield encode_metric(metric, cast("list[LeanSeries]", series), times)

    def _all(self) -> Iterable[SeriesOfMetric]:
        return [*self._known.values(), *self._defined]

    def _make_series(self, metric: RecordedMetric, attributes: Mapping[str, Any]) -> LeanSeries:
        # Once is enough: every value has a series.
        started, self.on_first_value = self.on_first_value, None
        if started is not None:
            started()
        return lean_series(metric, attributes)


def _told_apart(value: Any) -> tuple[str, Any]:
    """What is equal for equal values of one type only: 1 and True are equal too."""
    return type(value).__name__, tuple(cast("list[Any]", value)) if isinstance(value, list) else value
