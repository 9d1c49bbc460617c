"""A running mcp-obs: the real command as a process of its own, on a free port and a folder of its own."""

import os
import re
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Any

import httpx2

COMMAND = Path(sys.executable).with_name("mcp-obs")
START_SECONDS = 120
STOP_SECONDS = 60
CALLS = Path(__file__).with_name("calls.py")
CALLS_SECONDS = 120


@dataclass(frozen=True)
class Server:
    """A registered MCP server and a key for its telemetry."""

    id: int
    name: str
    key: str


@dataclass(frozen=True)
class Running:
    """The address of a running mcp-obs, and its owner's access."""

    url: str
    first_link: str
    api: httpx2.Client

    def sign_in_link(self) -> str:
        """A fresh one-time link."""
        return self._post("/api/sign-in-links")["url"]

    def register(self, name: str) -> Server:
        """A new server with a key."""
        server = self._post("/api/servers", {"name": name})
        key = self._post(f"/api/servers/{server['id']}/keys", {"environment": "test"})
        return Server(server["id"], name, key["secret"])

    def _post(self, path: str, body: dict[str, str] | None = None) -> Any:
        response = self.api.post(path, json=body)
        response.raise_for_status()
        return response.json()


@contextmanager
def mcp_obs(folder: Path) -> Generator[Running]:
    """Start `mcp-obs start`, wait until it is ready, and stop it at the end."""
    command = [str(COMMAND), "start", "--data-dir", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            welcome = _read_welcome(process)
            url = _found(r"ready at (\S+)", welcome)
            token = (folder / "access-token").read_text().strip()
            with httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as api:
                yield Running(url, _found(r"(\S+/sign-in#token=\S+)", welcome), api)
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def make_calls(running: Running, server: Server) -> None:
    """Let a real MCP server report the calls of calls.py."""
    environment = {**os.environ, "MCP_OBS_API_KEY": server.key, "MCP_OBS_ENDPOINT": running.url}
    environment.pop("DO_NOT_TRACK", None)
    subprocess.run([sys.executable, CALLS], env=environment, check=True, timeout=CALLS_SECONDS)


def _read_welcome(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    # Reading ends when the process does, so a server that never gets ready fails the test in time.
    too_late = Timer(START_SECONDS, process.kill)
    too_late.start()
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if "Ctrl-C stops" in line:
            too_late.cancel()
            return "".join(lines)
    too_late.cancel()
    raise AssertionError("mcp-obs did not start:\n" + "".join(lines))


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, f"{pattern} is not in:\n{text}"
    return match[1]
