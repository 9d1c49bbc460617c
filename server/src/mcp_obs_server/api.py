"""The JSON API: routes and the shape of errors, without the objects behind them."""

from fastapi import FastAPI
from pydantic import BaseModel

from mcp_obs_server.accounts.endpoints import router as accounts
from mcp_obs_server.analytics.endpoints import router as analytics
from mcp_obs_server.kit.http_errors import install_error_handlers
from mcp_obs_server.servers.endpoints import router as servers


class Health(BaseModel):
    """The process answers."""

    status: str = "ok"


def build_api() -> FastAPI:
    """The application under /api, and /healthz."""
    api = FastAPI(title="mcp-obs", version="1", docs_url=None, redoc_url=None, openapi_url=None)
    install_error_handlers(api)
    for router in (accounts, servers, analytics):
        api.include_router(router)

    @api.get("/healthz", operation_id="get_health", tags=["health"])
    async def get_health() -> Health:  # pyright: ignore[reportUnusedFunction]  FastAPI calls it
        """Whether the process is up; needs no credential."""
        return Health()

    return api
