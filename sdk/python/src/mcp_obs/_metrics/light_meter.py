"""OpenTelemetry's interface of a meter, over the metrics that are added up here."""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import Any, cast

from opentelemetry.context import Context
from opentelemetry.metrics import (
    CallbackOptions,
    Counter,
    Histogram,
    Meter,
    NoOpCounter,
    NoOpHistogram,
    NoOpMeter,
    NoOpObservableCounter,
    NoOpObservableGauge,
    NoOpObservableUpDownCounter,
    NoOpUpDownCounter,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    Observation,
    UpDownCounter,
)
from opentelemetry.metrics import (
    _Gauge as Gauge,  # pyright: ignore[reportPrivateUsage]  the API has no other name for it
)
from opentelemetry.metrics import (
    _NoOpGauge as NoOpGauge,  # pyright: ignore[reportPrivateUsage]
)
from opentelemetry.util.types import Attributes

from mcp_obs._guard import Guard
from mcp_obs._metrics.lean_metrics import LeanMetrics
from mcp_obs._metrics.metrics import SeriesOfMetric
from mcp_obs.semconv import RecordedMetric

Callback = Callable[[CallbackOptions], Iterable[Observation]] | Generator[Iterable[Observation], Any]
# OpenTelemetry metrics SDK, explicit bucket histogram aggregation.
DEFAULT_BOUNDARIES = (0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000)

_recording = Guard("recording a value")


def light_meter(metrics: LeanMetrics) -> Meter:
    """Our meter; one that records nothing where no metrics are wanted."""
    return LightMeter(metrics) if metrics.categories else NoOpMeter("mcp_obs")


class _Recorder:
    """Adds to a metric, and raises nothing into whoever counts."""

    def __init__(self, metrics: LeanMetrics, defined: SeriesOfMetric) -> None:
        self._metrics = metrics
        self._defined = defined

    def record(self, value: float, attributes: Attributes, context: Context | None) -> None:
        with _recording:
            self._metrics.add(self._defined, value, attributes or {}, context)


class _LightCounter(NoOpCounter):
    recorder: _Recorder

    def add(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:
        self.recorder.record(amount, attributes, context)


class _LightUpDownCounter(NoOpUpDownCounter):
    recorder: _Recorder

    def add(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:
        self.recorder.record(amount, attributes, context)


class _LightHistogram(NoOpHistogram):
    recorder: _Recorder

    def record(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:
        self.recorder.record(amount, attributes, context)


class _LightGauge(NoOpGauge):
    recorder: _Recorder

    def set(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:
        self.recorder.record(amount, attributes, context)


class LightMeter(NoOpMeter):
    """Makes instruments; those of one name share their series."""

    def __init__(self, metrics: LeanMetrics) -> None:
        super().__init__("mcp_obs")
        self._metrics = metrics
        self._recorders: dict[str, _Recorder] = {}

    def create_counter(self, name: str, unit: str = "", description: str = "") -> Counter:
        """Counts up."""
        made = _LightCounter(name)
        made.recorder = self._recorder(name, "counter", unit, description)
        return made

    def create_up_down_counter(self, name: str, unit: str = "", description: str = "") -> UpDownCounter:
        """Counts up and down."""
        made = _LightUpDownCounter(name)
        made.recorder = self._recorder(name, "updowncounter", unit, description)
        return made

    def create_gauge(self, name: str, unit: str = "", description: str = "") -> Gauge:
        """Says what is."""
        made = _LightGauge(name)
        made.recorder = self._recorder(name, "gauge", unit, description, is_observed=True)
        return made

    def create_histogram(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
    ) -> Histogram:
        """Counts in buckets."""
        boundaries = explicit_bucket_boundaries_advisory
        made = _LightHistogram(name)
        made.recorder = self._recorder(
            name,
            "histogram",
            unit,
            description,
            DEFAULT_BOUNDARIES if boundaries is None else tuple(boundaries),
        )
        return made

    def create_observable_counter(
        self, name: str, callbacks: Sequence[Callback] | None = None, unit: str = "", description: str = ""
    ) -> ObservableCounter:
        """Asks before every export what has been counted."""
        self._observe(self._recorder(name, "counter", unit, description, is_observed=True), callbacks)
        return NoOpObservableCounter(name)

    def create_observable_up_down_counter(
        self, name: str, callbacks: Sequence[Callback] | None = None, unit: str = "", description: str = ""
    ) -> ObservableUpDownCounter:
        """Asks before every export what has been counted."""
        self._observe(self._recorder(name, "updowncounter", unit, description, is_observed=True), callbacks)
        return NoOpObservableUpDownCounter(name)

    def create_observable_gauge(
        self, name: str, callbacks: Sequence[Callback] | None = None, unit: str = "", description: str = ""
    ) -> ObservableGauge:
        """Asks before every export what is."""
        self._observe(self._recorder(name, "gauge", unit, description, is_observed=True), callbacks)
        return NoOpObservableGauge(name)

    def _recorder(
        self,
        name: str,
        instrument: str,
        unit: str,
        description: str,
        boundaries: tuple[float, ...] = (),
        *,
        is_observed: bool = False,
    ) -> _Recorder:
        found = self._recorders.get(name)
        if found is None:
            metric = RecordedMetric(name, "", instrument, unit, description, (), boundaries, is_observed)
            found = self._recorders[name] = _Recorder(self._metrics, self._metrics.define(metric))
        return found

    def _observe(self, recorder: _Recorder, callbacks: Sequence[Callback] | None) -> None:
        for callback in callbacks or ():
            self._metrics.observe(_Observer(recorder, callback))


class _Observer:
    """Records what a callback, or a generator that was given in its place, observes."""

    def __init__(self, recorder: _Recorder, callback: Callback) -> None:
        self._recorder = recorder
        self._callback = callback

    def __call__(self) -> None:
        for one in self._observations():
            attributes: Mapping[str, Any] | None = one.attributes
            self._recorder.record(one.value, attributes, None)

    def _observations(self) -> Iterable[Observation]:
        asked: Any = (
            next(cast("Any", self._callback))
            if isinstance(self._callback, Generator)
            else self._callback(CallbackOptions())
        )
        return asked
