"""The front as a process, seen from a test."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO

from pydantic import SecretStr

from mcp_obs_server.store import ClickHouse
from ports import reserved_port

USER, PASSWORD = "writer", "s3cret #1"


class Fault(StrEnum):
    """What a request meets."""

    HANG = "hang"
    """Nothing is run and nothing answered, until the next plan."""
    UNAVAILABLE = "unavailable"
    """Nothing is run, 503."""
    DROP = "drop"
    """Nothing is run, and the connection ends."""
    STORE_AND_DROP = "store and drop"
    """The statement is run, and the connection ends without an answer."""
    CUT = "cut"
    """The statement is run, and the connection ends in the middle of the answer."""


class Front:
    """A server process that keeps its port and its folder when it is stopped and started again."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self.port = port

    def start(self) -> None:
        """Return when it answers."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "clickhouse_front", str(self._folder), str(self.port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=self._folder,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        )
        if not _pipe(self._process.stdout).readline():
            self.stop()
            raise RuntimeError("The front ended before it answered; its standard error says why.")

    def stop(self) -> None:
        """End the process at once, like a crash."""
        if self._process:
            self._process.kill()
            self._process.wait()
            _pipe(self._process.stdin).close()
            _pipe(self._process.stdout).close()
            self._process = None

    def location(self, database: str = "mcp_obs", cluster: str | None = None) -> ClickHouse:
        """The server as mcp-obs is told of it."""
        return ClickHouse("127.0.0.1", self.port, False, USER, SecretStr(PASSWORD), database, cluster)

    def plan(self, *faults: Fault) -> None:
        """What the next requests meet, one after the other; without any, what hangs goes on."""
        url = f"http://127.0.0.1:{self.port}/faults"
        with urllib.request.urlopen(url, json.dumps(faults).encode(), timeout=60):
            pass


@contextmanager
def running_front(folder: Path) -> Generator[Front]:
    """A front on a port of the loopback that it keeps."""
    with reserved_port() as port:
        front = Front(folder, port)
        front.start()
        try:
            yield front
        finally:
            front.stop()


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe
    return pipe
