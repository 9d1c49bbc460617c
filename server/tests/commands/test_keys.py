import json

from dirty_equals import IsStr
from inline_snapshot import snapshot

from command_line import CommandLine, Ended
from control_plane import ControlPlane


async def created_key(mcp_obs: CommandLine, *arguments: str) -> str:
    ended = await mcp_obs("keys", "create", *arguments)
    assert ended.code == 0
    return ended.out.strip()


async def test_the_key_alone_goes_to_standard_output_and_works(
    mcp_obs: CommandLine, control: ControlPlane
) -> None:
    await mcp_obs("servers", "create", "weather")
    ended = await mcp_obs("keys", "create")
    assert (ended.code, ended.err) == snapshot(
        (0, "A live key for the server weather; it is shown only now:\n")
    )
    assert await control.verifier.verify(ended.out.removesuffix("\n"))


async def test_keys_are_listed_without_secrets(mcp_obs: CommandLine, control: ControlPlane) -> None:
    await mcp_obs("servers", "create", "weather")
    await mcp_obs("servers", "create", "shop")
    used = await created_key(mcp_obs, "--server", "weather")
    revoked = await created_key(mcp_obs, "--server", "weather", "--environment", "test")
    other = await created_key(mcp_obs, "--server", "shop", "--environment", "dev")
    await control.verifier.verify(used)
    await control.last_used.flush()
    await mcp_obs("keys", "revoke", revoked[:20])

    def read(text: str) -> str:
        for key, name in ((used, "USED"), (revoked, "REVOKED"), (other, "OTHER")):
            text = text.replace(key[-40:-32], name.ljust(8, "_"))
        return text

    everything = await mcp_obs("keys", "list")
    assert read(everything.out) == snapshot("""\
SERVER   KEY                    CREATED               LAST USED             REVOKED
shop     mcpobs_dev_OTHER___…   2026-03-01 12:00 UTC  -                     -
weather  mcpobs_test_REVOKED_…  2026-03-01 12:00 UTC  -                     2026-03-01 12:00 UTC
weather  mcpobs_live_USED____…  2026-03-01 12:00 UTC  2026-03-01 12:00 UTC  -
""")
    assert read((await mcp_obs("keys", "list", "--server", "shop")).out) == snapshot("""\
SERVER  KEY                   CREATED               LAST USED  REVOKED
shop    mcpobs_dev_OTHER___…  2026-03-01 12:00 UTC  -          -
""")


async def test_json_is_what_the_api_answers_with_the_server_added(mcp_obs: CommandLine) -> None:
    await mcp_obs("servers", "create", "weather")
    created = json.loads((await mcp_obs("keys", "create", "--json")).out)
    assert created == {"key": {**created["key"]}, "secret": IsStr(regex=r"mcpobs_live_\w{40}")}
    listed = json.loads((await mcp_obs("keys", "list", "--json")).out)
    assert listed == [{"server_id": 1, "server": "weather", **created["key"]}]


async def test_a_revoked_key_is_refused_from_then_on(mcp_obs: CommandLine, control: ControlPlane) -> None:
    await mcp_obs("servers", "create", "weather")
    key = await created_key(mcp_obs)
    assert await control.verifier.verify(key)
    # As `keys list` shows it, the ellipsis copied along.
    assert await mcp_obs("keys", "revoke", key[:20] + "…") == Ended(0, f"Revoked {key[:20]}.\n", "")
    assert await control.verifier.verify(key) is None


async def test_a_leaked_key_is_revoked_by_the_whole_of_it_and_not_repeated(mcp_obs: CommandLine) -> None:
    await mcp_obs("servers", "create", "weather")
    key = await created_key(mcp_obs, "--server", "weather")
    assert await mcp_obs("keys", "revoke", key) == Ended(0, f"Revoked {key[:20]}.\n", "")


async def test_a_key_that_isn_t_there_can_t_be_revoked(mcp_obs: CommandLine) -> None:
    assert await mcp_obs("keys", "revoke", "mcpobs_live_AbCd1234") == snapshot(
        Ended(
            code=1,
            out="",
            err="Error: There is no such key; `mcp-obs keys list` shows yours.\n",
        )
    )


async def test_a_server_that_isn_t_there_has_no_keys(mcp_obs: CommandLine) -> None:
    assert await mcp_obs("keys", "list", "--server", "nowhere") == snapshot(
        Ended(
            code=1, out="", err="Error: There is no server 'nowhere'; `mcp-obs servers list` shows yours.\n"
        )
    )


async def test_with_two_servers_the_command_asks_which(mcp_obs: CommandLine) -> None:
    await mcp_obs("servers", "create", "weather")
    await mcp_obs("servers", "create", "shop")
    assert await mcp_obs("keys", "create") == snapshot(
        Ended(
            code=2,
            out="",
            err="""\
Usage: mcp-obs keys create [OPTIONS]
Try 'mcp-obs keys create --help' for help.

Error: Say which server with --server: shop, weather.
""",
        )
    )


async def test_without_a_server_the_command_says_to_register_one(mcp_obs: CommandLine) -> None:
    assert await mcp_obs("keys", "create") == snapshot(
        Ended(code=1, out="", err="Error: Register a server first: mcp-obs servers create NAME\n")
    )
