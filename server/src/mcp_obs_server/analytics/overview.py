"""How is this server doing, and how did it do in the period before?"""

import asyncio
from dataclasses import asdict

from mcp_obs_server.analytics.latency import NOTHING_TIMED, Latency, latencies
from mcp_obs_server.analytics.schemas import Figure, Overview
from mcp_obs_server.analytics.scope import CALLS, ERRORS, IN_SCOPE, IS_CALL, Question, in_hours, rate
from mcp_obs_server.store import Row, TelemetryStore

_IS_CURRENT = "start >= {middle:DateTime('UTC')}"
_SQL = f"""
SELECT
    {_IS_CURRENT} AS is_current,
    {CALLS} AS calls,
    {ERRORS} AS errors,
    uniqCombinedMerge(12)(users) AS active_users,
    uniqCombinedMerge(12)(sessions) AS sessions,
    uniqExactIf(client_name, client_name != '') AS clients,
    toUInt64(round(sumIf(rollup.calls, generated AND {IS_CALL}))) AS generated_calls,
    maxIf(last_time, {IS_CALL}) AS last_call_at
FROM {in_hours("operations", IN_SCOPE)} AS rollup
GROUP BY is_current
"""
_COUNTS = ("calls", "errors", "active_users", "sessions", "clients")
_EMPTY: Row = dict.fromkeys(_COUNTS, 0)


async def overview(store: TelemetryStore, question: Question) -> Overview:
    """The numbers of the range, each beside the previous one's."""
    parameters = question.parameters(question.range.previous_start)
    rows, timed = await asyncio.gather(
        store.rows(_SQL, parameters),
        latencies(store, _IS_CURRENT, in_hours("durations", f"{IN_SCOPE} AND {IS_CALL}"), parameters),
    )
    periods = {bool(row["is_current"]): row for row in rows}
    current = periods.get(True)
    now, before = (
        _figures(periods.get(is_current), timed.get(is_current, NOTHING_TIMED))
        for is_current in (True, False)
    )
    return Overview(
        range=question.range_out(),
        generated_calls=current["generated_calls"] if current else 0,
        last_call_at=current["last_call_at"] if current and current["calls"] else None,
        **{name: Figure(value=now[name], previous=before[name]) for name in now},
    )


def _figures(row: Row | None, latency: Latency) -> dict[str, float | None]:
    counts = row or _EMPTY
    return {
        **{name: counts[name] for name in _COUNTS},
        "error_rate": rate(counts["errors"], counts["calls"]),
        **asdict(latency),
    }
