"""What the overview and every point of a chart tell of a stretch of time."""

from dataclasses import asdict

from mcp_obs_server.analytics.latency import latency_of
from mcp_obs_server.analytics.scope import rate
from mcp_obs_server.store import Row

_COUNTS = ("calls", "errors", "active_users", "sessions", "clients")
_EMPTY: Row = dict.fromkeys(_COUNTS, 0)


def figures_of(row: Row | None) -> dict[str, float | None]:
    """Counts, the rate of errors and the latency of a row; None is a stretch in which nothing happened."""
    counts = row or _EMPTY
    return {
        **{name: counts[name] for name in _COUNTS},
        "error_rate": rate(counts["errors"], counts["calls"]),
        **asdict(latency_of(row)),
    }
