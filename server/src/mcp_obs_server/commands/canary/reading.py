"""Reads a round back over the API: by id, by search and from the rollups."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from mcp_obs.cli.client import ApiClient

PAGE = 7
"""Spans a page: small, so that a round takes several."""

RANGE = "24h"
FIGURES = (
    *("calls", "errors", "error_rate", "p50_ms", "p95_ms", "p99_ms"),
    *("active_users", "sessions", "clients"),
)
# Were there ever more, the loop over the pages would go on for long.
_MOST_PAGES = 100

Ids = list[tuple[str, str]]


class Reading:
    """One server's telemetry. Every method raises click.ClickException when the API doesn't answer."""

    def __init__(self, api: ApiClient, server_id: int) -> None:
        self._api = api
        self._path = f"/api/servers/{server_id}"

    def trace(self, trace_id: str) -> list[dict[str, Any]]:
        """The spans of a trace, whole."""
        return self._api.get(f"{self._path}/traces/{trace_id}")["spans"]

    def search(self, wanted: Mapping[str, str]) -> Ids:
        """Trace id and span id of every span that a filter leaves, newest first, over all pages."""
        ids: Ids = []
        cursor: dict[str, str] = {}
        for _ in range(_MOST_PAGES):
            page = self._get("spans", {**wanted, **cursor, "limit": str(PAGE)})
            ids += [(span["trace_id"], span["span_id"]) for span in page["spans"]]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        return ids

    def overview(self, target: str) -> dict[str, float | None]:
        """A target's figures by their names."""
        answer = self._get("overview", {"target": target})
        return {name: answer[name]["value"] for name in FIGURES}

    def series(self, target: str) -> dict[str, int]:
        """A target's calls and errors, added up over the chart."""
        points = self._get("series", {"target": target})["points"]
        return {f"{name} over time": sum(point[name] for point in points) for name in ("calls", "errors")}

    def _get(self, what: str, query: Mapping[str, str]) -> dict[str, Any]:
        return self._api.get(f"{self._path}/{what}?{urlencode({'range': RANGE, **query})}")
