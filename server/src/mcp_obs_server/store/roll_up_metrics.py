"""The views that feed the rollups of metrics and the list of series (decision 0011)."""

# A bucket of an exponential histogram is at most this fine here: 16 to a doubling, each 4.4 % wide; finer ones nest.
_FINEST_SCALE = 4
# At this scale one bucket holds every double there is.
_COARSEST_SCALE = -11

_EXPLICIT = (
    "arrayZip(arrayResize(arrayPushFront(explicit_bounds, -inf), length(bucket_counts)),"
    " arrayResize(arrayPushBack(explicit_bounds, inf), length(bucket_counts)))"
)


def _exponential(side: str, lower: str, upper: str) -> str:
    """The edges of one side's buckets; bucket i covers (base^i, base^(i+1)] (OTLP, ExponentialHistogramDataPoint)."""
    return (
        f"arrayMap(n -> (bitShiftRight({side}_offset::Int64 + n - 1, coarser) AS i, ({lower}, {upper})).2,"
        f" arrayEnumerate({side}_bucket_counts))"
    )


_EDGES = (
    f"arrayConcat({_EXPLICIT},"
    f" {_exponential('positive', 'exp2(i * step)', 'exp2((i + 1) * step)')},"
    f" {_exponential('negative', '-exp2((i + 1) * step)', '-exp2(i * step)')},"
    " if(zero_count = 0, [], [(-zero_threshold, zero_threshold)]))"
)
_COUNTS = (
    "arrayMap(c -> toInt64(c), arrayConcat(bucket_counts, positive_bucket_counts, negative_bucket_counts,"
    " if(zero_count = 0, [], [zero_count])))"
)

# Nothing is stored here: both rollups are fed from what a batch comes to in a quarter of an hour.
METRICS = "CREATE TABLE metrics AS metrics_15m ENGINE = Null"

METRICS_VIEW = f"""
CREATE MATERIALIZED VIEW decoded_metric_points_to_metrics TO metrics AS
WITH
    least(greatest(scale - {_FINEST_SCALE}, 0), 62) AS coarser,
    exp2(-greatest(least(scale, {_FINEST_SCALE}), {_COARSEST_SCALE})) AS step,
    arrayReduce('sumMap', [{_EDGES}], [{_COUNTS}]) AS of_buckets,
    int_value IS NOT NULL OR double_value IS NOT NULL AS is_number,
    ifNull(coalesce(double_value, toFloat64(int_value), sum), 0) AS sent_value,
    if(isFinite(sent_value), sent_value, 0) AS value,
    -- What can go down is a level, not something that adds up.
    kind = 'gauge' OR (kind = 'sum' AND temporality != 'delta' AND NOT is_monotonic) AS is_level,
    NOT is_level AND (temporality = 'cumulative' OR kind = 'summary') AS accumulates
SELECT
    org_id,
    server_id,
    metric_name,
    toStartOfFifteenMinutes(time)::DateTime('UTC') AS start,
    kind,
    temporality,
    is_monotonic,
    unit,
    series_id,
    -- A start after the point itself is none.
    if(accumulates AND start_time <= time, start_time, toDateTime64(0, 9, 'UTC')) AS stream_start,
    count() AS points,
    sumIf(value, NOT accumulates) AS total,
    sumIf(decoded.count, NOT accumulates) AS count,
    minIf(if(is_number, value, decoded.min), NOT accumulates) AS lowest,
    maxIf(if(is_number, value, decoded.max), NOT accumulates) AS highest,
    sumMapIf(of_buckets, NOT accumulates) AS buckets,
    argMaxStateIf((value, decoded.count, of_buckets), time, accumulates OR is_level) AS last,
    max(time) AS last_time
FROM decoded_metric_points AS decoded
-- The first flag says that nothing was recorded; of an infinite number nothing adds up.
WHERE bitAnd(flags, 1) = 0 AND (isFinite(sent_value) OR NOT is_number)
GROUP BY org_id, server_id, metric_name, start, kind, temporality, is_monotonic, unit, series_id, stream_start
"""

QUARTERS_VIEW = "CREATE MATERIALIZED VIEW metrics_to_metrics_15m TO metrics_15m AS SELECT * FROM metrics"

HOURS_VIEW = """
CREATE MATERIALIZED VIEW metrics_to_metrics_1h TO metrics_1h AS
SELECT
    org_id,
    server_id,
    metric_name,
    toStartOfHour(quarters.start) AS start,
    kind,
    temporality,
    is_monotonic,
    unit,
    series_id,
    stream_start,
    sum(quarters.points) AS points,
    sum(quarters.total) AS total,
    sum(quarters.count) AS count,
    min(quarters.lowest) AS lowest,
    max(quarters.highest) AS highest,
    sumMap(quarters.buckets) AS buckets,
    argMaxMergeState(quarters.last) AS last,
    max(quarters.last_time) AS last_time
FROM metrics AS quarters
GROUP BY org_id, server_id, metric_name, start, kind, temporality, is_monotonic, unit, series_id, stream_start
"""

SERIES_VIEW = """
CREATE MATERIALIZED VIEW decoded_metric_points_to_metric_series TO metric_series AS
SELECT
    org_id,
    server_id,
    toStartOfDay(time)::DateTime('UTC') AS start,
    metric_name,
    kind,
    temporality,
    is_monotonic,
    unit,
    series_id,
    anyLast(decoded.description) AS description,
    any(decoded.attributes) AS attributes,
    min(time) AS first_time,
    max(time) AS last_time
FROM decoded_metric_points AS decoded
GROUP BY org_id, server_id, start, metric_name, kind, temporality, is_monotonic, unit, series_id
"""

# In the order in which they stand on each other.
VIEWS = {
    "metrics": METRICS,
    "decoded_metric_points_to_metrics": METRICS_VIEW,
    "metrics_to_metrics_15m": QUARTERS_VIEW,
    "metrics_to_metrics_1h": HOURS_VIEW,
    "decoded_metric_points_to_metric_series": SERIES_VIEW,
}
