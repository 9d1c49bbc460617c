-- What happened in each quarter of an hour, and in each hour, of the operations that a server handled: a chart of any
-- length reads the same few rows at a thousand or a billion calls (decision 0014). Each operation is counted twice, for
-- its target and for the server as a whole, so that a server's own figures don't cost more with every tool it has.
CREATE TABLE IF NOT EXISTS operations_15m
(
    org_id UInt32,
    server_id UInt32,
    grain Enum8('server' = 1, 'target' = 2),
    start DateTime('UTC') CODEC(Delta, ZSTD(1)),
    method LowCardinality(String),
    target String CODEC(ZSTD(1)),
    client_name LowCardinality(String),
    generated Bool,
    calls SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
    errors SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
    cancelled SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
    input_required SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
    -- A question decompresses a few megabytes of these.
    users AggregateFunction(uniqCombined(12), String) CODEC(LZ4),
    sessions AggregateFunction(uniqCombined(12), String) CODEC(LZ4),
    last_time SimpleAggregateFunction(max, DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    -- How long they took: a histogram with 16 buckets for each doubling from 16 microseconds on, as far as it is needed:
    -- how many calls are in each, and the sum of their nanoseconds. Its quantile is the mean of what is in a bucket, which
    -- is no wider than 4.4 %; all that is below, and all of a day and more, is in one bucket each.
    timed_calls AggregateFunction(sumForEach, Array(Float64)) CODEC(LZ4),
    timed_ns AggregateFunction(sumForEach, Array(Float64)) CODEC(LZ4)
)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(start)
ORDER BY (org_id, server_id, grain, start, method, target, client_name, generated)
SETTINGS
    -- The server's own rows stand before its tools', and reading 8,192 sketches for a hundred took most of the time.
    index_granularity = 128,
    -- Rows of the same keys in four parts are read four times: merged sooner, a question takes two thirds of the time.
    merge_selector_base = 2,
    ttl_only_drop_parts = 1,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS operations_1h AS operations_15m
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(start)
ORDER BY (org_id, server_id, grain, start, method, target, client_name, generated)
SETTINGS
    index_granularity = 128,
    merge_selector_base = 2,
    ttl_only_drop_parts = 1,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
