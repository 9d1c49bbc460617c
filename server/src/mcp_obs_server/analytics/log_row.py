"""A row of `logs` as the read API shows it."""

from mcp_obs_server.analytics.attribute import IN_HEX, as_text, attributes
from mcp_obs_server.analytics.log_schemas import LogRecord
from mcp_obs_server.analytics.span_schemas import Resource, Scope
from mcp_obs_server.semconv import KNOWN_EVENTS
from mcp_obs_server.store import Row


def _attributes(prefix: str = "") -> str:
    return f"{IN_HEX.format(prefix + 'attributes')}, {prefix}attribute_types"


# Aliases differ from the columns: an alias of a column's name would take its place in WHERE.
WHOLE = f"""
    time, toUnixTimestamp64Nano(time) AS nanoseconds, nullIf(observed_time, 0) AS observed,
    event_name, severity::String AS severity_name, severity_text,
    hex(body) AS body_hex, body_type::String AS body_kind,
    lower(hex(trace_id)) AS trace_id_hex, lower(hex(span_id)) AS span_id_hex,
    session_id, user_id, client_name, tool, model,
    ({_attributes()}) AS attribute_maps, dropped_attributes_count,
    scope_name, scope_version, scope_schema_url, ({_attributes("scope_")}) AS scope_maps,
    resource_schema_url, ({_attributes("resource_")}) AS resource_maps
"""
# An empty column is what the record doesn't say.
_OR_NONE = ("event_name", "severity_text", "session_id", "user_id", "client_name", "tool", "model")


def log_record(row: Row) -> LogRecord:
    """All of a record, from a row of WHOLE."""
    return LogRecord(
        time=row["time"],
        time_unix_nano=str(row["nanoseconds"]),
        observed_time=row["observed"],
        event_meaning=KNOWN_EVENTS.get(row["event_name"].removeprefix("claude_code.")),
        severity=row["severity_name"],
        body=as_text(row["body_kind"], bytes.fromhex(row["body_hex"])),
        body_type=row["body_kind"],
        trace_id=row["trace_id_hex"] or None,
        span_id=row["span_id_hex"] or None,
        **{name: row[name] or None for name in _OR_NONE},
        attributes=attributes(*row["attribute_maps"]),
        dropped_attributes_count=row["dropped_attributes_count"],
        scope=Scope(
            name=row["scope_name"],
            version=row["scope_version"],
            schema_url=row["scope_schema_url"],
            attributes=attributes(*row["scope_maps"]),
        ),
        resource=Resource(
            schema_url=row["resource_schema_url"], attributes=attributes(*row["resource_maps"])
        ),
    )
