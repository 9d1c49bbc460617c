"""What recording adds to a call over HTTP, counted in instructions: the same beside any load, and on any day.

Valgrind executes each server and counts. It says nothing of time: code that is cold, as most of a server's is between
two requests, waits for memory as well. The metrics' own export is left out: it is one every ten seconds, however many
calls there are, and a server under Valgrind is fifty times as slow. So is Python's garbage collection, of all servers:
one of the oldest generation is worth 50,000 to 150,000 instructions a call, and falls into the few calls by chance.
"""

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.receivers.null import running_null_receiver
from benchmarks.sdk.contenders import BARE, LONGEST_EXPORT_PAUSE_SECONDS, Contender
from benchmarks.sdk.running import running
from benchmarks.sdk.server import WITHOUT_GARBAGE_COLLECTION
from benchmarks.table import number, table

# Enough for the interpreter to have specialised what it will.
_WARM_CALLS = 100
_CALLS = 256
_SETTINGS = {"OTEL_METRIC_EXPORT_INTERVAL": "3600000", WITHOUT_GARBAGE_COLLECTION: "1"}


def measure_instructions(contenders: Sequence[Contender], folder: Path) -> None:
    """Print what each executes for an empty call, its export included, beside a bare server."""
    with running_null_receiver() as port:
        counted = {each.name: count(each, f"http://127.0.0.1:{port}", folder) for each in contenders}
    bare = counted.pop(BARE.name)
    print(f"\ninstructions added to an empty call, http; a bare call takes {bare:,.0f}")
    rows = [[name, number(each - bare), f"{(each - bare) / bare:.1%}"] for name, each in counted.items()]
    print(table(("", "instructions/call", "of a bare call"), rows), flush=True)


def count(contender: Contender, endpoint: str, folder: Path) -> float:
    """Instructions a call, all threads of the server together. Blocks for a minute."""
    out = folder / f"{contender.name}.callgrind"
    valgrind = [
        "valgrind",
        "--quiet",
        "--tool=callgrind",
        "--instr-atstart=no",
        f"--callgrind-out-file={out}",
    ]
    with running(contender, endpoint, "http", folder, below=valgrind, settings=_SETTINGS) as server:
        server.calls.call("empty", _WARM_CALLS)
        time.sleep(LONGEST_EXPORT_PAUSE_SECONDS + 1)
        _control("--instr=on", server.process.pid)
        server.calls.call("empty", _CALLS)
        time.sleep(LONGEST_EXPORT_PAUSE_SECONDS + 1)
        _control("--dump", server.process.pid)
    (total,) = (
        int(line.split()[1])
        for line in out.with_name(f"{out.name}.1").read_text().splitlines()
        if line.startswith("totals:")
    )
    return total / _CALLS


def _control(what: str, pid: int) -> None:
    subprocess.run(["callgrind_control", what, str(pid)], check=True, capture_output=True)
