"""The doctor against a real server: what is sent is read back with nothing but the API key."""

import json
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from command_line import SECONDS, CommandLine
from server_process import new_key, running


@dataclass(frozen=True)
class Deployment:
    """A server, and a shell whose programs send to it."""

    shell: CommandLine
    key: str


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("data")
    with running(folder) as server:
        key = new_key(server, folder)
        environment = {
            "MCP_OBS_ENDPOINT": server.url,
            "MCP_OBS_URL": server.url,
            "MCP_OBS_DATA_DIR": str(folder),
        }
        yield Deployment(CommandLine(folder, environment), key)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(SECONDS) == 0


def by_name(out: str) -> dict[str, dict[str, Any]]:
    """The checks of a report."""
    return {check["name"]: check for check in json.loads(out)["checks"]}


async def test_what_is_sent_is_read_back_with_the_api_key_alone(deployment: Deployment) -> None:
    ended = await deployment.shell.with_environment(
        MCP_OBS_API_KEY=deployment.key, MCP_OBS_SERVER_NAME="examined", MCP_OBS_METRICS="true"
    )("doctor", "--json")
    assert (ended.code, ended.err) == (0, ""), ended
    checks = by_name(ended.out)
    assert {name: check["status"] for name, check in checks.items()} == dict.fromkeys(
        [
            "mcp-obs",
            "libraries",
            "hooks",
            "configuration",
            "operations",
            "DNS",
            "TCP",
            "HTTP",
            "key",
            "clock",
            "read back",
        ],
        "ok",
    )
    assert deployment.key not in ended.out
    assert deployment.key[:20] in checks["key"]["found"]


async def test_a_program_s_own_operations_are_sent_and_read_back(
    deployment: Deployment, tmp_path: Path
) -> None:
    program = tmp_path / "weather.py"
    program.write_text(
        "from mcp.server import MCPServer\n"
        "server = MCPServer('weather')\n"
        "@server.tool()\n"
        "def temperature(city: str) -> float:\n"
        "    return 21.5\n"
        "if __name__ == '__main__':\n"
        "    server.run()\n"
    )
    shell = deployment.shell.with_environment(MCP_OBS_API_KEY=deployment.key)
    ended = await shell("doctor", "--json", "--", sys.executable, str(program))
    assert ended.code == 0, ended
    checks = by_name(ended.out)
    assert checks["server"]["found"] == "weather speaks protocol 2025-11-25 and has 1 tool"
    assert "tools/list" in checks["operations"]["found"]
    assert checks["read back"]["status"] == "ok"


async def test_a_revoked_key_is_the_problem_and_said_to_be(deployment: Deployment) -> None:
    await deployment.shell("keys", "revoke", deployment.key)
    ended = await deployment.shell.with_environment(MCP_OBS_API_KEY=deployment.key)("doctor")
    assert ended.code == 1
    assert "problem" in ended.out
    assert f"Bearer {deployment.key[:20]}… is refused." in ended.out
    assert "mcp-obs keys create" in ended.out
    assert deployment.key not in ended.out
