"""MLflow, which keeps spans in SQLite."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.receivers.receiver import Peer, free_port, peer_folder, running, until_it_answers


@contextmanager
def running_mlflow(folder: Path) -> Generator[Peer]:
    """As it comes, on an empty folder."""
    port, log, database = free_port(), folder / "log", folder / "mlflow.db"
    command = [
        peer_folder("mlflow") / "bin" / "mlflow",
        "server",
        f"--backend-store-uri=sqlite:///{database}",
        f"--default-artifact-root={folder / 'artifacts'}",
        "--host=127.0.0.1",
        f"--port={port}",
    ]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    with running(command, log, environment) as process:
        until_it_answers(process, port, log)
        # Spans go to its first experiment.
        yield Peer("MLflow", process.pid, port, ("x-mlflow-experiment-id: 0",), database)
