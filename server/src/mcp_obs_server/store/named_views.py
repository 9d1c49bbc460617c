"""Views to read, under the names and with the columns that session analytics are known by.

Each takes its tenant and a stretch of time as parameters, so that none can be asked without: SELECT * FROM
feature_usage(org_id = 1, server_id = 1, start = '2026-01-01 00:00:00', end = '2026-02-01 00:00:00').
"""

from mcp_obs_server.semconv import CALL_METHODS
from mcp_obs_server.store.attributes import quoted

_OF_THE_SERVER = "org_id = {org_id:UInt32} AND server_id = {server_id:UInt32}"
_IN_SCOPE = f"{_OF_THE_SERVER} AND time >= {{start:DateTime('UTC')}} AND time < {{end:DateTime('UTC')}}"

# Metrics have no column for it: the first of the attributes that says it.
_SESSION_OF_A_POINT = (
    "arrayFirst(value -> value != '',"
    " [attributes['session.id'], attributes['mcp_obs.session.id'], attributes['mcp.session.id']])"
)


def _event(name: str) -> str:
    """Whether a record is one of Claude Code's events, which it names with and without its own name before."""
    return f"(event_name IN ('{name}', 'claude_code.{name}'))"


_OF_SPANS = f"""
    WITH
        -- What was sampled stands for what was not, as in the rollups.
        if(isFinite(sampling_weight), least(greatest(sampling_weight, 1), 1e6), 1) AS weight,
        attributes['mcp.model'] != '' AS is_of_an_agent
    SELECT
        session_id AS session,
        attributes['gen_ai.request.model'] AS model_name,
        time AS begun,
        time + toIntervalNanosecond(duration_ns) AS ended,
        NULL::Nullable(Int64) AS tokens,
        if((method != '' AND kind = 'server') OR (is_of_an_agent AND name = 'session.message'), weight, 0) AS messages,
        if(is_of_an_agent, toUInt64(if(name = 'session.checkpoint' AND status != 'error', round(weight), 0)), NULL)
            AS checkpoints,
        if(is_of_an_agent AND status = 'error', weight, if(outcome = 'error', messages, 0)) AS errors
    FROM spans
    WHERE {_IN_SCOPE} AND session_id != ''
"""
_OF_LOGS = f"""
    SELECT
        session_id,
        model::String,
        time,
        time,
        if({_event("api_request")},
            toInt64OrZero(attributes['input_tokens']) + toInt64OrZero(attributes['output_tokens']), NULL),
        {_event("user_prompt")}::Float64,
        NULL,
        (severity >= 'error' OR {_event("api_error")})::Float64
    FROM logs
    WHERE {_IN_SCOPE} AND session_id != ''
"""
_OF_CHECKPOINTS = f"""
    SELECT
        {_SESSION_OF_A_POINT} AS session,
        '',
        min(time),
        max(time),
        NULL,
        0.,
        if(temporality = 'cumulative', max(count), sum(count)),
        0.
    FROM metric_points
    WHERE {_IN_SCOPE} AND metric_name = 'mcp.checkpoint.size' AND session != ''
    GROUP BY session, series_id, temporality, start_time
"""

# `token_count` and `checkpoint_count` are NULL where nobody tells them.
SESSION_METRICS = f"""
CREATE OR REPLACE VIEW session_metrics AS
SELECT
    -- 53 bits: more would be rounded by a client that reads JSON.
    bitShiftRight(cityHash64(session), 11)::Int64 AS id,
    session AS session_id,
    argMaxIf(model_name, begun, model_name != '') AS model,
    min(begun) AS start_time,
    max(ended) AS end_time,
    (toUnixTimestamp64Nano(end_time) - toUnixTimestamp64Nano(start_time)) / 1e9 AS duration_seconds,
    sum(tokens) AS token_count,
    toUInt64(round(sum(messages))) AS message_count,
    sum(checkpoints) AS checkpoint_count,
    toUInt64(round(sum(errors))) AS error_count
FROM
(
{_OF_SPANS}
    UNION ALL
{_OF_LOGS}
    UNION ALL
{_OF_CHECKPOINTS}
)
GROUP BY session
"""

# A distribution is two rows, its count and its sum, as Prometheus has it.
PERFORMANCE_METRICS = f"""
CREATE OR REPLACE VIEW performance_metrics AS
SELECT
    time AS timestamp,
    concat(points.metric_name, part.1) AS metric_name,
    part.2 AS value,
    toJSONString(attributes) AS labels
FROM metric_points AS points
ARRAY JOIN
    arrayFilter(each -> each.2 IS NOT NULL,
        if(kind IN ('gauge', 'sum'),
            [('', coalesce(double_value, toFloat64(int_value)))],
            [('.count', toFloat64(points.count)::Nullable(Float64)), ('.sum', points.sum)])) AS part
-- The first flag says that nothing was recorded.
WHERE {_IN_SCOPE} AND bitAnd(flags, 1) = 0
"""

# Whole days of UTC. A feature is the tool, prompt or resource, or the method of a call that has none.
FEATURE_USAGE = f"""
CREATE OR REPLACE VIEW feature_usage AS
SELECT
    toDate(start) AS date,
    if(target = '', method::String, target) AS feature,
    toUInt64(round(sum(calls))) AS usage_count,
    uniqCombinedMerge(12)(users) AS unique_users
FROM operations_1h
WHERE {_OF_THE_SERVER} AND grain = 'target'
    AND start >= toStartOfDay({{start:DateTime('UTC')}}) AND start < {{end:DateTime('UTC')}}
    AND method IN ({quoted(sorted(CALL_METHODS))})
GROUP BY date, feature
"""

VIEWS = {
    "session_metrics": SESSION_METRICS,
    "performance_metrics": PERFORMANCE_METRICS,
    "feature_usage": FEATURE_USAGE,
}
