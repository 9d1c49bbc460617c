"""The JSON API: routes and the shape of errors, without the objects behind them."""

import logging

from fastapi import FastAPI, Request, Response

from mcp_obs_server.accounts.endpoints import router as accounts
from mcp_obs_server.analytics.endpoints import router as analytics
from mcp_obs_server.analytics.endpoints import senders
from mcp_obs_server.backup.endpoints import router as backup
from mcp_obs_server.deletions.endpoints import router as deletions
from mcp_obs_server.kit.database import UNAVAILABLE, is_away
from mcp_obs_server.kit.http_errors import error_response, install_error_handlers
from mcp_obs_server.monitoring.endpoints import router as monitoring
from mcp_obs_server.processes.endpoints import router as processes
from mcp_obs_server.rejections.endpoints import router as rejections
from mcp_obs_server.servers.endpoints import router as servers
from mcp_obs_server.store import StoreUnavailableError

log = logging.getLogger(__name__)


def _on_store_unavailable(_: Request, error: Exception) -> Response:
    log.error("The telemetry store can't answer: %s", error)
    message = "The telemetry store can't answer right now: try again in a few seconds."
    return error_response(503, "store_unavailable", message, {"retry-after": "5"})


def _on_database_error(_: Request, error: Exception) -> Response:
    if not is_away(error):
        raise error
    # The driver's own words: the statement's parameters are nobody's business.
    log.error("The control plane's database can't answer: %r", getattr(error, "orig", error))
    message = "Accounts and keys can't be reached right now: try again in a few seconds."
    return error_response(503, "database_unavailable", message, {"retry-after": "5"})


def build_api() -> FastAPI:
    """The application under /api, and what mcp-obs says about itself."""
    api = FastAPI(title="mcp-obs", version="1", docs_url=None, redoc_url=None, openapi_url=None)
    install_error_handlers(api)
    api.add_exception_handler(StoreUnavailableError, _on_store_unavailable)
    for kind in UNAVAILABLE:
        api.add_exception_handler(kind, _on_database_error)
    for router in (
        accounts,
        servers,
        deletions,
        backup,
        processes,
        analytics,
        senders,
        rejections,
        monitoring,
    ):
        api.include_router(router)
    return api
