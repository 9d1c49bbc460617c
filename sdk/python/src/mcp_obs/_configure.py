"""The one call that says where telemetry goes."""

import os
from collections.abc import Collection, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import TracerProvider

from mcp_obs import _telemetry
from mcp_obs._configuration import Configuration, is_enabled, needs_the_sdk, resolve
from mcp_obs._exit import at_exit
from mcp_obs._guard import Guard, logger
from mcp_obs._privacy.settings import Privacy
from mcp_obs._users import Identify, resolve_users
from mcp_obs.sampling import Sampler

if TYPE_CHECKING:
    from mcp_obs._configuration_file import FilePipeline
    from mcp_obs._lean.pipeline import LeanPipeline
    from mcp_obs._providers import Providers


def configure_mcp_telemetry(
    api_key: str | None = None,
    endpoint: str | None = None,
    server_name: str | None = None,
    *,
    enabled: bool | None = None,
    metrics: bool | Collection[str] | None = None,
    privacy: Privacy | str | None = None,
    sampler: Sampler | str | None = None,
    user_claim: str | None = None,
    user_id_key: str | None = None,
    identify: Identify | None = None,
    exporter: str | Collection[str] | None = None,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
) -> None:
    """Send the telemetry of instrumented servers to mcp-obs, or to any OTLP collector.

    Providers are private unless they are given: the host's global OpenTelemetry providers are left alone.
    Nothing is ever raised. A second call replaces the first, also one that can't be applied: that is logged to the
    logger `mcp_obs`, and nothing is recorded, not with the host's providers either, until a call that can be.

    Without a key, an endpoint and an exporter, OpenTelemetry's configuration file OTEL_CONFIG_FILE, if
    there is one, decides for the whole process where telemetry goes and what is sampled.

    Args:
        api_key: Sent as a bearer token. Falls back to MCP_OBS_API_KEY.
        endpoint: Base URL; spans go to `{endpoint}/v1/traces`. Falls back to MCP_OBS_ENDPOINT, then
            to OTEL_EXPORTER_OTLP_ENDPOINT, then to http://127.0.0.1:4318.
        server_name: The resource's service.name. Falls back to MCP_OBS_SERVER_NAME, then to
            OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES.
        enabled: False switches telemetry off. Falls back to MCP_OBS_ENABLED, OTEL_SDK_DISABLED and
            DO_NOT_TRACK.
        metrics: Whether metrics are exported too, or which of the categories `session`, `performance`
            and `usage`. Falls back to MCP_OBS_METRICS, then to OTEL_METRICS_EXPORTER=otlp; otherwise only
            spans are sent.
        privacy: How much of tools' arguments and results is recorded: `none`, `shape`, `redacted` or `full`,
            or rules such as `redacted, pay_*=none`, or a Privacy, which also says what is redacted. Falls
            back to MCP_OBS_PRIVACY, then to `shape`: names, types and sizes.
        sampler: Which operations are kept as spans: one of mcp_obs.sampling, or its name, as in
            `ratio:0.1`. Falls back to MCP_OBS_SAMPLER, then to OTEL_TRACES_SAMPLER and
            OTEL_TRACES_SAMPLER_ARG; otherwise all are kept. Metrics count every operation.
        user_claim: The claim of the access token that says who the user is. Falls back to
            MCP_OBS_USER_CLAIM, then to the token's subject, then to its client.
        user_id_key: Ids of users are sent as their HMAC-SHA-256 with this key, of at least 16
            characters. Falls back to MCP_OBS_USER_ID_KEY; otherwise they are sent as they are.
        identify: Called with a Caller when an operation begins; gives the user's id, or None for
            nobody. It must not wait. When it raises, no user is recorded.
        exporter: `otlp-http`, `otlp-grpc`, `prometheus` (metrics, for scraping) or `console` (standard
            error), or several of them. Falls back to MCP_OBS_EXPORTER, then, where OTEL_EXPORTER_OTLP_ENDPOINT
            says where telemetry goes, to OTEL_TRACES_EXPORTER and OTEL_EXPORTER_OTLP_PROTOCOL, and for
            metrics to OTEL_METRICS_EXPORTER; otherwise it is `otlp-http`.
        tracer_provider: A provider of the host, of opentelemetry-sdk: operations are recorded with it, by its
            sampler and with its resource, and all that it records is sent here too, beside the exporters that it
            has. What is called inside a tool is then seen as well.
        meter_provider: The same for metrics, which it switches on.
    """
    with _or_nothing():
        if enabled is False or (enabled is None and not is_enabled(os.environ)):
            _telemetry.use(None, enabled=False)
            at_exit.replace(None)
            return
        users = resolve_users(os.environ, user_claim, user_id_key, identify)
        if metrics is None and meter_provider is not None and not os.environ.get("MCP_OBS_METRICS"):
            metrics = True
        configuration = resolve(
            os.environ, api_key, endpoint, server_name, metrics, privacy, sampler, users, exporter
        )
        if configuration is None:
            _record_nothing()
            logger.warning(
                "mcp-obs has neither an API key nor an endpoint, so no telemetry is sent. "
                "Pass api_key or set MCP_OBS_API_KEY."
            )
            return
        if sampler is not None and (tracer_provider is not None or configuration.file is not None):
            logger.warning(
                "mcp-obs leaves sampling to tracer_provider or OTEL_CONFIG_FILE; its own sampler does not count"
            )
        pipeline = _pipeline(configuration, tracer_provider, meter_provider)
        _telemetry.use(pipeline.telemetry)
        at_exit.replace(pipeline)


@contextmanager
def _or_nothing() -> Generator[None]:
    """What can't be applied may be what is to be kept in."""
    # A new one, as each refused call is to be told.
    with Guard("reading its configuration, so nothing is sent"):
        try:
            yield
        except BaseException:
            _record_nothing()
            raise


def _record_nothing() -> None:
    """And end what was configured before."""
    _telemetry.refuse()
    at_exit.replace(None)


def _pipeline(
    configuration: Configuration, tracer_provider: TracerProvider | None, meter_provider: MeterProvider | None
) -> "LeanPipeline | Providers | FilePipeline":
    # The exporter takes 0.2 s to import, which the command line and unconfigured hosts need not pay.
    is_of_the_host = tracer_provider is not None or meter_provider is not None
    if configuration.file is not None and not is_of_the_host:
        from mcp_obs._configuration_file import FilePipeline  # noqa: PLC0415

        return FilePipeline(configuration)
    if is_of_the_host or not configuration.is_lean or needs_the_sdk(os.environ):
        from mcp_obs._providers import Providers  # noqa: PLC0415

        return Providers(configuration, tracer_provider, meter_provider)
    from mcp_obs._lean.pipeline import LeanPipeline  # noqa: PLC0415

    return LeanPipeline(configuration)
