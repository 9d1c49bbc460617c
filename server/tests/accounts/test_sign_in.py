import asyncio
from datetime import timedelta

from inline_snapshot import snapshot
from sqlalchemy import func, select

from control_plane import BASE_URL, EACH_DATABASE, ControlPlane
from mcp_obs_server.accounts.models import BrowserSession, SignInLink
from mcp_obs_server.kit.database import Base

pytestmark = EACH_DATABASE


async def test_a_link_shows_who_signed_in(control: ControlPlane) -> None:
    link = await control.accounts.create_sign_in_link(await control.owner())
    async with control.client() as browser:
        response = await browser.post("/api/sign-in", json={"token": link.token})
        assert response.json() == (await browser.get("/api/me")).json()
    assert response.json() == snapshot(
        {
            "user": {"id": 1, "email": "acme@example.com", "name": "Acme"},
            "organisation": {"id": 1, "name": "acme"},
            "role": "owner",
        }
    )


async def test_a_link_used_twice_is_refused(control: ControlPlane) -> None:
    link = await control.accounts.create_sign_in_link(await control.owner())
    async with control.client() as browser:
        first, second = [await browser.post("/api/sign-in", json={"token": link.token}) for _ in range(2)]
    assert (first.status_code, second.status_code, second.json()) == snapshot(
        (
            200,
            401,
            {
                "code": "unauthenticated",
                "message": "This sign-in link is used or expired; make a new one with `mcp-obs sign-in-link`.",
            },
        )
    )


async def test_of_ten_browsers_with_one_link_one_signs_in(control: ControlPlane) -> None:
    link = await control.accounts.create_sign_in_link(await control.owner())
    async with control.client() as browser:
        answers = await asyncio.gather(
            *(browser.post("/api/sign-in", json={"token": link.token}) for _ in range(10))
        )
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 9


async def test_a_link_ends_after_fifteen_minutes(control: ControlPlane) -> None:
    owner = await control.owner()
    early, late = [await control.accounts.create_sign_in_link(owner) for _ in range(2)]
    async with control.client() as browser:
        control.time.pass_by(timedelta(minutes=14, seconds=59))
        assert (await browser.post("/api/sign-in", json={"token": early.token})).status_code == 200
        control.time.pass_by(timedelta(seconds=1))
        assert (await browser.post("/api/sign-in", json={"token": late.token})).status_code == 401


async def test_a_session_ends_after_fourteen_days(control: ControlPlane) -> None:
    async with control.browser(await control.owner()) as browser:
        control.time.pass_by(timedelta(days=14) - timedelta(seconds=1))
        assert (await browser.get("/api/me")).status_code == 200
        control.time.pass_by(timedelta(seconds=1))
        assert (await browser.get("/api/me")).status_code == 401


async def test_signing_out_ends_the_session_even_for_a_copied_cookie(control: ControlPlane) -> None:
    async with control.browser(await control.owner()) as browser:
        copied = browser.cookies["mcp_obs_session_80"]
        assert (await browser.post("/api/sign-out")).status_code == 204
        assert dict(browser.cookies) == {}
        browser.cookies.set("mcp_obs_session_80", copied)
        assert (await browser.get("/api/me")).status_code == 401


async def test_what_has_expired_is_removed_by_the_next_sign_in(control: ControlPlane) -> None:
    owner = await control.owner()
    for _ in range(3):
        await control.accounts.create_sign_in_link(owner)
        async with control.browser(owner):
            control.time.pass_by(timedelta(days=15))
    async with control.browser(owner), control.sessions() as db:
        kept = [
            await db.scalar(select(func.count()).select_from(kind)) for kind in (SignInLink, BrowserSession)
        ]
    assert kept == [0, 1]


async def test_a_fresh_link_leads_to_the_dashboard_and_signs_in(control: ControlPlane) -> None:
    token = await control.accounts.create_access_token(await control.owner())
    async with control.client(token) as command_line, control.client() as browser:
        link = (await command_line.post("/api/sign-in-links")).json()
        page, _, secret = link["url"].partition("#token=")
        assert (page, link["expires_at"]) == (f"{BASE_URL}/sign-in", "2026-03-01T12:15:00Z")
        assert (await browser.post("/api/sign-in", json={"token": secret})).status_code == 200


async def test_a_link_leads_to_the_public_address_when_there_is_one(control: ControlPlane) -> None:
    token = await control.accounts.create_access_token(await control.owner())
    control.accounts.public_url = "https://obs.example.com/"
    async with control.client(token) as command_line:
        link = (await command_line.post("/api/sign-in-links")).json()
    assert link["url"].startswith("https://obs.example.com/sign-in#token=")


async def test_no_token_is_stored_as_it_was_shown(control: ControlPlane) -> None:
    tenancy = await control.tenancy("acme")
    link = await control.accounts.create_sign_in_link(tenancy.principal)
    async with control.browser(tenancy.principal) as browser:
        session = browser.cookies["mcp_obs_session_80"]
    async with control.engine.connect() as connection:
        dump = [
            repr(row)
            for table in Base.metadata.sorted_tables
            for row in await connection.execute(table.select())
        ]
    secrets = (link.token, session, tenancy.token, tenancy.key)
    assert [row for row in dump for secret in secrets if secret in row] == []
    assert any(tenancy.key[:20] in row for row in dump)
