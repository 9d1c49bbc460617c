import asyncio
import sys
from importlib.metadata import version

import pytest
from inline_snapshot import snapshot

from command_line import SECONDS, CommandLine, Ended


async def test_help_shows_every_verb(command_line: CommandLine) -> None:
    ended = await command_line("--help")
    verbs = [line.split()[0] for line in ended.out.partition("Commands:\n")[2].splitlines()]
    assert (ended.code, verbs, ended.err) == (
        0,
        [
            "backup",
            "canary",
            "demo",
            "doctor",
            "keys",
            "processes",
            "restore",
            "retention",
            "run",
            "servers",
            "sign-in-link",
            "start",
            "users",
        ],
        "",
    )


async def test_the_version_is_the_package_s(command_line: CommandLine) -> None:
    assert await command_line("--version") == Ended(0, f"mcp-obs {version('mcp-obs')}\n", "")


@pytest.mark.parametrize("arguments", [["nonsense"], ["keys", "nonsense"], ["keys", "list", "--nonsense"]])
async def test_wrong_usage_ends_with_two(command_line: CommandLine, arguments: list[str]) -> None:
    ended = await command_line(*arguments)
    assert (ended.code, ended.out, "nonsense" in ended.err) == (2, "", True)


async def test_an_unknown_verb_is_named(command_line: CommandLine) -> None:
    assert await command_line("nonsense") == snapshot(
        Ended(
            code=2,
            out="",
            err="""\
Usage: mcp-obs [OPTIONS] COMMAND [ARGS]...
Try 'mcp-obs --help' for help.

Error: No such command 'nonsense'.
""",
        )
    )


async def test_without_its_packages_the_command_says_what_to_install() -> None:
    source = "import sys; sys.modules['click'] = None; import mcp_obs.cli; mcp_obs.cli.main()"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", source, stderr=asyncio.subprocess.PIPE
    )
    _, err = await asyncio.wait_for(process.communicate(), SECONDS)
    assert (process.returncode, err.decode()) == snapshot(
        (1, "Error: The command needs more packages: pip install 'mcp-obs[cli]'\n")
    )
