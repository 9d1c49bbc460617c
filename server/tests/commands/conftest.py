from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from command_line import CommandLine
from control_plane import ControlPlane, control
from serving import serving

__all__ = ["control"]


@pytest.fixture
def command_line(tmp_path: Path) -> CommandLine:
    """A shell that knows nothing yet."""
    return CommandLine(tmp_path, {})


@pytest.fixture
async def mcp_obs(control: ControlPlane, command_line: CommandLine) -> AsyncIterator[CommandLine]:
    """A shell whose `mcp-obs` reaches a running server as the owner of `acme`."""
    token = await control.accounts.create_access_token(await control.owner())
    async with serving(control.app) as url:
        yield command_line.with_environment(MCP_OBS_URL=url, MCP_OBS_TOKEN=token)
