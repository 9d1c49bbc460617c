"""rotel, a collector in Rust that stores nothing: it forwards to a receiver that does nothing."""

import os
import sysconfig
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.receivers.null import running_null_receiver
from benchmarks.receivers.receiver import Peer, free_port, peer_folder, running, until_it_answers


@contextmanager
def running_rotel(folder: Path) -> Generator[Peer]:
    """As it comes, but for gzip on what it forwards: without it, it is faster."""
    (agent,) = peer_folder("rotel").glob("lib/python*/site-packages/rotel/rotel-agent")
    # The agent is linked against libpython, and does not know where that is.
    environment = {**os.environ, "LD_LIBRARY_PATH": str(sysconfig.get_config_var("LIBDIR"))}
    port, log = free_port(), folder / "log"
    with running_null_receiver() as sink:
        command = [
            agent,
            "start",
            f"--otlp-http-endpoint=127.0.0.1:{port}",
            f"--otlp-grpc-endpoint=127.0.0.1:{free_port()}",
            f"--otlp-exporter-endpoint=http://127.0.0.1:{sink}",
            "--otlp-exporter-protocol=http",
            "--otlp-exporter-compression=none",
        ]
        with running(command, log, environment) as process:
            until_it_answers(process, port, log)
            yield Peer("rotel", process.pid, port)
