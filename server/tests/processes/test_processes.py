"""Who shares the control plane is seen, and who is gone for ever is forgotten."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import text

from command_line import CommandLine, Ended
from control_plane import ControlPlane
from mcp_obs_server.processes.models import Process
from mcp_obs_server.processes.registration import Registration
from serving import serving


def registration(control: ControlPlane, folder: Path, *, is_empty: bool = True) -> Registration:
    folder.mkdir(exist_ok=True)
    return Registration(
        control.sessions,
        control.time,
        folder,
        "db-host",
        is_empty=lambda: is_empty,
        on_forgotten=lambda: None,
    )


async def listed(client: httpx2.AsyncClient) -> list[dict[str, str]]:
    return (await client.get("/api/processes")).raise_for_status().json()


async def test_a_process_is_listed_until_it_stops_with_nothing_left(
    control: ControlPlane, tmp_path: Path
) -> None:
    async with control.client((await control.tenancy("acme")).token) as client:
        stopping = registration(control, tmp_path / "one")
        await stopping.register()
        async with stopping:
            assert await listed(client) == [
                {
                    "id": stopping.id,
                    "host_name": "db-host",
                    "started_at": "2026-03-01T12:00:00Z",
                    "seen_at": "2026-03-01T12:00:00Z",
                }
            ]
        assert await listed(client) == []
        leaving = registration(control, tmp_path / "two", is_empty=False)
        await leaving.register()
        async with leaving:
            pass
        assert [each["id"] for each in await listed(client)] == [leaving.id]


async def test_a_process_keeps_its_id_and_says_that_it_lives(control: ControlPlane, tmp_path: Path) -> None:
    first = registration(control, tmp_path / "one")
    assert not await first.renew()
    await first.register()
    control.time.pass_by(timedelta(hours=1))
    assert await first.say_alive()
    again = registration(control, tmp_path / "one")
    assert again.id == first.id
    async with control.sessions() as db:
        found = await db.get_one(Process, first.id)
        assert found.seen_at - found.started_at == timedelta(hours=1)
    assert await again.renew()
    async with control.sessions() as db:
        found = await db.get_one(Process, first.id)
        assert found.started_at == control.time.now


@pytest.mark.parametrize("left", [b"", b"a note\n", b"\xff\xfe"])
async def test_a_file_without_an_id_is_made_anew(control: ControlPlane, tmp_path: Path, left: bytes) -> None:
    (tmp_path / "process-id").write_bytes(left)
    first = registration(control, tmp_path)
    assert re.fullmatch("[0-9a-f]{32}", first.id)
    assert registration(control, tmp_path).id == first.id


async def test_a_process_that_can_t_take_itself_off_the_list_says_so_with_its_id(
    control: ControlPlane, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stopping = registration(control, tmp_path)
    await stopping.register()
    async with stopping, control.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE processes RENAME TO elsewhere"))
    assert f"The process {stopping.id} stays on the list and holds deletions up" in caplog.text


async def test_only_a_process_that_was_silent_for_minutes_is_forgotten(
    control: ControlPlane, tmp_path: Path
) -> None:
    process = registration(control, tmp_path / "one")
    await process.register()
    path = f"/api/processes/{process.id}"
    async with control.client((await control.tenancy("acme")).token) as client:
        refused = await client.delete(path)
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
        control.time.pass_by(timedelta(minutes=5))
        assert (await client.delete(path)).status_code == 204
        assert (await client.delete(path)).status_code == 404
    assert not await process.say_alive()
    async with control.engine.connect() as connection:
        assert not await process.holds(connection)


async def test_a_running_process_that_was_forgotten_is_told(control: ControlPlane, tmp_path: Path) -> None:
    told = asyncio.Event()
    process = Registration(
        control.sessions,
        control.time,
        tmp_path,
        "db-host",
        is_empty=lambda: True,
        on_forgotten=told.set,
        every=0.01,
    )
    async with process, asyncio.timeout(60):
        await told.wait()


@pytest.fixture
def command_line(tmp_path: Path) -> CommandLine:
    """A shell."""
    return CommandLine(tmp_path, {})


async def test_the_command_lists_and_forgets(
    control: ControlPlane, command_line: CommandLine, tmp_path: Path
) -> None:
    process = registration(control, tmp_path / "one")
    await process.register()
    control.time.pass_by(timedelta(hours=1))
    tenancy = await control.tenancy("acme")
    async with serving(control.app) as url:
        mcp_obs = command_line.with_environment(MCP_OBS_URL=url, MCP_OBS_TOKEN=tenancy.token)
        shown = await mcp_obs("processes", "list")
        assert (shown.code, [line.split() for line in shown.out.splitlines()]) == (
            0,
            [
                ["ID", "HOST", "STARTED", "SEEN"],
                [process.id, "db-host", *["2026-03-01", "12:00", "UTC"] * 2],
            ],
        )
        forgotten = await mcp_obs("processes", "forget", process.id, "--yes")
        assert forgotten == Ended(0, f"Forgot the process {process.id}.\n", "")
