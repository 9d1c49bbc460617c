"""What two processes on one PostgreSQL write adds up, and what one ends the other learns."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import URL, select

from control_plane import ControlPlane, open_control_plane
from mcp_obs_server.ingest.daily_quota import DailyQuota
from mcp_obs_server.ingest.errors import Overloaded, QuotaExceeded
from mcp_obs_server.ingest.models import RejectionCount
from mcp_obs_server.servers.verifier import RECHECK_SECONDS, Tenant
from mcp_obs_server.store import TelemetryStore

pytestmark = pytest.mark.parametrize("control_url", ["postgresql"], indirect=True)
ROUNDS = 10


@pytest.fixture
async def other(
    control: ControlPlane, control_url: URL, store: TelemetryStore
) -> AsyncIterator[ControlPlane]:
    """A second process; its clock and its caches are its own."""
    async with open_control_plane(control_url, store) as other:
        yield other


async def test_a_key_that_one_revokes_is_refused_by_the_other_within_seconds(
    control: ControlPlane, other: ControlPlane
) -> None:
    tenancy = await control.tenancy("acme")
    assert await other.verifier.verify(tenancy.key)
    await control.servers.revoke_key(tenancy.scope, tenancy.key_id)
    assert await control.verifier.verify(tenancy.key) is None
    other.time.pass_by(timedelta(seconds=RECHECK_SECONDS))
    assert await other.verifier.verify(tenancy.key) is None


async def test_a_server_that_one_removes_is_refused_by_the_other_within_seconds(
    control: ControlPlane, other: ControlPlane
) -> None:
    tenancy = await control.tenancy("acme")
    assert await other.verifier.verify(tenancy.key)
    async with control.client(tenancy.token) as client:
        (await client.delete(f"/api/servers/{tenancy.scope.server_id}")).raise_for_status()
    other.time.pass_by(timedelta(seconds=RECHECK_SECONDS))
    assert await other.verifier.verify(tenancy.key) is None


async def test_rejections_that_both_count_into_the_same_rows_add_up(
    control: ControlPlane, other: ControlPlane
) -> None:
    tenancies = [await control.tenancy(name) for name in ("acme", "globex")]
    tenants = [Tenant(each.scope.org_id, each.scope.server_id, each.key_id) for each in tenancies]
    for _ in range(ROUNDS):
        for process, order in ((control, tenants), (other, tenants[::-1])):
            for tenant in order:
                process.rejections.note_export(tenant, "traces", Overloaded("full"))
        await asyncio.gather(control.rejections.flush(), other.rejections.flush())
    async with control.sessions() as db:
        rows = (await db.execute(select(RejectionCount.org_id, RejectionCount.exports))).all()
        assert {row.org_id: row.exports for row in rows} == {tenant.org_id: 2 * ROUNDS for tenant in tenants}


async def test_what_both_took_of_an_organisation_s_day_adds_up(
    control: ControlPlane, other: ControlPlane
) -> None:
    quotas = [DailyQuota(each.sessions, each.time, bytes_per_day=1000) for each in (control, other)]
    for _ in range(ROUNDS):
        for quota, order in zip(quotas, ([1, 2], [2, 1]), strict=True):
            for org_id in order:
                quota.charge(org_id, 10)
        await asyncio.gather(*(quota.flush() for quota in quotas))
    for quota in quotas:
        await quota.flush()
        with pytest.raises(QuotaExceeded, match=f"has sent {2 * ROUNDS * 10}:"):
            quota.charge(1, 1000)


async def test_the_later_of_two_uses_of_a_key_is_kept_whoever_writes_last(
    control: ControlPlane, other: ControlPlane
) -> None:
    tenancy = await control.tenancy("acme")
    control.last_used.note(tenancy.key_id)
    other.time.pass_by(timedelta(seconds=1))
    other.last_used.note(tenancy.key_id)
    await other.last_used.flush()
    await control.last_used.flush()
    (key,) = await control.servers.list_keys(tenancy.scope)
    assert key.last_used_at == other.time()
