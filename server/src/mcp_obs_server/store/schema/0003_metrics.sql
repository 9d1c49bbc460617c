-- One row a data point, immutable, of every kind that OTLP knows. What a kind lacks is NULL or empty; a start time that
-- was not sent is 1970. `series_id` is the same for all points of one series: resource, scope, name, unit, kind,
-- temporality and attributes.
CREATE TABLE IF NOT EXISTS metric_points
(
    org_id UInt32,
    server_id UInt32,
    time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    start_time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    metric_name LowCardinality(String),
    description LowCardinality(String),
    unit LowCardinality(String),
    metadata Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    metadata_types Map(LowCardinality(String), Enum8('empty' = 0, 'bool' = 2, 'int' = 3, 'double' = 4, 'array' = 5, 'map' = 6, 'bytes' = 7)) CODEC(ZSTD(1)),
    kind Enum8('gauge' = 1, 'sum' = 2, 'histogram' = 3, 'exponential_histogram' = 4, 'summary' = 5),
    temporality Enum8('unspecified' = 0, 'delta' = 1, 'cumulative' = 2),
    is_monotonic Bool,
    series_id UInt64 CODEC(ZSTD(1)),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    attribute_types Map(LowCardinality(String), Enum8('empty' = 0, 'bool' = 2, 'int' = 3, 'double' = 4, 'array' = 5, 'map' = 6, 'bytes' = 7)) CODEC(ZSTD(1)),
    flags UInt32 CODEC(ZSTD(1)),

    int_value Nullable(Int64) CODEC(ZSTD(1)),
    double_value Nullable(Float64) CODEC(ZSTD(1)),
    count UInt64 CODEC(ZSTD(1)),
    sum Nullable(Float64) CODEC(ZSTD(1)),
    min Nullable(Float64) CODEC(ZSTD(1)),
    max Nullable(Float64) CODEC(ZSTD(1)),
    explicit_bounds Array(Float64) CODEC(ZSTD(1)),
    bucket_counts Array(UInt64) CODEC(ZSTD(1)),
    scale Int32 CODEC(ZSTD(1)),
    zero_count UInt64 CODEC(ZSTD(1)),
    zero_threshold Float64 CODEC(ZSTD(1)),
    positive_offset Int32 CODEC(ZSTD(1)),
    positive_bucket_counts Array(UInt64) CODEC(ZSTD(1)),
    negative_offset Int32 CODEC(ZSTD(1)),
    negative_bucket_counts Array(UInt64) CODEC(ZSTD(1)),
    quantile_values Array(Tuple(quantile Float64, value Float64)) CODEC(ZSTD(1)),
    exemplars Array(Tuple(
        time DateTime64(9, 'UTC'),
        int_value Nullable(Int64),
        double_value Nullable(Float64),
        trace_id String,
        span_id String,
        filtered_attributes Map(LowCardinality(String), String),
        filtered_attribute_types Map(LowCardinality(String), Enum8('empty' = 0, 'bool' = 2, 'int' = 3, 'double' = 4, 'array' = 5, 'map' = 6, 'bytes' = 7)))) CODEC(ZSTD(1)),

    scope_name LowCardinality(String),
    scope_version LowCardinality(String),
    scope_attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    scope_attribute_types Map(LowCardinality(String), Enum8('empty' = 0, 'bool' = 2, 'int' = 3, 'double' = 4, 'array' = 5, 'map' = 6, 'bytes' = 7)) CODEC(ZSTD(1)),
    scope_schema_url LowCardinality(String),
    resource_attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    resource_attribute_types Map(LowCardinality(String), Enum8('empty' = 0, 'bool' = 2, 'int' = 3, 'double' = 4, 'array' = 5, 'map' = 6, 'bytes' = 7)) CODEC(ZSTD(1)),
    resource_schema_url LowCardinality(String)
)
ENGINE = MergeTree
PARTITION BY toDate(time)
ORDER BY (org_id, server_id, time, metric_name)
SETTINGS
    ttl_only_drop_parts = 1,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
