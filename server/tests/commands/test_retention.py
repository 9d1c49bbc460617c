from inline_snapshot import snapshot

from command_line import CommandLine, Ended


async def test_a_retention_is_shown_chosen_and_given_back(mcp_obs: CommandLine) -> None:
    assert await mcp_obs("retention") == snapshot(
        Ended(code=0, out="What you send is kept for 30 days.\n", err="")
    )
    assert await mcp_obs("retention", "7", "--yes") == snapshot(
        Ended(code=0, out="What you send is kept for 7 days; this server's maximum is 30.\n", err="")
    )
    assert await mcp_obs("retention", "9") == snapshot(
        Ended(code=0, out="What you send is kept for 9 days; this server's maximum is 30.\n", err="")
    )
    assert await mcp_obs("retention", "maximum") == snapshot(
        Ended(code=0, out="What you send is kept for 30 days.\n", err="")
    )


async def test_a_shorter_one_is_asked_about_because_it_deletes(mcp_obs: CommandLine) -> None:
    assert await mcp_obs("retention", "7", typed="n\n") == snapshot(
        Ended(code=1, out="", err="Delete everything that is older than 7 days, for ever? [y/N]: ")
    )
    assert (await mcp_obs("retention")).out == snapshot("What you send is kept for 30 days.\n")
    assert await mcp_obs("retention", "7", typed="y\n") == snapshot(
        Ended(
            code=0,
            out="What you send is kept for 7 days; this server's maximum is 30.\n",
            err="Delete everything that is older than 7 days, for ever? [y/N]: ",
        )
    )


async def test_what_can_t_be_is_refused_in_a_sentence(mcp_obs: CommandLine) -> None:
    assert await mcp_obs("retention", "31") == snapshot(
        Ended(code=1, out="", err="Error: Choose from 1 to 30 days, this server's maximum.\n")
    )
    assert (await mcp_obs("retention", "soon")).err == snapshot("""\
Usage: mcp-obs retention [OPTIONS] [DAYS]
Try 'mcp-obs retention --help' for help.

Error: Invalid value for '[DAYS]': 'soon' is neither a number of days nor 'maximum'.
""")
