import pytest
from inline_snapshot import snapshot

from control_plane import BASE_URL, ControlPlane


async def set_cookie(control: ControlPlane, base_url: str) -> str:
    link = await control.accounts.create_sign_in_link(await control.owner())
    async with control.client(base_url=base_url) as browser:
        response = await browser.post("/api/sign-in", json={"token": link.token})
        assert (await browser.get("/api/me")).status_code == 200
    name, _, rest = response.headers["set-cookie"].partition("=")
    return f"{name}=TOKEN;{rest.partition(';')[2]}"


async def test_on_plain_http_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    control: ControlPlane,
) -> None:
    assert await set_cookie(control, BASE_URL) == snapshot(
        "mcp_obs_session_80=TOKEN; HttpOnly; Max-Age=1209600; Path=/; SameSite=lax"
    )


async def test_another_port_of_the_machine_has_a_cookie_of_its_own(control: ControlPlane) -> None:
    assert (await set_cookie(control, "http://127.0.0.1:4319")).startswith("mcp_obs_session_4319=")


async def test_on_https_the_cookie_is_bound_to_the_host(control: ControlPlane) -> None:
    assert await set_cookie(control, "https://mcp-obs.test") == snapshot(
        "__Host-mcp_obs_session=TOKEN; HttpOnly; Max-Age=1209600; Path=/; SameSite=lax; Secure"
    )


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": BASE_URL}, 201),
        ({"sec-fetch-site": "same-origin"}, 201),
        ({}, 403),
        ({"origin": "http://mcp-obs.test:8080"}, 403),
        ({"origin": "https://mcp-obs.test"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "cross-site", "origin": BASE_URL}, 403),
    ],
    ids=str,
)
async def test_a_cookie_changes_something_only_from_our_own_page(
    control: ControlPlane, headers: dict[str, str], status: int
) -> None:
    async with control.browser(await control.owner()) as browser:
        del browser.headers["origin"]
        response = await browser.post("/api/servers", json={"name": "weather"}, headers=headers)
    assert response.status_code == status


async def test_reading_with_a_cookie_needs_no_origin(control: ControlPlane) -> None:
    async with control.browser(await control.owner()) as browser:
        del browser.headers["origin"]
        assert (await browser.get("/api/servers")).status_code == 200


async def test_another_site_s_page_can_t_sign_its_visitor_in(control: ControlPlane) -> None:
    link = await control.accounts.create_sign_in_link(await control.owner())
    async with control.client(origin="https://evil.example") as browser:
        response = await browser.post("/api/sign-in", json={"token": link.token})
    assert (response.status_code, response.json()["code"]) == (403, "cross_origin")


async def test_an_access_token_needs_no_origin(control: ControlPlane) -> None:
    token = await control.accounts.create_access_token(await control.owner())
    async with control.client(token) as command_line:
        assert (await command_line.post("/api/servers", json={"name": "weather"})).status_code == 201
