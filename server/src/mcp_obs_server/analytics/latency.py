"""How long did calls take?"""

import math
from dataclasses import dataclass

from mcp_obs_server.analytics.scope import IS_CALL
from mcp_obs_server.store import Row


@dataclass(frozen=True)
class Latency:
    """Percentiles in milliseconds; None where nothing was timed."""

    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None


# For the WITH clause of a query over a rollup; its columns then include `quantiles` and `is_call`. The mean of a
# bucket's durations stands for each of them: exact where there is one, and never off by more than the bucket is wide.
TIMED = (
    f"{IS_CALL}, sumForEachMergeIf(timed_calls, is_call) AS timed_weights,"
    " sumForEachMergeIf(timed_ns, is_call) AS timed_totals"
)
QUANTILES = (
    "arrayReduce('quantilesExactWeighted(0.5, 0.95, 0.99)',"
    " arrayMap((total, weight) -> total / weight, timed_totals, timed_weights),"
    " arrayMap(weight -> toUInt64(round(weight)), timed_weights)) AS quantiles"
)


def latency_of(row: Row | None) -> Latency:
    """The latency of a row that was asked for its quantiles."""
    quantiles: list[float] = row["quantiles"] if row else []
    if not quantiles or math.isnan(quantiles[0]):
        return Latency()
    return Latency(*(round(value / 1e6, 3) for value in quantiles))
