"""The views that turn a batch of OTLP envelopes into rows: derived from the contract, so rebuilt, never migrated."""

from mcp_obs_server.semconv import CLIENT_FAULT_CODES, PROMOTED, PromotedColumn
from mcp_obs_server.store.attributes import ATTRIBUTES, both, quoted, types, values
from mcp_obs_server.store.tuple_elements import by_function

# Nothing is stored here: an insert passes through to the views (storage engine Null).
OTLP_TRACES = f"""
CREATE TABLE otlp_traces
(
    org_id UInt32,
    server_id UInt32,
    oldest UInt64,
    newest UInt64,
    request Tuple(resource_spans Array(Tuple(
        resource Tuple(attributes {ATTRIBUTES}),
        schema_url String,
        scope_spans Array(Tuple(
            scope Tuple(name String, version String, attributes {ATTRIBUTES}),
            schema_url String,
            spans Array(Tuple(
                trace_id String, span_id String, trace_state String, parent_span_id String, flags UInt32,
                name String, kind Int32, start_time_unix_nano UInt64, end_time_unix_nano UInt64,
                attributes {ATTRIBUTES}, dropped_attributes_count UInt32,
                events Array(Tuple(time_unix_nano UInt64, name String, attributes {ATTRIBUTES},
                    dropped_attributes_count UInt32)),
                dropped_events_count UInt32,
                links Array(Tuple(trace_id String, span_id String, trace_state String, attributes {ATTRIBUTES},
                    dropped_attributes_count UInt32, flags UInt32)),
                dropped_links_count UInt32,
                status Tuple(message String, code Int32))))))))
)
ENGINE = Null
"""

_FIELDS: dict[type, str] = {str: "string_value", int: "int_value", float: "double_value", bool: "bool_value"}
_ABSENT: dict[type, str] = {str: "''", int: "0", float: "0", bool: "false"}


def _lookup(attribute: str, value_type: type) -> str:
    """A promoted attribute's value, or its type's zero when it is absent or of another type."""
    return f"span.attributes.value.{_FIELDS[value_type]}[indexOf(span.attributes.key, '{attribute}')]"


# The lambda's name for each member of a value: apart, because a lambda over whole values is a third slower.
_MEMBERS = {str: "s", int: "i", float: "d", bool: "b"}


def _kept() -> str:
    """For each attribute, whether the map has to hold it because no column does."""
    conditions = ["(one_session_id AND k = 'mcp.session.id' AND s != '')"]
    for value_type, member in _MEMBERS.items():
        names = quoted(column.attribute for column in PROMOTED if column.value_type == value_type)
        conditions.append(f"({member} != {_ABSENT[value_type]} AND k IN ({names}))")
    members = ", ".join(f"span.attributes.value.{_FIELDS[value_type]}" for value_type in _MEMBERS)
    return f"arrayMap((k, s, i, d, b) -> NOT ({' OR '.join(conditions)}), span.attributes.key, {members})"


# Columns whose value is more than the attribute of the same name.
_DERIVED = {
    "session_id": "if(own_session_id != '', own_session_id, protocol_session_id)",
    "session_source": (
        "multiIf({value} != '', {value}, own_session_id = '' AND protocol_session_id != '', 'protocol', '')"
    ),
    # A hashed id counts as a user too; its attribute stays in the map, which says that it is hashed.
    "user_id": "if({value} != '', {value}, pseudonym)",
    # A server is not at fault for what a client got wrong (semantic conventions for MCP, error.type).
    "outcome": (
        "multiIf({value} IN ('ok', 'error', 'cancelled', 'input_required'), {value},"
        " method = '', '',"
        f" rpc_status_code IN ({quoted(map(str, CLIENT_FAULT_CODES))}), 'ok',"
        " status = 'error' OR error_type != '', 'error', 'ok')"
    ),
}


def _column(column: PromotedColumn) -> str:
    value = _lookup(column.attribute, column.value_type)
    return f"{_DERIVED.get(column.column, '{value}').format(value=value)} AS {column.column}"


def decoding_view() -> str:
    """From `otlp_traces` to `decoded_spans`."""
    promoted = ",\n    ".join(map(_column, PROMOTED))
    scope_values, scope_types = both("scope_spans.scope.attributes")
    resource_values, resource_types = both("resource_spans.resource.attributes")
    view = f"""
CREATE MATERIALIZED VIEW otlp_traces_to_decoded_spans TO decoded_spans AS
WITH
    {_lookup("mcp_obs.session.id", str)} AS own_session_id,
    {_lookup("mcp.session.id", str)} AS protocol_session_id,
    {_lookup("enduser.pseudo.id", str)} AS pseudonym,
    own_session_id = '' OR own_session_id = protocol_session_id AS one_session_id,
    {_kept()} AS kept,
    arrayFilter((k, keep) -> keep, span.attributes.key, kept) AS kept_keys,
    arrayFilter((v, keep) -> keep, span.attributes.value, kept) AS kept_values
SELECT
    org_id,
    server_id,
    fromUnixTimestamp64Nano(toInt64(span.start_time_unix_nano), 'UTC') AS time,
    if(span.end_time_unix_nano > span.start_time_unix_nano,
        span.end_time_unix_nano - span.start_time_unix_nano, 0) AS duration_ns,
    span.trace_id AS trace_id,
    span.span_id AS span_id,
    span.parent_span_id AS parent_span_id,
    span.name AS name,
    CAST(if(span.kind BETWEEN 0 AND 5, span.kind, 0) AS Int8) AS kind,
    CAST(if(span.status.code BETWEEN 0 AND 2, span.status.code, 0)
        AS Enum8('unset' = 0, 'ok' = 1, 'error' = 2)) AS status,
    span.status.message AS status_message,
    span.trace_state AS trace_state,
    span.flags AS flags,
    {promoted},
    {values("kept_keys", "kept_values")} AS attributes,
    {types("kept_keys", "kept_values")} AS attribute_types,
    span.dropped_attributes_count AS dropped_attributes_count,
    arrayMap(e -> (fromUnixTimestamp64Nano(toInt64(e.time_unix_nano), 'UTC'), e.name,
        {", ".join(both("e.attributes"))}, e.dropped_attributes_count), span.events) AS events,
    span.dropped_events_count AS dropped_events_count,
    arrayMap(l -> (l.trace_id, l.span_id, l.trace_state, l.flags,
        {", ".join(both("l.attributes"))}, l.dropped_attributes_count), span.links) AS links,
    span.dropped_links_count AS dropped_links_count,
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
        org_id, server_id, oldest, newest, resource_attributes, resource_attribute_types, resource_schema_url,
        scope_spans.scope.name AS scope_name,
        scope_spans.scope.version AS scope_version,
        {scope_values} AS scope_attributes,
        {scope_types} AS scope_attribute_types,
        scope_spans.schema_url AS scope_schema_url,
        arrayJoin(scope_spans.spans) AS span
    FROM
    (
        SELECT
            org_id, server_id, oldest, newest,
            {resource_values} AS resource_attributes,
            {resource_types} AS resource_attribute_types,
            resource_spans.schema_url AS resource_schema_url,
            arrayJoin(resource_spans.scope_spans) AS scope_spans
        FROM
        (
            SELECT org_id, server_id, oldest, newest, arrayJoin(request.resource_spans) AS resource_spans
            FROM otlp_traces
        )
    )
)
-- Admission has seen to it; were the sender's bytes read otherwise here, one export could open a partition a day.
WHERE span.start_time_unix_nano BETWEEN oldest AND newest AND span.end_time_unix_nano <= newest
"""
    return by_function(view, "span", "scope_spans", "resource_spans", "request")


# Every table is fed from here and drops a repeated token by itself. Were the rollups fed from `spans`, a crash between
# the two would leave them behind for ever: on the repetition `spans` drops the block before it reaches them.
DECODED_SPANS = "CREATE TABLE decoded_spans AS spans ENGINE = Null"

SPANS_VIEW = "CREATE MATERIALIZED VIEW decoded_spans_to_spans TO spans AS SELECT * FROM decoded_spans"


# In the order in which they stand on each other.
VIEWS = {
    "otlp_traces": OTLP_TRACES,
    "decoded_spans": DECODED_SPANS,
    "otlp_traces_to_decoded_spans": decoding_view(),
    "decoded_spans_to_spans": SPANS_VIEW,
}
