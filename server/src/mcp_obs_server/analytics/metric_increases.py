"""A metric that adds up: what was new in each bucket, of sums and of distributions (decision 0011)."""

from datetime import datetime, timedelta

from mcp_obs_server.analytics.metric_rows import BUCKET, rows
from mcp_obs_server.analytics.metric_schemas import MetricPoint
from mcp_obs_server.analytics.quantiles import quantiles
from mcp_obs_server.store import Row

LOOK_BACK = timedelta(days=1)
"""How long before the range the state may be from which its first increase is told."""

_FRACTIONS = (0.5, 0.95, 0.99)

_NOTHING = "(0., 0::UInt64, ([], [])::Tuple(Array(Tuple(Float64, Float64)), Array(Int64)))"


def increases(by: str | None) -> str:
    """A query of buckets; binds `accumulates`, and `since`, LOOK_BACK before the start.

    What accumulates is compared with the state before, stream by stream: a stream is a series since its last start. A
    state that is lower began anew. A stream's first state is new as a whole when it began after `since`; else nobody
    knows how long it has been growing.
    """
    return f"""
SELECT
    {BUCKET} AS bucket_start,
    label,
    sum(new_total) AS increase,
    increase / {{bucket:UInt32}} AS per_second,
    sum(new_count) AS number,
    sumMap(new_edges, new_counts) AS buckets,
    min(low) AS lowest_value,
    max(high) AS highest_value
FROM
(
    SELECT
        *,
        if(state.2 < before.2 OR ({{kind:String}} = 'sum' AND state.1 < before.1), {_NOTHING}, before) AS base,
        NOT {{accumulates:Bool}} AS is_new,
        position > 1 OR stream_start >= {{since:DateTime('UTC')}} AS is_known,
        multiIf(is_new, new.1, is_known, state.1 - base.1, 0) AS new_total,
        multiIf(is_new, toInt64(new.2), is_known, toInt64(state.2 - base.2), 0) AS new_count,
        multiIf(is_new, new.3.1, is_known, arrayConcat(state.3.1, base.3.1), []) AS new_edges,
        multiIf(is_new, new.3.2, is_known, arrayConcat(state.3.2, arrayMap(c -> -c, base.3.2)), []) AS new_counts
    FROM
    (
        SELECT
            *,
            row_number() OVER stream AS position,
            lagInFrame(state, 1, {_NOTHING}) OVER stream AS before
        FROM
        (
            SELECT
                start,
                label,
                series_id,
                stream_start,
                (sum(total), sum(count), sumMap(buckets)) AS new,
                argMaxMerge(last) AS state,
                min(lowest) AS low,
                max(highest) AS high
            FROM ({rows("rollup.*", "{since:DateTime('UTC')}", by)})
            GROUP BY start, label, series_id, stream_start
        )
        WINDOW stream AS (PARTITION BY series_id, stream_start ORDER BY start)
    )
)
WHERE start >= {{start:DateTime('UTC')}}
GROUP BY bucket_start, label
"""


def increase_point(start: datetime, row: Row | None) -> MetricPoint:
    """A bucket of `increases` of a sum."""
    if row is None:
        return MetricPoint(start=start, increase=0, rate=0)
    return MetricPoint(start=start, increase=row["increase"], rate=row["per_second"])


def distribution_point(start: datetime, row: Row | None) -> MetricPoint:
    """A bucket of `increases` of a histogram or a summary."""
    if row is None:
        return MetricPoint(start=start, count=0, sum=0)
    edges, counts = row["buckets"]
    p50, p95, p99 = quantiles(edges, counts, _FRACTIONS)
    return MetricPoint(
        start=start,
        count=row["number"],
        sum=row["increase"],
        min=row["lowest_value"],
        max=row["highest_value"],
        p50=p50,
        p95=p95,
        p99=p99,
    )
