import pytest
from sqlalchemy import update

from control_plane import ControlPlane
from mcp_obs_server.accounts.models import Membership, Organisation

PATH = "/api/organisation/retention"


async def test_an_organisation_chooses_within_the_server_s_maximum_and_goes_back(
    control: ControlPlane,
) -> None:
    tenancy = await control.tenancy("acme")
    none_chosen = {"days": 30, "chosen_days": None, "maximum_days": 30}
    seven = {"days": 7, "chosen_days": 7, "maximum_days": 30}
    async with control.client(tenancy.token) as client:
        assert (await client.get(PATH)).json() == none_chosen
        assert (await client.put(PATH, json={"days": 7})).json() == seven
        assert (await client.get(PATH)).json() == seven
        assert (await client.put(PATH, json={"days": None})).json() == none_chosen


@pytest.mark.parametrize("days", [0, -1, 31, 2**40])
async def test_a_choice_outside_of_it_is_refused_in_a_sentence(control: ControlPlane, days: int) -> None:
    tenancy = await control.tenancy("acme")
    async with control.client(tenancy.token) as client:
        refused = await client.put(PATH, json={"days": days})
    assert (refused.status_code, refused.json()) == (
        422,
        {"code": "invalid", "message": "Choose from 1 to 30 days, this server's maximum."},
    )


async def test_a_choice_that_is_now_over_the_maximum_counts_as_the_maximum(control: ControlPlane) -> None:
    tenancy = await control.tenancy("acme")
    async with control.sessions.begin() as db:
        await db.execute(update(Organisation).values(retention_days=90))
    assert (await control.accounts.retention(tenancy.principal)).days == 30
    assert await control.accounts.shorter_retentions() == {}


async def test_a_member_who_is_no_owner_sees_it_and_can_not_change_it(control: ControlPlane) -> None:
    tenancy = await control.tenancy("acme")
    async with control.sessions.begin() as db:
        await db.execute(update(Membership).values(role="member"))
    async with control.client(tenancy.token) as client:
        assert (await client.get(PATH)).is_success
        assert (await client.put(PATH, json={"days": 7})).status_code == 403
