"""How fast a running server acknowledges durable exports, and how small they are kept.

    make bench

Starts `mcp-obs start` on an empty folder and sends it 512-span protobuf exports over 4 connections from this
process, in rounds that alternate with upb parsing the same bodies on one core: the parse is the floor that any
receiver in Python pays, so the ratio holds when the machine's speed drifts. Then waits until the engine has
everything, stops the server and measures bytes per span after merges.
"""

import asyncio
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path

from load import SPANS_PER_EXPORT, ExportTemplate, send_until
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from mcp_obs_server.store import TelemetryStore

CONNECTIONS = 4
ROUNDS = 6
ROUND_SECONDS = 4.0
PARSE_SECONDS = 1.0
REQUIRED_SPANS_PER_SECOND = 60_000
REQUIRED_BYTES_PER_SPAN = 75


def main() -> int:
    """Print the figures; 1 when one falls short."""
    folder = Path(tempfile.mkdtemp(prefix="mcp-obs-bench-"))
    try:
        return _measure(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(folder: Path) -> int:
    port = _free_port()
    server = subprocess.Popen(
        ["mcp-obs", "start", "--data-dir", str(folder), "--port", str(port)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        key = _first_key(server)
        templates = [ExportTemplate(seed) for seed in range(8)]
        _round(port, key, templates, 1.0)  # warm: bcrypt, the first parts, the page cache
        rates: list[float] = []
        parses: list[float] = []
        cpu_before, sent = _cpu_seconds(server.pid), 0
        started = time.perf_counter()
        for _ in range(ROUNDS):
            parses.append(_parse_rate(templates[0]))
            exports, seconds = _round(port, key, templates, ROUND_SECONDS)
            rates.append(exports * SPANS_PER_EXPORT / seconds)
            sent += exports
        elapsed = time.perf_counter() - started
        drained = _wait_until_drained(folder)
        cpu = _cpu_seconds(server.pid) - cpu_before
    finally:
        server.terminate()
        server.wait(30)
    spans, bytes_per_span = asyncio.run(_stored(folder))
    rate, parse = statistics.median(rates), statistics.median(parses)
    print(f"acknowledged, durable     {rate:>12,.0f} spans/s  (min {min(rates):,.0f}, max {max(rates):,.0f})")
    print(f"upb parse only, one core  {parse:>12,.0f} spans/s")
    print(f"ratio                     {rate / parse:>12.3f}")
    print(f"stored and queryable      {sent * SPANS_PER_EXPORT / (elapsed + drained):>12,.0f} spans/s")
    print(f"engine behind at the end  {drained:>12.1f} s")
    print(f"server CPU                {cpu / (sent * SPANS_PER_EXPORT) * 1e5:>12.2f} s per 100k spans stored")
    print(f"on disk after merges      {bytes_per_span:>12.1f} bytes per span ({spans:,} spans)")
    enough = rate >= REQUIRED_SPANS_PER_SECOND and bytes_per_span <= REQUIRED_BYTES_PER_SPAN
    print(
        "reached"
        if enough
        else f"SHORT of {REQUIRED_SPANS_PER_SECOND:,} spans/s or {REQUIRED_BYTES_PER_SPAN} bytes"
    )
    return 0 if enough else 1


def _round(port: int, key: str, templates: list[ExportTemplate], seconds: float) -> tuple[int, float]:
    """Exports acknowledged over all connections, and the seconds they took."""
    counts = [0] * CONNECTIONS
    started = time.perf_counter()

    def work(connection: int) -> None:
        counts[connection] = send_until(port, key, templates[connection], started + seconds)

    threads = [threading.Thread(target=work, args=(connection,)) for connection in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts), time.perf_counter() - started


def _parse_rate(template: ExportTemplate) -> float:
    body, count = bytes(template.next_body()), 0
    started = time.perf_counter()
    while time.perf_counter() < started + PARSE_SECONDS:
        ExportTraceServiceRequest.FromString(body)
        count += 1
    return count * SPANS_PER_EXPORT / (time.perf_counter() - started)


def _first_key(server: "subprocess.Popen[str]") -> str:
    assert server.stdout
    for line in server.stdout:
        for word in line.split():
            if word.startswith("mcpobs_live_"):
                return word
    raise SystemExit("The server ended before it printed a key.")


def _wait_until_drained(folder: Path) -> float:
    """Seconds until the spool is empty, that is until everything acknowledged is queryable."""
    started = time.perf_counter()
    while any((folder / "spool").rglob("*.segment")) and time.perf_counter() < started + 120:
        time.sleep(0.05)
    return time.perf_counter() - started


async def _stored(folder: Path) -> tuple[int, float]:
    store = TelemetryStore.open(folder / "telemetry", timedelta(days=30))
    try:
        await store.rows("OPTIMIZE TABLE spans FINAL", {})
        (row,) = await store.rows(
            "SELECT sum(rows) AS spans, sum(bytes_on_disk) / spans AS bytes FROM system.parts"
            " WHERE active AND database = currentDatabase() AND table = 'spans'",
            {},
        )
    finally:
        store.close()
    return row["spans"], row["bytes"]


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


if __name__ == "__main__":
    sys.exit(main())
