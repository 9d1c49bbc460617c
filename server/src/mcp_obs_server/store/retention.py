"""How long rows are kept: whole parts leave when their last row is too old."""

from datetime import timedelta

from mcp_obs_server.store.engine import Engine

# What was sent and what stands for a quarter of an hour of it, with the column that says how old a row is: it leaves
# when the organisation wants, at the latest when the server does. A test holds every new table to one of these two.
KEPT_AS_SENT = {
    **dict.fromkeys(("spans", "metric_points", "logs"), "time"),
    **dict.fromkeys(("operations_15m", "metrics_15m"), "start"),
    # The attributes may name a person, whom the hours' numbers alone do not.
    "metric_series": "start",
}
# Sums of hours, in which no call can be told from another.
KEPT_AS_ROLLUPS = dict.fromkeys(("operations_1h", "metrics_1h"), "start")
TABLES = {**KEPT_AS_SENT, **KEPT_AS_ROLLUPS}

# A 90-day chart compares with the 90 days before it, and a year with the last one.
ROLLUP_RETENTION = timedelta(days=400)


def apply_retention(engine: Engine, as_sent: timedelta) -> None:
    """Set the tables' TTL; a changed setting takes effect on the next start."""
    for table, column in KEPT_AS_SENT.items():
        _set_ttl(engine, table, column, as_sent)
    for table, column in KEPT_AS_ROLLUPS.items():
        _set_ttl(engine, table, column, ROLLUP_RETENTION)


def _set_ttl(engine: Engine, table: str, column: str, retention: timedelta) -> None:
    ttl = f"TTL toDateTime({column}) + toIntervalDay({retention.days})"
    sql = "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = {table:String}"
    (definition,) = engine.rows(sql, {"table": engine.layout.stored(table)})
    if ttl not in definition["engine_full"]:
        # Old parts keep their place until they are dropped whole, so nothing is rewritten here.
        engine.define(f"ALTER TABLE {table} MODIFY {ttl} SETTINGS materialize_ttl_after_modify = 0")
