"""One operation by itself, tens of thousands of times: what it costs the thread of the request, and in all."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import ROOT
from benchmarks.receivers.null import running_null_receiver
from benchmarks.sdk.contenders import BARE, MCP_OBS, NATIVE, Contender
from benchmarks.sdk.running import environment
from benchmarks.table import number, table

# Measured by themselves, 10 attributes each, on 2 cores: what can't be undercut with a span of the OpenTelemetry SDK,
# and what a light record, its encoding, gzip and histogram come to.
_FLOOR = (
    ("floor: a span of the OTel SDK", 17.9, 60.2),
    ("floor: a sampled-out span", 6.7, None),
    ("floor: a light record", None, 4.0),
)


@dataclass(frozen=True)
class Repeated:
    """What one contender's middleware took, in microseconds an operation, and MB resident at ten moments."""

    thread: float
    everything: float
    resident: tuple[float, ...]


def repeat(contender: Contender, endpoint: str, times: int, folder: Path) -> Repeated:
    """Blocks until it is done."""
    words = ["-m", "benchmarks.sdk.server", contender.name, endpoint, "middleware", str(times)]
    done = subprocess.run(
        [contender.python, *words], cwd=ROOT, env=environment(folder), stdout=subprocess.PIPE, check=True
    )
    thread, everything, *resident = map(float, done.stdout.split())
    return Repeated(thread, everything, tuple(resident))


def measure_in_thread(times: int, folder: Path) -> None:
    """Print the middleware's cost beside the floor."""
    with running_null_receiver() as port:
        endpoint = f"http://127.0.0.1:{port}"
        bare, *others = (repeat(each, endpoint, times, folder) for each in (BARE, NATIVE, MCP_OBS))
    rows = [
        [name, number(each.thread, 1), number(each.everything, 1)]
        for name, each in zip(("bare", NATIVE.name, MCP_OBS.name), (bare, *others), strict=True)
    ]
    rows += [[name, number(thread, 1), number(everything, 1)] for name, thread, everything in _FLOOR]
    print(
        f"\none operation through the middleware alone, {times:,} times; bare is the library's own, recording nothing"
    )
    print(table(("", "thread µs", "with export µs"), rows), flush=True)
