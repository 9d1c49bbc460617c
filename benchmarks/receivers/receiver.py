"""What the benchmark needs of a running receiver."""

import socket
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from benchmarks.load import Load

_STOP_SECONDS = 30


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
        """What to send to its door."""
        ...

    def stored(self) -> int | None:
        """The spans that can be queried now; None for what stores nothing."""
        ...


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


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def log_tail(log: Path) -> str:
    """The last lines of a log, for the error that says why something did not start."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])
