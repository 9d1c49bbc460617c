from inline_snapshot import snapshot

from command_line import CommandLine, Ended


async def test_deleting_a_user_asks_and_says_when_it_is_done(mcp_obs: CommandLine) -> None:
    await mcp_obs("servers", "create", "weather")
    kept = await mcp_obs("users", "delete", "ada", typed="n\n")
    assert (kept.code, kept.out) == (1, "")
    assert await mcp_obs("users", "delete", "ada", "--server", "weather", typed="y\n") == snapshot(
        Ended(
            code=0,
            out="Deleted the user ada: 0 rows removed, none left.\n",
            err="Delete everything that weather has sent of the user ada, for ever? [y/N]: "
            "Deleting the user ada; this goes on if you stop waiting.\n",
        )
    )
