"""Metrics that an OpenTelemetry meter provider adds up."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from opentelemetry.context import Context
from opentelemetry.metrics import Meter

from mcp_obs._metrics.metrics import Metrics, Series
from mcp_obs.semconv import RecordedMetric

Record = Callable[[float, Mapping[str, Any], Context | None], None]


class SdkSeries:
    """One set of attributes of an instrument."""

    def __init__(self, record: Record, attributes: Mapping[str, Any]) -> None:
        self._record = record
        self._attributes = attributes

    def add(self, value: float, context: Context | None) -> None:
        """Record it in the context of its span, for exemplars."""
        self._record(value, self._attributes, context)


def sdk_metrics(meter: Meter, categories: Collection[str]) -> Metrics:
    """Metrics whose series are those of instruments of `meter`."""
    instruments: dict[str, Record] = {}

    def make(metric: RecordedMetric, attributes: Mapping[str, Any]) -> Series:
        if metric.name not in instruments:
            instruments[metric.name] = _instrument(meter, metric)
        return SdkSeries(instruments[metric.name], attributes)

    return Metrics(categories, make)


def _instrument(meter: Meter, metric: RecordedMetric) -> Record:
    match metric.instrument:
        case "histogram":
            bounds = metric.boundaries
            return meter.create_histogram(
                metric.name, metric.unit, metric.brief, explicit_bucket_boundaries_advisory=bounds
            ).record
        case "counter":
            return meter.create_counter(metric.name, metric.unit, metric.brief).add
        case _:
            return meter.create_up_down_counter(metric.name, metric.unit, metric.brief).add
