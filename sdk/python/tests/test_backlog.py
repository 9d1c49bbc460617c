"""The thread that sends what is written: how it ends, what it survives, and what a forked child has of it."""

import subprocess
import sys
import threading
from queue import SimpleQueue

import pytest
from opentelemetry import context
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY  # pyright: ignore[reportPrivateUsage]
from opentelemetry.sdk.resources import Resource
from sdk_kit.collector import collecting
from sdk_kit.lean import ended_span, exporting
from sdk_kit.process import recording_process

import mcp_obs
from mcp_obs import _telemetry
from mcp_obs._exit import at_exit
from mcp_obs._lean import exporter as exporter_module
from mcp_obs._lean.circuit_breaker import CircuitBreaker
from mcp_obs._lean.encoder import Envelope, SpanEncoder
from mcp_obs._lean.exporter import OperationExporter
from mcp_obs._lean.sender import Sender, Sent
from mcp_obs._message import Message
from mcp_obs._operation import begin


@pytest.mark.behaviour("configuration.replaced")
def test_a_configuration_that_is_replaced_leaves_no_thread(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exporter_module, "EXPORT_SECONDS", 0.01)
    of_others, started = _sending(), set[threading.Thread]()
    with collecting() as collector:
        try:
            for method in ("ping", "tools/list", "prompts/list"):
                mcp_obs.configure_mcp_telemetry(endpoint=collector.url)
                _answer(method)
                collector.wait_for(method)
                started |= _sending() - of_others
        finally:
            at_exit.flush()
            _telemetry.use(None)
        for thread in started:
            thread.join(60)
    assert [thread.is_alive() for thread in started] == [False] * 3


def test_what_ends_while_a_request_is_under_way_waits_for_the_next():
    bodies: list[bytes] = []

    class Meanwhile(Sender):
        def send(self, body: bytes, seconds: float, *, is_divisible: bool = False) -> Sent:
            bodies.append(body)
            backlog.put(_ping())
            return Sent(is_over=True)

    envelope = Envelope(Resource({}), "s", "1")
    sender = Meanwhile("http://127.0.0.1:9", {})
    backlog = OperationExporter(SpanEncoder(), envelope, sender, CircuitBreaker()).backlog
    backlog.put(_ping())
    for _ in range(2):
        backlog.send()
    assert (len(bodies), len(backlog)) == (2, 1)


@pytest.mark.behaviour("exit.bounded")
def test_a_thread_that_is_sending_when_all_is_given_up_ends_after_that():
    of_others = _sending()
    with collecting(hung=True) as collector:
        backlog = exporting(collector.url).backlog
        for _ in range(2):
            backlog.put(_ping())
            backlog.send_soon()
            collector.wait_for_request()
        (thread,) = _sending() - of_others
        assert (backlog.give_up(), len(backlog)) == (2, 0)
        collector.released.set()
        thread.join(60)
        assert not thread.is_alive()
    assert collector.spans == ["ping"]


@pytest.mark.behaviour("host.own-failure-swallowed")
def test_a_failure_does_not_end_the_thread(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MCP_OBS_STRICT")
    threads: SimpleQueue[threading.Thread] = SimpleQueue()

    class Failing(Sender):
        def send(self, body: bytes, seconds: float, *, is_divisible: bool = False) -> Sent:
            threads.put(threading.current_thread())
            raise RuntimeError("always")

    backlog = _exporting(Failing("http://collector.test", {})).backlog
    backlog.put(_ping())
    backlog.send_soon()
    first = threads.get(timeout=60)
    backlog.send_soon()
    assert threads.get(timeout=60) is first
    backlog.give_up()


@pytest.mark.behaviour("export.hidden-from-instrumentation")
def test_exports_are_hidden_from_the_host_s_own_instrumentation_in_either_thread():
    suppressed: SimpleQueue[object] = SimpleQueue()

    class Noting(Sender):
        def send(self, body: bytes, seconds: float, *, is_divisible: bool = False) -> Sent:
            suppressed.put(context.get_value(_SUPPRESS_INSTRUMENTATION_KEY))
            return Sent(is_over=True)

    exporter = _exporting(Noting("http://collector.test", {}))
    exporter.backlog.put(_ping())
    exporter.backlog.send_soon()
    assert suppressed.get(timeout=60) is True
    exporter.put(ended_span("ping"))
    exporter.shutdown(10)
    assert suppressed.get(timeout=60) is True


FORKS = """
import os
sys.stdin.readline()
child = os.fork()
if child:
    os.waitpid(child, 0)
begin(lambda: Message("tools/list" if child else "prompts/list", None, 2, None, None, None)).answer({})
"""


@pytest.mark.behaviour("export.fork")
def test_a_forked_child_sends_its_own_operations_and_none_of_its_parent_s():
    with collecting() as collector:
        process = recording_process({"MCP_OBS_ENDPOINT": collector.url}, FORKS)
        # The parent's connection stands when the child begins.
        collector.wait_for("ping")
        _, said = process.communicate("\n", timeout=60)
    assert (process.returncode, said) == (0, "")
    assert collector.spans == ["ping", "prompts/list", "tools/list"]
    parent, child, _ = collector.ports
    assert parent != child


LIVES_ON = """
import os
sys.stdin.readline()
if child := os.fork():
    os.waitpid(child, 0)
else:
    begin(lambda: Message("prompts/list", None, 2, None, None, None)).answer({})
    sys.stdin.readline()
    os._exit(0)
"""


@pytest.mark.behaviour("export.fork")
@pytest.mark.parametrize("hung", [False, True], ids=["its parent has sent", "its parent is sending"])
def test_a_forked_child_that_lives_on_sends_in_threads_of_its_own(hung: bool):
    with (
        collecting(hung=hung) as collector,
        recording_process({"MCP_OBS_ENDPOINT": collector.url}, LIVES_ON) as process,
    ):
        collector.wait_for("ping")
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
        collector.wait_for("prompts/list")
        assert collector.spans == ["ping", "prompts/list"]
        collector.released.set()
        process.communicate("\n", timeout=60)


FORKS_AS_IT_WAKES = """
import os, signal, sys
from queue import SimpleQueue
from opentelemetry.sdk.resources import Resource
from mcp_obs._lean.circuit_breaker import CircuitBreaker
from mcp_obs._lean.encoder import Envelope, SpanEncoder
from mcp_obs._lean.exporter import OperationExporter
from mcp_obs._lean.sender import Sender, Sent

sent = SimpleQueue()

class Noting(Sender):
    def send(self, body, seconds, *, is_divisible=False):
        sent.put(None)
        return Sent(is_over=True)

envelope, sender = Envelope(Resource({}), "s", "1"), Noting("http://collector.test", {})
exporter = OperationExporter(SpanEncoder(), envelope, sender, CircuitBreaker())

def send():
    exporter.backlog.put(b"")
    exporter.backlog.send_soon()
    sent.get()

# No thread leaves the interpreter to another before it waits.
sys.setswitchinterval(60)
send()
exporter.backlog._wake.put(None)
# Long enough for the thread to be awake, and to wait for the interpreter.
for _ in range(10**6):
    pass
child = os.fork()
if child:
    sys.exit(os.waitpid(child, 0)[1])
signal.alarm(60)
send()
send()
os._exit(0)
"""


@pytest.mark.behaviour("export.fork")
@pytest.mark.skipif(sys.platform == "win32", reason="no fork here")
def test_a_child_that_is_forked_as_its_parent_s_thread_is_woken_wakes_its_own():
    command = [sys.executable, "-W", "ignore", "-c", FORKS_AS_IT_WAKES]
    process = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")


def _answer(method: str) -> None:
    operation = begin(lambda: Message(method, None, 1, None, None, None))
    assert operation is not None
    operation.answer({})


def _exporting(sender: Sender) -> OperationExporter:
    return OperationExporter(SpanEncoder(), Envelope(Resource({}), "s", "1"), sender, CircuitBreaker())


def _ping() -> bytes:
    return SpanEncoder().encode(ended_span("ping"))


def _sending() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "mcp-obs-spans"}
