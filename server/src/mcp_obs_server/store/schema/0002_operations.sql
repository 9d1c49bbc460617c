-- What happened in each minute, and from it in each hour, by method, target and client, of the operations that a server handled:
-- a chart of any length reads the same few rows at a thousand or a billion calls.
CREATE TABLE IF NOT EXISTS operations_1m
(
    org_id UInt32,
    server_id UInt32,
    start DateTime('UTC') CODEC(Delta, ZSTD(1)),
    method LowCardinality(String),
    target String CODEC(ZSTD(1)),
    client_name LowCardinality(String),
    generated Bool,
    calls SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
    errors SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
    cancelled SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
    input_required SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
    durations AggregateFunction(quantilesTDigestWeighted(0.5, 0.95, 0.99), UInt64, UInt32) CODEC(ZSTD(1)),
    users AggregateFunction(uniq, String) CODEC(ZSTD(1)),
    sessions AggregateFunction(uniq, String) CODEC(ZSTD(1)),
    last_time SimpleAggregateFunction(max, DateTime64(3, 'UTC')) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(start)
ORDER BY (org_id, server_id, start, method, target, client_name, generated)
SETTINGS
    ttl_only_drop_parts = 1,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS operations_1h AS operations_1m
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(start)
ORDER BY (org_id, server_id, start, method, target, client_name, generated)
SETTINGS
    ttl_only_drop_parts = 1,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
