import json

from inline_snapshot import snapshot

from command_line import CommandLine, Ended


async def test_a_registered_server_is_listed(mcp_obs: CommandLine) -> None:
    assert await mcp_obs("servers", "create", "my weather") == snapshot(
        Ended(
            code=0,
            out="Registered my weather. Its first key: mcp-obs keys create --server 'my weather'\n",
            err="",
        )
    )
    assert await mcp_obs("servers", "list") == snapshot(
        Ended(
            code=0,
            out="""\
ID  NAME        CREATED
1   my weather  2026-03-01 12:00 UTC
""",
            err="",
        )
    )


async def test_json_is_what_the_api_answers(mcp_obs: CommandLine) -> None:
    created = json.loads((await mcp_obs("servers", "create", "weather", "--json")).out)
    assert created == snapshot(
        {"id": 1, "name": "weather", "created_at": "2026-03-01T12:00:00Z", "last_used_at": None}
    )
    assert json.loads((await mcp_obs("servers", "list", "--json")).out) == [created]


async def test_a_second_server_of_one_name_is_refused_in_a_sentence(mcp_obs: CommandLine) -> None:
    await mcp_obs("servers", "create", "weather")
    assert await mcp_obs("servers", "create", "weather") == snapshot(
        Ended(code=1, out="", err="Error: You already have a server named 'weather'; choose another name.\n")
    )


async def test_deleting_a_server_asks_and_says_when_it_is_done(mcp_obs: CommandLine) -> None:
    await mcp_obs("servers", "create", "weather")
    kept = await mcp_obs("servers", "delete", "weather", typed="n\n")
    assert (kept.code, kept.out) == (1, "")
    assert (await mcp_obs("servers", "delete", "weather", typed="y\n")) == snapshot(
        Ended(
            code=0,
            out="Deleted the server weather: 0 rows removed, none left.\n",
            err="Delete the server weather, its keys and everything it sent, for ever? [y/N]: "
            "Deleting the server weather; this goes on if you stop waiting.\n",
        )
    )
    assert json.loads((await mcp_obs("servers", "list", "--json")).out) == []


async def test_a_script_deletes_without_being_asked(mcp_obs: CommandLine) -> None:
    await mcp_obs("servers", "create", "weather")
    assert await mcp_obs("servers", "delete", "weather", "--yes") == snapshot(
        Ended(
            code=0,
            out="Deleted the server weather: 0 rows removed, none left.\n",
            err="Deleting the server weather; this goes on if you stop waiting.\n",
        )
    )
    assert await mcp_obs("servers", "delete", "weather", "--yes") == snapshot(
        Ended(
            code=1, out="", err="Error: There is no server 'weather'; `mcp-obs servers list` shows yours.\n"
        )
    )
