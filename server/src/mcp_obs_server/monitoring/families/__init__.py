"""The metric families of /metrics, by the part that they are about. Names end in their unit or in `_total`."""

from collections.abc import Iterable, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from mcp_obs_server.kit.histogram import Histogram

Samples = Iterable[tuple[Sequence[object], float]]
"""The labels' values and the number."""


def counter(name: str, meaning: str, labels: Sequence[str], samples: Samples) -> CounterMetricFamily:
    """What only grows; `_total` is added to the name."""
    family = CounterMetricFamily(f"mcp_obs_{name}", meaning, labels=labels)
    for values, value in samples:
        family.add_metric([*map(str, values)], value)
    return family


def gauge(name: str, meaning: str, labels: Sequence[str], samples: Samples) -> GaugeMetricFamily:
    """What goes up and down."""
    family = GaugeMetricFamily(f"mcp_obs_{name}", meaning, labels=labels)
    for values, value in samples:
        family.add_metric([*map(str, values)], value)
    return family


def histogram(
    name: str, meaning: str, labels: Sequence[str], samples: Iterable[tuple[Sequence[object], Histogram]]
) -> HistogramMetricFamily:
    """Counts of values by size."""
    family = HistogramMetricFamily(f"mcp_obs_{name}", meaning, labels=labels)
    for values, value in samples:
        family.add_metric([*map(str, values)], [*value.buckets()], value.sum)
    return family
