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
