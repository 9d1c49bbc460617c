import sys
from pathlib import Path

import anyio
import pytest

from mcp_obs_server.commands.demo.children import ChildDied, Children, listening
from ports import reserved_port

pytestmark = pytest.mark.anyio

LISTEN = "import socket, sys, time; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); time.sleep(60)"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_child_that_ends_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    async with Children(tmp_path) as children:
        await children.start("shop", [sys.executable, "-c", "print('no stock'); raise SystemExit(3)"], {})
        with pytest.raises(ExceptionGroup) as raised, anyio.fail_after(60):
            await children.watch()
    assert raised.group_contains(ChildDied, match=r"shop ended with exit code 3.\n  no stock")


async def test_waiting_for_a_child_that_ends_instead_of_listening_fails(tmp_path: Path) -> None:
    with reserved_port() as port:
        async with Children(tmp_path) as children:
            child = await children.start("weather", [sys.executable, "-c", "raise SystemExit(1)"], {})
            with pytest.raises(ChildDied, match="it wrote nothing"):
                await listening(child, port)


async def test_leaving_stops_every_child(tmp_path: Path) -> None:
    with reserved_port() as port:
        async with Children(tmp_path) as children:
            child = await children.start("mcp-obs", [sys.executable, "-c", LISTEN, str(port)], {})
            await listening(child, port)
    assert child.process.returncode == -15


async def test_children_do_not_inherit_what_turns_telemetry_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    script = (
        "import os; print(sorted(name for name in os.environ if name.startswith(('DO_', 'OTEL_', 'MCP_'))))"
    )
    async with Children(tmp_path) as children:
        child = await children.start("shop", [sys.executable, "-c", script], {"MCP_OBS_API_KEY": "k"})
        await child.process.wait()
    assert child.log.read_text() == "['MCP_OBS_API_KEY']\n"
