import asyncio
import signal
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import grpc
import httpx2
import pytest
from inline_snapshot import snapshot

from command_line import SECONDS, CommandLine, Ended
from grpc_client import Failed, call
from mcp_obs_server.commands.start import welcome
from mcp_obs_server.serve import Addresses
from mcp_obs_server.servers.bootstrap import FirstStart
from ports import reserved_port
from postgresql import PostgreSQL

FIRST = FirstStart(
    organisation_name="My organisation",
    server_name="default",
    api_key="mcpobs_live_KEY",
    sign_in_token="TOKEN",
    sign_in_expires_at=datetime(2026, 3, 2, 12, tzinfo=UTC),
)

# The control plane comes first, so nobody asks it.
ELSEWHERE = "clickhouse://db.example/obs"


@asynccontextmanager
async def started(command_line: CommandLine) -> AsyncGenerator[tuple[asyncio.subprocess.Process, str]]:
    """`mcp-obs start` on a free port and what it printed; afterwards Ctrl-C."""
    process = await command_line.start("start", "--port", "0")
    assert process.stdout is not None
    try:
        printed = await asyncio.wait_for(process.stdout.readuntil(b"Ctrl-C stops.\n"), SECONDS)
        yield process, printed.decode()
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            await asyncio.wait_for(process.wait(), SECONDS)


def word_after(printed: str, line: str) -> str:
    """The first word of the line that follows this one."""
    return printed.partition(line)[2].split()[0]


def test_the_first_start_shows_link_key_and_the_next_step() -> None:
    assert welcome(
        Addresses("http://127.0.0.1:4318", "http://127.0.0.1:4317"), Path("mcp-obs-data"), FIRST
    ) == snapshot("""\
mcp-obs is ready at http://127.0.0.1:4318

Sign in (works once, until 2026-03-02 12:00 UTC):
  http://127.0.0.1:4318/sign-in#token=TOKEN

API key of the server "default" (shown only now):
  mcpobs_live_KEY

Next, three lines in your MCP server, then call one of its tools:
  import mcp_obs
  mcp_obs.configure_mcp_telemetry(api_key="mcpobs_live_KEY", endpoint="http://127.0.0.1:4318")
  mcp_obs.instrument(server)

Any other OpenTelemetry exporter: OTLP/HTTP to http://127.0.0.1:4318, OTLP/gRPC to http://127.0.0.1:4317

Another sign-in link: mcp-obs sign-in-link
Ctrl-C stops.
""")


def test_a_later_start_tells_how_to_sign_in_here() -> None:
    assert welcome(
        Addresses("http://127.0.0.1:4400", "http://127.0.0.1:4317"), Path("my data"), None
    ) == snapshot("""\
mcp-obs is ready at http://127.0.0.1:4400
OTLP/gRPC: http://127.0.0.1:4317
A sign-in link: mcp-obs sign-in-link --data-dir 'my data' --url http://127.0.0.1:4400
Ctrl-C stops.
""")


async def test_what_the_first_start_prints_works_and_is_never_printed_again(
    command_line: CommandLine,
) -> None:
    async with started(command_line) as (process, printed):
        base_url = word_after(printed, "mcp-obs is ready at")
        link = word_after(printed, "UTC):")
        key = word_after(printed, "(shown only now):")
        async with httpx2.AsyncClient(base_url=base_url, timeout=60) as client:
            page, _, token = link.partition("#token=")
            assert page == f"{base_url}/sign-in"
            assert (await client.post("/api/sign-in", json={"token": token})).is_success
            headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
            assert (await client.post("/v1/traces", content=b"{}", headers=headers)).is_success
        grpc_address = word_after(printed, "OTLP/gRPC to").removeprefix("http://")
        metadata = (("authorization", f"Bearer {key}"),)
        assert await call(grpc_address, b"", metadata=metadata) == b""
        # What strangers can send is nothing to write on stderr.
        assert isinstance(await call(grpc_address, b"x", compression=grpc.Compression.Deflate), Failed)
        listed = await command_line("servers", "list", "--url", base_url)
        assert (listed.code, "default" in listed.out) == (0, True)
        process.send_signal(signal.SIGINT)
        _, err = await asyncio.wait_for(process.communicate(), SECONDS)
        assert err.strip() == b""
    async with started(command_line) as (_, again):
        assert "mcpobs_live_" not in again
        assert "#token=" not in again
        command = again.partition("A sign-in link: mcp-obs ")[2].splitlines()[0].split()
        assert (await command_line(*command)).code == 0


async def test_a_folder_in_use_is_told_in_a_sentence(command_line: CommandLine) -> None:
    async with started(command_line):
        ended = await command_line("start", "--port", "0")
    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert "is in use by another mcp-obs" in ended.err


async def test_a_port_in_use_is_told_in_a_sentence(command_line: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = await command_line("start", "--port", port)
    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert f"Can't listen on 127.0.0.1:{port}" in ended.err


async def test_a_grpc_port_in_use_is_told_in_a_sentence_before_anything_is_made(
    command_line: CommandLine,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = await command_line("start", "--port", "0", "--grpc-port", port)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        f"Error: Can't listen on 127.0.0.1:{port} (Address already in use): choose another --grpc-port.\n"
    )
    assert not list(command_line.folder.iterdir())


async def test_a_wrong_setting_is_named(command_line: CommandLine) -> None:
    assert await command_line.with_environment(MCP_OBS_PORT="many")("start") == snapshot(
        Ended(
            code=2,
            out="",
            err="""\
Usage: mcp-obs start [OPTIONS]
Try 'mcp-obs start --help' for help.

Error: MCP_OBS_PORT: Input should be a valid integer, unable to parse string as an integer
""",
        )
    )


async def test_a_wrong_store_is_told_in_a_sentence_without_its_password(command_line: CommandLine) -> None:
    url = "clickhouse://writer:s3cret@db.example/obs?shards=2"
    assert await command_line("start", "--port", "0", "--store", url) == snapshot(
        Ended(
            code=2,
            out="",
            err="""\
Usage: mcp-obs start [OPTIONS]
Try 'mcp-obs start --help' for help.

Error: MCP_OBS_STORE: the only option of a ClickHouse URL is ?cluster=NAME
""",
        )
    )


async def test_a_server_that_is_away_is_told_in_a_sentence_without_its_password(
    command_line: CommandLine,
) -> None:
    with reserved_port() as port:
        url = f"clickhouse://writer:s3cret@127.0.0.1:{port}/obs"
        ended = await command_line.with_environment(MCP_OBS_STORE=url)("start", "--port", "0")
    assert ended == Ended(
        code=1,
        out="",
        err=f"Error: ClickHouse at 127.0.0.1:{port} doesn't answer: [Errno 111] Connection refused\n",
    )


async def test_a_wrong_control_plane_is_told_in_a_sentence_without_its_password(
    command_line: CommandLine,
) -> None:
    shell = command_line.with_environment(MCP_OBS_CONTROL="mysql://writer:s3cret@db.example/obs")
    assert await shell("start", "--port", "0") == snapshot(
        Ended(
            code=2,
            out="",
            err="""\
Usage: mcp-obs start [OPTIONS]
Try 'mcp-obs start --help' for help.

Error: MCP_OBS_CONTROL: the control plane is a URL: postgresql://user:password@host:5432/database
""",
        )
    )


async def test_a_control_plane_that_is_away_is_told_in_a_sentence_without_its_password(
    command_line: CommandLine,
) -> None:
    with reserved_port() as port:
        url = f"postgresql://writer:s3cret@127.0.0.1:{port}/obs"
        shell = command_line.with_environment(MCP_OBS_CONTROL=url, MCP_OBS_STORE=ELSEWHERE)
        ended = await shell("start", "--port", "0")
    assert ended == Ended(
        code=1,
        out="",
        err=f"Error: Accounts and keys can't be reached: PostgreSQL at 127.0.0.1:{port}, database obs, says:"
        " [Errno 111] Connection refused. Start it, or correct MCP_OBS_CONTROL.\n",
    )


async def test_a_database_that_is_not_there_is_told_in_a_sentence(
    command_line: CommandLine, postgresql: PostgreSQL
) -> None:
    url = f"postgresql://postgres:s3cret@/nowhere?host={postgresql.folder}"
    shell = command_line.with_environment(MCP_OBS_CONTROL=url, MCP_OBS_STORE=ELSEWHERE)
    ended = await shell("start", "--port", "0")
    assert ended == Ended(
        code=1,
        out="",
        err=f"Error: Accounts and keys can't be reached: PostgreSQL at {postgresql.folder}, database nowhere, says:"
        ' database "nowhere" does not exist. Start it, or correct MCP_OBS_CONTROL.\n',
    )


@pytest.mark.parametrize("store", [[], ["--store", "chdb:///var/lib/mcp-obs"]])
async def test_a_shared_control_plane_over_the_embedded_store_is_refused(
    command_line: CommandLine, store: list[str]
) -> None:
    shell = command_line.with_environment(MCP_OBS_CONTROL="postgresql://writer:s3cret@db.example/obs")
    assert await shell("start", "--port", "0", *store) == snapshot(
        Ended(
            code=2,
            out="",
            err="""\
Usage: mcp-obs start [OPTIONS]
Try 'mcp-obs start --help' for help.

Error: MCP_OBS_CONTROL: the embedded store can't be shared: set MCP_OBS_STORE=clickhouse://user:password@host/database
""",
        )
    )
