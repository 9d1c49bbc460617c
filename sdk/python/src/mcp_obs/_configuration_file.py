"""OpenTelemetry's declarative configuration: a file that describes the providers of the whole process."""

import atexit
import time
from collections.abc import Iterator
from typing import Any

from opentelemetry import _logs, metrics, trace

from mcp_obs._configuration import Configuration
from mcp_obs._details import Details
from mcp_obs._guard import Guard
from mcp_obs._metrics.process import observe_process
from mcp_obs._metrics.sessions import end_sessions
from mcp_obs._shutdown import Shutdown, shut_down
from mcp_obs._telemetry import OpenTelemetry

# The entry point of our console exporters (pyproject.toml).
_STDERR = "mcp_obs_stderr"

_shutting_down = Guard("shutting down the exporters of the configuration file")


class FilePipeline:
    """Records with the process's providers, and makes them of the file unless opentelemetry-instrument has.

    Raises ImportError, saying what to install, and what opentelemetry-configuration raises for a file that it can't
    read.
    """

    def __init__(self, configuration: Configuration) -> None:
        assert configuration.file is not None
        self._shutdowns: list[Shutdown] = []
        if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
            _configure(configuration.file)
            providers = (
                trace.get_tracer_provider(),
                metrics.get_meter_provider(),
                _logs.get_logger_provider(),
            )
            self._shutdowns = [_shutdown_of(each) for each in providers if hasattr(each, "shutdown")]
        self.telemetry = OpenTelemetry(
            trace.get_tracer_provider(),
            metrics.get_meter_provider(),
            Details(configuration.privacy, configuration.users),
            configuration.metrics,
        )
        if self._shutdowns:
            observe_process(self.telemetry.meter, configuration.metrics)

    def shutdown(self, seconds: float) -> None:
        """Send what is queued, for at most about `seconds`. Later calls do nothing."""
        deadline = time.monotonic() + seconds
        with _shutting_down:
            end_sessions()
        shut_down(self._shutdowns, deadline - time.monotonic())


def _shutdown_of(provider: Any) -> Shutdown:
    """By itself it waits 30 s for a collector that does not answer."""
    atexit.unregister(provider.shutdown)
    return Shutdown(lambda _: provider.shutdown())


def _configure(path: str) -> None:
    try:
        from opentelemetry.configuration import (  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]
            configure_sdk,
            load_config_file,
        )
    except ImportError as error:
        raise ImportError(
            "OTEL_CONFIG_FILE needs a package that is not installed: pip install 'mcp-obs[config-file]'"
        ) from error
    configuration = load_config_file(path)
    for exporter in _exporters(configuration):
        if exporter.console is not None:
            # It would write to standard output, which belongs to MCP.
            exporter.console = None
            exporter.additional_properties = {_STDERR: {}}
    configure_sdk(configuration)


def _exporters(configuration: Any) -> Iterator[Any]:
    """Where the file says where telemetry goes."""
    for signal in (configuration.tracer_provider, configuration.logger_provider):
        for processor in signal.processors if signal is not None else ():
            yield from (each.exporter for each in (processor.batch, processor.simple) if each is not None)
    for reader in configuration.meter_provider.readers if configuration.meter_provider is not None else ():
        if reader.periodic is not None:
            yield reader.periodic.exporter
