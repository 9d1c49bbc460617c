"""Migrations and retention, each test in a database of its own inside the one engine."""

from datetime import timedelta

import pytest

from mcp_obs_server.semconv import PROMOTED
from mcp_obs_server.store.engine import Engine
from mcp_obs_server.store.errors import SchemaError
from mcp_obs_server.store.migrations import migrate
from mcp_obs_server.store.retention import KEPT_AS_ROLLUPS, KEPT_AS_SENT, TABLES, apply_retention
from mcp_obs_server.store.roll_up_operations import LAST_BUCKET, rows_of_spans

# The digests of the two files as they were.
EARLIER_SPANS = "eef825fdaf280ca2c20e3657c0297405e708a9be57fbcb9a2357c7a641ee4040"
EARLIER_OPERATIONS = (
    "05a3b1543007245f0c15537a35a0663d64f840d9fcdc4b67858c1b74c183cbac",
    "c38246dfe90060eab1d198d500fd7808fa7c36b17d4982fbf78f7b6d29cf672b",
)
SERVING_OPERATIONS = "b225842fa94156345ab29b4d1c1e788b02d6652b0ab5e7a5dd6cfa658cba52ee"


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    migrate(engine)
    history = engine.rows("SELECT * FROM schema_history ORDER BY name")
    migrate(engine)
    assert engine.rows("SELECT * FROM schema_history ORDER BY name") == history


def test_a_changed_migration_is_refused(engine: Engine) -> None:
    migrate(engine)
    engine.command("INSERT INTO schema_history VALUES ('0001_spans', 'other', now() + 10)")
    with pytest.raises(SchemaError, match="0001_spans is not the one"):
        migrate(engine)


def test_a_newer_folder_is_refused(engine: Engine) -> None:
    migrate(engine)
    engine.command("INSERT INTO schema_history VALUES ('9999_future', 'x', now())")
    with pytest.raises(SchemaError, match=r"newer mcp-obs \(it has 9999_future\)"):
        migrate(engine)


@pytest.mark.parametrize("operations", EARLIER_OPERATIONS)
def test_a_store_from_before_the_first_release_gets_its_rollups_from_its_spans(
    engine: Engine, operations: str
) -> None:
    migrate(engine)
    engine.command(
        "INSERT INTO spans (org_id, server_id, time, kind, method, tool, outcome, duration_ns, user_id)"
        " SELECT 1, 2, '2026-09-21 13:20:00', 'server', 'tools/call', 'find', 'ok', 1000000, toString(number)"
        " FROM numbers(5)"
    )
    engine.command("DROP TABLE operations_15m")
    for table in ("durations_15m", "durations_1h"):
        engine.command(f"CREATE TABLE {table} (calls Float64) ENGINE = MergeTree ORDER BY calls")
    engine.command("CREATE TABLE operations_1m (calls Float64) ENGINE = MergeTree ORDER BY calls")
    engine.command("TRUNCATE TABLE schema_history")
    for name, digest in (("0001_spans", EARLIER_SPANS), ("0002_operations", operations)):
        engine.command(f"INSERT INTO schema_history VALUES ('{name}', '{digest}', now() - 10)")

    migrate(engine)

    assert engine.rows(
        "SELECT grain, target, calls, uniqCombinedMerge(12)(users) AS users FROM operations_15m GROUP BY ALL"
    ) == [
        {"grain": "server", "target": "", "calls": 5.0, "users": 5},
        {"grain": "target", "target": "find", "calls": 5.0, "users": 5},
    ]
    assert engine.rows(
        "SELECT sum(calls) AS calls, sumForEachMerge(timed_calls) AS timed FROM operations_1h"
    ) == [{"calls": 10.0, "timed": [0.0] * 95 + [10.0]}]
    for table in ("operations_1m", "durations_15m", "durations_1h"):
        assert not engine.rows(f"EXISTS TABLE {table}")[0]["result"]
    kept = engine.rows("SELECT name, argMax(digest, applied_at) AS last FROM schema_history GROUP BY name")
    assert {row["name"]: row["last"] for row in kept}["0002_operations"] != operations


def test_a_store_from_before_the_first_release_whose_rollups_are_only_stored_otherwise_keeps_them(
    engine: Engine,
) -> None:
    migrate(engine)
    engine.command("INSERT INTO operations_15m (org_id, calls) VALUES (1, 5)")
    engine.command(
        f"INSERT INTO schema_history VALUES ('0002_operations', '{SERVING_OPERATIONS}', now() + 10)"
    )
    migrate(engine)
    assert engine.rows("SELECT org_id, calls FROM operations_15m") == [{"org_id": 1, "calls": 5.0}]


def test_the_rollups_of_a_hundred_and_one_days_are_made_again(engine: Engine) -> None:
    migrate(engine)
    engine.command(
        "INSERT INTO spans (org_id, server_id, time, kind, method, tool, outcome)"
        " SELECT 1, 2, toDateTime64('2026-09-21 13:20:00', 9, 'UTC') - INTERVAL number DAY, 'server', 'tools/call',"
        " 'find', 'ok' FROM numbers(101) SETTINGS max_partitions_per_insert_block = 0"
    )
    engine.command(
        f"INSERT INTO schema_history VALUES ('0002_operations', '{EARLIER_OPERATIONS[0]}', now() + 10)"
    )
    migrate(engine)
    assert engine.rows("SELECT sum(calls) AS calls FROM operations_15m WHERE grain = 'server'") == [
        {"calls": 101.0}
    ]


def test_rollups_are_not_made_again_while_spans_wait_that_may_be_stored_already(engine: Engine) -> None:
    migrate(engine)
    engine.command("INSERT INTO operations_15m (org_id, calls) VALUES (1, 5)")
    engine.command(
        f"INSERT INTO schema_history VALUES ('0002_operations', '{EARLIER_OPERATIONS[0]}', now() + 10)"
    )
    with pytest.raises(SchemaError, match="until the spool is empty"):
        migrate(engine, spans_wait=True)
    assert engine.rows("SELECT org_id, calls FROM operations_15m") == [{"org_id": 1, "calls": 5.0}]


def test_a_call_of_weeks_makes_no_histogram_longer_than_one_of_a_day(engine: Engine) -> None:
    migrate(engine)
    weeks = 29 * 86_400 * 10**9
    engine.command(
        "INSERT INTO spans (org_id, server_id, time, kind, method, tool, outcome, duration_ns)"
        f" SELECT 1, 2, '2026-09-21 13:20:00', 'server', 'tools/call', 'find', 'ok', {weeks}"
    )
    engine.command(f"INSERT INTO operations_15m {rows_of_spans('operations_15m')}")
    assert engine.rows(
        "SELECT length(sumForEachMerge(timed_calls)) AS buckets, arraySum(sumForEachMerge(timed_ns)) AS total"
        " FROM operations_15m WHERE grain = 'server'"
    ) == [{"buckets": LAST_BUCKET + 1, "total": float(weeks)}]


def test_every_stored_table_is_synced_before_an_insert_is_answered(engine: Engine) -> None:
    migrate(engine)
    stored = engine.rows(
        "SELECT name, create_table_query AS made FROM system.tables"
        " WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
    )
    assert len(stored) > 5
    for table in stored:
        assert "fsync_after_insert = 1" in table["made"], table["name"]
        assert "fsync_part_directory = 1" in table["made"], table["name"]


def test_every_promoted_attribute_of_the_contract_has_its_column(engine: Engine) -> None:
    migrate(engine)
    columns = {row["name"]: row["type"] for row in engine.rows("DESCRIBE TABLE spans")}
    assert {each.column: columns[each.column] for each in PROMOTED} == {
        each.column: each.column_type for each in PROMOTED
    }


def test_rows_older_than_the_retention_are_dropped_and_a_new_retention_replaces_the_old(
    engine: Engine,
) -> None:
    migrate(engine)
    apply_retention(engine, timedelta(days=90))
    apply_retention(engine, timedelta(days=30))
    kept: dict[str, int] = {}
    for table, time in TABLES.items():
        for days in (1, 29, 31, 89):
            engine.command(f"INSERT INTO {table} (org_id, {time}) VALUES (1, now() - INTERVAL {days} DAY)")
        engine.command(f"OPTIMIZE TABLE {engine.layout.stored(table)} FINAL")
        kept[table] = engine.rows(f"SELECT count() AS rows FROM {table}")[0]["rows"]
    assert kept == {**dict.fromkeys(KEPT_AS_SENT, 2), **dict.fromkeys(KEPT_AS_ROLLUPS, 4)}
