"""OpenTelemetry's declarative configuration: a file that describes the providers of the whole process."""

import atexit
import re
import time
from collections.abc import Iterator
from typing import Any

from opentelemetry import _logs, metrics, trace

from mcp_obs._configuration import Configuration
from mcp_obs._details import Details
from mcp_obs._exporters.attempts import Attempts, observe_breakers
from mcp_obs._exporters.resting import let_wait
from mcp_obs._guard import Guard, WrongSettingError, logger
from mcp_obs._metrics.process import observe_process
from mcp_obs._metrics.sessions import end_sessions
from mcp_obs._shutdown import Shutdown, shut_down
from mcp_obs._telemetry import OpenTelemetry

# The entry point of our console exporters (pyproject.toml).
_STDERR = "mcp_obs_stderr"
# To the last quotation mark, as a value may have some.
_QUOTED = re.compile("""['"].*['"]""", re.DOTALL)
# Where the schema's complaint quotes the names of settings only.
_NAMING = frozenset({"additionalProperties", "required"})
_MOST_OF_A_SCHEMA = 200

_shutting_down = Guard("shutting down the exporters of the configuration file")


class FilePipeline:
    """Records with the process's providers, and makes them of the file unless opentelemetry-instrument has.

    Raises WrongSettingError, saying what to install, or for a file that opentelemetry-configuration can't read or
    apply.
    """

    def __init__(self, configuration: Configuration) -> None:
        assert configuration.file is not None
        self._shutdowns: list[Shutdown] = []
        self._attempts: list[Attempts[Any]] = []
        if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
            self._attempts = _configure(configuration.file)
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
            observe_breakers(self.telemetry.meter, configuration.metrics, lambda: self._attempts)

    def shutdown(self, seconds: float) -> None:
        """Send what is queued, for at most about `seconds`. Later calls do nothing."""
        deadline = time.monotonic() + seconds
        with _shutting_down:
            end_sessions()
        for attempts in self._attempts:
            attempts.hurry()
        shut_down(self._shutdowns, deadline - time.monotonic())


def _shutdown_of(provider: Any) -> Shutdown:
    """By itself it waits 30 s for a collector that does not answer."""
    atexit.unregister(provider.shutdown)
    return Shutdown(lambda _: provider.shutdown())


def _configure(path: str) -> list[Attempts[Any]]:
    """Those of the OTLP exporters that the file describes."""
    try:
        from opentelemetry.configuration import (  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]
            ConfigurationError,
            configure_sdk,
            load_config_file,
        )
    except ImportError as error:
        raise WrongSettingError(
            "OTEL_CONFIG_FILE needs a package that is not installed: pip install 'mcp-obs[config-file]'"
        ) from error
    try:
        configuration = load_config_file(path)
        made = _replace_exporters(configuration)
        configure_sdk(configuration)
    except ConfigurationError as error:
        # Not from it: it and what it comes from quote what they name, which may be a key of the environment's.
        raise WrongSettingError(
            f"OTEL_CONFIG_FILE names {path}, which can't be applied: {_reason(error)}"
        ) from None
    for part in _parts():
        let_wait(part)
    return made


def _reason(error: Exception) -> str:
    """What is wrong, and where, without what the file says there."""
    cause: Any = error.__cause__
    if hasattr(cause, "absolute_path"):
        place = " -> ".join(str(step) for step in cause.absolute_path)
        wanted = f"{cause.validator} should be {cause.validator_value}"[:_MOST_OF_A_SCHEMA]
        what = cause.message if cause.validator in _NAMING else wanted
        return f"Configuration does not match schema: {what} (at {place or 'the top'})"
    mark = getattr(cause, "problem_mark", None)
    if mark is not None:
        return f"Failed to parse YAML (at line {mark.line + 1}, column {mark.column + 1})"
    # These name a package or an exporter, and quote no value.
    if isinstance(error, ImportError) or str(error).startswith("Plugin "):
        return str(error)
    return _QUOTED.sub("...", str(error))


def _replace_exporters(configuration: Any) -> list[Attempts[Any]]:
    try:
        from mcp_obs._exporters.described import let_rest  # noqa: PLC0415
    except ImportError:
        logger.warning(
            "mcp-obs does not know this opentelemetry-configuration: its exporters go on while a collector fails"
        )
        let_rest = None
    made: list[Attempts[Any]] = []
    for exporter in _exporters(configuration):
        is_otlp = exporter.otlp_http is not None or exporter.otlp_grpc is not None
        if is_otlp and let_rest is not None:
            let_rest(exporter, made)
        elif _is_to_stdout(exporter):
            # That belongs to MCP.
            exporter.console = exporter.otlp_file_development = None
            exporter.additional_properties = {_STDERR: {}}
    return made


def _is_to_stdout(exporter: Any) -> bool:
    file = getattr(exporter, "otlp_file_development", None)
    return exporter.console is not None or (file is not None and file.output_stream in {None, "stdout"})


def _exporters(configuration: Any) -> Iterator[Any]:
    """Where the file says where telemetry goes."""
    for signal in (configuration.tracer_provider, configuration.logger_provider):
        for processor in signal.processors if signal is not None else ():
            yield from (each.exporter for each in (processor.batch, processor.simple) if each is not None)
    for reader in configuration.meter_provider.readers if configuration.meter_provider is not None else ():
        if reader.periodic is not None:
            yield reader.periodic.exporter


def _parts() -> Iterator[Any]:
    """The processors and readers of the process's providers."""
    spans = getattr(trace.get_tracer_provider(), "_active_span_processor", None)
    logs = getattr(_logs.get_logger_provider(), "_multi_log_record_processor", None)
    yield from getattr(spans, "_span_processors", ())
    yield from getattr(logs, "_log_record_processors", ())
    yield from getattr(metrics.get_meter_provider(), "_metric_readers", ())
