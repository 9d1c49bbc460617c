import re

import pytest
from sqlalchemy import delete

from control_plane import ControlPlane
from mcp_obs_server.accounts.models import Membership
from routes import Route, api_routes

REFUSAL = {"code": "unauthenticated", "message": "Sign in first: `mcp-obs sign-in-link` makes a link."}


@pytest.mark.parametrize("route", api_routes(), ids=str)
async def test_a_stranger_is_refused_by_every_route(control: ControlPlane, route: Route) -> None:
    path = re.sub(r"\{\w+\}", "1", route.path)
    async with control.client() as stranger:
        response = await stranger.request(route.method, path, json={"name": "x", "token": "x"})
    assert response.status_code == 401
    assert response.json()["code"] == "unauthenticated"
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer mcpobs_pat_unknown",
        "Bearer other",
        "Basic {token}",
        "{token}",
        "Bearer {token}x",
    ],
)
async def test_every_wrong_credential_gets_the_same_answer(control: ControlPlane, authorization: str) -> None:
    tenancy = await control.tenancy("acme")
    headers = {"authorization": authorization.format(token=tenancy.token)}
    async with control.client() as client:
        response = await client.get("/api/me", headers=headers)
    assert (response.status_code, response.json()) == (401, REFUSAL)


async def test_a_stranger_s_body_is_not_read_to_its_end(control: ControlPlane) -> None:
    async with control.client() as stranger:
        for path in ("/api/sign-in", "/api/servers"):
            response = await stranger.post(path, json={"token": "x" * 100_000, "name": "x"})
            assert response.status_code == 413


async def test_an_api_key_opens_no_route_of_the_api(control: ControlPlane) -> None:
    tenancy = await control.tenancy("acme")
    async with control.client(tenancy.key) as sender:
        assert (await sender.get("/api/me")).json() == REFUSAL


async def test_a_wrong_token_is_not_rescued_by_a_good_cookie(control: ControlPlane) -> None:
    async with control.browser(await control.owner()) as browser:
        response = await browser.get("/api/me", headers={"authorization": "Bearer mcpobs_pat_wrong"})
    assert response.status_code == 401


async def test_a_removed_member_has_no_credential_left(control: ControlPlane) -> None:
    tenancy = await control.tenancy("acme")
    link = await control.accounts.create_sign_in_link(tenancy.principal)
    async with control.browser(tenancy.principal) as browser, control.client(tenancy.token) as command_line:
        async with control.sessions.begin() as db:
            await db.execute(delete(Membership).where(Membership.user_id == tenancy.principal.user_id))
        answers = [
            await browser.get("/api/me"),
            await command_line.get("/api/me"),
            await command_line.post("/api/sign-in", json={"token": link.token}),
        ]
    assert [answer.status_code for answer in answers] == [401, 401, 401]
