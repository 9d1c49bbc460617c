"""What a cluster is told, as far as it can be known without one: the engine parses every statement of it."""

import pytest
from inline_snapshot import snapshot

from mcp_obs_server.store import TelemetryStore
from mcp_obs_server.store.cluster import Cluster
from mcp_obs_server.store.layout import OneServer
from mcp_obs_server.store.migrations import schema_files, statements_of, takes_exports
from mcp_obs_server.store.retention import TABLES
from mcp_obs_server.store.views import VIEWS

CLUSTER = Cluster("main", "obs")


def whole_schema() -> list[str]:
    """Everything that a new cluster is told, in order."""
    kept = [statement for _, sql in schema_files() for statement in statements_of(sql)]
    written = [*kept, *VIEWS.values()]
    opened = [each for name in VIEWS if takes_exports(name) for each in CLUSTER.open_exports(name)]
    return [
        CLUSTER.create_database("obs"),
        *(each for statement in written for each in CLUSTER.statements(statement)),
        *opened,
    ]


def test_a_table_is_replicated_on_each_shard_and_read_over_all_of_them() -> None:
    assert CLUSTER.statements("""\
-- What a comment says of ENGINE = Null stays a comment.
CREATE TABLE IF NOT EXISTS calls
(
    org_id UInt32, -- and so does this
    note String DEFAULT 'FROM spans'
)
ENGINE = MergeTree
ORDER BY org_id
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000, fsync_after_insert = 1
""") == snapshot(
        [
            """\
CREATE TABLE IF NOT EXISTS obs.calls_local ON CLUSTER 'main'
(
    org_id UInt32, -- and so does this
    note String DEFAULT 'FROM spans'
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
ORDER BY org_id
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, fsync_after_insert = 1\
""",
            """\
CREATE TABLE IF NOT EXISTS obs.calls ON CLUSTER 'main' AS obs.calls_local
ENGINE = Distributed('main', 'obs', 'calls_local')\
""",
        ]
    )


def test_a_table_like_another_and_an_engine_with_arguments() -> None:
    assert CLUSTER.statements(
        "CREATE TABLE IF NOT EXISTS hours AS minutes ENGINE = ReplacingMergeTree(version) ORDER BY start"
    ) == snapshot(
        [
            """\
CREATE TABLE IF NOT EXISTS obs.hours_local ON CLUSTER 'main' AS obs.minutes_local
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', version) ORDER BY start\
""",
            """\
CREATE TABLE IF NOT EXISTS obs.hours ON CLUSTER 'main' AS obs.hours_local
ENGINE = Distributed('main', 'obs', 'hours_local')\
""",
        ]
    )


def test_what_stores_nothing_is_on_each_shard_and_its_views_write_there() -> None:
    assert [
        CLUSTER.statements("CREATE TABLE otlp_traces (org_id UInt32) ENGINE = Null"),
        CLUSTER.statements("CREATE TABLE decoded_spans AS spans ENGINE = Null"),
        CLUSTER.statements(
            "CREATE MATERIALIZED VIEW a_to_b TO b AS SELECT x, 'FROM c' AS y -- FROM d\n"
            "FROM (SELECT * FROM a AS first JOIN numbers(3) AS n ON true)"
        ),
        CLUSTER.open_exports("otlp_traces"),
    ] == snapshot(
        [
            [
                """\
CREATE TABLE obs.otlp_traces_local ON CLUSTER 'main'
(org_id UInt32)
ENGINE = Null\
"""
            ],
            [
                """\
CREATE TABLE obs.decoded_spans_local ON CLUSTER 'main' AS obs.spans_local
ENGINE = Null\
"""
            ],
            [
                """\
CREATE MATERIALIZED VIEW obs.a_to_b ON CLUSTER 'main' TO obs.b_local AS
SELECT x, 'FROM c' AS y -- FROM d
FROM (SELECT * FROM obs.a_local AS first JOIN numbers(3) AS n ON true)\
"""
            ],
            [
                "ALTER TABLE obs.otlp_traces_local ON CLUSTER 'main' ADD COLUMN views_ready UInt8",
                """\
CREATE OR REPLACE TABLE obs.otlp_traces ON CLUSTER 'main' AS obs.otlp_traces_local
ENGINE = Distributed('main', 'obs', 'otlp_traces_local', cityHash64(org_id, server_id))\
""",
            ],
        ]
    )


def test_a_view_that_is_read_reads_all_shards() -> None:
    assert CLUSTER.statements("CREATE VIEW sessions AS SELECT count() FROM spans") == snapshot(
        [
            """\
CREATE OR REPLACE VIEW obs.sessions ON CLUSTER 'main' AS
SELECT count() FROM obs.spans\
"""
        ]
    )


@pytest.mark.parametrize(
    ("change", "tables"),
    [
        ("ADD COLUMN IF NOT EXISTS model String", ["spans_local", "spans"]),
        ("ADD INDEX IF NOT EXISTS by_trace trace_id TYPE bloom_filter", ["spans_local"]),
        ("MODIFY TTL toDateTime(time) + toIntervalDay(3)", ["spans_local"]),
        ("DELETE WHERE org_id = 7", ["spans_local"]),
    ],
)
def test_a_change_reaches_the_tables_that_have_what_it_changes(change: str, tables: list[str]) -> None:
    assert CLUSTER.statements(f"ALTER TABLE spans {change}") == [
        f"ALTER TABLE obs.{table} ON CLUSTER 'main' {change}" for table in tables
    ]


def test_the_history_is_one_table_for_all_nodes() -> None:
    history = "CREATE TABLE IF NOT EXISTS history (name String) ENGINE = MergeTree ORDER BY name"
    assert CLUSTER.on_every_node(history) == snapshot("""\
CREATE TABLE IF NOT EXISTS obs.history ON CLUSTER 'main'
(name String)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{database}/{table}', '{shard}-{replica}') ORDER BY name\
""")


def test_a_statement_of_an_unknown_form_is_refused() -> None:
    with pytest.raises(ValueError, match="no statement of this form: TRUNCATE TABLE spans"):
        CLUSTER.statements("TRUNCATE TABLE spans")


def test_one_server_runs_the_schema_as_it_is_written() -> None:
    for _, sql in schema_files():
        for statement in statements_of(sql):
            assert OneServer().statements(statement) == [statement]


def test_the_whole_schema_in_a_clusters_words() -> None:
    assert [statement.splitlines()[0].strip() for statement in whole_schema()] == snapshot(
        [
            "CREATE DATABASE IF NOT EXISTS obs ON CLUSTER 'main'",
            "CREATE TABLE IF NOT EXISTS obs.spans_local ON CLUSTER 'main'",
            "CREATE TABLE IF NOT EXISTS obs.spans ON CLUSTER 'main' AS obs.spans_local",
            "CREATE TABLE IF NOT EXISTS obs.operations_15m_local ON CLUSTER 'main'",
            "CREATE TABLE IF NOT EXISTS obs.operations_15m ON CLUSTER 'main' AS obs.operations_15m_local",
            "CREATE TABLE IF NOT EXISTS obs.operations_1h_local ON CLUSTER 'main' AS obs.operations_15m_local",
            "CREATE TABLE IF NOT EXISTS obs.operations_1h ON CLUSTER 'main' AS obs.operations_1h_local",
            "CREATE TABLE IF NOT EXISTS obs.metric_points_local ON CLUSTER 'main'",
            "CREATE TABLE IF NOT EXISTS obs.metric_points ON CLUSTER 'main' AS obs.metric_points_local",
            "CREATE TABLE IF NOT EXISTS obs.logs_local ON CLUSTER 'main'",
            "CREATE TABLE IF NOT EXISTS obs.logs ON CLUSTER 'main' AS obs.logs_local",
            "ALTER TABLE obs.spans_local ON CLUSTER 'main' ADD INDEX IF NOT EXISTS by_trace_id trace_id TYPE bloom_filter(0.025) GRANULARITY 1",
            "CREATE TABLE IF NOT EXISTS obs.metrics_15m_local ON CLUSTER 'main'",
            "CREATE TABLE IF NOT EXISTS obs.metrics_15m ON CLUSTER 'main' AS obs.metrics_15m_local",
            "CREATE TABLE IF NOT EXISTS obs.metrics_1h_local ON CLUSTER 'main' AS obs.metrics_15m_local",
            "CREATE TABLE IF NOT EXISTS obs.metrics_1h ON CLUSTER 'main' AS obs.metrics_1h_local",
            "CREATE TABLE IF NOT EXISTS obs.metric_series_local ON CLUSTER 'main'",
            "CREATE TABLE IF NOT EXISTS obs.metric_series ON CLUSTER 'main' AS obs.metric_series_local",
            "ALTER TABLE obs.spans_local ON CLUSTER 'main' MODIFY SETTING min_bytes_for_wide_part = 268435456, merge_selector_base = 10",
            "ALTER TABLE obs.metric_points_local ON CLUSTER 'main' MODIFY SETTING min_bytes_for_wide_part = 268435456, merge_selector_base = 10",
            "ALTER TABLE obs.logs_local ON CLUSTER 'main' MODIFY SETTING min_bytes_for_wide_part = 268435456, merge_selector_base = 10",
            "CREATE TABLE obs.otlp_traces_local ON CLUSTER 'main'",
            "CREATE TABLE obs.decoded_spans_local ON CLUSTER 'main' AS obs.spans_local",
            "CREATE MATERIALIZED VIEW obs.otlp_traces_to_decoded_spans ON CLUSTER 'main' TO obs.decoded_spans_local AS",
            "CREATE MATERIALIZED VIEW obs.decoded_spans_to_spans ON CLUSTER 'main' TO obs.spans_local AS",
            "CREATE TABLE obs.operations_local ON CLUSTER 'main' AS obs.operations_15m_local",
            "CREATE MATERIALIZED VIEW obs.decoded_spans_to_operations ON CLUSTER 'main' TO obs.operations_local AS",
            "CREATE MATERIALIZED VIEW obs.operations_to_operations_15m ON CLUSTER 'main' TO obs.operations_15m_local AS",
            "CREATE MATERIALIZED VIEW obs.operations_to_operations_1h ON CLUSTER 'main' TO obs.operations_1h_local AS",
            "CREATE TABLE obs.otlp_metrics_local ON CLUSTER 'main'",
            "CREATE TABLE obs.decoded_metric_points_local ON CLUSTER 'main' AS obs.metric_points_local",
            "CREATE MATERIALIZED VIEW obs.otlp_metrics_to_decoded_metric_points ON CLUSTER 'main' TO obs.decoded_metric_points_local AS",
            "CREATE MATERIALIZED VIEW obs.decoded_metric_points_to_metric_points ON CLUSTER 'main' TO obs.metric_points_local AS",
            "CREATE TABLE obs.metrics_local ON CLUSTER 'main' AS obs.metrics_15m_local",
            "CREATE MATERIALIZED VIEW obs.decoded_metric_points_to_metrics ON CLUSTER 'main' TO obs.metrics_local AS",
            "CREATE MATERIALIZED VIEW obs.metrics_to_metrics_15m ON CLUSTER 'main' TO obs.metrics_15m_local AS",
            "CREATE MATERIALIZED VIEW obs.metrics_to_metrics_1h ON CLUSTER 'main' TO obs.metrics_1h_local AS",
            "CREATE MATERIALIZED VIEW obs.decoded_metric_points_to_metric_series ON CLUSTER 'main' TO obs.metric_series_local AS",
            "CREATE TABLE obs.otlp_logs_local ON CLUSTER 'main'",
            "CREATE TABLE obs.decoded_logs_local ON CLUSTER 'main' AS obs.logs_local",
            "CREATE MATERIALIZED VIEW obs.otlp_logs_to_decoded_logs ON CLUSTER 'main' TO obs.decoded_logs_local AS",
            "CREATE MATERIALIZED VIEW obs.decoded_logs_to_logs ON CLUSTER 'main' TO obs.logs_local AS",
            "CREATE OR REPLACE VIEW obs.session_metrics ON CLUSTER 'main' AS",
            "CREATE OR REPLACE VIEW obs.performance_metrics ON CLUSTER 'main' AS",
            "CREATE OR REPLACE VIEW obs.feature_usage ON CLUSTER 'main' AS",
            "ALTER TABLE obs.otlp_traces_local ON CLUSTER 'main' ADD COLUMN views_ready UInt8",
            "CREATE OR REPLACE TABLE obs.otlp_traces ON CLUSTER 'main' AS obs.otlp_traces_local",
            "ALTER TABLE obs.otlp_metrics_local ON CLUSTER 'main' ADD COLUMN views_ready UInt8",
            "CREATE OR REPLACE TABLE obs.otlp_metrics ON CLUSTER 'main' AS obs.otlp_metrics_local",
            "ALTER TABLE obs.otlp_logs_local ON CLUSTER 'main' ADD COLUMN views_ready UInt8",
            "CREATE OR REPLACE TABLE obs.otlp_logs ON CLUSTER 'main' AS obs.otlp_logs_local",
        ]
    )


def test_every_replicated_table_of_telemetry_remembers_tokens_for_a_week() -> None:
    windows = "replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800"
    kept = [statement for statement in whole_schema() if "ENGINE = Replicated" in statement]
    assert len(kept) == len(TABLES)
    assert all(windows in statement for statement in kept)


def test_a_replica_is_asked_for_its_own_rows_and_under_the_databases_name() -> None:
    assert [CLUSTER.on_every_replica(table) for table in ("spans", "system.mutations")] == [
        "clusterAllReplicas('main', obs.spans_local)",
        "clusterAllReplicas('main', system.mutations)",
    ]
    assert CLUSTER.database == "'obs'"


async def test_the_engine_can_parse_every_statement_for_a_cluster(embedded_store: TelemetryStore) -> None:
    for statement in whole_schema():
        (first, *_) = await embedded_store.rows(f"EXPLAIN AST {statement}", {})
        assert first["explain"].startswith(("CreateQuery", "AlterQuery"))
