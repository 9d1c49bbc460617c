"""What was counted is kept across restarts, by the hour, and shown by the day to its owner only."""

from datetime import timedelta
from typing import Any

import pytest
from inline_snapshot import snapshot
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from control_plane import EACH_DATABASE, ControlPlane, Tenancy
from mcp_obs_server.ingest.errors import MalformedExport, Overloaded, UnauthenticatedExport
from mcp_obs_server.ingest.models import RejectionCount
from mcp_obs_server.ingest.reason import Reason
from mcp_obs_server.ingest.rejections import Rejections
from mcp_obs_server.servers.models import Server
from mcp_obs_server.servers.verifier import Tenant

pytestmark = EACH_DATABASE

TOO_OLD = Reason("too_old", "the start time is older than the retention")


def tenant_of(tenancy: Tenancy) -> Tenant:
    return Tenant(tenancy.scope.org_id, tenancy.scope.server_id, tenancy.key_id)


async def shown(control: ControlPlane, tenancy: Tenancy, look_back: str = "7d") -> dict[str, Any]:
    path = f"/api/servers/{tenancy.scope.server_id}/rejections"
    async with control.client(tenancy.token) as client:
        response = await client.get(path, params={"range": look_back})
    return response.raise_for_status().json()


async def test_a_server_without_rejections_shows_none(control: ControlPlane) -> None:
    assert await shown(control, await control.tenancy("acme")) == snapshot(
        {"start": "2026-02-22T12:00:00Z", "rejections": []}
    )


async def test_rejections_add_up_by_day_signal_and_reason_and_the_last_one_speaks(
    control: ControlPlane,
) -> None:
    acme = await control.tenancy("acme")
    tenant = tenant_of(acme)
    control.rejections.note_export(tenant, "traces", MalformedExport("The body is not JSON: yesterday."))
    control.time.pass_by(timedelta(hours=23))
    control.rejections.note_items(tenant, "traces", {TOO_OLD: 3})
    control.rejections.note_export(tenant, "logs", MalformedExport("The body is not JSON: first."))
    await control.rejections.flush()
    control.time.pass_by(timedelta(minutes=2))
    control.rejections.note_items(tenant, "traces", {TOO_OLD: 4})
    await control.rejections.flush()
    control.time.pass_by(timedelta(hours=1))
    control.rejections.note_export(tenant, "logs", MalformedExport("The body is not JSON: last."))
    assert await shown(control, acme) == snapshot(
        {
            "start": "2026-02-23T12:00:00Z",
            "rejections": [
                {
                    "day": "2026-03-02",
                    "signal": "logs",
                    "reason": "malformed",
                    "items": 0,
                    "exports": 2,
                    "last_at": "2026-03-02T12:02:00Z",
                    "last_message": "The body is not JSON: last.",
                },
                {
                    "day": "2026-03-02",
                    "signal": "traces",
                    "reason": "too_old",
                    "items": 7,
                    "exports": 0,
                    "last_at": "2026-03-02T11:02:00Z",
                    "last_message": "the start time is older than the retention",
                },
                {
                    "day": "2026-03-01",
                    "signal": "traces",
                    "reason": "malformed",
                    "items": 0,
                    "exports": 1,
                    "last_at": "2026-03-01T12:00:00Z",
                    "last_message": "The body is not JSON: yesterday.",
                },
            ],
        }
    )


async def test_a_range_shows_what_it_says_and_no_more(control: ControlPlane) -> None:
    acme = await control.tenancy("acme")
    for days_until_the_next in (23, 6, 0):
        control.rejections.note_export(tenant_of(acme), "traces", Overloaded("full"))
        control.time.pass_by(timedelta(days=days_until_the_next))
    counted: dict[str, int] = {}
    for look_back in ("24h", "7d", "30d"):
        counted[look_back] = sum(
            row["exports"] for row in (await shown(control, acme, look_back))["rejections"]
        )
    assert counted == {"24h": 1, "7d": 2, "30d": 3}


async def test_another_range_is_refused_with_what_there_is(control: ControlPlane) -> None:
    acme = await control.tenancy("acme")
    async with control.client(acme.token) as client:
        response = await client.get(f"/api/servers/{acme.scope.server_id}/rejections?range=1y")
    assert response.status_code == 422
    assert "'24h', '7d' or '30d'" in response.json()["message"]


async def test_each_server_is_shown_its_own(control: ControlPlane) -> None:
    acme, globex = await control.tenancy("acme"), await control.tenancy("globex")
    control.rejections.note_export(tenant_of(globex), "traces", MalformedExport("globex's secret"))
    control.rejections.note_stranger("traces", UnauthenticatedExport("nobody"))
    assert (await shown(control, acme))["rejections"] == []
    assert len((await shown(control, globex))["rejections"]) == 1


async def test_counts_survive_a_restart_and_go_on(control: ControlPlane) -> None:
    acme = await control.tenancy("acme")
    for _ in range(2):
        async with Rejections(control.sessions, control.time) as process:
            process.note_export(tenant_of(acme), "metrics", Overloaded("full"))
    (row,) = (await shown(control, acme))["rejections"]
    assert row["exports"] == 2


async def test_a_long_message_is_cut(control: ControlPlane) -> None:
    acme = await control.tenancy("acme")
    control.rejections.note_export(tenant_of(acme), "traces", MalformedExport("x" * 10_000))
    (row,) = (await shown(control, acme))["rejections"]
    assert row["last_message"] == "x" * 300


async def test_what_can_t_be_written_stays_pending_and_adds_to_what_comes(control: ControlPlane) -> None:
    acme = await control.tenancy("acme")
    async with control.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE rejections RENAME TO elsewhere"))
    control.rejections.note_export(tenant_of(acme), "traces", Overloaded("first"))
    with pytest.raises(SQLAlchemyError):
        await control.rejections.flush()
    control.rejections.note_export(tenant_of(acme), "traces", Overloaded("second"))
    with pytest.raises(SQLAlchemyError):
        await control.rejections.flush()
    async with control.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE elsewhere RENAME TO rejections"))
    (row,) = (await shown(control, acme))["rejections"]
    assert (row["exports"], row["last_message"]) == (2, "second")


async def test_a_deleted_server_takes_its_counts_along_and_holds_up_nobody_else_s(
    control: ControlPlane,
) -> None:
    acme, globex = await control.tenancy("acme"), await control.tenancy("globex")
    control.rejections.note_export(tenant_of(acme), "traces", Overloaded("before"))
    await control.rejections.flush()
    async with control.sessions.begin() as db:
        await db.delete(await db.get_one(Server, acme.scope.server_id))
    control.rejections.note_export(tenant_of(acme), "traces", Overloaded("after"))
    control.rejections.note_export(tenant_of(globex), "traces", Overloaded("full"))
    await control.rejections.flush()
    async with control.sessions() as db:
        assert (await db.scalars(select(RejectionCount.server_id))).all() == [globex.scope.server_id]


async def test_after_thirty_days_a_count_is_gone(control: ControlPlane) -> None:
    acme = await control.tenancy("acme")
    control.rejections.note_export(tenant_of(acme), "traces", Overloaded("old"))
    await control.rejections.flush()
    control.time.pass_by(timedelta(days=30, hours=1))
    control.rejections.note_export(tenant_of(acme), "traces", Overloaded("new"))
    await control.rejections.flush()
    async with control.sessions() as db:
        assert await db.scalar(select(func.count()).select_from(RejectionCount)) == 1
