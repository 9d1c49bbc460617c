"""What is counted of operations, the same on every way of recording."""

import struct
import tracemalloc
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from sdk_kit.lines import Line, installed_lines
from sdk_kit.recording import Recording, exported, points_of

import mcp_obs
from mcp_obs import _clock, _telemetry, semconv
from mcp_obs._lean.wire import field, key_value
from mcp_obs._message import Message
from mcp_obs._metrics.categories import ALL, Category, resolve
from mcp_obs._metrics.lean_metrics import LeanMetrics
from mcp_obs._metrics.light_meter import light_meter
from mcp_obs._metrics.metrics import MOST_CHOSEN, MOST_SERIES, Metrics
from mcp_obs._metrics.operations import record_operation
from mcp_obs._metrics.sdk_metrics import sdk_metrics
from mcp_obs._metrics.targets import MOST_LEARNED, Targets
from mcp_obs._operation import Operation, begin
from mcp_obs.testing import Capture, Distribution, Point

lines = pytest.mark.parametrize("line", installed_lines().values(), ids=str)
DURATION = "mcp.server.operation.duration"
MANY = 100_000


class MCPError(Exception):
    """As mcp raises for an answer that is an error."""

    def __init__(self, code: int) -> None:
        super().__init__("no")
        self.error = SimpleNamespace(code=code)


def begun(method: str, name: str | None = None) -> Operation:
    params = None if name is None else {"name": name}
    operation = begin(lambda: Message(method, params, 1, "2026-07-28", None, None))
    assert operation is not None
    return operation


def counted(recording: Recording, metric: str) -> list[tuple[float, dict[str, Any]]]:
    """Count or value, and attributes, of a metric's series."""
    return [
        (point.value.count if isinstance(point.value, Distribution) else point.value, point.attributes)
        for point in recording.points(metric)
    ]


@pytest.mark.behaviour("configuration.metrics")
@pytest.mark.parametrize(
    ("environ", "argument", "wanted"),
    [
        ({}, None, set[str]()),
        ({}, True, ALL),
        ({}, ["usage"], {"usage"}),
        ({}, "session, usage", {"session", "usage"}),
        ({"MCP_OBS_METRICS": "1"}, None, ALL),
        ({"MCP_OBS_METRICS": "session,performance"}, None, {"session", "performance"}),
        ({"MCP_OBS_METRICS": "true"}, False, set[str]()),
        ({"MCP_OBS_METRICS": "off", "OTEL_METRICS_EXPORTER": "otlp"}, None, set[str]()),
        ({"OTEL_METRICS_EXPORTER": "console, otlp"}, None, ALL),
        ({"OTEL_METRICS_EXPORTER": "none"}, None, set[str]()),
    ],
)
def test_categories_come_from_the_argument_then_from_our_variable_then_from_the_standard_one(
    environ: dict[str, str], argument: Any, wanted: set[Category]
):
    assert resolve(environ, argument) == wanted


def test_a_category_that_there_is_not_is_refused_by_name():
    with pytest.raises(
        ValueError, match="MCP_OBS_METRICS knows session, performance, usage, and 'speed' is none of them"
    ):
        resolve({"MCP_OBS_METRICS": "usage,speed"})
    with pytest.raises(ValueError, match="metrics knows"):
        resolve({}, ["sessions"])


def test_an_operation_adds_to_the_metrics_that_its_end_calls_for(recording: Recording):
    begun("tools/call", "answers").answer({"content": []})
    begun("tools/call", "answers").answer({"content": [], "isError": True})
    begun("tools/call", "answers").cancel()
    begun("tools/call", "answers").answer({"resultType": "input_required"})
    begun("ping").refuse(-32050, "Quota exceeded")
    begun("completion/complete").refuse(-32601, "Method not found")
    begun("subscriptions/listen").answer({})
    operation = {"network.transport": "pipe", "mcp.protocol.version": "2026-07-28"}
    call = operation | {
        "mcp.method.name": "tools/call",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "answers",
    }
    failed = {"error.type": "-32050", "rpc.response.status_code": "-32050"}
    assert counted(recording, DURATION) == [
        (1, call),
        (1, call | {"error.type": "tool_error"}),
        (1, operation | {"mcp.method.name": "ping"} | failed),
        (1, operation | {"mcp.method.name": "completion/complete", "rpc.response.status_code": "-32601"}),
    ]
    assert counted(recording, "mcp.message.latency") == [(4, {})]
    assert counted(recording, "mcp.errors") == [
        (1, {"error.type": "tool_error"}),
        (1, {"error.type": "-32050"}),
    ]
    used = {"mcp.method.name": "tools/call", "gen_ai.tool.name": "answers"}
    assert counted(recording, "mcp_obs.feature.usage") == [
        (1, used | {"mcp_obs.operation.outcome": outcome})
        for outcome in ("ok", "error", "cancelled", "input_required")
    ]


def test_seconds_and_milliseconds_are_told_apart_by_their_boundaries(mcp_telemetry: Capture):
    operation = begun("ping")
    mcp_telemetry.clock.advance(0.03)
    operation.answer({})
    (duration,) = mcp_telemetry.points_of(DURATION)
    (latency,) = mcp_telemetry.points_of("mcp.message.latency")
    assert (duration.unit, duration.value) == snapshot(
        (
            "s",
            Distribution(
                count=1,
                sum=0.03,
                boundaries=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0),
                buckets=(0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
            ),
        )
    )
    assert (latency.unit, latency.value) == snapshot(
        (
            "ms",
            Distribution(
                count=1,
                sum=30.0,
                boundaries=(1.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0),
                buckets=(0, 0, 0, 0, 1, 0, 0, 0, 0, 0),
            ),
        )
    )


@pytest.mark.parametrize("category", sorted(ALL))
def test_a_category_alone_is_its_metrics_alone(category: Category):
    metrics = LeanMetrics({category})
    for metric in semconv.RECORDED_METRICS:
        metrics.record(metric.name, 1)
    wanted = {m.name for m in semconv.RECORDED_METRICS if m.category == category and not m.is_observed}
    assert {point.metric for point in exported(metrics)} == wanted


def test_the_metrics_of_the_seed_have_its_names_units_and_boundaries():
    seed = {
        "mcp.sessions.total": ("counter", "1", ()),
        "mcp.session.duration": ("histogram", "s", (0.1, 0.5, 1, 5, 10, 30, 60, 300, 600)),
        "mcp.sessions.active": ("updowncounter", "1", ()),
        "mcp.message.latency": ("histogram", "ms", (1, 5, 10, 25, 50, 100, 250, 500, 1000)),
        "mcp.checkpoint.size": ("histogram", "By", (1024, 10240, 102400, 1048576, 10485760)),
    }
    known = {m.name: (m.instrument, m.unit, m.boundaries) for m in semconv.RECORDED_METRICS}
    assert {name: known[name] for name in seed} == seed
    assert known["mcp.streaming.throughput"][:2] == ("histogram", "msg/s")
    assert known["mcp.errors"][0] == "counter"


@pytest.mark.behaviour("metrics.bounded")
@pytest.mark.anyio
@lines
async def test_a_tool_that_the_server_has_is_named_and_any_other_is_not(line: Line, recording: Recording):
    async with line.in_memory(mcp_obs.instrument(line.build())) as peer:
        await peer.call("fail", reason="it always does")
        for number in range(5):
            await peer.call(f"invented_{number}")
    tools = {attributes.get("gen_ai.tool.name"): count for count, attributes in recording.durations()}
    assert {name: tools[name] for name in tools if name} == {"fail": 1, "_OTHER": 5}
    assert "invented" not in str(recording.points())


def hostile(number: int) -> dict[str, Any]:
    """The attributes of a call in which everything that a client may choose is new."""
    return {
        "mcp.method.name": "tools/call" if number % 2 else f"made/up/{number}",
        "gen_ai.tool.name": f"tool-{number}",
        "gen_ai.prompt.name": f"prompt-{number}",
        "mcp.protocol.version": f"{number}-01-01",
        "mcp.client.name": f"client-{number}",
        "mcp.session.id": f"session-{number}",
        "network.protocol.version": f"{number // 10 % 10}.{number % 10}",
        "mcp_obs.operation.outcome": "error",
        "error.type": str(number),
        "rpc.response.status_code": str(number),
    }


@pytest.mark.behaviour("metrics.bounded")
def test_a_client_that_calls_a_hundred_thousand_names_leaves_a_handful_of_series():
    metrics = LeanMetrics(ALL)
    for number in range(MANY):
        record_operation(metrics, 0.1, hostile(number))
    points = exported(metrics)
    assert len(points) < 10 * MOST_CHOSEN
    timed = [p.value.count for p in points if p.metric == DURATION and isinstance(p.value, Distribution)]
    assert sum(timed) == MANY


@pytest.mark.behaviour("metrics.bounded")
def test_a_client_that_answers_with_a_thousand_codes_leaves_a_handful_of_series(recording: Recording):
    for code in range(1000, 2000):
        call = begun("tools/call", "asks")
        with call.current():
            asked = begin(
                lambda: Message("roots/list", None, None, "2025-11-25", None, None, is_outbound=True)
            )
        assert asked is not None
        error = MCPError(code)
        asked.fail(error)
        call.refuse(error.error.code, "")
    begun("tools/call", "asks").refuse(-32603, "Internal error")
    begun("tools/call", "asks").answer({"isError": True})
    for metric in ("mcp.client.operation.duration", DURATION, "mcp.errors"):
        points = counted(recording, metric)
        told = [attributes["error.type"] for _, attributes in points]
        assert len(points) == MOST_CHOSEN + (1 if metric.startswith("mcp.client") else 3)
        assert dict(zip(told, (count for count, _ in points), strict=True))["_OTHER"] == 1000 - MOST_CHOSEN
        assert {attributes.get("rpc.response.status_code") for _, attributes in points} <= {None, *told}
    asked_spans = [span for span in recording.log.spans if span.name == "roots/list"]
    assert {str((span.attributes or {})["error.type"]) for span in asked_spans} == set(
        map(str, range(1000, 2000))
    )


@pytest.mark.behaviour("metrics.bounded")
@pytest.mark.parametrize("clears", [False, True])
def test_of_what_an_exception_or_an_argument_names_the_first_stay_told_apart(clears: bool):
    metrics = LeanMetrics(ALL)
    for number in range(MOST_CHOSEN + 5):
        metrics.record("mcp.errors", 1, {"error.type": f"Error{number}"})
        metrics.record("mcp.sessions.total", 1, {"model": f"model-{number}", "restored": "False"})
        metrics.record("mcp.session.duration", 1, {"model": "one", "status": f"status-{number}"})
    if clears:
        metrics.clear()
    metrics.record("mcp.errors", 1, {"error.type": "another"})
    metrics.record("mcp.errors", 1, {"error.type": "tool_error"})
    named = [point.attributes["error.type"] for point in exported(metrics) if point.metric == "mcp.errors"]
    assert named == (
        ["another", "tool_error"]
        if clears
        else [*(f"Error{number}" for number in range(MOST_CHOSEN)), "_OTHER", "tool_error"]
    )
    assert len(exported(metrics)) <= 3 * MOST_CHOSEN + 4


@pytest.mark.parametrize("version", ["1.0", "1.1", "2", "3"])
def test_a_version_of_http_that_there_is_stays_on_metrics_and_any_other_does_not(version: str):
    metrics = LeanMetrics(ALL)
    for stated in (version, "7.3"):
        record_operation(metrics, 0.1, {"mcp.method.name": "ping", "network.protocol.version": stated})
    points = [point for point in exported(metrics) if point.metric == DURATION]
    assert [point.attributes["network.protocol.version"] for point in points] == [version, "_OTHER"]


def test_no_name_that_a_client_made_up_is_held():
    metrics = LeanMetrics(ALL)
    tracemalloc.start()
    for number in range(50_000):
        record_operation(metrics, 0.1, hostile(number))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Python itself keeps some thousand tuples for the next ones.
    assert held < 1_000_000


def _sdk() -> tuple[Metrics, InMemoryMetricReader]:
    reader = InMemoryMetricReader()
    meters = MeterProvider([reader], shutdown_on_exit=False)
    return sdk_metrics(meters.get_meter("kit"), ALL), reader


@pytest.mark.behaviour("metrics.bounded")
def test_what_finds_no_place_among_ten_thousand_series_is_counted_as_overflow_in_both_ways():
    lean = LeanMetrics(ALL)
    sdk, reader = _sdk()
    for number in range(MOST_SERIES + 500):
        for metrics in (lean, sdk):
            metrics.record("mcp_obs.feature.usage", 1, {"gen_ai.tool.name": f"tool-{number}"})
            metrics.record("mcp_obs.http.rejections", 1, {"http.response.status_code": number})
    for points in (exported(lean), list(points_of(reader))):
        assert len(points) <= MOST_SERIES
        values = [point.value for point in points if not isinstance(point.value, Distribution)]
        assert sum(values) == 2 * (MOST_SERIES + 500)
        overflowed = {p.metric: p.value for p in points if "otel.metric.overflow" in p.attributes}
        assert overflowed.keys() == {"mcp_obs.feature.usage", "mcp_obs.http.rejections"}


@pytest.mark.behaviour("metrics.bounded")
def test_a_server_that_answers_to_every_name_has_a_bounded_number_of_them():
    targets = Targets()
    known = [targets.known("gen_ai.tool.name", f"t{n}", is_answered=True) for n in range(MOST_LEARNED + 9)]
    assert known[-10:] == [f"t{MOST_LEARNED - 1}", *["_OTHER"] * 9]
    assert targets.known("gen_ai.tool.name", "t0", is_answered=False) == "t0"
    assert targets.known("gen_ai.prompt.name", "t0", is_answered=False) == "_OTHER"


@pytest.mark.parametrize("result", [{}, {"tools": 1}, {"tools": [1, None, {"name": 2}, {}]}])
def test_a_list_that_is_none_teaches_nothing(result: dict[str, Any]):
    targets = Targets()
    targets.listed("tools/list", result)
    targets.listed("ping", result)
    assert targets.known("gen_ai.tool.name", "a", is_answered=False) == "_OTHER"


def test_a_listed_tool_is_known_before_it_ever_answers(recording: Recording):
    begun("tools/list").answer({"tools": [{"name": "listed"}]})
    begun("tools/call", "listed").answer({"isError": True})
    assert [a.get("gen_ai.tool.name") for _, a in recording.durations()] == [None, "listed"]


# ── our meter beside the OpenTelemetry SDK's ─────────────────────────────────

ATTRIBUTES = st.dictionaries(
    st.sampled_from(["a", "b"]), st.sampled_from(["", "x", "\u00e9", 0, 1, 2.5, True, ["x", "y"]]), max_size=2
)
VALUES = st.integers(0, 2**40) | st.floats(0, 1e9)
RECORDED = st.lists(st.tuples(st.sampled_from(["counter", "updown", "histogram"]), VALUES, ATTRIBUTES))


def record_all(meter: Meter, recorded: list[tuple[str, float, dict[str, Any]]]) -> None:
    counter, updown = meter.create_counter("counter", "1"), meter.create_up_down_counter("updown", "1")
    histogram = meter.create_histogram("histogram", "s", explicit_bucket_boundaries_advisory=[1, 100])
    for name, value, attributes in recorded:
        if name == "histogram":
            histogram.record(value, attributes)
        else:
            (counter if name == "counter" else updown).add(value, attributes)


def comparable(points: list[Point]) -> list[tuple[Any, ...]]:
    """In an order of their own; a sum is as near as adding in another order makes it."""
    found = [
        (p.metric, p.unit, sorted(map(repr, p.attributes.items())))
        + (
            (p.value.count, p.value.buckets, p.value.boundaries, pytest.approx(p.value.sum))
            if isinstance(p.value, Distribution)
            else (pytest.approx(p.value),)
        )
        for p in points
    ]
    return sorted(found, key=lambda one: (one[0], one[2]))


@given(RECORDED)
def test_our_meter_counts_as_the_sdk_s_does(recorded: list[tuple[str, float, dict[str, Any]]]):
    lean, reader = LeanMetrics(ALL), InMemoryMetricReader()
    record_all(light_meter(lean), recorded)
    record_all(MeterProvider([reader], shutdown_on_exit=False).get_meter("kit"), recorded)
    assert comparable(exported(lean)) == comparable(list(points_of(reader)))


def test_our_meter_asks_what_is_observed_before_every_export():
    metrics = LeanMetrics(ALL)
    meter = light_meter(metrics)
    asked = iter(range(1, 10))

    def observe(options: CallbackOptions) -> list[Observation]:
        return [Observation(next(asked), {"kind": "a"})]

    def generate() -> Any:
        while True:
            yield [Observation(7)]

    meter.create_observable_counter("seen", [observe], "1")
    meter.create_observable_gauge("level", [generate()])
    meter.create_observable_up_down_counter("open", None)
    meter.create_gauge("told").set(3)
    first, second = exported(metrics), exported(metrics)
    assert [(p.metric, p.value, p.attributes) for p in first] == [
        ("seen", 1, {"kind": "a"}),
        ("level", 7, {}),
        ("told", 3, {}),
    ]
    assert [p.value for p in second] == [2, 7, 3]


# metrics.proto, field by field: a gauge, a sum that is cumulative, and monotonic, a histogram.
GAUGE, SUM, HISTOGRAM = b"\x2a", b"\x3a", b"\x4a"
CUMULATIVE, MONOTONIC = b"\x10\x02", b"\x18\x01"
TIMES = b"\x11" + struct.pack("<Q", 2) + b"\x19" + struct.pack("<Q", 3)


def written(name: str, brief: str, unit: str, kind: bytes, points: list[bytes], rest: bytes = b"") -> bytes:
    head = field(b"\x0a", name.encode()) + field(b"\x12", brief.encode()) + field(b"\x1a", unit.encode())
    return head + field(kind, b"".join(field(b"\x0a", each) for each in points) + rest)


def number(value: float, *attributes: tuple[str, Any]) -> bytes:
    said = b"".join(field(b"\x3a", key_value(*each)) for each in attributes)
    told = (
        b"\x31" + struct.pack("<q", value) if isinstance(value, int) else b"\x21" + struct.pack("<d", value)
    )
    return said + TIMES + told


def distribution(
    buckets: list[int], boundaries: list[float], values: list[float], *attributes: tuple[str, Any]
) -> bytes:
    said = b"".join(field(b"\x4a", key_value(*each)) for each in attributes)
    counted = b"\x21" + struct.pack("<Q", len(values)) + b"\x29" + struct.pack("<d", sum(values))
    held = field(b"\x32", struct.pack(f"<{len(buckets)}Q", *buckets))
    bounds = field(b"\x3a", struct.pack(f"<{len(boundaries)}d", *boundaries))
    ends = b"\x59" + struct.pack("<d", min(values)) + b"\x61" + struct.pack("<d", max(values))
    return said + TIMES + counted + held + bounds + ends


def test_what_is_exported_of_every_kind_of_metric_is_as_the_protocol_has_it_to_the_byte(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(_clock, "time_ns", lambda: 2)
    metrics = LeanMetrics(ALL)
    metrics.record("mcp.errors", 2, {"error.type": "timeout"})
    metrics.record("mcp.errors", 1)
    meter = light_meter(metrics)
    meter.create_up_down_counter("updown", "{\u00e9}", "x" * 130).add(-1, {"a": True, "b": ["x", 2]})
    histogram = meter.create_histogram("histogram", "s", explicit_bucket_boundaries_advisory=[1, 100])
    for value in (0.5, 1, 1000):
        histogram.record(value, {"a": "b" * 100})
    many = list(range(20_000))
    meter.create_histogram("many", explicit_bucket_boundaries_advisory=many).record(3)
    meter.create_histogram("none", explicit_bucket_boundaries_advisory=[]).record(3)
    meter.create_gauge("gauge").set(2.5)
    meter.create_observable_counter("seen", [lambda _: [Observation(7), Observation(8, {"a": 1})]])
    errors = written(
        "mcp.errors",
        "Errors of any kind.",
        "1",
        SUM,
        [number(2, ("error.type", "timeout")), number(1)],
        CUMULATIVE + MONOTONIC,
    )
    rest = [
        written("updown", "x" * 130, "{\u00e9}", SUM, [number(-1, ("a", True), ("b", ["x", 2]))], CUMULATIVE),
        written(
            "histogram",
            "",
            "s",
            HISTOGRAM,
            [distribution([2, 0, 1], [1, 100], [0.5, 1, 1000], ("a", "b" * 100))],
            CUMULATIVE,
        ),
        written(
            "many",
            "",
            "",
            HISTOGRAM,
            [distribution([int(each == 3) for each in range(20_001)], [*many], [3])],
            CUMULATIVE,
        ),
        written("none", "", "", HISTOGRAM, [distribution([1], [], [3])], CUMULATIVE),
        written("gauge", "", "", GAUGE, [number(2.5)]),
        written("seen", "", "", SUM, [number(7), number(8, ("a", 1))], CUMULATIVE + MONOTONIC),
    ]
    assert list(metrics.encode(3)) == [errors, *rest]
    metrics.record("mcp.errors", 0.5)
    first, *others = metrics.encode(3)
    assert first == errors.replace(number(1), number(1.5))
    assert others == rest


def test_two_instruments_of_one_name_share_their_series():
    metrics = LeanMetrics(ALL)
    meter = light_meter(metrics)
    meter.create_counter("seen").add(1)
    meter.create_counter("seen").add(2)
    assert [(p.metric, p.value) for p in exported(metrics)] == [("seen", 3)]


def test_a_feature_s_instruments_record_nothing_where_no_metrics_are_wanted():
    metrics = LeanMetrics(frozenset())
    light_meter(metrics).create_counter("seen").add(1)
    assert exported(metrics) == []


def test_a_feature_s_instruments_are_recorded_on_every_way(recording: Recording):
    telemetry = _telemetry.current()
    assert telemetry is not None
    telemetry.meter.create_counter("seen", "1").add(2, {"a": "b"})
    assert recording.points("seen") == [Point("seen", "1", {"a": "b"}, 2)]
