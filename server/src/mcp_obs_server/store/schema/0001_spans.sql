-- One row a span, immutable. Attributes named in contract/semconv.yaml with a column live in that column
-- and nowhere else; the rest are in the maps. A value that a column can't tell from absent ('' or 0) stays in the map.
CREATE TABLE IF NOT EXISTS spans
(
    org_id UInt32,
    server_id UInt32,
    time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    duration_ns UInt64 CODEC(ZSTD(1)),
    trace_id FixedString(16) CODEC(ZSTD(1)),
    span_id FixedString(8) CODEC(ZSTD(1)),
    parent_span_id String CODEC(ZSTD(1)),
    name LowCardinality(String),
    kind Enum8('unspecified' = 0, 'internal' = 1, 'server' = 2, 'client' = 3, 'producer' = 4, 'consumer' = 5),
    status Enum8('unset' = 0, 'ok' = 1, 'error' = 2),
    status_message String CODEC(ZSTD(1)),
    trace_state String CODEC(ZSTD(1)),
    flags UInt32 CODEC(ZSTD(1)),

    method LowCardinality(String),
    tool LowCardinality(String),
    prompt LowCardinality(String),
    resource_uri String CODEC(ZSTD(1)),
    session_id String CODEC(ZSTD(1)),
    session_source LowCardinality(String),
    user_id String CODEC(ZSTD(1)),
    client_name LowCardinality(String),
    client_version LowCardinality(String),
    protocol_version LowCardinality(String),
    transport LowCardinality(String),
    error_type LowCardinality(String),
    rpc_status_code LowCardinality(String),
    request_id String CODEC(ZSTD(1)),
    outcome LowCardinality(String),
    request_size Int64 CODEC(ZSTD(1)),
    response_size Int64 CODEC(ZSTD(1)),
    sampling_weight Float64 CODEC(ZSTD(1)),
    generated Bool,

    attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    attribute_types Map(LowCardinality(String), Enum8('empty' = 0, 'bool' = 2, 'int' = 3, 'double' = 4, 'array' = 5, 'map' = 6, 'bytes' = 7)) CODEC(ZSTD(1)),
    dropped_attributes_count UInt32 CODEC(ZSTD(1)),
    events Array(Tuple(
        time DateTime64(9, 'UTC'),
        name String,
        attributes Map(LowCardinality(String), String),
        attribute_types Map(LowCardinality(String), Enum8('empty' = 0, 'bool' = 2, 'int' = 3, 'double' = 4, 'array' = 5, 'map' = 6, 'bytes' = 7)),
        dropped_attributes_count UInt32)) CODEC(ZSTD(1)),
    dropped_events_count UInt32 CODEC(ZSTD(1)),
    links Array(Tuple(
        trace_id String,
        span_id String,
        trace_state String,
        flags UInt32,
        attributes Map(LowCardinality(String), String),
        attribute_types Map(LowCardinality(String), Enum8('empty' = 0, 'bool' = 2, 'int' = 3, 'double' = 4, 'array' = 5, 'map' = 6, 'bytes' = 7)),
        dropped_attributes_count UInt32)) CODEC(ZSTD(1)),
    dropped_links_count UInt32 CODEC(ZSTD(1)),

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
-- In seconds: sorted to the nanosecond, the rows of two batches mix one by one, and merges cost twice as much.
ORDER BY (org_id, server_id, toDateTime(time))
SETTINGS
    ttl_only_drop_parts = 1,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
