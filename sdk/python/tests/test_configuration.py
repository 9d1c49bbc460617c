"""Where telemetry goes, and that saying so harms no host."""

import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import NonRecordingSpan, SpanContext
from sdk_kit.collector import collecting
from sdk_kit.lines import installed_lines
from sdk_kit.process import recording_process

import mcp_obs
from mcp_obs import _telemetry
from mcp_obs._configuration import Configuration, is_enabled, resolve
from mcp_obs._guard import Guard
from mcp_obs._message import Message
from mcp_obs._metrics.categories import ALL
from mcp_obs._operation import Operation, begin

LINE = next(iter(installed_lines().values()))


@pytest.mark.behaviour("configuration.public-names")
def test_the_public_names_are_these():
    assert mcp_obs.__all__ == [
        "Caller",
        "MCPFeatures",
        "McpAsgiMiddleware",
        "OAuthAdapter",
        "Privacy",
        "Step",
        "SupportAdapter",
        "TelemetryAdapter",
        "TelemetrySettings",
        "configure_all_mcp_features",
        "configure_mcp_telemetry",
        "create_oauth_adapter",
        "create_telemetry_adapter",
        "instrument",
        "set_session",
    ]


@pytest.mark.behaviour("configuration.order")
@pytest.mark.parametrize(
    ("environ", "arguments", "expected"),
    [
        ({}, {"api_key": "k"}, Configuration("k", "http://127.0.0.1:4318", None)),
        (
            {"MCP_OBS_API_KEY": "e"},
            {"api_key": "k"},
            Configuration("k", "http://127.0.0.1:4318", None),
        ),
        (
            {"MCP_OBS_API_KEY": "e", "MCP_OBS_ENDPOINT": "https://o/", "MCP_OBS_SERVER_NAME": "s"},
            {},
            Configuration("e", "https://o", "s"),
        ),
        (
            {"MCP_OBS_ENDPOINT": "http://e"},
            {"endpoint": "http://a"},
            Configuration(None, "http://a", None),
        ),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"}, {}, Configuration(None, None, None)),
        (
            {"OTEL_METRICS_EXPORTER": "otlp"},
            {"api_key": "k"},
            Configuration("k", "http://127.0.0.1:4318", None, ALL),
        ),
        (
            {"OTEL_METRICS_EXPORTER": "otlp"},
            {"api_key": "k", "metrics": False},
            Configuration("k", "http://127.0.0.1:4318", None),
        ),
        ({}, {"server_name": "s"}, None),
    ],
)
def test_arguments_win_over_our_variables_and_those_over_the_standard_ones(
    environ: dict[str, str], arguments: dict[str, str], expected: Configuration | None
):
    assert resolve(environ, **arguments) == expected  # pyright: ignore[reportArgumentType]


@pytest.mark.behaviour("configuration.refused-by-name")
def test_an_endpoint_that_is_no_url_is_refused_by_name():
    with pytest.raises(
        ValueError, match="must start with http:// or https://, and 'localhost:4318' does not"
    ):
        resolve({}, endpoint="localhost:4318")


@pytest.mark.behaviour("configuration.refused-by-name", "host.no-secrets-in-logs")
@pytest.mark.parametrize("endpoint", ["ada:SECRET@localhost:4318", "ftp://ada:SECR@ET/SECRET@localhost:4318"])
def test_an_endpoint_that_is_no_url_is_refused_without_its_password(endpoint: str):
    with pytest.raises(ValueError, match="and 'localhost:4318' does not") as caught:
        resolve({}, endpoint=endpoint)
    assert "SECR" not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "endpoint", "used"),
    [
        ({}, " http://collector:4318/ \n", "http://collector:4318"),
        ({"MCP_OBS_ENDPOINT": "http://collector:4318\n"}, None, "http://collector:4318"),
        ({"MCP_OBS_ENDPOINT": "http://collector:4318"}, " ", "http://collector:4318"),
        ({}, "HTTP://Collector/A", "http://Collector/A"),
        ({}, "Https://collector", "https://collector"),
    ],
)
def test_what_surrounds_an_endpoint_is_no_part_of_it_and_its_scheme_may_be_in_any_case(
    environ: dict[str, str], endpoint: str | None, used: str
):
    found = resolve(environ, endpoint=endpoint)
    assert found is not None
    assert found.endpoint == used


@pytest.mark.behaviour("configuration.refused-by-name")
@pytest.mark.parametrize("key", ["a\nSECRET", "SECRET\x00", "SECRÉT"])
def test_a_key_that_can_t_be_sent_is_refused_without_being_shown(key: str):
    with pytest.raises(ValueError, match="has characters that no key has") as caught:
        resolve({}, api_key=key)
    assert key not in str(caught.value)


def test_the_newline_after_a_key_from_a_file_is_no_part_of_it():
    found = resolve({"MCP_OBS_API_KEY": "k\n"})
    assert found is not None
    assert found.api_key == "k"


@pytest.mark.behaviour("configuration.switched-off")
@pytest.mark.parametrize(
    ("environ", "enabled"),
    [
        ({}, True),
        ({"MCP_OBS_ENABLED": "true"}, True),
        ({"MCP_OBS_ENABLED": "False"}, False),
        ({"OTEL_SDK_DISABLED": "true"}, False),
        ({"DO_NOT_TRACK": "1"}, False),
        ({"DO_NOT_TRACK": "0"}, True),
    ],
)
def test_the_environment_can_switch_telemetry_off(environ: dict[str, str], *, enabled: bool):
    assert is_enabled(environ) is enabled


@pytest.mark.behaviour("configuration.nothing-given")
def test_without_a_key_and_an_endpoint_there_is_one_warning(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING, "mcp_obs"):
        mcp_obs.configure_mcp_telemetry(server_name="kit")
    try:
        (record,) = caplog.records
        assert record.getMessage().startswith("mcp-obs has neither an API key nor an endpoint")
        assert _telemetry.current() is None
    finally:
        _stop()


@pytest.mark.behaviour("configuration.refused-by-name")
@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"endpoint": "localhost:4318"}, "must start with http:// or https://"),
        ({"exporter": "otpl"}, "exporter knows otlp"),
        ({"tracer_provider": trace.ProxyTracerProvider()}, "has set no tracer provider yet"),
    ],
    ids=["an endpoint", "an exporter", "a provider"],
)
def test_a_wrong_setting_is_one_line_whose_traceback_is_only_for_who_debugs(
    setting: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.delenv("MCP_OBS_STRICT")
    caplog.set_level(logging.DEBUG, "mcp_obs")
    try:
        mcp_obs.configure_mcp_telemetry("key", **setting)
    finally:
        _stop()
    warning, details = (record for record in caplog.records if record.name == "mcp_obs")
    assert (warning.levelname, warning.exc_info, "\n" in warning.getMessage()) == ("WARNING", None, False)
    assert said in warning.getMessage()
    assert details.levelname == "DEBUG"
    assert details.exc_info is not None


@pytest.mark.parametrize("kind", [TypeError, ValueError, ImportError, ZeroDivisionError])
@pytest.mark.parametrize("part", ["_configure.resolve", "_lean.pipeline.resource_of"])
def test_what_nobody_expects_is_told_with_where_it_happened(
    part: str, kind: type[Exception], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def fail(*arguments: object) -> None:
        raise kind("of our own")

    monkeypatch.delenv("MCP_OBS_STRICT")
    monkeypatch.setattr(f"mcp_obs.{part}", fail)
    try:
        mcp_obs.configure_mcp_telemetry("key")
    finally:
        _stop()
    (record,) = caplog.records
    assert record.exc_info is not None


@pytest.mark.parametrize("is_second", [False, True], ids=["the first", "the second"])
@pytest.mark.parametrize(
    "wrong",
    [
        {"user_id_key": "short"},
        {"privacy": "ful"},
        {"privacy": mcp_obs.Privacy(patterns=["("])},
        {"sampler": "most"},
        {"endpoint": "localhost:4318"},
        pytest.param({"endpoint": None}, marks=pytest.mark.behaviour("configuration.nothing-given")),
    ],
    ids=str,
)
@pytest.mark.anyio
async def test_what_is_refused_records_nothing_with_any_provider_until_there_is_what_is_not(
    wrong: dict[str, Any],
    *,
    is_second: bool,
    host_spans: list[ReadableSpan],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    monkeypatch.delenv("MCP_OBS_STRICT")
    caplog.set_level(logging.WARNING, "mcp_obs")
    with collecting() as collector:
        try:
            if is_second:
                mcp_obs.configure_mcp_telemetry(endpoint=collector.url)
            asked: dict[str, Any] = {"endpoint": collector.url, **wrong}
            mcp_obs.configure_mcp_telemetry(**asked)
            async with LINE.in_memory(mcp_obs.instrument(LINE.build())) as peer:
                await peer.call("add", a=1, b=2)
                mcp_obs.configure_mcp_telemetry(endpoint=collector.url)
                await peer.call("greet", name="Ada")
            collector.wait_for("tools/call greet")
        finally:
            _stop()
    assert "tools/call add" not in collector.spans
    assert [span.name for span in host_spans if span.kind is trace.SpanKind.SERVER] == []
    (record,) = [record for record in caplog.records if record.name == "mcp_obs"]
    assert "sent" in record.getMessage()


@pytest.mark.behaviour("configuration.switched-off")
@pytest.mark.parametrize("then", [{"enabled": False}, {"privacy": "ful"}], ids=str)
def test_what_ends_a_configuration_ends_what_sends_for_it(
    then: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("MCP_OBS_STRICT")
    before = set(threading.enumerate())
    with collecting() as collector:
        try:
            mcp_obs.configure_mcp_telemetry(endpoint=collector.url, metrics=True)
            _call("add", {}, Context()).answer({})
            mcp_obs.configure_mcp_telemetry(endpoint=collector.url, **then)
            sending = [one for one in set(threading.enumerate()) - before if one.name.startswith("mcp-obs")]
            assert (sending, collector.spans) == ([], ["tools/call add"])
        finally:
            _stop()


@pytest.fixture
def environment_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """It is read once, where nothing is configured."""
    read = _telemetry._of_the_host  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(_telemetry, "_reading", Guard("reading the environment"))
    read.cache_clear()
    yield
    read.cache_clear()


@pytest.mark.usefixtures("environment_is_read_anew")
@pytest.mark.parametrize(
    ("variable", "value", "recorded"),
    [
        ("MCP_OBS_PRIVACY", "none", 2),
        ("MCP_OBS_PRIVACY", "ful", 0),
        ("MCP_OBS_USER_ID_KEY", "short", 0),
        ("MCP_OBS_METRICS", "much", 0),
    ],
)
@pytest.mark.anyio
async def test_the_host_s_providers_get_nothing_where_the_environment_can_t_be_applied(
    variable: str,
    value: str,
    recorded: int,
    host_spans: list[ReadableSpan],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    monkeypatch.delenv("MCP_OBS_STRICT")
    monkeypatch.setenv(variable, value)
    caplog.set_level(logging.WARNING, "mcp_obs")
    async with LINE.in_memory(mcp_obs.instrument(LINE.build())) as peer:
        await peer.call("add", a=1, b=2)
        await peer.call("add", a=1, b=2)
    calls = [one for one in host_spans if one.kind is trace.SpanKind.SERVER and one.name == "tools/call add"]
    assert len(calls) == recorded
    told = [record for record in caplog.records if record.name == "mcp_obs"]
    assert len(told) == (0 if recorded else 1)


@pytest.mark.behaviour("configuration.switched-off")
def test_a_server_is_left_as_it_is_when_telemetry_is_off(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MCP_OBS_ENABLED", "0")
    server: object = LINE.build()
    before = dict(vars(server))
    assert mcp_obs.instrument(server) is server
    assert vars(server) == before


@pytest.mark.behaviour("configuration.order")
def test_an_argument_that_switches_telemetry_on_wins_over_a_variable_that_switches_it_off(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("MCP_OBS_ENABLED", "false")
    server: object = LINE.build()
    before = dict(vars(server))
    with collecting() as collector:
        mcp_obs.configure_mcp_telemetry(endpoint=collector.url, enabled=True)
        try:
            mcp_obs.instrument(server)
            assert vars(server) != before
            _call("add", {}, Context()).answer({})
        finally:
            _stop()
    assert collector.spans == ["tools/call add"]


@pytest.mark.behaviour("instrument.unknown-object")
def test_an_object_that_is_no_server_is_returned_with_a_warning(caplog: pytest.LogCaptureFixture):
    server = object()
    with caplog.at_level(logging.WARNING, "mcp_obs"):
        assert mcp_obs.instrument(server) is server
    assert "cannot instrument builtins.object" in caplog.text


@pytest.mark.behaviour("host.global-providers-untouched")
def test_configuring_leaves_the_global_providers_alone():
    before = (trace.get_tracer_provider(), metrics.get_meter_provider())
    with collecting() as collector:
        mcp_obs.configure_mcp_telemetry(endpoint=collector.url)
        try:
            assert (trace.get_tracer_provider(), metrics.get_meter_provider()) == before
        finally:
            _stop()


@pytest.mark.behaviour("configuration.replaced")
@pytest.mark.anyio
async def test_a_second_configuration_replaces_the_first_and_loses_nothing():
    with collecting() as first, collecting() as second:
        try:
            mcp_obs.configure_mcp_telemetry(endpoint=first.url)
            async with LINE.in_memory(mcp_obs.instrument(LINE.build())) as peer:
                await peer.call("add", a=1, b=2)
                mcp_obs.configure_mcp_telemetry(endpoint=second.url)
                await peer.call("greet", name="Ada")
            first.wait_for("tools/call add")
            second.wait_for("tools/call greet")
        finally:
            _stop()


UNSAMPLED_META = {"traceparent": "00-0000000000000000000000000000abcd-00000000000000ef-00"}
UNSAMPLED_AMBIENT = trace.set_span_in_context(
    NonRecordingSpan(SpanContext(0xABCD, 0xEF, is_remote=False)), Context()
)


@pytest.mark.behaviour("trace.unsampled-parent")
@pytest.mark.parametrize(
    ("meta", "ambient"),
    [(UNSAMPLED_META, Context()), ({}, UNSAMPLED_AMBIENT)],
    ids=["in _meta", "in the process"],
)
def test_an_unsampled_parent_hides_no_call_and_samples_none_of_the_host_s_spans(
    meta: dict[str, str], ambient: Context
):
    with collecting() as collector:
        mcp_obs.configure_mcp_telemetry(endpoint=collector.url)
        try:
            operation = _call("add", meta, ambient)
            with operation.current():
                inside = trace.get_current_span()
            assert inside.is_recording()
            assert not inside.get_span_context().trace_flags.sampled
            operation.answer({})
            collector.wait_for("tools/call add")
        finally:
            _stop()


@pytest.mark.behaviour("sampling.environment")
def test_the_sampler_of_the_environment_is_obeyed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    with collecting() as collector:
        mcp_obs.configure_mcp_telemetry(endpoint=collector.url)
        try:
            with _call("add", {}, Context()).current():
                assert not trace.get_current_span().is_recording()
        finally:
            _stop()


@pytest.mark.behaviour("export.unencodable-costs-itself")
def test_texts_that_are_no_unicode_cost_the_batch_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MCP_OBS_STRICT")
    with collecting() as collector:
        mcp_obs.configure_mcp_telemetry(endpoint=collector.url)
        try:
            _call("add", {}, Context()).answer({})
            _call("a\ud800", {}, Context()).refuse(-32603, "not \ud800 either")
            collector.wait_for("tools/call add", "tools/call a?")
        finally:
            _stop()


@pytest.mark.behaviour("configuration.metrics")
def test_metrics_are_sent_when_asked_for():
    with collecting() as collector:
        process = recording_process({"MCP_OBS_ENDPOINT": collector.url, "OTEL_METRICS_EXPORTER": "otlp"})
        assert process.communicate(timeout=60) == ("recorded\n", "")
    assert sorted({path for path, _ in collector.requests}) == ["/v1/metrics", "/v1/traces"]


@pytest.mark.behaviour("configuration.standard-variables")
def test_the_standard_variables_alone_are_enough():
    with collecting() as collector:
        process = recording_process(
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
                "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20mine",
                "OTEL_SERVICE_NAME": "standard",
            }
        )
        assert process.communicate(timeout=60) == ("recorded\n", "")
    assert collector.resources[0]["service.name"] == "standard"
    assert collector.requests[0][1]["authorization"] == "Bearer mine"


def _call(tool: str, meta: dict[str, str], ambient: Context) -> Operation:
    message = Message("tools/call", {"name": tool, "_meta": meta}, 1, None, None, None)
    operation = begin(lambda: message, ambient)
    assert operation is not None
    return operation


def _stop() -> None:
    """Send what is queued to the test's own collector, and record nowhere again."""
    from mcp_obs._exit import at_exit

    at_exit.flush()
    _telemetry.use(None)
