"""How metrics get to a collector, and that they cost a host nothing."""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from sdk_kit.answers import partly
from sdk_kit.collector import Collector, collecting
from sdk_kit.process import recording_process
from sdk_kit.recording import exported

from mcp_obs._configuration import Configuration, resolve
from mcp_obs._lean.circuit_breaker import CircuitBreaker
from mcp_obs._lean.encoder import Envelope
from mcp_obs._lean.export_counts import SPAN_EXPORTER, ExportCounts
from mcp_obs._lean.pipeline import LeanPipeline
from mcp_obs._lean.sender import Sender
from mcp_obs._metrics import process
from mcp_obs._metrics.categories import ALL
from mcp_obs._metrics.exporter import MetricExporter, metric_interval
from mcp_obs._metrics.figures import Figure, Figures, observe
from mcp_obs._metrics.lean_metrics import LeanMetrics
from mcp_obs._metrics.light_meter import light_meter
from mcp_obs._metrics.process import process_figures
from mcp_obs._providers import Providers
from mcp_obs.semconv import RECORDED_METRICS
from mcp_obs.testing import Point

PROCESS = {
    "process.cpu.time",
    "process.memory.usage",
    "process.memory.virtual",
    "process.unix.file_descriptor.count",
    "process.thread.count",
    "process.uptime",
}


def exporting(collector: Collector, metrics: LeanMetrics, interval: float = 3600) -> MetricExporter:
    envelope = Envelope(Resource({}), "kit", "1")
    sender = Sender(f"{collector.url}/v1/metrics", {})
    return MetricExporter(metrics, envelope, sender, CircuitBreaker(), interval)


def latest(collector: Collector) -> dict[str, Point]:
    """The points of the last export, by metric."""
    return {point.metric: point for point in collector.points[-1]}


@pytest.mark.parametrize("pipeline", [LeanPipeline, Providers])
def test_what_was_counted_and_what_the_process_uses_is_sent_at_the_end(
    pipeline: type[LeanPipeline] | type[Providers],
):
    with collecting() as collector:
        configuration = resolve({}, "key", collector.url, "kit", metrics=True)
        assert configuration is not None
        sending = pipeline(configuration)
        sending.telemetry.metrics.record("mcp.errors", 2, {"error.type": "timeout"})
        sending.shutdown(10)
    points = latest(collector)
    assert points["mcp.errors"] == Point("mcp.errors", "1", {"error.type": "timeout"}, 2)
    assert points.keys() == PROCESS | {"mcp.errors", "mcp_obs.exporter.circuit_breaker.state"}
    ((path, headers),) = collector.requests
    assert (path, headers["authorization"]) == ("/v1/metrics", "Bearer key")
    assert collector.resources[-1]["service.name"] == "kit"


STATE = "mcp_obs.exporter.circuit_breaker.state"
PROCESSED, EXPORTED, TOOK = (
    "otel.sdk.processor.span.processed",
    "otel.sdk.exporter.span.exported",
    "otel.sdk.exporter.operation.duration",
)


def says(metric: str, attribute: str, value: str | None) -> Callable[[Point], bool]:
    """Whether a point of the exporter of spans counts something with that attribute."""

    def is_wanted(point: Point) -> bool:
        found = point.value if isinstance(point.value, float | int) else point.value.count
        is_of_spans = "span" in str(point.attributes.get("otel.component.type"))
        return (point.metric, is_of_spans, point.attributes.get(attribute)) == (metric, True, value) and (
            found > 0
        )

    return is_wanted


@pytest.mark.behaviour("export.counts")
def test_the_breaker_s_state_what_was_dropped_and_which_exports_failed_are_metrics(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "20")
    monkeypatch.setattr("mcp_obs._lean.exporter.EXPORT_SECONDS", 0.02)
    monkeypatch.setattr("mcp_obs._lean.circuit_breaker.FIRST_PAUSE_SECONDS", 0.05)
    with collecting() as collector:
        collector.statuses["/v1/traces"] = 503
        pipeline = LeanPipeline(Configuration("key", collector.url, "kit", ALL))
        tracer = pipeline.telemetry.tracer
        tracer.start_span("kept").end()
        collector.wait_for_point(says(STATE, "mcp_obs.circuit_breaker.state", "open"))
        collector.wait_for_point(says(TOOK, "error.type", "503"))
        collector.statuses["/v1/traces"] = 401
        collector.wait_for_point(says(EXPORTED, "error.type", "401"))
        collector.statuses["/v1/traces"] = 200
        tracer.start_span("taken").end()
        collector.wait_for_point(says(EXPORTED, "error.type", None))
        collector.points.clear()
        collector.wait_for_point(says(STATE, "mcp_obs.circuit_breaker.state", "closed"))
        monkeypatch.setattr("mcp_obs._lean.exporter.MOST_WAITING", 0)
        tracer.start_span("dropped").end()
        collector.wait_for_point(says(PROCESSED, "error.type", "queue_full"))
        pipeline.shutdown(10)
    last = [point for point in collector.points[-1] if point.metric in {PROCESSED, EXPORTED}]
    assert {(point.metric, point.attributes.get("error.type")): point.value for point in last} == {
        (PROCESSED, None): 2,
        (PROCESSED, "queue_full"): 1,
        (EXPORTED, "401"): 1,
        (EXPORTED, None): 1,
    }


@pytest.mark.behaviour("export.counts")
@pytest.mark.parametrize(("rejected", "counted"), [(2, {None: 1, "rejected": 2}), (99, {"rejected": 3})])
def test_spans_that_a_collector_rejects_of_an_export_that_it_takes_are_none_that_it_took(
    rejected: int, counted: dict[str | None, int]
):
    with collecting() as collector:
        collector.answer = partly(rejected, "quota exhausted")
        pipeline = LeanPipeline(Configuration("key", collector.url, "kit", ALL))
        for name in ("a", "b", "c"):
            pipeline.telemetry.tracer.start_span(name).end()
        pipeline.shutdown(10)
    exported = [point for point in collector.points[-1] if point.metric == EXPORTED]
    assert {point.attributes.get("error.type"): point.value for point in exported} == counted
    assert collector.spans == ["a", "b", "c"]


def test_the_connections_end_with_the_exporters():
    with collecting() as collector:
        pipeline = LeanPipeline(Configuration("key", collector.url, "kit", ALL))
        pipeline.telemetry.tracer.start_span("a").end()
        pipeline.shutdown(10)
        assert len(set(collector.ports)) == 2
        collector.wait_for_all_to_leave()


@pytest.mark.behaviour("export.counts")
def test_exactly_one_state_of_a_breaker_is_said_at_any_time():
    now = [0.0]
    breaker = CircuitBreaker(lambda: now[0], lambda: 0.0)
    counts = ExportCounts(SPAN_EXPORTER, breaker)

    def said() -> dict[Any, float]:
        return {
            dict(each.attributes)["mcp_obs.circuit_breaker.state"]: each.value
            for each in counts.figures()
            if each.metric == STATE
        }

    assert said() == {"closed": 1, "open": 0, "half_open": 0}
    breaker.note(is_well=False)
    assert said() == {"closed": 0, "open": 1, "half_open": 0}
    now[0] = 1.0
    assert said() == {"closed": 0, "open": 0, "half_open": 1}


def test_values_are_sent_again_and_again_and_add_up():
    metrics = LeanMetrics(ALL)
    with collecting() as collector:
        exporter = exporting(collector, metrics, interval=0.01)
        metrics.record("mcp.errors", 1)
        collector.wait_for_points("mcp.errors", 1)
        metrics.record("mcp.errors", 1)
        collector.wait_for_points("mcp.errors", 2)
        exporter.shutdown(10)


def test_a_value_that_a_collector_did_not_take_is_in_what_it_takes_next(caplog: pytest.LogCaptureFixture):
    metrics = LeanMetrics(ALL)
    with collecting(503) as collector, caplog.at_level(logging.WARNING, "mcp_obs"):
        exporter = exporting(collector, metrics, interval=0.01)
        metrics.record("mcp.errors", 1)
        collector.wait_for_request()
        collector.status = 200
        metrics.record("mcp.errors", 1)
        exporter.shutdown(10)
    assert latest(collector)["mcp.errors"].value == 2
    assert [record.message.rpartition("/v1/")[2] for record in caplog.records] == [
        "metrics answers 503 and is tried again"
    ]


def test_a_collector_that_hangs_is_not_waited_for():
    metrics = LeanMetrics(ALL)
    with collecting(hung=True) as collector:
        exporter = exporting(collector, metrics, interval=0.01)
        metrics.record("mcp.errors", 1)
        collector.wait_for_request()
        started = time.monotonic()
        exporter.shutdown(0.2)
        assert time.monotonic() - started < 5
        metrics.record("mcp.errors", 1)


def test_without_metrics_there_is_no_thread_and_no_request():
    of_others = set(threading.enumerate())
    with collecting() as collector:
        configuration = resolve({}, "key", collector.url)
        assert configuration is not None
        pipeline = LeanPipeline(configuration)
        pipeline.telemetry.metrics.record("mcp.errors", 1)
        pipeline.telemetry.meter.create_counter("seen").add(1)
        assert "mcp-obs-metrics" not in {thread.name for thread in set(threading.enumerate()) - of_others}
        pipeline.shutdown(1)
    assert collector.requests == []


@pytest.mark.parametrize(
    ("text", "seconds"), [("", 10.0), ("2500", 2.5), ("0", 10.0), ("-1", 10.0), ("soon", 10.0)]
)
def test_how_often_is_said_by_the_standard_variable(text: str, seconds: float):
    assert metric_interval({"OTEL_METRIC_EXPORT_INTERVAL": text}) == seconds


FORKS = """
import os
sys.stdin.readline()
child = os.fork()
if child:
    os.waitpid(child, 0)
else:
    for _ in range(2):
        begin(lambda: Message("ping", None, 1, None, None, None)).answer({})
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_counts_from_nothing():
    with collecting() as collector:
        child = recording_process(
            {"MCP_OBS_ENDPOINT": collector.url, "MCP_OBS_METRICS": "usage,performance"}, FORKS
        )
        # By then the parent has counted it.
        collector.wait_for("ping")
        _, said = child.communicate("\n", timeout=60)
    assert (child.returncode, said) == (0, "")
    counts = [
        point.value
        for points in collector.points
        for point in points
        if point.metric == "mcp.message.latency"
    ]
    assert sorted(value.count for value in counts if not isinstance(value, float | int)) == [1, 2]


USING = """
import os
import sys
import threading
from mcp_obs._metrics import process
from mcp_obs._metrics.process import process_figures

def figure(metric: str) -> float:
    return sum(each.value for each in process_figures() if each.metric == metric)

files, threads = figure("process.unix.file_descriptor.count"), figure("process.thread.count")
memory, cpu = figure("process.memory.usage"), figure("process.cpu.time")
ended = threading.Event()
thread = threading.Thread(target=ended.wait, daemon=True)
thread.start()
held = bytearray(os.urandom(1) * 50_000_000)
opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(5)]
assert figure("process.unix.file_descriptor.count") == files + 5
assert figure("process.thread.count") == threads + 1
assert 25_000_000 < figure("process.memory.usage") - memory < 100_000_000
assert figure("process.memory.virtual") > figure("process.memory.usage")
while figure("process.cpu.time") == cpu:
    sum(held[:1000])
assert 0 < figure("process.uptime") < 86_400
counted, sys.platform = figure("process.unix.file_descriptor.count"), "darwin"
assert figure("process.unix.file_descriptor.count") == counted
ended.set()
thread.join()
for each in opened:
    os.close(each)
"""

FORKED = """
import os
import sys
import threading
import time
from mcp_obs._metrics import process
from mcp_obs._metrics.process import process_figures

def figures() -> dict[str, float]:
    return {each.metric: each.value for each in process_figures()}

threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
time.sleep(0.2)
ours = figures()
child = os.fork()
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
its = figures()
assert its["process.thread.count"] == ours["process.thread.count"] - 1
assert its["process.uptime"] < ours["process.uptime"]
# As a daemon does, whose next file has the number of one that was ours.
os.closerange(3, 256)
opened = os.open(os.devnull, os.O_RDONLY)
assert figures().keys() == ours.keys()
assert figures()["process.unix.file_descriptor.count"] == 4
os.close(opened)
"""


@pytest.mark.parametrize(
    "program",
    [USING, pytest.param(FORKED, marks=pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here"))],
    ids=["alone", "forked"],
)
def test_what_the_process_uses_follows_what_it_does(program: str):
    # One of its own: threads of other tests may end meanwhile.
    child = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (child.returncode, child.stderr) == (0, "")


def observe_by_a_meter(metrics: LeanMetrics, names: set[str], figures: Figures) -> None:
    observe(light_meter(metrics), metrics.categories, names, figures)


ways = pytest.mark.parametrize("have_read", [observe_by_a_meter, LeanMetrics.observe_figures])
HaveRead = Callable[[LeanMetrics, set[str], Figures], None]


@ways
def test_the_process_is_looked_at_once_for_all_metrics_of_an_export_and_anew_for_the_next(
    have_read: HaveRead,
):
    metrics, looks = LeanMetrics(ALL), 0

    def figures() -> list[Figure]:
        nonlocal looks
        looks += 1
        told = (("cpu.mode", "user"),)
        return [
            Figure("process.uptime", looks),
            Figure("process.thread.count", looks),
            Figure("process.cpu.time", looks, told),
        ]

    have_read(metrics, {"process.uptime", "process.cpu.time"}, figures)
    for value in (1, 2):
        points = {(point.metric, str(point.attributes), point.value) for point in exported(metrics)}
        assert points == {
            ("process.uptime", "{}", value),
            ("process.cpu.time", "{'cpu.mode': 'user'}", value),
        }


@ways
def test_figures_that_nobody_wants_are_not_read(have_read: HaveRead):
    metrics = LeanMetrics({"usage"})
    have_read(metrics, PROCESS, lambda: pytest.fail("looked"))
    assert exported(metrics) == []


@ways
def test_figures_that_can_t_be_read_cost_no_other_metric(
    have_read: HaveRead, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("MCP_OBS_STRICT", raising=False)

    def figures() -> Iterator[Figure]:
        yield Figure("process.uptime", 1)
        raise OSError

    metrics = LeanMetrics(ALL)
    have_read(metrics, {"process.uptime"}, figures)
    have_read(metrics, {"process.thread.count"}, lambda: [Figure("process.thread.count", 3)])
    assert "process.thread.count" in {point.metric for point in exported(metrics)}


def test_figures_that_find_no_place_are_counted_as_overflow():
    metrics = LeanMetrics(ALL, most_series=len(RECORDED_METRICS))
    figures = [Figure("process.cpu.time", 1, (("cpu.mode", str(number)),)) for number in range(100)]
    metrics.observe_figures({"process.cpu.time"}, lambda: figures)
    for _ in range(2):
        attributes = [point.attributes for point in exported(metrics)]
        assert len(attributes) < len(RECORDED_METRICS)
        assert {"otel.metric.overflow": True} in attributes


@pytest.mark.parametrize("platform", ["darwin", "linux"])
def test_without_proc_there_is_what_the_standard_library_knows(
    platform: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setitem(sys.modules, "psutil", None)
    monkeypatch.setattr(process, "_STAT", str(tmp_path / "stat"))
    known = {each.metric for each in process_figures()}
    assert known == PROCESS - {"process.memory.usage", "process.memory.virtual"}
    monkeypatch.setattr(process, "_OPEN_FILES", (str(tmp_path / "fd"),))
    assert known - {each.metric for each in process_figures()} == {"process.unix.file_descriptor.count"}
