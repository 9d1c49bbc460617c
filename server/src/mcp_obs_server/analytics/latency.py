"""How long did calls take?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcp_obs_server.store import TelemetryStore


@dataclass(frozen=True)
class Latency:
    """Percentiles in milliseconds; None where nothing was timed."""

    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None


NOTHING_TIMED = Latency()


async def latencies(
    store: TelemetryStore, group: str, durations: str, parameters: Mapping[str, Any]
) -> dict[Any, Latency]:
    """The latency of each group, an expression over the rows of `durations`, a table or a query in parentheses."""
    rows = await store.rows(_SQL.format(group=group, durations=durations), parameters)
    return {row["grouped"]: Latency(*(round(value / 1e6, 3) for value in row["quantiles"])) for row in rows}


# The mean of a bucket's durations stands for each of them: exact where there is one, and never off by more than the
# bucket is wide.
_SQL = """
SELECT grouped, quantilesExactWeighted(0.5, 0.95, 0.99)(total / weight, toUInt64(round(weight))) AS quantiles
FROM
(
    SELECT {group} AS grouped, bucket, sum(calls) AS weight, sum(total_ns) AS total
    FROM {durations}
    GROUP BY grouped, bucket
)
GROUP BY grouped
"""
