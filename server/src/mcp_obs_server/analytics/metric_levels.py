"""A metric that goes up and down: its average, lowest, highest and last value in each bucket."""

from datetime import datetime

from mcp_obs_server.analytics.metric_rows import BUCKET, rows
from mcp_obs_server.analytics.metric_schemas import MetricPoint
from mcp_obs_server.store import Row


def levels(by: str | None) -> str:
    """A query of buckets; binds `adds_up`, whether the levels of several series make one, as a sum's do."""
    return f"""
SELECT
    bucket_start,
    label,
    if({{adds_up:Bool}}, sum(sum_of_points / number), sum(sum_of_points) / sum(number)) AS average,
    if({{adds_up:Bool}}, sum(low), min(low)) AS lowest_value,
    if({{adds_up:Bool}}, sum(high), max(high)) AS highest_value,
    if({{adds_up:Bool}}, sum(newest), argMax(newest, newest_time)) AS last_value
FROM
(
    SELECT
        {BUCKET} AS bucket_start,
        label,
        series_id,
        sum(total) AS sum_of_points,
        sum(points) AS number,
        min(lowest) AS low,
        max(highest) AS high,
        argMaxMerge(last).1 AS newest,
        max(last_time) AS newest_time
    FROM ({rows("rollup.*", "{start:DateTime('UTC')}", by)})
    GROUP BY bucket_start, label, series_id
)
GROUP BY bucket_start, label
"""


def level_point(start: datetime, row: Row | None) -> MetricPoint:
    """A bucket of `levels`."""
    if row is None:
        return MetricPoint(start=start)
    return MetricPoint(
        start=start,
        avg=row["average"],
        min=row["lowest_value"],
        max=row["highest_value"],
        last=row["last_value"],
    )
