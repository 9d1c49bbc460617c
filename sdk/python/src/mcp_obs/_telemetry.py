"""What an operation is recorded with: a tracer and a histogram."""

from functools import cache
from importlib.metadata import version

from opentelemetry.metrics import Histogram, MeterProvider, get_meter_provider
from opentelemetry.trace import Tracer, TracerProvider, get_tracer_provider

from mcp_obs import semconv

SCOPE = "mcp_obs"


class Telemetry:
    """The instruments of one pair of providers; without a meter provider no durations are recorded."""

    def __init__(self, traces: TracerProvider, meters: MeterProvider | None) -> None:
        release = version("mcp-obs")
        self.tracer: Tracer = traces.get_tracer(SCOPE, release)
        self.durations: Histogram | None = None
        if meters is not None:
            self.durations = meters.get_meter(SCOPE, release).create_histogram(
                semconv.MCP_SERVER_OPERATION_DURATION,
                unit="s",
                description="Time an MCP operation took.",
                explicit_bucket_boundaries_advisory=semconv.DURATION_BOUNDARIES,
            )


class _Current:
    """What configure_mcp_telemetry last decided."""

    configured: Telemetry | None = None
    enabled: bool = True


_current = _Current()


@cache
def _of_the_host() -> Telemetry:
    # These are proxies: they find the host's providers even when those are set later.
    return Telemetry(get_tracer_provider(), get_meter_provider())


def use(telemetry: Telemetry | None, *, enabled: bool = True) -> None:
    """Record with `telemetry` from now on; None means the host's own providers."""
    _current.configured = telemetry
    _current.enabled = enabled


def current() -> Telemetry | None:
    """What to record with, or None when telemetry is switched off."""
    if not _current.enabled:
        return None
    return _current.configured or _of_the_host()
