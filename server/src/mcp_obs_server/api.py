"""The JSON API: routes and the shape of errors, without the objects behind them."""

import logging

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel

from mcp_obs_server.accounts.endpoints import router as accounts
from mcp_obs_server.analytics.endpoints import router as analytics
from mcp_obs_server.deletions.endpoints import router as deletions
from mcp_obs_server.kit.http_errors import error_response, install_error_handlers
from mcp_obs_server.rejections.endpoints import router as rejections
from mcp_obs_server.servers.endpoints import router as servers
from mcp_obs_server.store import StoreUnavailableError

log = logging.getLogger(__name__)


class Health(BaseModel):
    """The process answers."""

    status: str = "ok"


def _on_store_unavailable(_: Request, error: Exception) -> Response:
    log.error("The telemetry store can't answer: %s", error)
    message = "The telemetry store can't answer right now: try again in a few seconds."
    return error_response(503, "store_unavailable", message, {"retry-after": "5"})


def build_api() -> FastAPI:
    """The application under /api, and /healthz."""
    api = FastAPI(title="mcp-obs", version="1", docs_url=None, redoc_url=None, openapi_url=None)
    install_error_handlers(api)
    api.add_exception_handler(StoreUnavailableError, _on_store_unavailable)
    for router in (accounts, servers, deletions, analytics, rejections):
        api.include_router(router)

    @api.get("/healthz", operation_id="get_health", tags=["health"])
    async def get_health() -> Health:  # pyright: ignore[reportUnusedFunction]  FastAPI calls it
        """Whether the process is up; needs no credential."""
        return Health()

    return api
