"""What has to work for this process to be of use."""

from collections.abc import Collection

from sqlalchemy import text

from mcp_obs_server.ingest.budget import Budget
from mcp_obs_server.ingest.committer import Committer
from mcp_obs_server.kit.database import Sessions
from mcp_obs_server.monitoring.readiness import Check
from mcp_obs_server.store import TelemetryStore


def checks(
    sessions: Sessions, store: TelemetryStore, committers: Collection[Committer], spool_budget: Budget
) -> list[Check]:
    """A check for each part."""

    async def control_database() -> None:
        async with sessions() as db:
            await db.execute(text("SELECT 1"))

    async def engine() -> None:
        await store.rows("SELECT 1", {})

    async def spool() -> None:
        if spool_budget.is_full:
            raise RuntimeError("there is no room for those who send")
        for committer in committers:
            await committer.probe()

    async def group_commit() -> None:
        if not all(committer.is_working for committer in committers):
            raise RuntimeError("a task of it ended")

    return [
        Check(
            "control_database",
            control_database,
            "The database of accounts and keys does not answer: see the log.",
        ),
        Check(
            "engine", engine, "The telemetry store does not answer; exports wait in the spool: see the log."
        ),
        Check(
            "spool", spool, "The spool is full or can't be written: make room on its disk, and see the log."
        ),
        Check(
            "group_commit",
            group_commit,
            "Exports are refused after a defect: see the log, then restart mcp-obs.",
        ),
    ]
