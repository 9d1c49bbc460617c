"""The views that count operations and their durations, by quarters of an hour and by hours."""

from mcp_obs_server.semconv import LONG_LIVED_METHODS
from mcp_obs_server.store.attributes import quoted

# Nothing is stored here: the quarters of one batch are few rows, so an hour, and a server as a whole, are put together
# from them and not from the spans again.
OPERATIONS = "CREATE TABLE operations AS operations_15m ENGINE = Null"
DURATIONS = "CREATE TABLE durations AS durations_15m ENGINE = Null"

# No sampler keeps less than one in a million.
_WEIGHT = "if(isFinite(sampling_weight), least(greatest(sampling_weight, 1), 1e6), 1)"
_TARGET = "multiIf(tool != '', tool::String, prompt != '', prompt::String, resource_uri)"
_IS_HANDLED = "method != '' AND kind = 'server'"
# A subscription stays open by design, and an unfinished call has no latency.
_IS_TIMED = f"outcome IN ('ok', 'error') AND method NOT IN ({quoted(LONG_LIVED_METHODS)})"


_OPERATIONS_OF = f"""
    WITH {_WEIGHT} AS weight
    SELECT
        org_id,
        server_id,
        toStartOfFifteenMinutes(time) AS start,
        method,
        {_TARGET} AS target,
        client_name,
        generated,
        sum(weight) AS calls,
        sumIf(weight, outcome = 'error') AS errors,
        sumIf(weight, outcome = 'cancelled') AS cancelled,
        sumIf(weight, outcome = 'input_required') AS input_required,
        uniqCombinedStateIf(12)(user_id, user_id != '') AS users,
        uniqCombinedStateIf(12)(session_id, session_id != '') AS sessions,
        max(time) AS last_time
    FROM {{spans}}
    WHERE {{condition}}{_IS_HANDLED}
    GROUP BY org_id, server_id, start, method, target, client_name, generated
"""
_DURATIONS_OF = f"""
    WITH {_WEIGHT} AS weight
    SELECT
        org_id,
        server_id,
        toStartOfFifteenMinutes(time) AS start,
        method,
        {_TARGET} AS target,
        toUInt16(if(duration_ns = 0, 0, 1 + floor(log2(duration_ns) * 16))) AS bucket,
        sum(weight) AS calls,
        sum(weight * duration_ns) AS total_ns
    FROM {{spans}}
    WHERE {{condition}}{_IS_HANDLED} AND {_IS_TIMED}
    GROUP BY org_id, server_id, start, method, target, bucket
"""

_GRAINS = "ARRAY JOIN CAST(['server', 'target'], 'Array(Enum8(\\'server\\' = 1, \\'target\\' = 2))') AS each"
_KEYS = """
    org_id,
    server_id,
    each AS grain,
    {start} AS start,
    method,
    if(each = 'target', part.target, '') AS target"""
_SUMS_OF_OPERATIONS = f"""
SELECT{_KEYS},
    client_name,
    generated,
    sum(part.calls) AS calls,
    sum(part.errors) AS errors,
    sum(part.cancelled) AS cancelled,
    sum(part.input_required) AS input_required,
    uniqCombinedMergeState(12)(part.users) AS users,
    uniqCombinedMergeState(12)(part.sessions) AS sessions,
    max(part.last_time) AS last_time
FROM {{part}} AS part
{_GRAINS}
GROUP BY org_id, server_id, grain, start, method, target, client_name, generated
"""
_SUMS_OF_DURATIONS = f"""
SELECT{_KEYS},
    part.bucket AS bucket,
    sum(part.calls) AS calls,
    sum(part.total_ns) AS total_ns
FROM {{part}} AS part
{_GRAINS}
GROUP BY org_id, server_id, grain, start, method, target, bucket
"""

_QUARTER, _HOUR = "part.start", "toStartOfHour(part.start)"
_TABLES = {
    "operations_15m": ("operations", _QUARTER),
    "operations_1h": ("operations", _HOUR),
    "durations_15m": ("durations", _QUARTER),
    "durations_1h": ("durations", _HOUR),
}
_QUERIES = {"operations": _OPERATIONS_OF, "durations": _DURATIONS_OF}
_SUMS = {"operations": _SUMS_OF_OPERATIONS, "durations": _SUMS_OF_DURATIONS}


def _into(target: str, query: str, source: str) -> str:
    return f"CREATE MATERIALIZED VIEW {source}_to_{target} TO {target} AS{query}"


# In the order in which they stand on each other.
VIEWS = {
    "operations": OPERATIONS,
    "durations": DURATIONS,
    **{
        f"decoded_spans_to_{part}": _into(
            part, query.format(spans="decoded_spans", condition=""), "decoded_spans"
        )
        for part, query in _QUERIES.items()
    },
    **{
        f"{part}_to_{table}": _into(table, _SUMS[part].format(part=part, start=start), part)
        for table, (part, start) in _TABLES.items()
    },
}


ROLLUPS = tuple(_TABLES)


def rows_of_spans(rollup: str, condition: str = "1") -> str:
    """The query for what a rollup holds of the stored spans that meet the condition, with its columns in order."""
    part, start = _TABLES[rollup]
    query = _QUERIES[part].format(spans="spans", condition=f"({condition}) AND ")
    return _SUMS[part].format(part=f"({query})", start=start)
