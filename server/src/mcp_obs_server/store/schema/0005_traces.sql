-- The spans of a trace are found by its id alone: 1 byte a span and no measurable work at insertion (decision 0008).
-- Parts from before have no index until they are merged, and are read through.
ALTER TABLE spans ADD INDEX IF NOT EXISTS by_trace_id trace_id TYPE bloom_filter(0.025) GRANULARITY 1;
