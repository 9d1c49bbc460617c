import httpx2
import pytest
from inline_snapshot import snapshot

from control_plane import ControlPlane
from mcp_obs_server.servers.keys import new_key, prefix_of

SECRET = "a1B2c3D4" * 4


def test_a_new_key_is_recognised_and_its_prefix_holds_nothing_of_the_secret() -> None:
    key = new_key("test")
    assert (prefix_of(key), len(key), key[:12]) == (key[:20], 52, "mcpobs_test_")


@pytest.mark.parametrize(
    "presented",
    [
        "",
        "mcpobs_live_",
        "mcpobs_prod_AbCd1234" + SECRET,
        "mcpobs_live_AbCd1234" + SECRET[:-1],
        "mcpobs_live_AbCd1234" + SECRET + "x",
        "mcpobs_live_AbCd1234" + SECRET + "\n",
        "mcpobs_live_AbCd123é" + SECRET,
        "mcpobs_live_AbCd123٣" + SECRET,
        " mcpobs_live_AbCd1234" + SECRET,
    ],
)
def test_what_can_t_be_a_key_is_told_by_its_shape(presented: str) -> None:
    assert prefix_of(presented) is None


async def test_a_key_s_life_over_http(control: ControlPlane) -> None:
    token = await control.accounts.create_access_token(await control.owner())
    async with control.client(token) as client:
        server = (await client.post("/api/servers", json={"name": " weather "})).json()
        keys = f"/api/servers/{server['id']}/keys"
        created = await client.post(keys, json={"environment": "dev"})
        key, secret = created.json()["key"], created.json()["secret"]
        assert key["prefix"] == prefix_of(secret)
        assert await control.verifier.verify(secret)
        listed = (await client.get(keys)).json()
        revoked = [(await client.delete(f"{keys}/{key['id']}")).status_code for _ in range(2)]
        after = (await client.get(keys)).json()
    assert server == snapshot(
        {"id": 1, "name": "weather", "created_at": "2026-03-01T12:00:00Z", "last_used_at": None}
    )
    assert (created.status_code, revoked) == (201, [204, 204])
    assert listed == [key]
    assert after == [{**key, "revoked_at": "2026-03-01T12:00:00Z"}]
    assert key | {"prefix": ""} == snapshot(
        {
            "id": 1,
            "prefix": "",
            "environment": "dev",
            "created_at": "2026-03-01T12:00:00Z",
            "last_used_at": None,
            "revoked_at": None,
        }
    )


@pytest.mark.parametrize(
    "name", ["", "   ", "x" * 101, "two\nlines", "nul\0", "\x9b31m", "\u202eltr", "\u200b"]
)
async def test_a_server_s_name_is_one_readable_line(control: ControlPlane, name: str) -> None:
    token = await control.accounts.create_access_token(await control.owner())
    async with control.client(token) as client:
        response = await client.post("/api/servers", json={"name": name})
    assert (response.status_code, response.json()["code"]) == (422, "invalid")


@pytest.mark.parametrize("path", ["/overview", "/series", "/tools", "/keys"])
@pytest.mark.parametrize("server_id", ["0", "-1", "99999999999999999999", "x"])
async def test_an_id_that_no_server_can_have_is_refused(
    control: ControlPlane, path: str, server_id: str
) -> None:
    token = await control.accounts.create_access_token(await control.owner())
    async with control.client(token) as client:
        response = await client.get(f"/api/servers/{server_id}{path}")
    assert (response.status_code, response.json()["code"]) == (422, "invalid")


async def test_an_organisation_has_one_server_of_a_name_and_others_may_have_it_too(
    control: ControlPlane,
) -> None:
    answers: list[httpx2.Response] = []
    for organisation in ("acme", "globex"):
        token = await control.accounts.create_access_token(await control.owner(organisation))
        async with control.client(token) as client:
            answers += [await client.post("/api/servers", json={"name": "weather"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 409, 201, 409]
    assert answers[1].json() == snapshot(
        {"code": "conflict", "message": "You already have a server named 'weather'; choose another name."}
    )
