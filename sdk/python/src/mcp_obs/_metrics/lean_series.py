"""Series that are added up here and written as OTLP."""

import struct
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from opentelemetry.context import Context

from mcp_obs._forked_child import new_lock
from mcp_obs._lean.wire import field, key_value, text, varint
from mcp_obs.semconv import RecordedMetric

# metrics.proto. A cumulative point repeats what an export before it lost.
_CUMULATIVE = b"\x10\x02"
_MONOTONIC = b"\x18\x01"
_GAUGE, _SUM, _HISTOGRAM = b"\x2a", b"\x3a", b"\x4a"
_KINDS = {
    "gauge": (_GAUGE, b""),
    "histogram": (_HISTOGRAM, _CUMULATIVE),
    "counter": (_SUM, _CUMULATIVE + _MONOTONIC),
    "updowncounter": (_SUM, _CUMULATIVE),
}
_DOUBLE = struct.Struct("<cd")
_INTEGER = struct.Struct("<cq")
_TIMES = struct.Struct("<cQcQ")

_adding = new_lock()


class NumberSeries:
    """A counter's, an up-down counter's or a gauge's."""

    def __init__(self, metric: RecordedMetric, attributes: Mapping[str, Any]) -> None:
        self._head = _head_of_point(b"\x3a", attributes, _INTEGER.size)
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
        """A NumberDataPoint as a field; `times` are its first fields after the attributes."""
        value = self._value
        number = _INTEGER.pack(b"\x31", value) if isinstance(value, int) else _DOUBLE.pack(b"\x21", value)
        return self._head + times + number


class HistogramSeries:
    """A histogram's."""

    def __init__(self, metric: RecordedMetric, attributes: Mapping[str, Any]) -> None:
        self._boundaries = metric.boundaries
        self._layout, self._head_of_buckets, self._bounds = _layout(metric.boundaries)
        self._head = _head_of_point(b"\x4a", attributes, self._layout.size)
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
        """A HistogramDataPoint as a field; `times` are its first fields after the attributes."""
        with _adding:
            buckets, total, least, most = self._buckets.copy(), self._sum, self._min, self._max
        rest = self._layout.pack(
            b"\x21",
            sum(buckets),
            b"\x29",
            total,
            self._head_of_buckets,
            *buckets,
            self._bounds,
            b"\x59",
            least,
            b"\x61",
            most,
        )
        return self._head + times + rest


LeanSeries = NumberSeries | HistogramSeries


def lean_series(metric: RecordedMetric, attributes: Mapping[str, Any]) -> LeanSeries:
    """A series that is added up here."""
    kind = HistogramSeries if metric.instrument == "histogram" else NumberSeries
    return kind(metric, attributes)


def encode_times(start_ns: int, now_ns: int) -> bytes:
    """The fields of all points that say since when it was added up, and when; in nanoseconds since 1970."""
    return _TIMES.pack(b"\x11", start_ns, b"\x19", now_ns)


def encode_metric(metric: RecordedMetric, series: Iterable[LeanSeries], times: bytes) -> bytes:
    """A Metric message with what has been added up."""
    kind, rest = _KINDS[metric.instrument]
    points = b"".join([each.encode(times) for each in series])
    return _head_of_metric(metric.name, metric.brief, metric.unit) + field(kind, points + rest)


@lru_cache(maxsize=512)
def _head_of_metric(name: str, brief: str, unit: str) -> bytes:
    return field(b"\x0a", text(name)) + field(b"\x12", text(brief)) + field(b"\x1a", text(unit))


def _head_of_point(tag: bytes, attributes: Mapping[str, Any], size: int) -> bytes:
    """The attributes, before times and a value that always take as many bytes."""
    content = b"".join(field(tag, key_value(*pair)) for pair in attributes.items())
    return b"\x0a" + varint(len(content) + _TIMES.size + size) + content


@lru_cache(maxsize=64)
def _layout(boundaries: tuple[float, ...]) -> tuple[struct.Struct, bytes, bytes]:
    """Of the values of a histogram, what stands before the counts of its buckets, and its bounds."""
    buckets = len(boundaries) + 1
    head = b"\x32" + varint(8 * buckets)
    bounds = field(b"\x3a", struct.pack(f"<{len(boundaries)}d", *boundaries))
    return struct.Struct(f"<cQcd{len(head)}s{buckets}Q{len(bounds)}scdcd"), head, bounds
