"""Beginning to use the control plane's database."""

from contextlib import AsyncExitStack

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from mcp_obs_server import migrations
from mcp_obs_server.kit.advisory_lock import Turn, advisory_lock
from mcp_obs_server.kit.database import UNAVAILABLE
from mcp_obs_server.kit.database_url import place_of


class ControlPlaneError(Exception):
    """Accounts and keys can't be reached; the message says what to do."""


async def begin(engine: AsyncEngine, starting: AsyncExitStack) -> None:
    """Bring the schema up to date, and keep other processes from starting until `starting` is closed.

    Raises ControlPlaneError.
    """
    try:
        await starting.enter_async_context(advisory_lock(engine, Turn.START))
        await migrations.upgrade(engine)
    except UNAVAILABLE as error:
        raise unreachable(engine.url, error) from error


def unreachable(url: URL, error: BaseException) -> ControlPlaneError:
    """What to say of an error of the database."""
    return ControlPlaneError(
        f"Accounts and keys can't be reached: {place_of(url)} says: {_reason(error)}. {_advice(url)}"
    )


def _reason(error: BaseException) -> str:
    if isinstance(error, DBAPIError):
        # The driver's own words, without the statement.
        error = (error.orig and error.orig.__cause__) or error.orig or error
    return str(error).rstrip(".") or type(error).__name__


def _advice(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return "Restore the data directory from a backup, or choose another one."
    return "Start it, or correct MCP_OBS_CONTROL."
