import math
from datetime import UTC, datetime

from inline_snapshot import snapshot
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric

from mcp_obs_server.store import Row, TelemetryStore
from otlp_exports import NOW, SECOND, batch, counter, metrics_export

DELTA = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE

# The columns that a kind of point may leave empty, and those that say which metric it belongs to.
_SHARED = "org_id, server_id, series_id, time, metric_name, scope_name, resource_attributes"


async def points(store: TelemetryStore, org_id: int, columns: str) -> list[Row]:
    sql = f"SELECT {columns} FROM metric_points WHERE org_id = {{org_id:UInt32}} ORDER BY time, metric_name"
    return await store.rows(sql, {"org_id": org_id})


async def stored(store: TelemetryStore, org_id: int, *metrics: Metric) -> list[Row]:
    """What becomes of these metrics, without what all points have alike and what is empty."""
    store.insert("metrics", batch(org_id, metrics_export(*metrics)), f"metrics {org_id}")
    rows = await points(store, org_id, f"* EXCEPT ({_SHARED})")
    empty: tuple[object, ...] = ("", None, [], {}, datetime.fromtimestamp(0, UTC))
    return [{name: value for name, value in row.items() if value not in empty} for row in rows]


async def test_a_sum_is_kept_whole(store: TelemetryStore, org_id: int) -> None:
    request = metrics_export()
    resource_metrics = request.resource_metrics[0]
    resource_metrics.schema_url = "https://example.test/resource"
    resource_metrics.resource.attributes.add(key="process.pid").value.int_value = 42
    scope_metrics = resource_metrics.scope_metrics[0]
    scope_metrics.schema_url = "https://example.test/scope"
    scope_metrics.scope.version = "1.2"
    scope_metrics.scope.attributes.add(key="short").value.bool_value = False
    metric = scope_metrics.metrics.add(name="mcp.sessions.total", unit="1", description="Sessions created.")
    metric.metadata.add(key="origin").value.string_value = "seed"
    metric.metadata.add(key="revision").value.int_value = 3
    metric.sum.aggregation_temporality, metric.sum.is_monotonic = CUMULATIVE, True
    point = metric.sum.data_points.add(
        start_time_unix_nano=NOW - 60 * SECOND, time_unix_nano=NOW + 7, as_int=-(2**63)
    )
    point.attributes.add(key="model").value.string_value = "opus"
    point.attributes.add(key="restored").value.bool_value = False
    exemplar = point.exemplars.add(
        time_unix_nano=NOW + 1, as_double=0.5, trace_id=b"t" * 16, span_id=b"s" * 8
    )
    exemplar.filtered_attributes.add(key="user.id").value.string_value = "ada"
    exemplar.filtered_attributes.add(key="attempt").value.int_value = 0
    point.exemplars.add(as_int=0)

    store.insert("metrics", batch(org_id, request), f"whole {org_id}")
    columns = f"* EXCEPT (org_id, series_id), toUnixTimestamp64Nano(time) - {NOW} AS nanoseconds_after"
    assert await points(store, org_id, columns) == snapshot(
        [
            {
                "server_id": 1,
                "time": datetime(2026, 9, 21, hour=14, minute=13, second=20, tzinfo=UTC),
                "start_time": datetime(2026, 9, 21, hour=14, minute=12, second=20, tzinfo=UTC),
                "metric_name": "mcp.sessions.total",
                "description": "Sessions created.",
                "unit": "1",
                "metadata": {"origin": "seed", "revision": "3"},
                "metadata_types": {"revision": "int"},
                "kind": "sum",
                "temporality": "cumulative",
                "is_monotonic": True,
                "attributes": {"model": "opus", "restored": "false"},
                "attribute_types": {"restored": "bool"},
                "flags": 0,
                "int_value": -9223372036854775808,
                "double_value": None,
                "count": 0,
                "sum": None,
                "min": None,
                "max": None,
                "explicit_bounds": [],
                "bucket_counts": [],
                "scale": 0,
                "zero_count": 0,
                "zero_threshold": 0.0,
                "positive_offset": 0,
                "positive_bucket_counts": [],
                "negative_offset": 0,
                "negative_bucket_counts": [],
                "quantile_values": [],
                "exemplars": [
                    {
                        "time": datetime(2026, 9, 21, hour=14, minute=13, second=20, tzinfo=UTC),
                        "int_value": None,
                        "double_value": 0.5,
                        "trace_id": "tttttttttttttttt",
                        "span_id": "ssssssss",
                        "filtered_attributes": {"user.id": "ada", "attempt": "0"},
                        "filtered_attribute_types": {"attempt": "int"},
                    },
                    {
                        "time": datetime(1970, 1, 1, tzinfo=UTC),
                        "int_value": 0,
                        "double_value": None,
                        "trace_id": "",
                        "span_id": "",
                        "filtered_attributes": {},
                        "filtered_attribute_types": {},
                    },
                ],
                "scope_name": "tests",
                "scope_version": "1.2",
                "scope_attributes": {"short": "false"},
                "scope_attribute_types": {"short": "bool"},
                "scope_schema_url": "https://example.test/scope",
                "resource_attributes": {"service.name": "test", "process.pid": "42"},
                "resource_attribute_types": {"process.pid": "int"},
                "resource_schema_url": "https://example.test/resource",
                "nanoseconds_after": 7,
            }
        ]
    )


async def test_integers_and_doubles_zero_and_nothing_recorded_are_told_apart(
    store: TelemetryStore, org_id: int
) -> None:
    metric = Metric(name="mcp.sessions.active")
    for second, value in enumerate(
        ({"as_int": 0}, {"as_double": 0.0}, {"flags": 1}, {"as_double": math.inf}, {"as_int": 2**63 - 1})
    ):
        metric.gauge.data_points.add(time_unix_nano=NOW + second, **value)
    store.insert("metrics", batch(org_id, metrics_export(metric)), f"values {org_id}")
    assert await points(store, org_id, "int_value, double_value, flags") == snapshot(
        [
            {"int_value": 0, "double_value": None, "flags": 0},
            {"int_value": None, "double_value": 0.0, "flags": 0},
            {"int_value": None, "double_value": None, "flags": 1},
            {"int_value": None, "double_value": math.inf, "flags": 0},
            {"int_value": 9223372036854775807, "double_value": None, "flags": 0},
        ]
    )


async def test_a_histogram_keeps_its_bounds_and_what_is_optional_only_where_it_was_sent(
    store: TelemetryStore, org_id: int
) -> None:
    metric = Metric(name="mcp.message.latency", unit="ms")
    metric.histogram.aggregation_temporality = DELTA
    metric.histogram.data_points.add(
        start_time_unix_nano=NOW - SECOND,
        time_unix_nano=NOW,
        count=7,
        sum=0.0,
        min=-1.5,
        max=0.0,
        explicit_bounds=[0.5, 1],
        bucket_counts=[4, 0, 3],
    )
    metric.histogram.data_points.add(time_unix_nano=NOW + 1, count=2)
    assert await stored(store, org_id, metric) == snapshot(
        [
            {
                "start_time": datetime(2026, 9, 21, hour=14, minute=13, second=19, tzinfo=UTC),
                "unit": "ms",
                "kind": "histogram",
                "temporality": "delta",
                "is_monotonic": False,
                "flags": 0,
                "count": 7,
                "sum": 0.0,
                "min": -1.5,
                "max": 0.0,
                "explicit_bounds": [0.5, 1.0],
                "bucket_counts": [4, 0, 3],
                "scale": 0,
                "zero_count": 0,
                "zero_threshold": 0.0,
                "positive_offset": 0,
                "negative_offset": 0,
            },
            {
                "unit": "ms",
                "kind": "histogram",
                "temporality": "delta",
                "is_monotonic": False,
                "flags": 0,
                "count": 2,
                "scale": 0,
                "zero_count": 0,
                "zero_threshold": 0.0,
                "positive_offset": 0,
                "negative_offset": 0,
            },
        ]
    )


async def test_an_exponential_histogram_keeps_scale_offsets_and_buckets(
    store: TelemetryStore, org_id: int
) -> None:
    metric = Metric(name="mcp.session.duration", unit="s")
    metric.exponential_histogram.aggregation_temporality = CUMULATIVE
    point = metric.exponential_histogram.data_points.add(
        start_time_unix_nano=NOW - SECOND,
        time_unix_nano=NOW,
        count=12,
        sum=3.5,
        min=0.1,
        max=2.0,
        scale=-3,
        zero_count=2,
        zero_threshold=0.001,
    )
    point.positive.offset = -4
    point.positive.bucket_counts.extend([1, 0, 2**40])
    point.negative.offset = 5
    point.negative.bucket_counts.extend([7])
    assert await stored(store, org_id, metric) == snapshot(
        [
            {
                "start_time": datetime(2026, 9, 21, hour=14, minute=13, second=19, tzinfo=UTC),
                "unit": "s",
                "kind": "exponential_histogram",
                "temporality": "cumulative",
                "is_monotonic": False,
                "flags": 0,
                "count": 12,
                "sum": 3.5,
                "min": 0.1,
                "max": 2.0,
                "scale": -3,
                "zero_count": 2,
                "zero_threshold": 0.001,
                "positive_offset": -4,
                "positive_bucket_counts": [1, 0, 1099511627776],
                "negative_offset": 5,
                "negative_bucket_counts": [7],
            }
        ]
    )


async def test_a_summary_keeps_its_quantiles(store: TelemetryStore, org_id: int) -> None:
    metric = Metric(name="rpc.duration", unit="s")
    point = metric.summary.data_points.add(time_unix_nano=NOW, count=4, sum=2.5)
    for quantile, value in ((0, 0.1), (0.5, 0.7), (1, math.nan)):
        point.quantile_values.add(quantile=quantile, value=value)
    (row,) = await stored(store, org_id, metric)
    last = row["quantile_values"].pop()
    assert last["quantile"] == 1
    assert math.isnan(last["value"])
    assert row == snapshot(
        {
            "unit": "s",
            "kind": "summary",
            "temporality": "unspecified",
            "is_monotonic": False,
            "flags": 0,
            "count": 4,
            "sum": 2.5,
            "scale": 0,
            "zero_count": 0,
            "zero_threshold": 0.0,
            "positive_offset": 0,
            "negative_offset": 0,
            "quantile_values": [{"quantile": 0.0, "value": 0.1}, {"quantile": 0.5, "value": 0.7}],
        }
    )


async def test_a_series_is_the_same_whatever_the_order_of_its_attributes_and_another_by_any_difference(
    store: TelemetryStore, org_id: int
) -> None:
    def metric(time: int, attributes: dict[str, str], unit: str = "1", value: str = "as_int") -> Metric:
        made = counter({}, attributes=attributes)
        made.unit = unit
        point = made.sum.data_points.add(time_unix_nano=time, **{value: 1})
        for key, text in attributes.items():
            point.attributes.add(key=key).value.string_value = text
        return made

    first = {"a": "1", "b": "2"}
    other_type = metric(NOW + 4, {"b": "2"})
    other_type.sum.data_points[0].attributes.add(key="a").value.int_value = 1
    store.insert(
        "metrics",
        batch(
            org_id,
            metrics_export(
                metric(NOW, first),
                metric(NOW + 1, dict(reversed(first.items())), value="as_double"),
                metric(NOW + 2, {"a": "2", "b": "1"}),
                metric(NOW + 3, first, unit="By"),
                other_type,
            ),
        ),
        f"series {org_id}",
    )
    ids = [row["series_id"] for row in await points(store, org_id, "series_id")]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4


async def test_a_batch_stored_twice_is_there_once(store: TelemetryStore, org_id: int) -> None:
    days = [metrics_export(counter({NOW - day * 86_400 * SECOND: 1})) for day in range(3)]
    for _ in range(3):
        store.insert("metrics", batch(org_id, *days), f"twice {org_id}")
    assert len(await points(store, org_id, "time")) == 3


async def test_a_metric_without_points_and_one_without_a_kind_are_no_rows(
    store: TelemetryStore, org_id: int
) -> None:
    empty = Metric(name="empty")
    empty.sum.SetInParent()
    assert await stored(store, org_id, empty, Metric(name="kindless"), Metric()) == []
