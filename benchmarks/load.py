"""A load generator that is not the bottleneck: its own process, raw sockets, bodies prepared and only patched.

    python -m benchmarks.load --port 4318 --header "authorization: Bearer mcpobs_live_..." --seconds 5

It behaves like an exporter: what is answered with 429, 502, 503 or 504, or not at all, is sent again as it was. Needs
nothing of the receiver but OTLP/HTTP with protobuf. Prints its `Report` as one JSON object.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.load_report import Report

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Load:
    """What to send, and where to."""

    port: int
    header: tuple[str, ...] = ()
    """Each `name: value`."""
    path: str = "/v1/traces"
    connections: int = 4
    spans: int = 512
    """In one export."""
    seconds: float = 5.0
    exports: int | None = None
    """How many to send at most."""
    history: float = 0.0
    """Seconds over which the spans' start times are spread, backwards from now, export by export."""
    rate: float | None = None
    """Spans per second over all connections; None for as many as are acknowledged."""
    grace_seconds: float = 10.0
    """How long to wait at the end for the answers to what is under way."""
    seed: int | None = None
    """Where the numbering of spans begins (see ids.py); None chooses at random."""
    record: Path | None = None
    """A file that gets the number of each acknowledged export, 8 bytes little-endian."""

    def head(self, length: int) -> bytes:
        """What goes before each body of that many bytes."""
        lines = [f"POST {self.path} HTTP/1.1", "host: localhost", "content-type: application/x-protobuf"]
        lines += [f"content-length: {length}", *self.header]
        return "\r\n".join((*lines, "", "")).encode()

    def arguments(self) -> list[str]:
        """The command line that `parse` reads back."""
        given = {name: value for name, value in vars(self).items() if value is not None and name != "header"}
        words = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
        return words + [f"--header={line}" for line in self.header]

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> "Load":
        """From a command line."""
        parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
        parser.add_argument("--port", type=int, required=True)
        parser.add_argument("--header", action="append", default=[])
        parser.add_argument("--path")
        parser.add_argument("--record", type=Path)
        for name in ("connections", "spans", "exports", "seed"):
            parser.add_argument(f"--{name}", type=int)
        for name in ("seconds", "history", "rate", "grace-seconds"):
            parser.add_argument(f"--{name}", type=float)
        given: dict[str, Any] = {
            name: value for name, value in vars(parser.parse_args(arguments)).items() if value is not None
        }
        given["header"] = tuple(given["header"])
        return cls(**given)


def send(load: Load) -> Report:
    """Send it from a process of its own. Blocks until that has ended."""
    with sending(load) as process:
        out, _ = process.communicate()
    return Report.from_json(out)


@contextmanager
def sending(load: Load) -> Generator["subprocess.Popen[str]"]:
    """A process that sends; its standard output is the report."""
    command = [sys.executable, "-m", "benchmarks.load", *load.arguments()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.terminate()


def main() -> None:
    """Send what the command line says, print the report."""
    from benchmarks.load_generator import LoadGenerator  # noqa: PLC0415  numpy and protobuf, in this process only

    load = Load.parse(sys.argv[1:])
    seed = int.from_bytes(os.urandom(8), "little") if load.seed is None else load.seed
    print(LoadGenerator(load, seed).run().to_json())


if __name__ == "__main__":
    main()
