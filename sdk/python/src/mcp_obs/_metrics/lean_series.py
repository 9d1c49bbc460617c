"""Series that are added up here and written as OTLP."""

import struct
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from opentelemetry.context import Context

from mcp_obs._forked_child import new_lock
from mcp_obs._lean.wire import field, fixed64, key_value, text
from mcp_obs._metrics.metrics import Series
from mcp_obs.semconv import RecordedMetric

# metrics.proto. A cumulative point repeats what an export before it lost.
_CUMULATIVE = b"\x10\x02"
_MONOTONIC = b"\x18\x01"
_GAUGE, _SUM, _HISTOGRAM = b"\x2a", b"\x3a", b"\x4a"
_DOUBLE = struct.Struct("<d")
_INTEGER = struct.Struct("<q")

_adding = new_lock()


class NumberSeries:
    """A counter's, an up-down counter's or a gauge's."""

    def __init__(self, metric: RecordedMetric, attributes: Mapping[str, Any]) -> None:
        self._attributes = b"".join(field(b"\x3a", key_value(*pair)) for pair in attributes.items())
        self._is_replaced = metric.is_observed
        self._value: float = 0

    def add(self, value: float, context: Context | None) -> None:
        """Add it up; what is observed comes whole."""
        with _adding:
            self._value = value if self._is_replaced else self._value + value

    def add_all(self, values: Sequence[float]) -> None:
        """The same for many."""
        self.add(sum(values), None)

    def encode(self, times: bytes) -> bytes:
        """A NumberDataPoint; `times` are its first fields."""
        value = self._value
        number = b"\x31" + _INTEGER.pack(value) if isinstance(value, int) else b"\x21" + _DOUBLE.pack(value)
        return self._attributes + times + number


class HistogramSeries:
    """A histogram's."""

    def __init__(self, metric: RecordedMetric, attributes: Mapping[str, Any]) -> None:
        self._attributes = b"".join(field(b"\x4a", key_value(*pair)) for pair in attributes.items())
        self._boundaries = metric.boundaries
        self._bounds = field(b"\x3a", struct.pack(f"<{len(metric.boundaries)}d", *metric.boundaries))
        self._buckets = [0] * (len(metric.boundaries) + 1)
        self._sum = 0.0
        self._min = float("inf")
        self._max = float("-inf")

    def add(self, value: float, context: Context | None) -> None:
        """Count it in its bucket."""
        self.add_all((value,))

    def add_all(self, values: Sequence[float]) -> None:
        """The same for many, and at least one."""
        buckets, boundaries = self._buckets, self._boundaries
        with _adding:
            for value in values:
                buckets[bisect_left(boundaries, value)] += 1
            self._sum += sum(values)
            self._min = min(self._min, *values)
            self._max = max(self._max, *values)

    def encode(self, times: bytes) -> bytes:
        """A HistogramDataPoint; `times` are its first fields."""
        with _adding:
            buckets, total, least, most = self._buckets.copy(), self._sum, self._min, self._max
        return b"".join(
            (
                self._attributes,
                times,
                b"\x21" + fixed64(sum(buckets)),
                b"\x29" + _DOUBLE.pack(total),
                field(b"\x32", struct.pack(f"<{len(buckets)}Q", *buckets)),
                self._bounds,
                b"\x59" + _DOUBLE.pack(least),
                b"\x61" + _DOUBLE.pack(most),
            )
        )


LeanSeries = NumberSeries | HistogramSeries


def lean_series(metric: RecordedMetric, attributes: Mapping[str, Any]) -> LeanSeries:
    """A series that is added up here."""
    kind = HistogramSeries if metric.instrument == "histogram" else NumberSeries
    return kind(metric, attributes)


def encode_metric(metric: RecordedMetric, series: Iterable[Series], start_ns: int, now_ns: int) -> bytes:
    """A Metric message with what has been added up since `start_ns`, in nanoseconds since 1970."""
    times = b"\x11" + fixed64(start_ns) + b"\x19" + fixed64(now_ns)
    points = b"".join(field(b"\x0a", one.encode(times)) for one in series if isinstance(one, LeanSeries))
    head = (
        field(b"\x0a", text(metric.name))
        + field(b"\x12", text(metric.brief))
        + field(b"\x1a", text(metric.unit))
    )
    match metric.instrument:
        case "gauge":
            return head + field(_GAUGE, points)
        case "histogram":
            return head + field(_HISTOGRAM, points + _CUMULATIVE)
        case "counter":
            return head + field(_SUM, points + _CUMULATIVE + _MONOTONIC)
        case _:
            return head + field(_SUM, points + _CUMULATIVE)
