"""How long rows are kept: whole parts leave when their last row is too old."""

from datetime import timedelta

from mcp_obs_server.store.engine import Engine

# A 90-day chart compares with the 90 days before it, and a year with the last one.
ROLLUP_RETENTION = timedelta(days=400)


def apply_retention(engine: Engine, spans: timedelta) -> None:
    """Set the tables' TTL; a changed setting takes effect on the next start."""
    _set_ttl(engine, "spans", "time", spans)
    _set_ttl(engine, "metric_points", "time", spans)
    _set_ttl(engine, "logs", "time", spans)
    _set_ttl(engine, "operations_1m", "start", spans)
    _set_ttl(engine, "operations_1h", "start", ROLLUP_RETENTION)


def _set_ttl(engine: Engine, table: str, column: str, retention: timedelta) -> None:
    ttl = f"TTL toDateTime({column}) + toIntervalDay({retention.days})"
    sql = "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = {table:String}"
    (definition,) = engine.rows(sql, {"table": table})
    if ttl not in definition["engine_full"]:
        # Old parts keep their place until they are dropped whole, so nothing is rewritten here.
        engine.command(f"ALTER TABLE {table} MODIFY {ttl} SETTINGS materialize_ttl_after_modify = 0")
