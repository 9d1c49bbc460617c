"""The views that turn a batch of metrics envelopes into rows, one a data point of whatever kind."""

from mcp_obs_server.store.attributes import ATTRIBUTES, both
from mcp_obs_server.store.tuple_elements import by_function

_EXEMPLARS = (
    f"Array(Tuple(filtered_attributes {ATTRIBUTES}, time_unix_nano UInt64, as_double Float64, as_int Int64,"
    " value Enum8('none' = 0, 'as_double' = 3, 'as_int' = 6), span_id String, trace_id String))"
)
_POINT = f"attributes {ATTRIBUTES}, start_time_unix_nano UInt64, time_unix_nano UInt64, flags UInt32"
_NUMBER = (
    f"{_POINT}, as_double Float64, as_int Int64, value Enum8('none' = 0, 'as_double' = 4, 'as_int' = 6),"
    f" exemplars {_EXEMPLARS}"
)
_HISTOGRAM = (
    f"{_POINT}, count UInt64, sum Float64, has_sum Enum8('no' = 0, 'sum' = 5), bucket_counts Array(UInt64),"
    f" explicit_bounds Array(Float64), exemplars {_EXEMPLARS}, min Float64, has_min Enum8('no' = 0, 'min' = 11),"
    " max Float64, has_max Enum8('no' = 0, 'max' = 12)"
)
_BUCKETS = "Tuple(offset Int32, bucket_counts Array(UInt64))"
_EXPONENTIAL_HISTOGRAM = (
    f"{_POINT}, count UInt64, sum Float64, has_sum Enum8('no' = 0, 'sum' = 5), scale Int32, zero_count UInt64,"
    f" positive {_BUCKETS}, negative {_BUCKETS}, exemplars {_EXEMPLARS}, min Float64,"
    " has_min Enum8('no' = 0, 'min' = 12), max Float64, has_max Enum8('no' = 0, 'max' = 13), zero_threshold Float64"
)
_SUMMARY = (
    f"{_POINT}, count UInt64, sum Float64, quantile_values Array(Tuple(quantile Float64, value Float64))"
)

# Nothing is stored here: an insert passes through to the views (storage engine Null).
OTLP_METRICS = f"""
CREATE TABLE otlp_metrics
(
    org_id UInt32,
    server_id UInt32,
    oldest UInt64,
    newest UInt64,
    request Tuple(resource_metrics Array(Tuple(
        resource Tuple(attributes {ATTRIBUTES}),
        schema_url String,
        scope_metrics Array(Tuple(
            scope Tuple(name String, version String, attributes {ATTRIBUTES}),
            schema_url String,
            metrics Array(Tuple(
                name String, description String, unit String, metadata {ATTRIBUTES},
                gauge Tuple(data_points Array(Tuple({_NUMBER}))),
                sum Tuple(data_points Array(Tuple({_NUMBER})), aggregation_temporality Int32, is_monotonic Bool),
                histogram Tuple(data_points Array(Tuple({_HISTOGRAM})), aggregation_temporality Int32),
                exponential_histogram Tuple(
                    data_points Array(Tuple({_EXPONENTIAL_HISTOGRAM})), aggregation_temporality Int32),
                summary Tuple(data_points Array(Tuple({_SUMMARY}))))))))))
)
ENGINE = Null
"""


def _optional(name: str) -> str:
    return f"if(p.has_{name} = 'no', NULL, p.{name})"


# What a point of any kind becomes: column, type, and the value where the kind has none of its own.
_NONE_OF_ITS_OWN = {
    "kind": ("Int8", ""),
    "temporality": ("Int32", "0"),
    "is_monotonic": ("Bool", "false"),
    "attributes": (ATTRIBUTES, "p.attributes"),
    "start_time": ("UInt64", "p.start_time_unix_nano"),
    "time": ("UInt64", "p.time_unix_nano"),
    "flags": ("UInt32", "p.flags"),
    "int_value": ("Nullable(Int64)", "NULL"),
    "double_value": ("Nullable(Float64)", "NULL"),
    "count": ("UInt64", "0"),
    "sum": ("Nullable(Float64)", "NULL"),
    "min": ("Nullable(Float64)", "NULL"),
    "max": ("Nullable(Float64)", "NULL"),
    "explicit_bounds": ("Array(Float64)", "[]"),
    "bucket_counts": ("Array(UInt64)", "[]"),
    "scale": ("Int32", "0"),
    "zero_count": ("UInt64", "0"),
    "zero_threshold": ("Float64", "0"),
    "positive_offset": ("Int32", "0"),
    "positive_bucket_counts": ("Array(UInt64)", "[]"),
    "negative_offset": ("Int32", "0"),
    "negative_bucket_counts": ("Array(UInt64)", "[]"),
    "quantile_values": ("Array(Tuple(quantile Float64, value Float64))", "[]"),
    "exemplars": (_EXEMPLARS, "p.exemplars"),
}
_NUMBER_COLUMNS = {
    "int_value": "if(p.value = 'as_int', p.as_int, NULL)",
    "double_value": "if(p.value = 'as_double', p.as_double, NULL)",
}
_DISTRIBUTION_COLUMNS = {
    "count": "p.count",
    "sum": _optional("sum"),
    "min": _optional("min"),
    "max": _optional("max"),
}
_KINDS: dict[str, dict[str, str]] = {
    "gauge": {"kind": "1", **_NUMBER_COLUMNS},
    "sum": {
        "kind": "2",
        "temporality": "metric.sum.aggregation_temporality",
        "is_monotonic": "metric.sum.is_monotonic",
        **_NUMBER_COLUMNS,
    },
    "histogram": {
        "kind": "3",
        "temporality": "metric.histogram.aggregation_temporality",
        "explicit_bounds": "p.explicit_bounds",
        "bucket_counts": "p.bucket_counts",
        **_DISTRIBUTION_COLUMNS,
    },
    "exponential_histogram": {
        "kind": "4",
        "temporality": "metric.exponential_histogram.aggregation_temporality",
        "scale": "p.scale",
        "zero_count": "p.zero_count",
        "zero_threshold": "p.zero_threshold",
        "positive_offset": "p.positive.offset",
        "positive_bucket_counts": "p.positive.bucket_counts",
        "negative_offset": "p.negative.offset",
        "negative_bucket_counts": "p.negative.bucket_counts",
        **_DISTRIBUTION_COLUMNS,
    },
    "summary": {
        "kind": "5",
        "count": "p.count",
        "sum": "p.sum",
        "quantile_values": "p.quantile_values",
        "exemplars": "[]",
    },
}


def _points() -> str:
    """The points of a metric's kind, and of the four others none, in one type."""
    of_kinds = ",\n            ".join(
        f"arrayMap(p -> tuple({', '.join(_columns_of(kind))}), metric.{name}.data_points)"
        for name, kind in _KINDS.items()
    )
    point = ", ".join(f"{name} {type_}" for name, (type_, _) in _NONE_OF_ITS_OWN.items())
    return f"CAST(arrayConcat(\n            {of_kinds}), '{_escaped(f'Array(Tuple({point}))')}')"


def _columns_of(kind: dict[str, str]) -> list[str]:
    return [kind.get(name, default) for name, (_, default) in _NONE_OF_ITS_OWN.items()]


def _escaped(text: str) -> str:
    return text.replace("'", "\\'")


_SAME_IN_THE_TABLE = (
    "int_value", "double_value", "count", "sum", "min", "max", "explicit_bounds", "bucket_counts", "scale",
    "zero_count", "zero_threshold", "positive_offset", "positive_bucket_counts", "negative_offset",
    "negative_bucket_counts", "quantile_values",
)  # fmt: skip


def decoding_view() -> str:
    """From `otlp_metrics` to `decoded_metric_points`."""
    same = ",\n    ".join(f"point.{name} AS {name}" for name in _SAME_IN_THE_TABLE)
    point_values, point_types = both("point.attributes")
    metadata_values, metadata_types = both("metric.metadata")
    scope_values, scope_types = both("scope_metrics.scope.attributes")
    resource_values, resource_types = both("resource_metrics.resource.attributes")
    view = f"""
CREATE MATERIALIZED VIEW otlp_metrics_to_decoded_metric_points TO decoded_metric_points AS
SELECT
    org_id,
    server_id,
    fromUnixTimestamp64Nano(toInt64(point.time), 'UTC') AS time,
    fromUnixTimestamp64Nano(toInt64(point.start_time), 'UTC') AS start_time,
    metric_name,
    description,
    unit,
    metadata,
    metadata_types,
    CAST(point.kind AS Enum8('gauge' = 1, 'sum' = 2, 'histogram' = 3, 'exponential_histogram' = 4, 'summary' = 5))
        AS kind,
    CAST(if(point.temporality BETWEEN 0 AND 2, point.temporality, 0)
        AS Enum8('unspecified' = 0, 'delta' = 1, 'cumulative' = 2)) AS temporality,
    point.is_monotonic AS is_monotonic,
    cityHash64(origin, metric_name, unit, toInt8(kind), toInt8(temporality), is_monotonic,
        mapSort(attributes), mapSort(attribute_types)) AS series_id,
    {point_values} AS attributes,
    {point_types} AS attribute_types,
    point.flags AS flags,
    {same},
    arrayMap(e -> (fromUnixTimestamp64Nano(toInt64(e.time_unix_nano), 'UTC'),
        if(e.value = 'as_int', e.as_int, NULL), if(e.value = 'as_double', e.as_double, NULL), e.trace_id, e.span_id,
        {", ".join(both("e.filtered_attributes"))}), point.exemplars) AS exemplars,
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
        * EXCEPT metric,
        metric.name AS metric_name,
        metric.description AS description,
        metric.unit AS unit,
        {metadata_values} AS metadata,
        {metadata_types} AS metadata_types,
        arrayJoin({_points()}) AS point
    FROM
    (
        SELECT
            org_id, server_id, resource_attributes, resource_attribute_types, resource_schema_url,
            scope_metrics.scope.name AS scope_name,
            scope_metrics.scope.version AS scope_version,
            {scope_values} AS scope_attributes,
            {scope_types} AS scope_attribute_types,
            scope_metrics.schema_url AS scope_schema_url,
            cityHash64(mapSort(resource_attributes), mapSort(resource_attribute_types),
                scope_name, scope_version, mapSort(scope_attributes), mapSort(scope_attribute_types)) AS origin,
            arrayJoin(scope_metrics.metrics) AS metric
        FROM
        (
            SELECT
                org_id, server_id,
                {resource_values} AS resource_attributes,
                {resource_types} AS resource_attribute_types,
                resource_metrics.schema_url AS resource_schema_url,
                arrayJoin(resource_metrics.scope_metrics) AS scope_metrics
            FROM
            (SELECT org_id, server_id, arrayJoin(request.resource_metrics) AS resource_metrics FROM otlp_metrics)
        )
    )
)
"""
    return by_function(view, "point", "metric", "scope_metrics", "resource_metrics", "request")


# Every table is fed from here, side by side, as spans are from `decoded_spans`.
DECODED_METRIC_POINTS = "CREATE TABLE decoded_metric_points AS metric_points ENGINE = Null"

METRIC_POINTS_VIEW = (
    "CREATE MATERIALIZED VIEW decoded_metric_points_to_metric_points TO metric_points AS"
    " SELECT * FROM decoded_metric_points"
)

# In the order in which they stand on each other.
VIEWS = {
    "otlp_metrics": OTLP_METRICS,
    "decoded_metric_points": DECODED_METRIC_POINTS,
    "otlp_metrics_to_decoded_metric_points": decoding_view(),
    "decoded_metric_points_to_metric_points": METRIC_POINTS_VIEW,
}
