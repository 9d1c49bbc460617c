"""mcp-obs, as `mcp-obs start` runs it, on an empty folder."""

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2

from benchmarks.load import Load
from benchmarks.receivers.receiver import free_port, log_tail, running
from mcp_obs_server.store import TelemetryStore

_START_SECONDS = 30
_KEY = re.compile(r"mcpobs_live_\w+")


@dataclass(frozen=True)
class McpObs:
    """A running one."""

    port: int
    key: str
    pid: int
    api: httpx2.Client
    name: str = "mcp-obs"

    def load(self, seconds: float, connections: int = 4, spans: int = 512) -> Load:
        """What to send to its door, `spans` in an export."""
        header = (f"authorization: Bearer {self.key}",)
        return Load(self.port, header, connections=connections, spans=spans, seconds=seconds)

    def stored(self) -> int:
        """The calls that the dashboard shows; every span of the load is one."""
        return int(self.get("/api/servers/1/overview?range=24h")["calls"]["value"])

    def get(self, path: str) -> Any:
        """The JSON at `path`."""
        return self.api.get(path).raise_for_status().json()


@contextmanager
def running_mcp_obs(folder: Path) -> Generator[McpObs]:
    """Started on the empty `folder`. Raises SystemExit when it does not start."""
    port, log = free_port(), folder / "log"
    data = folder / "data"
    mcp_obs = Path(sys.executable).with_name("mcp-obs")
    command = [mcp_obs, "start", "--data-dir", data, "--port", str(port), "--grpc-port", "0"]
    with running(command, log, os.environ) as process:
        key = _first_key(process, log)
        headers = {"authorization": f"Bearer {(data / 'access-token').read_text().strip()}"}
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as api:
            yield McpObs(port, key, process.pid, api)


def _first_key(process: "subprocess.Popen[bytes]", log: Path) -> str:
    deadline = time.perf_counter() + _START_SECONDS
    while process.poll() is None and time.perf_counter() < deadline:
        printed = log.read_text()
        if "Ctrl-C stops." in printed and (key := _KEY.search(printed)):
            return key[0]
        time.sleep(0.05)
    raise SystemExit(f"mcp-obs did not start:\n{log_tail(log)}")


@dataclass(frozen=True)
class OnDisk:
    """What a stopped mcp-obs has kept."""

    spans: int
    bytes_per_span: float


def on_disk(folder: Path) -> OnDisk:
    """The spans in `folder`, whose server is stopped, once every part is merged."""
    return asyncio.run(_on_disk(folder / "data" / "telemetry"))


async def _on_disk(telemetry: Path) -> OnDisk:
    store = TelemetryStore.open(telemetry, timedelta(days=30))
    try:
        await store.rows("OPTIMIZE TABLE spans FINAL", {})
        (row,) = await store.rows(
            "SELECT sum(rows) AS spans, sum(bytes_on_disk) AS bytes FROM system.parts"
            " WHERE active AND database = currentDatabase() AND table = 'spans'",
            {},
        )
    finally:
        store.close()
    return OnDisk(row["spans"], row["bytes"] / row["spans"] if row["spans"] else 0.0)
