"""Values of observed metrics, which are read all at once for an export."""

from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import NamedTuple

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from mcp_obs.semconv import RECORDED_METRICS, RecordedMetric

Pairs = tuple[tuple[str, str], ...]


class Figure(NamedTuple):
    """The value of an observed metric; its attributes are pairs, by which a series is found as they are."""

    metric: str
    value: float
    attributes: Pairs = ()


Figures = Callable[[], Iterable[Figure]]


def wanted(names: Collection[str], categories: Collection[str]) -> list[RecordedMetric]:
    """Those named metrics that are of the wanted categories."""
    return [each for each in RECORDED_METRICS if each.name in names and each.category in categories]


def observe(meter: Meter, categories: Collection[str], names: Collection[str], figures: Figures) -> None:
    """Have `meter` read the wanted ones of those named metrics whenever it exports."""
    reading = _Reading(figures)
    for metric in wanted(names, categories):
        observed = (metric.name, [partial(reading.of, metric.name)], metric.unit, metric.brief)
        match metric.instrument:
            case "counter":
                meter.create_observable_counter(*observed)
            case "gauge":
                meter.create_observable_gauge(*observed)
            case _:
                meter.create_observable_up_down_counter(*observed)


class _Reading:
    """All figures at once, though each metric is asked for by itself: to read them takes 0.1 ms."""

    def __init__(self, figures: Figures) -> None:
        self._read = figures
        self._figures: list[Figure] = []
        self._told: set[str] | None = None

    def of(self, metric: str, options: CallbackOptions) -> Iterable[Observation]:
        """One metric's; whoever asks for it again wants what is now."""
        if self._told is None or metric in self._told:
            self._figures, self._told = list(self._read()), set()
        self._told.add(metric)
        return [
            Observation(each.value, dict(each.attributes)) for each in self._figures if each.metric == metric
        ]
