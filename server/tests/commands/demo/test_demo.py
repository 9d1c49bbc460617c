import re
import signal
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest
from click.testing import CliRunner

from mcp_obs_server.commands.demo import demo
from ports import reserved_port

MCP_OBS = str(Path(sysconfig.get_path("scripts")) / "mcp-obs")


@pytest.fixture
def port() -> Iterator[int]:
    with reserved_port() as port:
        yield port


@pytest.mark.parametrize("days", ["0d", "30d", "week"])
def test_a_history_outside_the_retention_is_a_usage_error(days: str) -> None:
    result = CliRunner().invoke(demo, ["--history", days])
    assert result.exit_code == 2
    assert f"'{days}' is no number of days from 1d to 29d." in result.output


def test_a_check_with_a_history_is_a_usage_error() -> None:
    result = CliRunner().invoke(demo, ["--check", "--history", "7d"])
    assert result.exit_code == 2
    assert "--check counts real calls only" in result.output


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds children in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_demo_and_everything_it_started(
    number: signal.Signals, port: int, tmp_path: Path
) -> None:
    command = [MCP_OBS, "demo", "--port", str(port), "--data-dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        shown = next(line for line in process.stdout if "Dashboard" in line)
        children = children_of(process.pid)
        process.send_signal(number)
        rest = process.stdout.read()
        assert process.wait(timeout=60) == 0
    assert re.search(rf"http://127\.0\.0\.1:{port}/sign-in#token=\S+", shown)
    assert rest.endswith("stopping …\n")
    assert "Traceback" not in rest
    assert len(children) >= 3
    assert not [child for child in children if Path(f"/proc/{child}").exists()]
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"http://127.0.0.1:{port}/healthz")


def children_of(pid: int) -> list[int]:
    """The processes that a process started."""
    children: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        # A thread that ends leaves its children to another one.
        with suppress(FileNotFoundError, ProcessLookupError):
            children += map(int, (task / "children").read_text().split())
    return children
