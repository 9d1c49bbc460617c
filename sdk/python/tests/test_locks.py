"""A forked child waits for none of its parent's threads."""

import subprocess
import sys

import pytest

HELD = """
import os, signal, threading
from opentelemetry.sdk.resources import Resource
from mcp_obs import _locks
from mcp_obs._lean.circuit_breaker import CircuitBreaker
from mcp_obs._lean.encoder import Envelope, SpanEncoder
from mcp_obs._lean.exporter import OperationExporter
from mcp_obs._lean.sender import Sender
from mcp_obs._metrics.categories import ALL
from mcp_obs._metrics.lean_metrics import LeanMetrics
from mcp_obs._sessions import IdleGapSessions
from mcp_obs.sampling import RateLimited, Start

metrics, guesses, sampler = LeanMetrics(ALL), IdleGapSessions(lambda: "s"), RateLimited(5)
envelope, sender = Envelope(Resource({}), "s", "1"), Sender("http://127.0.0.1:9", {})
exporter = OperationExporter(SpanEncoder(), envelope, sender, CircuitBreaker())
held, over = threading.Event(), threading.Event()
locks = tuple(_locks._locks)

def hold():
    for lock in locks:
        lock.acquire()
    held.set()
    over.wait()
    for lock in locks:
        lock.release()

thread = threading.Thread(target=hold)
thread.start()
held.wait()
child = os.fork()
if child:
    over.set()
    thread.join()
    sys.exit(os.waitpid(child, 0)[1])
signal.alarm(10)
metrics.record("mcp.server.operation.duration", 1.0, {"mcp.method.name": "ping"})
exporter._start()
exporter.counts.processed(1, "queue_full")
guessed = guesses.session(("ada",), 1).id
print(len(locks), guessed, sampler.at_start(Start(1, "ping", None)), exporter.dropped, flush=True)
os._exit(0)
"""


@pytest.mark.behaviour("export.fork")
@pytest.mark.skipif(sys.platform == "win32", reason="no fork here")
def test_a_forked_child_can_take_what_a_thread_of_its_parent_held():
    process = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "import sys\n" + HELD],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (process.returncode, process.stdout, process.stderr) == (0, "8 s 1.0 1\n", "")
