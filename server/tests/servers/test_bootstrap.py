from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest
from dirty_equals import IsStr
from inline_snapshot import snapshot

from control_plane import EACH_DATABASE, ControlPlane
from mcp_obs_server.servers.bootstrap import FirstStart, bootstrap

pytestmark = EACH_DATABASE


async def start(control: ControlPlane, folder: Path) -> FirstStart | None:
    return await bootstrap(control.accounts, control.servers, folder / "access-token")


async def first_start(control: ControlPlane, folder: Path) -> FirstStart:
    first = await start(control, folder)
    assert first is not None
    return first


async def test_the_first_start_gives_an_owner_a_server_and_a_key_that_works(
    control: ControlPlane, tmp_path: Path
) -> None:
    first = await first_start(control, tmp_path)
    assert asdict(first) == {
        "organisation_name": "My organisation",
        "server_name": "default",
        "api_key": IsStr(regex=r"mcpobs_live_\w{40}"),
        "sign_in_token": IsStr(regex=r"\w{32}"),
        "sign_in_expires_at": control.time() + timedelta(hours=24),
    }
    assert await control.verifier.verify(first.api_key)
    async with control.client() as browser:
        response = await browser.post("/api/sign-in", json={"token": first.sign_in_token})
    assert response.json() == snapshot(
        {
            "user": {"id": 1, "email": "owner@localhost", "name": "Owner"},
            "organisation": {"id": 1, "name": "My organisation"},
            "role": "owner",
        }
    )


async def test_the_access_token_is_for_the_owner_alone_and_opens_the_api(
    control: ControlPlane, tmp_path: Path
) -> None:
    await start(control, tmp_path)
    file = tmp_path / "access-token"
    assert file.stat().st_mode & 0o777 == 0o600
    async with control.client(file.read_text().strip()) as command_line:
        servers = (await command_line.get("/api/servers")).json()
    assert [server["name"] for server in servers] == ["default"]


async def test_a_later_start_changes_nothing(control: ControlPlane, tmp_path: Path) -> None:
    first = await first_start(control, tmp_path)
    token = (tmp_path / "access-token").read_text()
    assert await start(control, tmp_path) is None
    assert (tmp_path / "access-token").read_text() == token
    assert await control.verifier.verify(first.api_key)


@pytest.mark.parametrize("content", [None, "", "mcpobs_pat_of_another_database"])
async def test_a_lost_access_token_is_replaced_by_the_next_start(
    control: ControlPlane, tmp_path: Path, content: str | None
) -> None:
    await start(control, tmp_path)
    file = tmp_path / "access-token"
    file.unlink() if content is None else file.write_text(content)
    assert await start(control, tmp_path) is None
    assert await control.accounts.principal_of_access_token(file.read_text().strip())


async def test_a_first_start_that_was_killed_half_way_is_finished_by_the_next(
    control: ControlPlane, tmp_path: Path
) -> None:
    owner = await control.accounts.create_organisation("My organisation", "owner@localhost", "Owner")
    assert await start(control, tmp_path) is not None
    assert await control.accounts.first_owner() == owner
