"""A row of `spans` as the read API shows it."""

from collections.abc import Iterable
from typing import Any

from mcp_obs_server.analytics.attribute import IN_HEX, attributes
from mcp_obs_server.analytics.span_schemas import (
    Attribute,
    Event,
    Link,
    Resource,
    Scope,
    SpanSummary,
    WholeSpan,
)
from mcp_obs_server.store import Row

TARGET = "multiIf(tool != '', tool::String, prompt != '', prompt::String, resource_uri)"

# Aliases differ from the columns: an alias of a column's name would take its place in WHERE.
SUMMARY = f"""
    lower(hex(trace_id)) AS trace_id_hex, lower(hex(span_id)) AS span_id_hex,
    lower(hex(parent_span_id)) AS parent_span_id_hex,
    time, toUnixTimestamp64Nano(time) AS nanoseconds, duration_ns,
    name, kind::String AS kind_name, status::String AS status_name, status_message,
    method, {TARGET} AS target_name, outcome, error_type,
    session_id, user_id, client_name, client_version, generated
"""


def _attributes(prefix: str = "") -> str:
    return f"{IN_HEX.format(prefix + 'attributes')}, {prefix}attribute_types"


WHOLE = f"""
    {SUMMARY},
    trace_state, flags, tool, prompt, resource_uri, request_id, rpc_status_code, session_source,
    protocol_version, transport, request_size, response_size, sampling_weight,
    ({_attributes()}) AS attribute_maps, dropped_attributes_count,
    arrayMap(e -> (e.time, toUnixTimestamp64Nano(e.time), e.name, {_attributes("e.")},
        e.dropped_attributes_count), events) AS event_rows, dropped_events_count,
    arrayMap(l -> (lower(hex(l.trace_id)), lower(hex(l.span_id)), l.trace_state, l.flags, {_attributes("l.")},
        l.dropped_attributes_count), links) AS link_rows, dropped_links_count,
    scope_name, scope_version, scope_schema_url, ({_attributes("scope_")}) AS scope_maps,
    resource_schema_url, ({_attributes("resource_")}) AS resource_maps
"""

_AS_KEPT = ("time", "duration_ns", "name", "generated")
# An empty column is what the span doesn't say.
_OR_NONE = (
    *("status_message", "method", "outcome", "error_type"),
    *("session_id", "user_id", "client_name", "client_version"),
)
_WHOLE_AS_KEPT = (
    *("trace_state", "flags"),
    *("dropped_attributes_count", "dropped_events_count", "dropped_links_count"),
)
_WHOLE_OR_NONE = (
    *("tool", "prompt", "resource_uri", "request_id", "rpc_status_code", "session_source"),
    *("protocol_version", "transport", "request_size", "response_size", "sampling_weight"),
)


def summary(row: Row) -> SpanSummary:
    """A span in a list, from a row of SUMMARY."""
    return SpanSummary(**_summary(row))


def whole(row: Row) -> WholeSpan:
    """All of a span, from a row of WHOLE."""
    return WholeSpan(
        **_summary(row),
        **_fields(row, _WHOLE_AS_KEPT, _WHOLE_OR_NONE),
        attributes=_maps(row["attribute_maps"]),
        events=[_event(*event) for event in row["event_rows"]],
        links=[_link(*link) for link in row["link_rows"]],
        scope=Scope(
            name=row["scope_name"],
            version=row["scope_version"],
            schema_url=row["scope_schema_url"],
            attributes=_maps(row["scope_maps"]),
        ),
        resource=Resource(schema_url=row["resource_schema_url"], attributes=_maps(row["resource_maps"])),
    )


def _summary(row: Row) -> dict[str, Any]:
    return {
        "trace_id": row["trace_id_hex"],
        "span_id": row["span_id_hex"],
        "parent_span_id": row["parent_span_id_hex"] or None,
        "time_unix_nano": str(row["nanoseconds"]),
        "kind": row["kind_name"],
        "status": row["status_name"],
        "target": row["target_name"] or None,
        **_fields(row, _AS_KEPT, _OR_NONE),
    }


def _fields(row: Row, as_kept: Iterable[str], or_none: Iterable[str]) -> dict[str, Any]:
    return {**{name: row[name] for name in as_kept}, **{name: row[name] or None for name in or_none}}


def _maps(maps: tuple[Any, Any]) -> list[Attribute]:
    return attributes(*maps)


def _event(time: Any, nanoseconds: int, name: str, values: Any, types: Any, dropped: int) -> Event:
    return Event(
        time=time,
        time_unix_nano=str(nanoseconds),
        name=name,
        attributes=attributes(values, types),
        dropped_attributes_count=dropped,
    )


def _link(
    trace_id: str, span_id: str, trace_state: str, flags: int, values: Any, types: Any, dropped: int
) -> Link:
    return Link(
        trace_id=trace_id,
        span_id=span_id,
        trace_state=trace_state,
        flags=flags,
        attributes=attributes(values, types),
        dropped_attributes_count=dropped,
    )
