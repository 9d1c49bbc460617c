"""A forked child waits for none of its parent's threads, and begins anew what they did."""

import subprocess
import sys

import pytest

from mcp_obs._guard import STRICT

# Forks while another thread holds `locks`; the child goes on.
FORK = """
held, over = threading.Event(), threading.Event()

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
"""

HELD = f"""
import os, signal, threading
from opentelemetry.sdk.resources import Resource
from mcp_obs import _forked_child
from mcp_obs._lean.circuit_breaker import CircuitBreaker
from mcp_obs._lean.encoder import Envelope, SpanEncoder
from mcp_obs._lean.exporter import OperationExporter
from mcp_obs._lean.sender import Sender
from mcp_obs._metrics.categories import ALL
from mcp_obs._metrics.lean_metrics import LeanMetrics
from mcp_obs._sessions import IdleGapSessions
from mcp_obs.sampling import RateLimited, Start

metrics, guesses, sampler = LeanMetrics(ALL), IdleGapSessions(lambda: "s"), RateLimited(5)
envelope, sender = Envelope(Resource({{}}), "s", "1"), Sender("http://127.0.0.1:9", {{}})
exporter = OperationExporter(SpanEncoder(), envelope, sender, CircuitBreaker())
locks = tuple(_forked_child._locks)
{FORK}
signal.alarm(60)
metrics.record("mcp.server.operation.duration", 1.0, {{"mcp.method.name": "ping"}})
exporter._start()
exporter.counts.processed(1, "queue_full")
guessed = guesses.session(("ada",), 1).id
print(len(locks), guessed, sampler.at_start(Start(1, "ping", None)), exporter.dropped, flush=True)
os._exit(0)
"""


CALLED = f"""
import os, signal, threading
from mcp_obs._forked_child import call_in_children, new_lock

class Named:
    def __init__(self, name):
        self.name = name
        call_in_children(self.take)
    def take(self):
        with lock:
            if self.name == "fails":
                raise ValueError(self.name)
            print(self.name, flush=True)

lock = new_lock()
named = [Named("first"), Named("fails"), Named("gone"), Named("last")]
del named[2]
locks = [lock]
os.register_at_fork(before=lambda: signal.alarm(60))
{FORK}
os._exit(0)
"""


DRAWS = """
import os
from mcp_obs._lean.random_ids import new_trace_id
child = os.fork()
if child:
    os.waitpid(child, 0)
print(new_trace_id(), flush=True)
"""


@pytest.mark.behaviour("export.fork")
@pytest.mark.skipif(sys.platform == "win32", reason="no fork here")
def test_a_forked_child_can_take_what_a_thread_of_its_parent_held():
    process = forking(HELD)
    assert (process.returncode, process.stdout, process.stderr) == (0, "8 s 1.0 1\n", "")


@pytest.mark.behaviour("export.fork")
@pytest.mark.skipif(sys.platform == "win32", reason="no fork here")
def test_what_begins_anew_can_take_what_a_thread_of_the_parent_held_and_one_that_fails_keeps_no_other(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.delenv(STRICT)
    process = forking(CALLED)
    assert (process.returncode, process.stdout) == (0, "first\nlast\n")
    assert process.stderr.startswith("mcp-obs failed beginning anew in a forked child")


@pytest.mark.behaviour("export.fork")
@pytest.mark.skipif(sys.platform == "win32", reason="no fork here")
def test_a_forked_child_has_other_ids_than_its_parent():
    assert len(set(forking(DRAWS).stdout.split())) == 2


def forking(source: str) -> subprocess.CompletedProcess[str]:
    """What a process said that forks."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "import sys\n" + source],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
