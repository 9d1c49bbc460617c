"""What people see when the command can't reach its server."""

import asyncio
import signal
from pathlib import Path

import pytest
from inline_snapshot import snapshot
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from command_line import SECONDS, CommandLine, Ended
from control_plane import ControlPlane
from ports import reserved_port
from serving import serving


async def failure(command_line: CommandLine, *arguments: str) -> str:
    """The one sentence with which this command fails."""
    ended = await command_line(*arguments)
    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
    return ended.err


async def test_without_a_token_it_says_where_one_is(command_line: CommandLine) -> None:
    assert await failure(command_line, "servers", "list") == snapshot(
        "Error: There is no access token at mcp-obs-data/access-token (No such file or directory):"
        " give the server's folder with --data-dir, or set MCP_OBS_TOKEN.\n"
    )


async def test_without_a_server_it_says_how_to_start_one(command_line: CommandLine) -> None:
    with reserved_port() as port:
        shell = command_line.with_environment(MCP_OBS_TOKEN="x", MCP_OBS_URL=f"http://127.0.0.1:{port}")
        sentence = await failure(shell, "servers", "list")
    assert sentence.replace(str(port), "PORT") == snapshot(
        "Error: Nothing answers at http://127.0.0.1:PORT: start it with `mcp-obs start`,"
        " or give its address with --url.\n"
    )


async def test_a_token_of_another_server_is_refused_with_the_way_out(mcp_obs: CommandLine) -> None:
    shell = mcp_obs.with_environment(MCP_OBS_TOKEN="mcpobs_pat_other")
    assert await failure(shell, "servers", "list") == snapshot(
        "Error: The server refuses this access token:"
        " give that server's own folder with --data-dir, or set MCP_OBS_TOKEN.\n"
    )


async def test_a_token_that_no_header_can_carry_is_refused(mcp_obs: CommandLine) -> None:
    assert await failure(mcp_obs.with_environment(MCP_OBS_TOKEN="schlüssel"), "servers", "list") == snapshot(
        "Error: This is no access token: it has letters that no token has.\n"
    )


async def test_an_address_that_is_none_is_explained(mcp_obs: CommandLine) -> None:
    assert await failure(mcp_obs, "servers", "list", "--url", "localhost:4318") == snapshot(
        "Error: localhost:4318 is no address; --url takes one like http://127.0.0.1:4318.\n"
    )


async def test_another_program_at_the_address_is_told_apart(command_line: CommandLine) -> None:
    async with serving(Starlette()) as url:
        shell = command_line.with_environment(MCP_OBS_TOKEN="x", MCP_OBS_URL=url)
        sentence = await failure(shell, "servers", "list")
    assert sentence.replace(url, "URL") == snapshot(
        "Error: URL/api/servers answered 404, which mcp-obs would not: check --url.\n"
    )


async def test_the_token_is_read_from_the_server_s_folder(
    mcp_obs: CommandLine, control: ControlPlane, tmp_path: Path
) -> None:
    (tmp_path / "mcp-obs-data").mkdir()
    (tmp_path / "mcp-obs-data" / "access-token").write_text(mcp_obs.environment["MCP_OBS_TOKEN"] + "\n")
    shell = CommandLine(tmp_path, {"MCP_OBS_URL": mcp_obs.environment["MCP_OBS_URL"]})
    assert await shell("servers", "list") == Ended(0, "ID  NAME  CREATED\n", "")


async def test_ctrl_c_ends_with_130_and_no_traceback(command_line: CommandLine) -> None:
    asked, ended = asyncio.Event(), asyncio.Event()

    async def answer_too_late(_: Request) -> Response:
        asked.set()
        await ended.wait()
        return Response()

    async with serving(Starlette(routes=[Route("/api/servers", answer_too_late)])) as url:
        shell = command_line.with_environment(MCP_OBS_TOKEN="x", MCP_OBS_URL=url)
        process = await shell.start("servers", "list")
        await asyncio.wait_for(asked.wait(), SECONDS)
        process.send_signal(signal.SIGINT)
        out, err = await asyncio.wait_for(process.communicate(), SECONDS)
        ended.set()
    assert (process.returncode, out, err) == (130, b"", b"\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("servers", "list", "--url", "http://[::1"), "http://[::1 is no address"),
        (("servers", "create", "bad\udcff"), "no text in UTF-8"),
    ],
)
async def test_what_can_not_be_sent_is_explained(
    mcp_obs: CommandLine, arguments: tuple[str, ...], sentence: str
) -> None:
    assert sentence in await failure(mcp_obs, *arguments)
