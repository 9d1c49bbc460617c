-- What every metric did in each quarter of an hour, and from that in each hour, by series (decision 0011).
-- `total`, `count` and `buckets` add up what is new in each point (delta) or average a level (gauge); `last` is the newest
-- state of what accumulates, from which an increase is told by the state before. Buckets are (lower, upper] edges, so that
-- histograms of any bounds or scales add up. Sorted by name first: a chart reads one metric of a server's many.
CREATE TABLE IF NOT EXISTS metrics_15m
(
    org_id UInt32,
    server_id UInt32,
    metric_name LowCardinality(String),
    start DateTime('UTC') CODEC(Delta, ZSTD(1)),
    kind Enum8('gauge' = 1, 'sum' = 2, 'histogram' = 3, 'exponential_histogram' = 4, 'summary' = 5),
    temporality Enum8('unspecified' = 0, 'delta' = 1, 'cumulative' = 2),
    is_monotonic Bool,
    unit LowCardinality(String),
    series_id UInt64 CODEC(ZSTD(1)),
    stream_start DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    points SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    total SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
    count SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    lowest SimpleAggregateFunction(min, Nullable(Float64)) CODEC(ZSTD(1)),
    highest SimpleAggregateFunction(max, Nullable(Float64)) CODEC(ZSTD(1)),
    buckets SimpleAggregateFunction(sumMap, Tuple(Array(Tuple(Float64, Float64)), Array(Int64))) CODEC(ZSTD(1)),
    last AggregateFunction(argMax, Tuple(Float64, UInt64, Tuple(Array(Tuple(Float64, Float64)), Array(Int64))), DateTime64(9, 'UTC')) CODEC(ZSTD(1)),
    last_time SimpleAggregateFunction(max, DateTime64(3, 'UTC')) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(start)
ORDER BY (org_id, server_id, metric_name, start, kind, temporality, is_monotonic, unit, series_id, stream_start)
SETTINGS
    ttl_only_drop_parts = 1,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS metrics_1h AS metrics_15m
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(start)
ORDER BY (org_id, server_id, metric_name, start, kind, temporality, is_monotonic, unit, series_id, stream_start)
SETTINGS
    ttl_only_drop_parts = 1,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;

-- Which series each metric had on each day, and what is said of them once and not in every row above.
CREATE TABLE IF NOT EXISTS metric_series
(
    org_id UInt32,
    server_id UInt32,
    start DateTime('UTC') CODEC(Delta, ZSTD(1)),
    metric_name LowCardinality(String),
    kind Enum8('gauge' = 1, 'sum' = 2, 'histogram' = 3, 'exponential_histogram' = 4, 'summary' = 5),
    temporality Enum8('unspecified' = 0, 'delta' = 1, 'cumulative' = 2),
    is_monotonic Bool,
    unit LowCardinality(String),
    series_id UInt64 CODEC(ZSTD(1)),
    description SimpleAggregateFunction(anyLast, String) CODEC(ZSTD(1)),
    attributes SimpleAggregateFunction(any, Map(String, String)) CODEC(ZSTD(1)),
    first_time SimpleAggregateFunction(min, DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    last_time SimpleAggregateFunction(max, DateTime64(3, 'UTC')) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(start)
ORDER BY (org_id, server_id, start, metric_name, kind, temporality, is_monotonic, unit, series_id)
SETTINGS
    ttl_only_drop_parts = 1,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
