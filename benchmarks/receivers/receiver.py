"""What the benchmark needs of a running receiver."""

import contextlib
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx2

from benchmarks.load import ROOT, Load

_STOP_SECONDS = 30
_giving = threading.Lock()
_given: set[int] = set()


class Receiver(Protocol):
    """A process that takes OTLP/HTTP."""

    @property
    def name(self) -> str:
        """As the table shows it."""
        ...

    @property
    def pid(self) -> int:
        """The root of its processes."""
        ...

    def load(self, seconds: float, connections: int = 4, spans: int = 512) -> Load:
        """What to send to its door, `spans` in an export."""
        ...

    def stored(self) -> int | None:
        """The spans that can be queried now; None for what stores nothing."""
        ...


@dataclass(frozen=True)
class Peer:
    """A receiver that others wrote."""

    name: str
    pid: int
    port: int
    header: tuple[str, ...] = ()
    database: Path | None = None
    """Its SQLite file with a table `spans`."""

    def load(self, seconds: float, connections: int = 4, spans: int = 512) -> Load:
        """What to send to its door, `spans` in an export."""
        return Load(self.port, self.header, connections=connections, spans=spans, seconds=seconds)

    def stored(self) -> int | None:
        """The rows of its own table; None for what stores nothing."""
        if self.database is None:
            return None
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30)) as connection:
            return connection.execute("SELECT count(*) FROM spans").fetchone()[0]

    def disk_bytes(self) -> int:
        """What its database takes, journal included."""
        assert self.database
        return sum(file.stat().st_size for file in self.database.parent.glob(f"{self.database.name}*"))


def peer_folder(name: str) -> Path:
    """The virtual environment that `make peers` has made for it."""
    folder = ROOT / f".venv-bench-{name}"
    if not folder.exists():
        raise SystemExit(f"{name} is not installed: run 'make peers'.")
    return folder


@contextmanager
def running(
    command: Sequence[str | Path], log: Path, environment: Mapping[str, str]
) -> Generator["subprocess.Popen[bytes]"]:
    """A process that writes to `log`; afterwards it is asked to end, and made to after 30 s."""
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def until_it_answers(
    process: "subprocess.Popen[bytes]", port: int, log: Path, seconds: float = 120.0
) -> None:
    """Wait for a server to answer over HTTP. Raises SystemExit with the end of its log when it does not."""
    deadline = time.perf_counter() + seconds
    # One client for all tries: to make it takes 30 ms, and many servers may be waited for side by side.
    with httpx2.Client(timeout=5) as client:
        while process.poll() is None and time.perf_counter() < deadline:
            with contextlib.suppress(httpx2.HTTPError):
                if client.get(f"http://127.0.0.1:{port}/").status_code < 500:
                    return
            time.sleep(0.1)
    raise SystemExit(f"{process.args!r} did not start:\n{log_tail(log)}")


def free_port() -> int:
    """A port of the loopback that nobody listens on, each once: what starts side by side listens only later."""
    with _giving:
        while True:
            with socket.create_server(("127.0.0.1", 0)) as listener:
                port = listener.getsockname()[1]
            if port not in _given:
                _given.add(port)
                return port


def log_tail(log: Path) -> str:
    """The last lines of a log, for the error that says why something did not start."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])
