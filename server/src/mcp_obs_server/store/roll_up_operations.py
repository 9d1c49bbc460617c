"""The views that count operations and how long they took, by quarters of an hour and by hours."""

from mcp_obs_server.semconv import LONG_LIVED_METHODS
from mcp_obs_server.store.attributes import quoted

# Nothing is stored here: the quarters of one batch are few rows, so an hour, and a server as a whole, are put together
# from them and not from the spans again.
OPERATIONS = "CREATE TABLE operations AS operations_15m ENGINE = Null"

# No sampler keeps less than one in a million.
_WEIGHT = "if(isFinite(sampling_weight), least(greatest(sampling_weight, 1), 1e6), 1)"
_TARGET = "multiIf(tool != '', tool::String, prompt != '', prompt::String, resource_uri)"
_IS_HANDLED = "method != '' AND kind = 'server'"
# A subscription stays open by design, and an unfinished call has no latency.
_IS_TIMED = f"outcome IN ('ok', 'error') AND method NOT IN ({quoted(LONG_LIVED_METHODS)})"

# Where in the histogram a call is: 16 buckets for each doubling, the first for all that take less than 2^14 ns, and the
# last for all that take a day: a sender must not make every row as long as its longest span.
LAST_BUCKET = 517
_BUCKET = (
    f"toUInt32(if({_IS_TIMED} AND duration_ns >= 16384,"
    f" least(1 + floor((log2(duration_ns) - 14) * 16), {LAST_BUCKET}), 0))"
)


def _array(values: str) -> str:
    """A histogram's states from the values of its buckets, each bucket a row."""
    return f"initializeAggregation('sumForEachState', groupArrayInsertAt(0.)({values}, bucket))"


_KEYS_OF_A_QUARTER = "org_id, server_id, start, method, target, client_name, generated"
_QUARTERS_OF = f"""
SELECT
    {_KEYS_OF_A_QUARTER},
    sum(part.calls) AS calls,
    sum(part.errors) AS errors,
    sum(part.cancelled) AS cancelled,
    sum(part.input_required) AS input_required,
    uniqCombinedMergeState(12)(part.users) AS users,
    uniqCombinedMergeState(12)(part.sessions) AS sessions,
    max(part.last_time) AS last_time,
    {_array("part.timed_calls")} AS timed_calls,
    {_array("part.timed_ns")} AS timed_ns
FROM
(
    WITH {_WEIGHT} AS weight
    SELECT
        org_id,
        server_id,
        toStartOfFifteenMinutes(time) AS start,
        method,
        {_TARGET} AS target,
        client_name,
        generated,
        {_BUCKET} AS bucket,
        sum(weight) AS calls,
        sumIf(weight, outcome = 'error') AS errors,
        sumIf(weight, outcome = 'cancelled') AS cancelled,
        sumIf(weight, outcome = 'input_required') AS input_required,
        uniqCombinedStateIf(12)(user_id, user_id != '') AS users,
        uniqCombinedStateIf(12)(session_id, session_id != '') AS sessions,
        max(time) AS last_time,
        sumIf(weight, {_IS_TIMED}) AS timed_calls,
        sumIf(weight * duration_ns, {_IS_TIMED}) AS timed_ns
    FROM {{spans}}
    WHERE {{condition}}{_IS_HANDLED}
    GROUP BY {_KEYS_OF_A_QUARTER}, bucket
) AS part
GROUP BY {_KEYS_OF_A_QUARTER}
"""
_SUMS_OF_QUARTERS = """
SELECT
    org_id,
    server_id,
    each AS grain,
    {start} AS start,
    method,
    if(each = 'target', part.target, '') AS target,
    client_name,
    generated,
    sum(part.calls) AS calls,
    sum(part.errors) AS errors,
    sum(part.cancelled) AS cancelled,
    sum(part.input_required) AS input_required,
    uniqCombinedMergeState(12)(part.users) AS users,
    uniqCombinedMergeState(12)(part.sessions) AS sessions,
    max(part.last_time) AS last_time,
    sumForEachMergeState(part.timed_calls) AS timed_calls,
    sumForEachMergeState(part.timed_ns) AS timed_ns
FROM {quarters} AS part
ARRAY JOIN CAST(['server', 'target'], 'Array(Enum8(\\'server\\' = 1, \\'target\\' = 2))') AS each
GROUP BY org_id, server_id, grain, start, method, target, client_name, generated
"""

_STARTS = {"operations_15m": "part.start", "operations_1h": "toStartOfHour(part.start)"}


def _into(target: str, query: str, source: str) -> str:
    return f"CREATE MATERIALIZED VIEW {source}_to_{target} TO {target} AS{query}"


# In the order in which they stand on each other.
VIEWS = {
    "operations": OPERATIONS,
    "decoded_spans_to_operations": _into(
        "operations", _QUARTERS_OF.format(spans="decoded_spans", condition=""), "decoded_spans"
    ),
    **{
        f"operations_to_{table}": _into(
            table, _SUMS_OF_QUARTERS.format(quarters="operations", start=start), "operations"
        )
        for table, start in _STARTS.items()
    },
}


ROLLUPS = tuple(_STARTS)


def rows_of_spans(rollup: str, condition: str = "1") -> str:
    """The query for what a rollup holds of the stored spans that meet the condition, with its columns in order."""
    quarters = _QUARTERS_OF.format(spans="spans", condition=f"({condition}) AND ")
    return _SUMS_OF_QUARTERS.format(quarters=f"({quarters})", start=_STARTS[rollup])
