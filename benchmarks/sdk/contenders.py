"""What is measured beside each other, and how each is switched on in the server's own process.

A server's process has only the packages of its contender: what is imported here is imported by name, when it is used.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[2]
# The OpenTelemetry SDK's and each peer's default is 5 s or less between two exports.
LONGEST_EXPORT_PAUSE_SECONDS = 5.0
# mcp_obs's metrics, from their first value on. The first export of them takes 5 ms of CPU, each later one 2.
METRIC_EXPORT_PAUSE_SECONDS = 10.0

SwitchOn = Callable[[Callable[[], Any], str], Any]
"""Makes the server, recorded and exporting to an endpoint: some must be there before it is, others need it."""


def _bare(make: Callable[[], Any], endpoint: str) -> Any:
    """As the library comes: without an SDK its spans record nothing."""
    return make()


def _mcp_obs(make: Callable[[], Any], endpoint: str) -> Any:
    mcp_obs = import_module("mcp_obs")
    mcp_obs.configure_mcp_telemetry(endpoint=endpoint, server_name="bench", metrics=True)
    return mcp_obs.instrument(make())


def _opentelemetry(make: Callable[[], Any], endpoint: str) -> Any:
    sdk, export = import_module("opentelemetry.sdk.trace"), import_module("opentelemetry.sdk.trace.export")
    otlp = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    provider = sdk.TracerProvider()
    provider.add_span_processor(export.BatchSpanProcessor(otlp.OTLPSpanExporter(f"{endpoint}/v1/traces")))
    import_module("opentelemetry.trace").set_tracer_provider(provider)
    return make()


def _mcpobs(make: Callable[[], Any], endpoint: str) -> Any:
    return import_module("mcpobs").instrument(_opentelemetry(make, endpoint))


def _logfire(make: Callable[[], Any], endpoint: str) -> Any:
    import_module("os").environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint
    import_module("logfire").configure(send_to_logfire=False, console=False, service_name="bench")
    return make()


def _shinzo(make: Callable[[], Any], endpoint: str) -> Any:
    settings = {"server_name": "bench", "server_version": "1", "exporter_endpoint": f"{endpoint}/v1"}
    server = make()
    import_module("shinzo").instrument_server(server, settings)
    return server


def _agentcat(make: Callable[[], Any], endpoint: str) -> Any:
    agentcat = import_module("agentcat")
    options = agentcat.AgentCatOptions(
        exporters={"otlp": {"type": "otlp", "endpoint": f"{endpoint}/v1/traces"}},
        disable_diagnostics=True,
        api_base_url=endpoint,
    )
    return agentcat.track(make(), None, options)


def _sentry(make: Callable[[], Any], endpoint: str) -> Any:
    sentry = import_module("sentry_sdk")
    integration = import_module("sentry_sdk.integrations.mcp").MCPIntegration()
    dsn = endpoint.replace("http://", "http://key@") + "/1"
    sentry.init(dsn=dsn, traces_sample_rate=1.0, integrations=[integration])
    return make()


@dataclass(frozen=True)
class Contender:
    """One way of recording; `environment` is the folder of the virtual environment that has it."""

    name: str
    switch_on: SwitchOn
    environment: str = ".venv"
    library: str = "mcp"
    """Whose server it is on: mcp or fastmcp."""

    @property
    def records(self) -> bool:
        """Whether it has anything to export."""
        return self.switch_on is not _bare

    @property
    def python(self) -> Path:
        """The interpreter that can run it."""
        return _ROOT / self.environment / "bin" / "python"


BARE = Contender("bare", _bare)
TWIN = Contender("bare twin", _bare)
MCP_OBS = Contender("mcp_obs", _mcp_obs)
WELL = Contender("mcp_obs, collector well", _mcp_obs)
"""Beside MCP_OBS whose collector fails: what that may not change."""
NATIVE = Contender("native OTel", _opentelemetry)
CORE = (BARE, TWIN, MCP_OBS, NATIVE)
"""What the figures that matter are of."""
FASTMCP_BARE = Contender("fastmcp bare", _bare, library="fastmcp")
FASTMCP = Contender("fastmcp native", _opentelemetry, library="fastmcp")
PEERS = (
    Contender("mcpobs", _mcpobs, ".venv-bench-mcpobs"),
    Contender("logfire", _logfire, ".venv-bench-logfire"),
    Contender("Shinzo", _shinzo, ".venv-bench-shinzo"),
    Contender("AgentCat", _agentcat, ".venv-bench-agentcat"),
    Contender("Sentry", _sentry, ".venv-bench-sentry"),
)
ALL = (*CORE, WELL, FASTMCP_BARE, FASTMCP, *PEERS)


def named(name: str) -> Contender:
    """The contender of that name. Raises KeyError."""
    return {each.name: each for each in ALL}[name]


def baselines(contender: Contender) -> Sequence[Contender]:
    """What its cost is added to."""
    return (FASTMCP_BARE,) if contender.library == "fastmcp" else (BARE, TWIN)


def installed(contenders: Sequence[Contender]) -> list[Contender]:
    """Those whose environment is there; the others are named, with what to do."""
    for each in contenders:
        if not each.python.exists():
            print(f"{each.name} is not measured: {each.environment} is not there (run 'make sdk-peers')")
    return [each for each in contenders if each.python.exists()]
