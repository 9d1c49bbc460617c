"""A real server as a process, on a folder of the test."""

import json
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

_READ = """
import asyncio, json, sys
from datetime import timedelta
from pathlib import Path
from mcp_obs_server.store import TelemetryStore
store = TelemetryStore.open(Path(sys.argv[1]), timedelta(days=30))
print(json.dumps([asyncio.run(store.rows(sql, {})) for sql in sys.argv[2:]], default=repr))
store.close()
"""
_COUNT = (
    "SELECT count() AS spans, uniqExact(trace_id, span_id) AS different,"
    " (SELECT sum(calls) FROM operations_15m WHERE grain = 'server') AS quarters,"
    " (SELECT sum(calls) FROM operations_1h WHERE grain = 'server') AS hours FROM spans"
)


@dataclass
class Running:
    """A server process, and where it listens."""

    process: "subprocess.Popen[str]"
    url: str
    output: list[str] = field(default_factory=list)


@contextmanager
def running(folder: Path, port: int = 0, **environment: str) -> Generator[Running]:
    """`mcp-obs start` on this or a free port, answering, with more in its environment."""
    process = subprocess.Popen(
        [Path(sys.executable).with_name("mcp-obs"), "start", "--data-dir", folder, "--port", str(port)],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        server = Running(process, "")
        for line in process.stdout:
            server.output.append(line)
            words = [word for word in line.split() if word.startswith("http://")]
            if words:
                server.url = words[0].split("/sign-in")[0].rstrip("/.")
                break
        yield server
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def grpc_address(server: Running) -> str:
    """Where its OTLP/gRPC is."""
    assert server.process.stdout
    line = next(line for line in server.process.stdout if "OTLP/gRPC to " in line)
    return line.split("http://")[-1].strip()


def forget_peak(server: Running) -> None:
    """Let its peak begin with what it holds now (proc(5))."""
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")


def peak_bytes(server: Running) -> int:
    """The most memory that it has held at once."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def new_key(server: Running, folder: Path) -> str:
    """A key of its first server."""
    token = (folder / "access-token").read_text().strip()
    response = httpx2.post(
        f"{server.url}/api/servers/1/keys",
        json={"environment": "test"},
        headers={"authorization": f"Bearer {token}"},
        timeout=60,
    )
    return response.raise_for_status().json()["secret"]


def read(folder: Path, *queries: str) -> list[list[dict[str, Any]]]:
    """The rows of each query of what a folder has stored, when no server uses it; what JSON has not is its `repr`."""
    command = [sys.executable, "-c", _READ, str(folder / "telemetry"), *queries]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def counts(folder: Path) -> dict[str, Any]:
    """How many spans a folder has stored, in every way of counting them."""
    ((found,),) = read(folder, _COUNT)
    return found
