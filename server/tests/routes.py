"""The routes of the JSON API, as the application has them."""

from dataclasses import dataclass

from fastapi.routing import iter_route_contexts

from mcp_obs_server.api import build_api
from mcp_obs_server.monitoring.endpoints import PATHS


@dataclass(frozen=True)
class Route:
    """One method of one path; `str(route)` is its name in a test's id."""

    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def api_routes() -> list[Route]:
    """Every route that must know who is asking."""
    contexts = iter_route_contexts(build_api().routes)
    routes = [Route(method, each.path or "") for each in contexts for method in each.methods or ()]
    return [route for route in routes if route.path not in PATHS]
