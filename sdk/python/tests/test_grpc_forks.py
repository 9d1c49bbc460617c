"""A process that sends over gRPC and forks goes on sending, and so do its children."""

import sys

import pytest
from sdk_kit.collector import Collector
from sdk_kit.grpc_collector import collecting_grpc
from sdk_kit.process import RECORDS_ONE_SPAN, recording_process

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no fork here")

BOUND = 25.0


def told(collector: Collector, **more: str) -> dict[str, str]:
    return {"MCP_OBS_ENDPOINT": collector.url, "MCP_OBS_EXPORTER": "otlp-grpc", **more}


# What is registered first is called last.
LOOKS = """
import contextlib, os, pathlib
def look():
    names = set()
    for each in pathlib.Path("/proc/self/task").glob("*/comm"):
        with contextlib.suppress(OSError):
            names.add(each.read_text().strip())
    print("left:", sorted(names & {"event_engine", "grpc_global_tim"}), flush=True)
os.register_at_fork(before=look)
"""

FORKS = """
import os
def record(name):
    begin(lambda: Message(name, None, 2, None, None, None)).answer({})
sys.stdin.readline()
child = os.fork()
record("tools/list" if child else "prompts/list")
if child:
    _, status = os.waitpid(child, 0)
    assert status == 0
"""


@pytest.mark.behaviour("export.otlp-grpc", "exit.bounded")
def test_parent_and_child_send_spans_and_metrics_after_a_fork_from_a_connection_that_stood():
    with collecting_grpc() as collector:
        command = [sys.executable, "-c", LOOKS + RECORDS_ONE_SPAN + FORKS]
        process = recording_process(told(collector, MCP_OBS_METRICS="performance"), command=command)
        collector.wait_for("ping")
        out, said = process.communicate("\n", timeout=BOUND)
    assert (process.returncode, out, said) == (0, "recorded\nleft: []\n", "")
    assert set(collector.spans) == {"ping", "prompts/list", "tools/list"}
    # Through the OpenTelemetry SDK a child's metrics count on from those of its parent.
    counted = {
        point.attributes["mcp.method.name"]
        for points in collector.points
        for point in points
        if point.metric == "mcp.server.operation.duration"
    }
    assert counted == {"ping", "prompts/list", "tools/list"}


@pytest.mark.behaviour("export.fork", "export.otlp-grpc")
def test_a_child_sends_its_own_operations_and_none_that_its_parent_had_queued():
    with collecting_grpc() as collector:
        process = recording_process(told(collector, OTEL_BSP_SCHEDULE_DELAY="3600000"), FORKS)
        out, said = process.communicate("\n", timeout=BOUND)
    assert (process.returncode, out, said) == (0, "recorded\n", "")
    assert sorted(collector.spans) == ["ping", "prompts/list", "tools/list"]


LIVES_ON = """
import os
sys.stdin.readline()
if child := os.fork():
    begin(lambda: Message("tools/list", None, 2, None, None, None)).answer({})
    os.waitpid(child, 0)
else:
    begin(lambda: Message("prompts/list", None, 2, None, None, None)).answer({})
    sys.stdin.readline()
    os._exit(0)
"""


METRICS_TOO = {
    "MCP_OBS_METRICS": "performance",
    "OTEL_METRIC_EXPORT_INTERVAL": "20",
    # A collector that hangs does so for the whole test.
    "OTEL_EXPORTER_OTLP_TIMEOUT": "120",
}


def wait_for_metrics(collector: Collector, times: int) -> None:
    with collector.arrived:
        assert collector.arrived.wait_for(lambda: len(collector.points) >= times, 60)


@pytest.mark.behaviour("export.fork", "export.otlp-grpc")
@pytest.mark.parametrize("hung", [False, True], ids=["its parent has sent", "its parent is sending"])
def test_a_forked_child_that_lives_on_sends_over_a_connection_of_its_own(hung: bool):
    with (
        collecting_grpc(hung=hung) as collector,
        recording_process(told(collector, **METRICS_TOO), LIVES_ON) as process,
    ):
        collector.wait_for("ping")
        wait_for_metrics(collector, times=1)
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
        collector.wait_for("prompts/list")
        # Of the parent, which was cut off, once more, and of the child.
        wait_for_metrics(collector, times=3)
        collector.released.set()
        collector.wait_for("tools/list")
        out, _ = process.communicate("\n", timeout=BOUND)
    assert (process.returncode, out) == (0, "recorded\n")
    assert set(collector.spans) == {"ping", "prompts/list", "tools/list"}
    # What a fork has cut off, as the collector had not answered, is sent once more.
    assert not hung or collector.spans.count("ping") == 2
