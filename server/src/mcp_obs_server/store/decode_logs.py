"""The views that turn a batch of logs envelopes into rows, one a log record."""

from mcp_obs_server.semconv import LOG_COLUMNS, LogColumn
from mcp_obs_server.store.attributes import ANY_VALUE, ATTRIBUTES, both, quoted, text, types, values
from mcp_obs_server.store.tuple_elements import by_function

# Nothing is stored here: an insert passes through to the views (storage engine Null).
OTLP_LOGS = f"""
CREATE TABLE otlp_logs
(
    org_id UInt32,
    server_id UInt32,
    oldest UInt64,
    newest UInt64,
    request Tuple(resource_logs Array(Tuple(
        resource Tuple(attributes {ATTRIBUTES}),
        schema_url String,
        scope_logs Array(Tuple(
            scope Tuple(name String, version String, attributes {ATTRIBUTES}),
            schema_url String,
            log_records Array(Tuple(
                time_unix_nano UInt64, observed_time_unix_nano UInt64, severity_number Int32, severity_text String,
                body {ANY_VALUE}, attributes {ATTRIBUTES}, dropped_attributes_count UInt32, flags UInt32,
                trace_id String, span_id String, event_name String)))))))
)
ENGINE = Null
"""

_HOUR = 3600 * 10**9

# Four numbers a level (OTLP, SeverityNumber); a sender without numbers may still have a name for it.
_SEVERITY = """if(record.severity_number BETWEEN 1 AND 24, intDiv(record.severity_number + 3, 4),
        transform(lower(record.severity_text),
            ['trace', 'debug', 'info', 'information', 'warn', 'warning', 'error', 'fatal', 'critical'],
            [1, 2, 3, 3, 4, 4, 5, 6, 6], 0))"""


def _lookup(attribute: str) -> str:
    return f"record.attributes.value.string_value[indexOf(record.attributes.key, '{attribute}')]"


def _column(column: LogColumn) -> str:
    """The record's own field, or the first of the column's attributes that has a value."""
    sources = [f"record.{column.field}"] if column.field else []
    sources += [_lookup(attribute) for attribute in column.attributes]
    *others, last = sources
    chosen = "".join(f"{each} != '', {each}, " for each in others)
    return f"multiIf({chosen}{last}) AS {column.column}" if others else f"{last} AS {column.column}"


def _kept() -> str:
    """For each attribute, whether the map has to hold it: only a column's first source is certain to be in it."""
    in_columns = quoted(column.attributes[0] for column in LOG_COLUMNS if not column.field)
    return (
        f"arrayMap((k, s) -> s = '' OR k NOT IN ({in_columns}),"
        " record.attributes.key, record.attributes.value.string_value)"
    )


def _id(name: str, size: int) -> str:
    """An id that is not valid means that the record belongs to no trace (OTLP, LogRecord.trace_id)."""
    return f"if(length(record.{name}) = {size} AND record.{name} != repeat('\\0', {size}), record.{name}, '')"


def decoding_view() -> str:
    """From `otlp_logs` to `decoded_logs`."""
    columns = ",\n    ".join(map(_column, LOG_COLUMNS))
    scope_values, scope_types = both("scope_logs.scope.attributes")
    resource_values, resource_types = both("resource_logs.resource.attributes")
    view = f"""
CREATE MATERIALIZED VIEW otlp_logs_to_decoded_logs TO decoded_logs AS
WITH
    {_kept()} AS kept,
    arrayFilter((k, keep) -> keep, record.attributes.key, kept) AS kept_keys,
    arrayFilter((v, keep) -> keep, record.attributes.value, kept) AS kept_values
SELECT
    org_id,
    server_id,
    -- Without any time, that of receipt: the newest time that was let through is an hour after it.
    fromUnixTimestamp64Nano(toInt64(multiIf(record.time_unix_nano != 0, record.time_unix_nano,
        record.observed_time_unix_nano != 0, record.observed_time_unix_nano, newest - {_HOUR})), 'UTC') AS time,
    fromUnixTimestamp64Nano(toInt64(record.observed_time_unix_nano), 'UTC') AS observed_time,
    CAST({_SEVERITY} AS Enum8(
        'unspecified' = 0, 'trace' = 1, 'debug' = 2, 'info' = 3, 'warn' = 4, 'error' = 5, 'fatal' = 6)) AS severity,
    record.severity_number AS severity_number,
    record.severity_text AS severity_text,
    {text("record.body")} AS body,
    CAST(toInt8(record.body.kind) AS Enum8('empty' = 0, 'string' = 1, 'bool' = 2, 'int' = 3, 'double' = 4, 'array' = 5,
        'map' = 6, 'bytes' = 7)) AS body_type,
    {_id("trace_id", 16)} AS trace_id,
    {_id("span_id", 8)} AS span_id,
    record.flags AS flags,
    {columns},
    {values("kept_keys", "kept_values")} AS attributes,
    {types("kept_keys", "kept_values")} AS attribute_types,
    record.dropped_attributes_count AS dropped_attributes_count,
    scope_name,
    scope_version,
    scope_attributes,
    scope_attribute_types,
    scope_schema_url,
    resource_attributes,
    resource_attribute_types,
    resource_schema_url
FROM
(
    SELECT
        org_id, server_id, newest, resource_attributes, resource_attribute_types, resource_schema_url,
        scope_logs.scope.name AS scope_name,
        scope_logs.scope.version AS scope_version,
        {scope_values} AS scope_attributes,
        {scope_types} AS scope_attribute_types,
        scope_logs.schema_url AS scope_schema_url,
        arrayJoin(scope_logs.log_records) AS record
    FROM
    (
        SELECT
            org_id, server_id, newest,
            {resource_values} AS resource_attributes,
            {resource_types} AS resource_attribute_types,
            resource_logs.schema_url AS resource_schema_url,
            arrayJoin(resource_logs.scope_logs) AS scope_logs
        FROM (SELECT org_id, server_id, newest, arrayJoin(request.resource_logs) AS resource_logs FROM otlp_logs)
    )
)
"""
    return by_function(view, "record", "scope_logs", "resource_logs", "request")


# Every table is fed from here, side by side, as spans are from `decoded_spans`.
DECODED_LOGS = "CREATE TABLE decoded_logs AS logs ENGINE = Null"

LOGS_VIEW = "CREATE MATERIALIZED VIEW decoded_logs_to_logs TO logs AS SELECT * FROM decoded_logs"

# In the order in which they stand on each other.
VIEWS = {
    "otlp_logs": OTLP_LOGS,
    "decoded_logs": DECODED_LOGS,
    "otlp_logs_to_decoded_logs": decoding_view(),
    "decoded_logs_to_logs": LOGS_VIEW,
}
