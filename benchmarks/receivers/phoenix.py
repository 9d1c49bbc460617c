"""Arize Phoenix, which keeps spans in SQLite."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.receivers.receiver import Peer, free_port, peer_folder, running, until_it_answers


@contextmanager
def running_phoenix(folder: Path) -> Generator[Peer]:
    """As it comes, on an empty folder."""
    port, log = free_port(), folder / "log"
    environment = {
        **os.environ,
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(free_port()),
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_TELEMETRY_ENABLED": "false",
        "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false",
    }
    with running([peer_folder("phoenix") / "bin" / "phoenix", "serve"], log, environment) as process:
        until_it_answers(process, port, log)
        yield Peer("Phoenix", process.pid, port, database=folder / "phoenix.db")
