"""Adds what is recorded to the series it belongs to, of which there is a bounded number."""

from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import starmap
from typing import Any, Protocol

from opentelemetry.context import Context

from mcp_obs import semconv
from mcp_obs._forked_child import new_lock
from mcp_obs._metrics.targets import OTHER
from mcp_obs.semconv import RECORDED_METRICS, RecordedMetric

MOST_SERIES = 10_000
OVERFLOW: Mapping[str, Any] = {"otel.metric.overflow": True}
"""The attributes of the series that takes what found no place (OpenTelemetry metrics SDK, cardinality limits)."""
MOST_CHOSEN = 32
# A client's answer, an exception's class and the arguments of a tool can choose them.
_CHOSEN = frozenset({semconv.ERROR_TYPE, semconv.RPC_RESPONSE_STATUS_CODE, semconv.MODEL, semconv.STATUS})
_KNOWN = frozenset(
    {
        semconv.ERROR_TYPE_TOOL_ERROR,
        semconv.ERROR_TYPE_TIMEOUT,
        *map(str, semconv.CLIENT_FAULT_CODES | semconv.FAILURE_CODES),
    }
)
_NOTHING: Mapping[str, Any] = {}


class Series(Protocol):
    """One metric with one set of attributes."""

    def add(self, value: float, context: Context | None) -> None:
        """Take one value; `context` is that of the span it belongs to."""
        ...


MakeSeries = Callable[[RecordedMetric, Mapping[str, Any]], Series]


class SeriesOfMetric:
    """A metric and its series by what tells them apart."""

    def __init__(self, metric: RecordedMetric) -> None:
        self.metric = metric
        self.by_key: dict[tuple[Any, ...], Series] = {}
        self.overflow: Series | None = None
        self._seen: dict[str, set[Any]] = {name: set() for name in metric.attributes if name in _CHOSEN}

    def bounded(self, key: tuple[Any, ...]) -> tuple[Any, ...]:
        """What a value with this key is counted under: of what can be chosen freely the first 32 stay told apart."""
        return tuple(starmap(self._bounded, zip(self.metric.attributes, key, strict=True)))

    def _bounded(self, name: str, value: Any) -> Any:
        seen = self._seen.get(name)
        if seen is None or value is None or value in _KNOWN or value in seen:
            return value
        if len(seen) >= MOST_CHOSEN:
            return OTHER
        seen.add(value)
        return value

    def all(self) -> list[Series]:
        """Those that there are."""
        found = list(self.by_key.values())
        return found if self.overflow is None else [*found, self.overflow]

    def clear(self) -> None:
        """There are none."""
        self.by_key.clear()
        self.overflow = None
        for seen in self._seen.values():
            seen.clear()


class Metrics:
    """The contract's metrics of the wanted categories; may be used by any thread.

    `make` builds a series. Of all metrics together there are at most `most_series`.
    """

    def __init__(self, categories: Collection[str], make: MakeSeries, most_series: int = MOST_SERIES) -> None:
        self.categories = frozenset(categories)
        self._make = make
        self._most_series = most_series
        self._known = {
            metric.name: SeriesOfMetric(metric)
            for metric in RECORDED_METRICS
            if metric.category in self.categories and not metric.is_observed
        }
        self._made = 0
        self._making = new_lock()

    def record(
        self,
        name: str,
        value: float,
        attributes: Mapping[str, Any] = _NOTHING,
        context: Context | None = None,
    ) -> None:
        """Record one value; the attributes that are not the metric's, and metrics that nobody wants, are left out."""
        series = self.series(name, attributes)
        if series is not None:
            series.add(value, context)

    def series(self, name: str, attributes: Mapping[str, Any] = _NOTHING) -> Series | None:
        """Where a value with these attributes belongs; None for a metric that nobody wants."""
        known = self._known.get(name)
        if known is None:
            return None
        key = tuple(map(attributes.get, known.metric.attributes))
        found = known.by_key.get(key)
        if found is None:
            with self._making:
                key = known.bounded(key)
            found = self._new(known, key, zip(known.metric.attributes, key, strict=True))
        return found

    def all_series(self) -> Iterable[tuple[RecordedMetric, list[Series]]]:
        """Every metric that has been recorded, with its series."""
        with self._making:
            found = [(known.metric, known.all()) for known in self._all()]
        return [(metric, series) for metric, series in found if series]

    def clear(self) -> None:
        """Begin anew."""
        self._made = 0
        for known in self._all():
            known.clear()

    def _all(self) -> Iterable[SeriesOfMetric]:
        return self._known.values()

    def _new(
        self, known: SeriesOfMetric, key: tuple[Any, ...], attributes: Iterable[tuple[str, Any]]
    ) -> Series:
        with self._making:
            series = known.by_key.get(key)
            if series is not None:
                return series
            # Each metric may need one more, for what finds no place.
            if self._made < self._most_series - sum(1 for _ in self._all()):
                self._made += 1
                present = {name: value for name, value in attributes if value is not None}
                series = known.by_key[key] = self._make(known.metric, present)
                return series
            if known.overflow is None:
                known.overflow = self._make(known.metric, OVERFLOW)
            return known.overflow
