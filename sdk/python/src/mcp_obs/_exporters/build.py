"""Builds the exporters that are asked for, and says which package one needs."""

from importlib import import_module
from typing import Any

from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.trace.export import SpanExporter

from mcp_obs._configuration import Configuration
from mcp_obs._exporters.choice import Exporter
from mcp_obs._guard import WrongSettingError


def span_exporter(exporter: Exporter, configuration: Configuration) -> SpanExporter:
    """Sends spans. Raises WrongSettingError, saying what to install."""
    return _module(exporter).span_exporter(configuration)


def metric_reader(exporter: Exporter, configuration: Configuration) -> MetricReader | None:
    """Reads metrics and sends them; None where that can't be. Raises WrongSettingError, saying what to install."""
    return _module(exporter).metric_reader(configuration)


def _module(exporter: Exporter) -> Any:
    try:
        return import_module(f"mcp_obs._exporters.{exporter.replace('-', '_')}")
    except ImportError as error:
        extra = exporter.removeprefix("otlp-")
        raise WrongSettingError(
            f"The exporter {exporter} needs a package that is not installed: pip install 'mcp-obs[{extra}]'"
        ) from error
