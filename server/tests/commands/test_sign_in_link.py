import json

from dirty_equals import IsStr
from inline_snapshot import snapshot

from command_line import CommandLine
from control_plane import ControlPlane


async def test_the_link_alone_goes_to_standard_output_and_signs_in(
    mcp_obs: CommandLine, control: ControlPlane
) -> None:
    ended = await mcp_obs("sign-in-link")
    page, _, token = ended.out.removesuffix("\n").partition("#token=")
    assert (ended.code, ended.err) == snapshot((0, "Works once, until 2026-03-01 12:15 UTC:\n"))
    assert page == mcp_obs.environment["MCP_OBS_URL"] + "/sign-in"
    async with control.client() as browser:
        assert (await browser.post("/api/sign-in", json={"token": token})).is_success


async def test_json_is_what_the_api_answers(mcp_obs: CommandLine) -> None:
    link = json.loads((await mcp_obs("sign-in-link", "--json")).out)
    assert link == {
        "url": IsStr(regex=r"http://.*/sign-in#token=\w{32}"),
        "expires_at": "2026-03-01T12:15:00Z",
    }
