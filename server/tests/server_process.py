"""A real server as a process, on a folder of the test."""

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2


@dataclass
class Running:
    """A server process, and where it listens."""

    process: "subprocess.Popen[str]"
    url: str
    output: list[str] = field(default_factory=list)


@contextmanager
def running(folder: Path, **environment: str) -> Generator[Running]:
    """`mcp-obs start` on a free port, answering, with more in its environment."""
    process = subprocess.Popen(
        [Path(sys.executable).with_name("mcp-obs"), "start", "--data-dir", folder, "--port", "0"],
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


def new_key(server: Running, folder: Path) -> str:
    """A key of its first server."""
    token = (folder / "access-token").read_text().strip()
    response = httpx2.post(
        f"{server.url}/api/servers/1/keys",
        json={"environment": "test"},
        headers={"authorization": f"Bearer {token}"},
    )
    return response.raise_for_status().json()["secret"]
