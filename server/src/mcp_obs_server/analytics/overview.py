"""How is this server doing, and how did it do in the period before?"""

from mcp_obs_server.analytics.schemas import Figure, Overview
from mcp_obs_server.analytics.scope import (
    CALLS,
    DURATIONS,
    ERRORS,
    IN_SCOPE,
    IS_CALL,
    Question,
    milliseconds,
    rate,
)
from mcp_obs_server.store import Row, TelemetryStore

_SQL = f"""
SELECT
    start >= {{middle:DateTime('UTC')}} AS is_current,
    {CALLS} AS calls,
    {ERRORS} AS errors,
    {DURATIONS} AS quantiles,
    uniqMerge(users) AS active_users,
    uniqMerge(sessions) AS sessions,
    uniqExactIf(client_name, client_name != '') AS clients,
    toUInt64(round(sumIf(rollup.calls, generated AND {IS_CALL}))) AS generated_calls,
    maxIf(last_time, {IS_CALL}) AS last_call_at
FROM {{rollup:Identifier}} AS rollup
WHERE {IN_SCOPE}
GROUP BY is_current
"""
_EMPTY = dict.fromkeys(("calls", "errors", "active_users", "sessions", "clients", "generated_calls"), 0)


async def overview(store: TelemetryStore, question: Question) -> Overview:
    """The numbers of the range, each beside the previous one's."""
    parameters = question.parameters(question.range.previous_start)
    periods = {bool(row["is_current"]): row for row in await store.rows(_SQL, parameters)}
    now, before = _figures(periods.get(True)), _figures(periods.get(False))
    current = periods.get(True)
    return Overview(
        range=question.range_out(),
        generated_calls=current["generated_calls"] if current else 0,
        last_call_at=current["last_call_at"] if current and current["calls"] else None,
        **{name: Figure(value=now[name], previous=before[name]) for name in now},
    )


def _figures(row: Row | None) -> dict[str, float | None]:
    counts = row or _EMPTY
    p50, p95, p99 = milliseconds(row["quantiles"]) if row else (None, None, None)
    return {
        **{name: counts[name] for name in ("calls", "errors", "active_users", "sessions", "clients")},
        "error_rate": rate(counts["errors"], counts["calls"]),
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99,
    }
